SELECT EXISTS (SELECT 1 FROM webhooks WHERE disabled = 0);
