DELETE FROM project_members WHERE project_id = ?1 AND person_id = ?2
