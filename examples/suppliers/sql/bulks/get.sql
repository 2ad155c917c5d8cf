SELECT bulks.*, people.name AS author FROM bulks JOIN people ON people.id = bulks.created_by WHERE bulks.id = ?1
