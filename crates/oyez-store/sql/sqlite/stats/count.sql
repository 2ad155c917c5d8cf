SELECT
    (SELECT count(*) FROM users WHERE id > ' '),
    (SELECT coalesce(sum(head - kept_after), 0) FROM inboxes),
    (SELECT count(*) FROM notifications),
    (SELECT count(*) FROM notifications WHERE state = 'waiting'),
    (SELECT count(*) FROM notifications WHERE state = 'sending'),
    (SELECT count(*) FROM sessions WHERE revoked_at IS NULL),
    (SELECT count(*) FROM api_keys WHERE revoked_at IS NULL),
    (SELECT page_count * page_size FROM pragma_page_count, pragma_page_size);
