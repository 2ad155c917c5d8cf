SELECT p.id, p.endpoint, p.public_key, p.auth, p.device, p.created_at, p.sent_at
