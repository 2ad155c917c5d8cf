SELECT bulks.*, people.name AS author FROM bulks JOIN people ON people.id = bulks.created_by ORDER BY bulks.id DESC LIMIT ?1
