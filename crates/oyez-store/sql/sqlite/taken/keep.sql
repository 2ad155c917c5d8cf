INSERT OR IGNORE INTO taken_messages (message, receiver, at) SELECT ?1, value, ?3 FROM json_each(?2);
