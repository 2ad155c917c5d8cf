SELECT fingerprint, touched FROM submissions WHERE caller = ?1 AND key = ?2
