INSERT INTO delivery_attempts (delivery, attempt, started_at, ended_at, outcome, answer, error)
SELECT value ->> 0, value ->> 1, value ->> 2, ?2, value ->> 3, value ->> 4, value ->> 5 FROM json_each(?1) WHERE true
ON CONFLICT (delivery, attempt) DO NOTHING;
