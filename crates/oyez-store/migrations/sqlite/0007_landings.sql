-- Of a publish to many, each recipient's item would change a page of its own if items lay in the order of inboxes.
-- So they are written where few pages change: `landings` keeps all recipients of a notification together, and the row of
-- an inbox, which changes anyway, names in `fresh` the notifications that came last: ',7,9'. Now and then those are put
-- in their places in `placed_items`, a page for many at once. An item that is not placed has no marks.

CREATE TABLE landings (
    notification INTEGER NOT NULL,
    user INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (notification, user)
) STRICT, WITHOUT ROWID;
INSERT INTO landings SELECT notification, user, seq FROM items ORDER BY notification, user;

DROP INDEX items_notification;
ALTER TABLE items RENAME TO placed_items;

-- Items up to and including `placed` are in `placed_items`; those after, up to `head`, are in `fresh`, in order.
ALTER TABLE inboxes ADD COLUMN placed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE inboxes ADD COLUMN fresh TEXT NOT NULL DEFAULT '';
UPDATE inboxes SET placed = head;

-- Every item. To be asked by notification, and by user besides; by user alone it is read from end to end. The marks are
-- looked up one by one because a view that joins could not be the right side of a LEFT JOIN without being read whole.
CREATE VIEW items AS
SELECT l.user, l.seq, l.notification,
    (SELECT seen_at FROM placed_items WHERE user = l.user AND seq = l.seq) AS seen_at,
    (SELECT read_at FROM placed_items WHERE user = l.user AND seq = l.seq) AS read_at,
    (SELECT archived_at FROM placed_items WHERE user = l.user AND seq = l.seq) AS archived_at
FROM landings AS l;
