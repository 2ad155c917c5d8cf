-- What an attempt ended with, of a job that was done and was retried all the same; the last result is in `jobs`.
ALTER TABLE job_attempts ADD COLUMN result TEXT;
