SELECT min(lease_until) FROM jobs WHERE state = 'running';
