DELETE FROM taken_messages WHERE message = ?1;
