// Keeps the page fresh: the bell, the list, a ticket. Everything shown is rendered by the server; without this script
// the pages still work, only not by themselves.

const by = (id) => document.getElementById(id);
const bell = { count: by("bell-count"), list: by("bell-list"), none: by("bell-none"), all: by("bell-all") };
const live = { dot: by("live-dot"), state: by("live-state") };
const sheet = document.querySelector("[data-ticket]");

// After a refused form the address is the form's, which takes posts only. The page names its own: from there it is
// refreshed, and there a reload leads.
const { address } = document.body.dataset;
if (address && address !== location.pathname) history.replaceState(null, "", address);

// --- times ---------------------------------------------------------------------------------------------------------

const relative = new Intl.RelativeTimeFormat(navigator.language, { numeric: "auto", style: "short" });
const absolute = new Intl.DateTimeFormat(navigator.language, { dateStyle: "medium", timeStyle: "short" });
const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60]];

function spell(time) {
  const seconds = (new Date(time) - Date.now()) / 1000;
  if (Math.abs(seconds) > 6 * 86400) return absolute.format(new Date(time));
  const unit = UNITS.find(([, size]) => Math.abs(seconds) >= size);
  return unit ? relative.format(Math.round(seconds / unit[1]), unit[0]) : "just now";
}

function spellAll(root = document) {
  for (const element of root.querySelectorAll("time[data-when]")) {
    element.textContent = spell(element.dateTime);
    element.title = absolute.format(new Date(element.dateTime));
  }
}

setInterval(spellAll, 30_000);
spellAll();

// --- the page's own regions ----------------------------------------------------------------------------------------

let refreshing = null;
let again = false;

// Fetches this very page and swaps the regions marked `data-live`. What somebody is typing in them is kept.
function refresh() {
  if (refreshing) {
    again = true;
    return;
  }
  refreshing = (async () => {
    const response = await fetch(location.pathname + location.search, { headers: { accept: "text/html" } });
    if (response.redirected && new URL(response.url).pathname === "/login") return location.assign("/login");
    if (!response.ok) return;
    const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
    for (const region of document.querySelectorAll("[data-live]")) {
      const next = fresh.getElementById(region.id);
      if (!next || next.innerHTML === region.dataset.html) continue;
      region.dataset.html = next.innerHTML;
      const typed = [...region.querySelectorAll("textarea")].map((field) => [field.name, field.value]);
      const focused = region.contains(document.activeElement) ? document.activeElement.name : null;
      region.replaceChildren(...next.childNodes);
      for (const [name, value] of typed) {
        const field = region.querySelector(`textarea[name="${CSS.escape(name)}"]`);
        if (field && value) field.value = value;
      }
      if (focused) region.querySelector(`[name="${CSS.escape(focused)}"]`)?.focus();
      spellAll(region);
    }
  })()
    .catch(() => {})
    .finally(() => {
      refreshing = null;
      if (again) {
        again = false;
        refresh();
      }
    });
}

// A form is sent once, however often the button is pressed; the server would notice as well.
document.addEventListener("submit", (event) => {
  if (event.target.dataset.sent) return event.preventDefault();
  event.target.dataset.sent = "yes";
});
addEventListener("pageshow", () => {
  for (const form of document.forms) delete form.dataset.sent;
});

// --- the bell ------------------------------------------------------------------------------------------------------

const MOST = 30;
const items = new Map();
let unread = 0;
let last = 0;
let epoch = null;

function showCount(count) {
  unread = Math.max(0, count);
  bell.count.hidden = bell.all.hidden = unread === 0;
  bell.count.textContent = unread > 99 ? "99+" : unread;
  document.title = document.title.replace(/^\(\d+\+?\) /, "");
  if (unread) document.title = `(${bell.count.textContent}) ${document.title}`;
}

function make(tag, className, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

function when(time) {
  const element = make("time", "quiet", spell(time));
  element.dateTime = time;
  element.dataset.when = "";
  return element;
}

function showItems() {
  const shown = [...items.values()].filter((item) => !item.archived_at).sort((a, b) => b.seq - a.seq).slice(0, MOST);
  bell.none.hidden = shown.length > 0;
  bell.list.replaceChildren(
    ...shown.map((item) => {
      const link = make("a", item.read_at ? "read" : "unread", make("span", null, item.message), when(item.timestamp));
      link.href = item.ticket ? `/tickets/${item.ticket.id}` : "/tickets";
      link.addEventListener("click", () => send({ type: "mark_read", id: item.id }));
      return make("li", `n-${item.notification_type}`, link);
    }),
  );
}

function toast(item) {
  const box = make("a", "toast", item.message);
  box.href = item.ticket ? `/tickets/${item.ticket.id}` : "/tickets";
  box.addEventListener("click", () => send({ type: "mark_read", id: item.id }));
  by("toasts").append(box);
  setTimeout(() => box.remove(), 7_000);
}

bell.all.addEventListener("click", () => send({ type: "mark_read", all: true, up_to_seq: last }));
document.addEventListener("click", (event) => {
  for (const open of document.querySelectorAll("details[open]")) {
    if (!open.contains(event.target)) open.open = false;
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const open of document.querySelectorAll("details[open]")) open.open = false;
});

// --- the stream ----------------------------------------------------------------------------------------------------

let socket = null;
let attempts = 0;

function send(command) {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(command));
}

function connect() {
  const since = epoch ? `&since=${last}&epoch=${encodeURIComponent(epoch)}` : "";
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  // The cookie that the login set says who we are.
  socket = new WebSocket(`${scheme}://${location.host}/ws/notifications/?frames=full${since}`);
  socket.onmessage = (event) => receive(JSON.parse(event.data));
  socket.onclose = (event) => retry(event.code);
}

async function retry(code) {
  live.dot.className = "dot";
  live.state.textContent = "connection lost, trying again…";
  // 4401: the token ran out. 4403: shut out. Both mean: sign in again. A refused handshake has no code, so ask.
  const answer = code === 4401 || code === 4403 ? null : await fetch("/tickets", { method: "HEAD" }).catch(() => "offline");
  if (answer === null || (answer !== "offline" && answer.redirected)) return location.assign("/login");
  attempts += 1;
  setTimeout(connect, Math.min(15_000, 400 * 2 ** attempts) * (0.5 + Math.random() / 2));
}

function receive(frame) {
  switch (frame.type) {
    case "connection_established": {
      const missed = attempts > 0;
      attempts = 0;
      live.dot.className = "dot on";
      live.state.textContent = "live";
      showCount(frame.unread);
      if (!frame.resumed) items.clear();
      if (!frame.resumed || !epoch) send({ type: "history", limit: MOST, ref: "bell" });
      epoch = frame.epoch;
      last = frame.resumed ? last : frame.seq;
      if (sheet) send({ type: "subscribe", topic: sheet.dataset.watch });
      if (missed) refresh();
      break;
    }
    case "inbox":
      showCount(frame.unread);
      if (frame.all) send({ type: "history", limit: MOST, ref: "bell" });
      for (const { id, ...state } of frame.changed ?? []) if (items.has(id)) Object.assign(items.get(id), state);
      showItems();
      break;
    case "ack":
      if (frame.ref === "bell") {
        for (const item of frame.items ?? []) items.set(item.id, item);
        showItems();
      }
      break;
    case "ticket_changed":
      if (sheet && Number(sheet.dataset.ticket) === frame.ticket.id) refresh();
      break;
    default:
      if (frame.seq !== undefined) notified(frame);
  }
}

function notified(item) {
  const isNew = item.seq > last;
  items.set(item.id, item);
  last = Math.max(last, item.seq);
  showItems();
  if (!isNew) return;
  if (!item.read_at) showCount(unread + 1);
  toast(item);
  const here = sheet ? Number(sheet.dataset.ticket) === item.ticket?.id : by("ticket-list");
  if (here) refresh();
}

connect();
