// Keeps the page fresh: the board, the bell, the regions marked `data-live`. Everything is rendered by the server first;
// without this script the pages still work, only not by themselves.

const by = (id) => document.getElementById(id);
const page = document.body.dataset;

// After a refused form the address is the form's, which takes posts only. The page names its own: from there it is
// refreshed, and there a reload leads.
if (page.address && page.address !== location.pathname) history.replaceState(null, "", page.address);

// --- times ---------------------------------------------------------------------------------------------------------

const relative = new Intl.RelativeTimeFormat(navigator.language, { numeric: "auto", style: "short" });
const absolute = new Intl.DateTimeFormat(navigator.language, { dateStyle: "medium", timeStyle: "short" });
const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60]];

function spell(time) {
  const seconds = (new Date(time) - Date.now()) / 1000;
  if (Math.abs(seconds) > 6 * 86400) return absolute.format(new Date(time));
  const unit = UNITS.find(([, size]) => Math.abs(seconds) >= size);
  if (unit) return relative.format(Math.round(seconds / unit[1]), unit[0]);
  return seconds > 20 ? "in a minute" : "just now";
}

function spellAll(root = document) {
  for (const element of root.querySelectorAll("time[data-when]")) {
    if (!element.dateTime) continue;
    element.textContent = spell(element.dateTime);
    element.title = absolute.format(new Date(element.dateTime));
  }
}

setInterval(spellAll, 15_000);
spellAll();

// --- the page's own regions ----------------------------------------------------------------------------------------

const PACE = 300;
let refreshing = null;
let again = false;

// Fetches this very page and swaps the regions marked `data-live`. What somebody has typed, ticked or unfolded in them
// stays. However often it is asked for, it runs one at a time and not without a pause.
function refresh() {
  // A page that says what was refused has no such regions, and may stand at an address that only takes posts.
  if (!document.querySelector("[data-live]")) return;
  if (refreshing) {
    again = true;
    return;
  }
  refreshing = (async () => {
    const response = await fetch(location.pathname + location.search, { headers: { accept: "text/html" } });
    if (response.redirected && new URL(response.url).pathname !== location.pathname) return location.assign(page.login);
    if (!response.ok) return;
    const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
    for (const region of document.querySelectorAll("[data-live]")) {
      const next = fresh.getElementById(region.id);
      if (next) swap(region, next);
    }
    await new Promise((go) => setTimeout(go, PACE));
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

// A form's own name is new in each answer and says nothing about what is shown.
const shown = (node) => node.innerHTML.replace(/name="submission" value="[^"]*"/g, "");

function swap(region, next) {
  const html = shown(next);
  if (html === region.dataset.html) return;
  region.dataset.html = html;
  const typed = [...region.querySelectorAll("textarea")].map((field) => [field.name, field.value]);
  const ticked = [...region.querySelectorAll("input[type=checkbox]:checked")].map((box) => [box.name, box.value]);
  const open = [...region.querySelectorAll("details")].map((one, place) => one.open && place);
  const focused = region.contains(document.activeElement) ? document.activeElement.name : null;
  region.replaceChildren(...next.childNodes);
  for (const [name, value] of typed) {
    const field = region.querySelector(`textarea[name="${CSS.escape(name)}"]`);
    if (field && value) field.value = value;
  }
  for (const [name, value] of ticked) {
    const box = region.querySelector(`input[name="${CSS.escape(name)}"][value="${CSS.escape(value)}"]:not(:disabled)`);
    if (box) box.checked = true;
  }
  [...region.querySelectorAll("details")].forEach((one, place) => (one.open ||= open.includes(place)));
  if (focused) region.querySelector(`[name="${CSS.escape(focused)}"]`)?.focus();
  spellAll(region);
}

// A form is sent once, however often the button is pressed; the server would notice as well.
document.addEventListener("submit", (event) => {
  const question = event.submitter?.dataset.sure;
  if (event.target.dataset.sent || (question && !confirm(question))) return event.preventDefault();
  event.target.dataset.sent = "yes";
});
addEventListener("pageshow", () => {
  for (const form of document.forms) delete form.dataset.sent;
});

// --- the board -----------------------------------------------------------------------------------------------------

const board = by("board");
let state = null;

// RFC 7396: null takes away, objects are merged, all else replaces.
function merge(target, patch) {
  for (const [key, change] of Object.entries(patch)) {
    if (change === null) delete target[key];
    else if (typeof change !== "object" || Array.isArray(change)) target[key] = change;
    else {
      if (typeof target[key] !== "object" || target[key] === null || Array.isArray(target[key])) target[key] = {};
      merge(target[key], change);
    }
  }
}

function svg(tag, attributes, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

function showBoard() {
  if (!board || !state) return;
  for (const element of board.querySelectorAll("[data-figure]")) {
    const figure = String(state[element.dataset.figure]);
    if (element.textContent === figure) continue;
    element.textContent = figure;
    element.classList.remove("changed");
    void element.offsetWidth;
    element.classList.add("changed");
  }
  let x = 0;
  const bars = by("stack").children;
  state.distribution.forEach((one, place) => {
    bars[place].setAttribute("x", `${x}%`);
    bars[place].setAttribute("width", `${one.percent}%`);
    x += one.percent;
  });
  by("distribution").replaceChildren(
    ...state.distribution.map((one) =>
      make("li", `s-${one.status.toLowerCase()}`, make("span", "key"), make("span", "grow", one.label), make("b", null, one.count), make("span", "percent", `${one.percent.toFixed(1)} %`))),
  );
  const recent = state.recent_applications.map((one) => {
    const link = make("a", "grow plain", make("strong", null, one.company_name), make("br"), make("span", "quiet", make("span", "code", one.tracking_code), "\u00a0· ", when(one.submitted_at)));
    link.href = `/office/applications/${one.id}`;
    return make("li", null, link, make("span", `status s-${one.status.toLowerCase()}`, one.label));
  });
  if (recent.length) by("recent").replaceChildren(...recent);
  showChart();
  const now = new Date().toISOString();
  by("as-of").dateTime = now;
  spellAll(board);
}

function showChart() {
  const most = Math.max(1, ...state.monthly.map((one) => Math.max(one.applications, one.approved)));
  const bars = state.monthly.map((one, place) => {
    const came = Math.ceil((one.applications * 100) / most);
    const approved = Math.ceil((one.approved * 100) / most);
    const group = svg("g", { transform: `translate(${place * 40} 0)` },
      svg("title", {}, `${one.month}: ${one.applications} applications, ${one.approved} approved`),
      svg("rect", { class: "came", x: 6, y: 100 - came, width: 13, height: came, rx: 2 }),
      svg("rect", { class: "approved", x: 21, y: 100 - approved, width: 13, height: approved, rx: 2 }),
      svg("text", { x: 20, y: 116 }, one.label));
    if (one.applications) group.append(svg("text", { class: "figure", x: 12, y: 97 - came }, String(one.applications)));
    return group;
  });
  by("chart").replaceChildren(...bars, svg("line", { x1: 0, x2: 480, y1: 100.5, y2: 100.5 }));
}

// The refresh button asks for the board's job; the board comes by itself.
by("refresh")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  const button = form.querySelector("button");
  button.disabled = true;
  try {
    await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)), redirect: "manual" });
    by("as-of").dateTime = new Date().toISOString();
    spellAll(board);
    refresh();
  } finally {
    button.disabled = false;
    delete form.dataset.sent;
  }
});

// --- the bell ------------------------------------------------------------------------------------------------------

const MOST = 30;
const bell = by("bell") && { count: by("bell-count"), list: by("bell-list"), none: by("bell-none"), all: by("bell-all") };
const items = new Map();
let unread = 0;
let last = 0;
let epoch = null;

function showCount(count) {
  unread = Math.max(0, count);
  if (!bell) return;
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

// Only a path of our own is followed.
const inside = (url) => (/^\/(?![/\\])/.test(url ?? "") ? url : "#");

function showItems() {
  if (!bell) return;
  const newest = [...items.values()].filter((item) => !item.archived_at).sort((a, b) => b.seq - a.seq).slice(0, MOST);
  bell.none.hidden = newest.length > 0;
  bell.list.replaceChildren(
    ...newest.map((item) => {
      const link = make("a", item.read_at ? "read" : "unread", make("span", null, item.message), when(item.timestamp));
      link.href = inside(item.url);
      link.addEventListener("click", () => send({ type: "mark_read", id: item.id }));
      return make("li", `n-${item.notification_type}`, link);
    }),
  );
}

function toast(item) {
  const box = make("a", "toast", item.message);
  box.href = inside(item.url);
  box.addEventListener("click", () => send({ type: "mark_read", id: item.id }));
  by("toasts").append(box);
  setTimeout(() => box.remove(), 7_000);
}

bell?.all.addEventListener("click", () => send({ type: "mark_read", all: true, up_to_seq: last }));
const drops = ".bar details[open]";
document.addEventListener("click", (event) => {
  for (const open of document.querySelectorAll(drops)) if (!open.contains(event.target)) open.open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") for (const open of document.querySelectorAll(drops)) open.open = false;
});

// --- the stream ----------------------------------------------------------------------------------------------------

let socket = null;
let attempts = 0;

function send(command) {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(command));
}

function says(word, text) {
  if (!by("live")) return;
  by("live").dataset.state = word;
  by("live-text").textContent = text;
}

function connect() {
  const since = epoch ? `&since=${last}&epoch=${encodeURIComponent(epoch)}` : "";
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const address = `${scheme}://${location.host}/ws/notifications/?frames=full${since}`;
  // Signed in, the cookie says who we are. A status page brings a token of its own, which counts before any cookie.
  socket = page.stream === "token" ? new WebSocket(address, ["oyez.v1", `bearer.${page.token}`]) : new WebSocket(address);
  socket.onmessage = (event) => receive(JSON.parse(event.data));
  socket.onclose = (event) => retry(event.code);
}

async function retry(code) {
  says("lost", "connection lost");
  // 4401: the token ran out. 4403: shut out. Both mean: sign in again. A refused handshake has no code, so ask.
  const ask = () => fetch(location.pathname, { method: "HEAD" }).catch(() => "offline");
  const answer = code === 4401 || code === 4403 ? null : await ask();
  const isLogin = ({ redirected, url }) => redirected && new URL(url).pathname === new URL(page.login, location.href).pathname;
  if (answer === null || (answer !== "offline" && isLogin(answer))) return location.assign(page.login);
  attempts += 1;
  setTimeout(connect, Math.min(15_000, 400 * 2 ** attempts) * (0.5 + Math.random() / 2));
}

function receive(frame) {
  switch (frame.type) {
    case "connection_established": {
      attempts = 0;
      says("live", "live");
      showCount(frame.unread);
      if (!frame.resumed) items.clear();
      if (bell && (!frame.resumed || !epoch)) send({ type: "history", limit: MOST, ref: "bell" });
      epoch = frame.epoch;
      last = frame.resumed ? last : frame.seq;
      if (board) send({ type: "subscribe", topic: `board:${board.dataset.board}` });
      // What is live only and came before we listened was missed: also between the page and its first connection.
      refresh();
      break;
    }
    case "board":
      if (frame.name !== "suppliers") break;
      state = frame.state;
      showBoard();
      break;
    case "board_patch":
      if (frame.name !== "suppliers" || !state) break;
      merge(state, frame.patch);
      showBoard();
      break;
    case "inbox":
      showCount(frame.unread);
      if (frame.all) send({ type: "history", limit: MOST, ref: "bell" });
      for (const { id, ...marks } of frame.changed ?? []) if (items.has(id)) Object.assign(items.get(id), marks);
      showItems();
      break;
    case "ack":
      if (frame.ref === "bell") {
        for (const item of frame.items ?? []) items.set(item.id, item);
        showItems();
      }
      break;
    case "jobs":
      for (const job of frame.jobs ?? []) progressed(job);
      break;
    case "task_ran":
      // It is about to end: what it left is there a moment later.
      refresh();
      setTimeout(refresh, 1_000);
      break;
    case "token_expiring":
    case "goodbye":
    case "pong":
      break;
    default:
      if (frame.bulk_id !== undefined) progressed(frame);
      if (frame.seq !== undefined) notified(frame);
      // Anything else says that something changed; what is shown here may be it.
      else if (frame.percent === undefined) refresh();
  }
}

// A job's progress moves its bar; the page itself is looked at again when the job ends.
function progressed(frame) {
  const card = document.querySelector(`[data-bulk="${CSS.escape(String(frame.bulk_id))}"]`);
  const bar = card?.querySelector("progress");
  if (bar && frame.percent !== undefined) {
    bar.value = (bar.max * frame.percent) / 100;
    const [done] = /^\d+ of \d+$/.exec(frame.message ?? "") ?? [];
    const word = card.querySelector(".s-under_review");
    if (done && word) word.textContent = done;
  }
}

function notified(item) {
  const isNew = item.seq > last;
  items.set(item.id, item);
  last = Math.max(last, item.seq);
  showItems();
  if (!isNew) return;
  if (!item.read_at) showCount(unread + 1);
  if (bell) toast(item);
  refresh();
}

connect();
