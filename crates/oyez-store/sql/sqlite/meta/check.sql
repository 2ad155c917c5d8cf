-- One row that says ok, or one row per damage.
PRAGMA quick_check(1);
