SELECT refused FROM outbox WHERE transfer_id = ?1
