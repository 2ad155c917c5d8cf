// The inbox as this page knows it: items by seq, and exact counts. Pure: no DOM, no network.

/** Keys of the envelope; every other key of an item's frame is the publisher's own data. */
export const ENVELOPE = new Set([
  "type", "notification_type", "id", "seq", "timestamp", "title", "message", "url", "icon", "severity", "actor",
  "group_key", "count", "topic", "seen_at", "read_at", "archived_at", "ref",
]);

/** Items a page that stays open for days holds on to; older ones can be loaded again. */
const MOST = 1000;

export class Inbox {
  constructor() {
    this.reset();
  }

  reset() {
    this.items = new Map(); // seq -> frame
    this.unread = 0;
    this.unseen = 0;
    this.countedThrough = 0; // items up to this seq are in the counts
  }

  /** Reads any frame; answers what changed: "new", "state", "reload" (read the inbox again) or null. */
  apply(frame) {
    switch (frame.type) {
      case "connection_established":
        // Another epoch counts from 1 again: nothing known so far means anything in it.
        if (this.epoch !== frame.epoch) this.reset();
        this.epoch = frame.epoch;
        this.counts(frame);
        this.countedThrough = frame.seq;
        return frame.resumed ? "state" : "reload";
      case "inbox":
        this.counts(frame);
        if (frame.all) return "reload";
        for (const state of frame.changed ?? []) this.mark(state);
        return "state";
      // An `ack` has counts of its own moment, which the `inbox` frame of another tab's change may have overtaken.
      default:
        return frame.id && typeof frame.seq === "number" ? this.add(frame) : null;
    }
  }

  /** Adds an item that arrived. Delivery is at least once; one that is known already changes nothing. */
  add(item) {
    if (item.seq > this.countedThrough) {
      this.countedThrough = item.seq;
      if (!item.read_at && !item.archived_at) this.unread += 1;
      if (!item.seen_at && !item.archived_at) this.unseen += 1;
    }
    if (this.items.has(item.seq)) return null;
    this.items.set(item.seq, item);
    return "new";
  }

  /** Takes over a page of the inbox. With `through`, it replaces all that was known up to that seq. */
  load(items, { through = 0 } = {}) {
    for (const seq of this.items.keys()) if (seq <= through) this.items.delete(seq);
    for (const item of items) this.items.set(item.seq, item);
  }

  /** Lets go of the oldest items when there are too many; answers whether it did. */
  prune() {
    if (this.items.size <= MOST) return false;
    const oldest = [...this.items.keys()].sort((a, b) => a - b).slice(0, this.items.size - MOST);
    for (const seq of oldest) this.items.delete(seq);
    return true;
  }

  /** Exact counts up to a position; items after it that are here already count on top. */
  counts({ unread, unseen, seq, up_to_seq = seq }) {
    const later = [...this.items.values()].filter((item) => item.seq > up_to_seq && !item.archived_at);
    if (typeof unread === "number") this.unread = unread + later.filter((item) => !item.read_at).length;
    if (typeof unseen === "number") this.unseen = unseen + later.filter((item) => !item.seen_at).length;
  }

  mark({ id, seen_at, read_at, archived_at }) {
    for (const [seq, item] of this.items) {
      if (item.id === id) this.items.set(seq, { ...item, seen_at, read_at, archived_at });
    }
  }

  /** Newest first, without archived ones. */
  list({ unreadOnly = false } = {}) {
    return [...this.items.values()]
      .filter((item) => !item.archived_at && !(unreadOnly && item.read_at))
      .sort((a, b) => b.seq - a.seq);
  }

  get oldestSeq() {
    return Math.min(...this.items.keys());
  }
}

/** What a publisher put beside the envelope; null when there is nothing. A generic item has it under `data`. */
export function ownData(item) {
  const own = Object.fromEntries(Object.entries(item).filter(([key]) => !ENVELOPE.has(key)));
  const data = item.type === "notification" && own.data && typeof own.data === "object" ? own.data : own;
  return Object.keys(data).length ? data : null;
}

/** "ticket_created" -> "Ticket created". */
export function humanType(type) {
  const words = String(type).replace(/[_.-]+/g, " ").trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** A link that may be followed: http(s), or a path of this host. */
export function safeLink(url) {
  if (typeof url !== "string") return null;
  return /^https?:\/\//i.test(url) || /^\/(?![/\\])/.test(url) ? url : null;
}
