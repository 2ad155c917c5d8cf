UPDATE queues SET window_start = ?2, used = ?3 WHERE name = ?1;
