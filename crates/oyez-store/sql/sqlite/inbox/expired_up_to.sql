UPDATE notifications SET cursor = ?2 WHERE num = ?1;
