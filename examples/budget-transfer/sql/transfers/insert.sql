INSERT INTO transfers (owner, description, period, date, currency, reference, created_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
RETURNING id
