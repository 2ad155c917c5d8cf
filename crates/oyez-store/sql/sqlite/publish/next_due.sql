SELECT min(lands_at) FROM notifications WHERE state = 'waiting';
