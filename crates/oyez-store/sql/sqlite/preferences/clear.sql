DELETE FROM preferences WHERE user = ?1;
