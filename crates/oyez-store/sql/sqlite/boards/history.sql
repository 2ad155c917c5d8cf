SELECT v.version, v.at, v.state FROM boards AS b JOIN board_versions AS v ON v.board = b.num
WHERE b.name = ?1 AND v.version < ?2
ORDER BY v.version DESC LIMIT ?3 + 0;
