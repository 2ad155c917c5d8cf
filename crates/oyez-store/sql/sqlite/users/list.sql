-- An erasure that is not finished has an id that sorts before the space.
WHERE u.id > ?1 AND u.id > ' '
    AND (?3 IS NULL OR EXISTS (SELECT 1 FROM user_roles AS r WHERE r.role = ?3 AND r.user = u.num))
    AND (?4 IS NULL OR u.disabled = ?4)
    AND (?5 IS NULL OR instr(lower(u.id), ?5) OR instr(lower(u.name), ?5) OR instr(lower(u.email), ?5))
ORDER BY u.id
LIMIT ?2 + 0;
