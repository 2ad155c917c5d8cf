DELETE FROM meta WHERE key = 'epoch';
