SAVEPOINT change;
