SELECT name, events, types FROM webhooks WHERE disabled = 0 ORDER BY name;
