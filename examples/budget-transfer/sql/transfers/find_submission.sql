SELECT fingerprint, transfer_id FROM submissions WHERE owner = ?1 AND key = ?2
