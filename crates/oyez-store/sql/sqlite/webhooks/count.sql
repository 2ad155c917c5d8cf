SELECT count(*), coalesce(sum(name = ?1), 0) FROM webhooks;
