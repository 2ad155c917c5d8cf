ROLLBACK TO change; RELEASE change;
