INSERT INTO templates (kind, medium, locale, subject, text, html, updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
ON CONFLICT (kind, medium, locale) DO UPDATE
SET subject = excluded.subject, text = excluded.text, html = excluded.html, updated_at = excluded.updated_at;
