UPDATE deliveries
SET state = new.value ->> '$[1][0]', reason = new.value ->> '$[1][1]', digest = unhex(new.value ->> '$[1][2]', '-'),
    attempt = new.value ->> '$[2][0]', given_back = new.value ->> '$[2][1]', resends = new.value ->> '$[2][2]',
    due_at = new.value ->> '$[3][0]', lease_until = new.value ->> '$[3][1]', attempted_at = new.value ->> '$[3][2]',
    sent_at = new.value ->> '$[4][0]', ended_at = new.value ->> '$[4][1]',
    sent_to = new.value ->> '$[5][0]', error = new.value ->> '$[5][1]'
FROM jsonb_each(?1) AS new
WHERE deliveries.num = new.value ->> '$[0]';
