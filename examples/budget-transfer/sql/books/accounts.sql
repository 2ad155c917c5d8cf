SELECT code, name FROM accounts ORDER BY code
