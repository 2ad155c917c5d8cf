RELEASE change; SAVEPOINT change;
