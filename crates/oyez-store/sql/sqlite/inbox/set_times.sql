UPDATE placed_items
SET seen_at = new.value ->> 2, read_at = new.value ->> 3, archived_at = new.value ->> 4
FROM jsonb_each(?1) AS new
WHERE placed_items.user = new.value ->> 0 AND placed_items.seq = new.value ->> 1;
