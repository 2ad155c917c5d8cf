// Draws the inbox and turns clicks into commands. Rows are kept by seq, so that focus and open details survive.

import { $, el, exactTime, setText, show, timeAgo } from "./dom.js";
import { humanType, ownData, safeLink } from "./inbox.js";

const NOTHING = ["Nothing here yet", "What is said to you, to your roles or to everyone appears here the moment it happens."];
const ALL_READ = ["All read", "Nothing is waiting for you."];
const OLDER = ["Older ones are unread", "Load them to see what is waiting."];
const SEVERITIES = new Set(["info", "success", "warning", "error", "critical"]);

export class InboxView {
  /** command(frame) sends a frame; loadOlder() resolves to whether there is more. */
  constructor({ inbox, command, loadOlder, onSend }) {
    Object.assign(this, { inbox, command });
    this.rows = new Map();
    this.fresh = new Set();
    this.unreadOnly = false;
    this.loaded = false;
    $("show-all").onclick = () => this.filter(false);
    $("show-unread").onclick = () => this.filter(true);
    $("read-all").onclick = () => command({ type: "mark_read", all: true, up_to_seq: this.newest() });
    $("clear-all").onclick = () => $("confirm").showModal();
    $("confirm").onclose = () => {
      if ($("confirm").returnValue === "yes") command({ type: "clear_all", up_to_seq: this.newest() });
      $("confirm").returnValue = "";
    };
    $("older").onclick = async () => {
      $("older").disabled = true;
      show($("older"), await loadOlder());
      $("older").disabled = false;
    };
    $("empty-send").onclick = onSend;
    setInterval(() => this.tick(), 30_000);
  }

  filter(unreadOnly) {
    this.unreadOnly = unreadOnly;
    $("show-all").setAttribute("aria-pressed", String(!unreadOnly));
    $("show-unread").setAttribute("aria-pressed", String(unreadOnly));
    this.paint();
  }

  newest() {
    return Math.max(0, ...this.inbox.items.keys());
  }

  setConnected(connected) {
    this.connected = connected;
    this.draw();
  }

  /** Draws soon: a burst of frames is drawn once. A timer, since hidden pages have no animation frames. */
  draw({ fresh = null } = {}) {
    if (fresh !== null) this.fresh.add(fresh);
    this.drawing ??= setTimeout(() => {
      this.drawing = null;
      this.paint();
      this.fresh.clear();
    }, 16);
  }

  paint() {
    const { unread } = this.inbox;
    const items = this.inbox.list({ unreadOnly: this.unreadOnly });
    for (const id of ["unread", "tab-count"]) {
      setText($(id), unread > 999 ? "999+" : String(unread));
      $(id).setAttribute("aria-label", `${unread} unread`);
      show($(id), unread > 0);
    }
    document.title = unread > 0 ? `(${unread}) Oyez` : "Oyez";
    $("read-all").disabled = !this.connected || unread === 0;
    $("clear-all").disabled = !this.connected || this.inbox.list().length === 0;
    this.drawRows(items);
    const noneAtAll = this.inbox.list().length === 0;
    if (show($("empty"), this.loaded && items.length === 0)) {
      const [title, text] = unread > 0 ? OLDER : noneAtAll ? NOTHING : ALL_READ;
      setText($("empty-title"), title);
      setText($("empty-text"), text);
      show($("empty-send"), noneAtAll && unread === 0);
    }
  }

  drawRows(items) {
    const list = $("items");
    // By id too: in another epoch the same seq is another item.
    const wanted = new Map(items.map((item) => [item.seq, item.id]));
    for (const [seq, row] of this.rows) {
      if (wanted.get(seq) === row.item.id) continue;
      row.node.remove();
      this.rows.delete(seq);
    }
    let before = list.firstElementChild;
    for (const item of items) {
      let row = this.rows.get(item.seq);
      if (!row || row.item !== item) {
        row = this.refresh(row, item);
        if (this.fresh.has(item.seq)) row.node.classList.add("fresh");
      }
      if (row.connected !== this.connected) {
        row.connected = this.connected;
        for (const button of row.node.querySelectorAll(".item-actions button")) button.disabled = !this.connected;
      }
      if (row.node === before) before = before.nextElementSibling;
      else list.insertBefore(row.node, before);
    }
  }

  /** A row for the item; an existing row keeps its element, its focus and its open details. */
  refresh(old, item) {
    if (!old) {
      const row = { item, node: this.makeRow(item) };
      this.rows.set(item.seq, row);
      this.state(row);
      return row;
    }
    old.item = item;
    this.state(old);
    return old;
  }

  makeRow(item) {
    const link = safeLink(item.url);
    const data = ownData(item);
    const title = item.title || humanType(item.notification_type ?? item.type);
    const actor = typeof item.actor === "string" ? item.actor : item.actor?.name;
    const node = el("li", { class: "item", "data-seq": item.seq },
      el("span", { class: "dot" }, el("span", { class: "hidden" }, "")),
      el("div", { class: "item-body" },
        el("p", { class: "item-title" }, link ? el("a", { href: link, rel: "noreferrer" }, title) : title),
        el("p", { class: "item-message" }, item.message ?? ""),
        el("p", { class: "item-meta" },
          el("time", { datetime: item.timestamp, title: exactTime(item.timestamp) }, timeAgo(item.timestamp)),
          actor && el("span", {}, `by ${actor}`),
          el("code", {}, item.type),
          el("span", { class: "item-seq", title: "Position in your inbox" }, `#${item.seq}`),
          data && this.dataToggle(title)),
        data && el("pre", { class: "item-data", tabindex: "0", hidden: true }, JSON.stringify(data, null, 2))),
      el("div", { class: "item-actions" },
        el("button", { class: "button small read-toggle", type: "button", onclick: () => this.toggle(item.seq) }),
        el("button", { class: "button small", type: "button", "aria-label": `Archive: ${title}`,
          onclick: () => this.command({ type: "archive", id: item.id }) }, "Archive")));
    if (SEVERITIES.has(item.severity)) node.dataset.severity = item.severity;
    return node;
  }

  dataToggle(title) {
    const flip = ({ currentTarget: button }) => {
      const open = button.getAttribute("aria-expanded") !== "true";
      button.setAttribute("aria-expanded", String(open));
      show(button.closest(".item-body").querySelector(".item-data"), open);
    };
    return el("button", { class: "link data-toggle", type: "button", "aria-expanded": "false",
      "aria-label": `Data of: ${title}`, onclick: flip }, "data");
  }

  state({ node, item }) {
    const unread = !item.read_at;
    node.classList.toggle("unread", unread);
    setText(node.querySelector(".dot .hidden"), unread ? "Unread" : "Read");
    const toggle = node.querySelector(".read-toggle");
    setText(toggle, unread ? "Mark read" : "Mark unread");
    toggle.setAttribute("aria-label", `${toggle.textContent}: ${item.title || humanType(item.type)}`);
  }

  toggle(seq) {
    const { id, read_at } = this.rows.get(seq).item;
    this.command({ type: read_at ? "mark_unread" : "mark_read", id });
  }

  tick() {
    for (const time of $("items").querySelectorAll("time")) setText(time, timeAgo(time.dateTime));
  }
}
