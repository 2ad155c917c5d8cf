INSERT INTO members (topic, user) VALUES (?1, ?2) ON CONFLICT (topic, user) DO NOTHING;
