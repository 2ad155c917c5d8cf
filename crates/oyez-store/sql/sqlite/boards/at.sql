SELECT v.state FROM boards AS b JOIN board_versions AS v ON v.board = b.num AND v.version = ?2 WHERE b.name = ?1;
