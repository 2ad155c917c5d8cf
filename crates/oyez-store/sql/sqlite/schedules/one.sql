WHERE s.name = ?1;
