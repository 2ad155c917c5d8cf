-- NULL leaves what is there, an empty text clears it.
INSERT INTO users (id, name, email, locale, time_zone, created_at)
VALUES (?1, nullif(?2, ''), nullif(?3, ''), nullif(?4, ''), nullif(?5, ''), ?6)
ON CONFLICT (id) DO UPDATE SET
    name = nullif(coalesce(?2, name), ''),
    email = nullif(coalesce(?3, email), ''),
    locale = nullif(coalesce(?4, locale), ''),
    time_zone = nullif(coalesce(?5, time_zone), '')
RETURNING num;
