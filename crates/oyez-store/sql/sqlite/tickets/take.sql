DELETE FROM tickets WHERE hash = ?1;
