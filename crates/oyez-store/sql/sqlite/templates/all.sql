SELECT kind, medium, locale, subject, text, html, updated_at FROM templates ORDER BY kind, medium, locale;
