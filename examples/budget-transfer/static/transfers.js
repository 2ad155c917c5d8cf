// Keeps the page fresh: bars and steps move with the frames of the owner's jobs; what a frame does not say is fetched
// from the server, which renders everything. Without this script the pages still work, only not by themselves.

const by = (id) => document.getElementById(id);

// After a refused form the address is the form's, which takes posts only. The page names its own: from there it is
// refreshed, and there a reload leads.
const { address } = document.body.dataset;
if (address && address !== location.pathname) history.replaceState(null, "", address);

// --- times ---------------------------------------------------------------------------------------------------------

const absolute = new Intl.DateTimeFormat(navigator.language, { dateStyle: "medium", timeStyle: "medium" });

function spellAll(root = document) {
  for (const element of root.querySelectorAll("time[data-when]")) {
    element.textContent = absolute.format(new Date(element.dateTime));
  }
}
spellAll();

// --- the page's own regions ----------------------------------------------------------------------------------------

let refreshing = null;
let again = false;

// Fetches this very page and swaps the regions marked `data-live`. A field that somebody types in keeps its text.
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
      if (!next) continue;
      const typed = [...region.querySelectorAll("input:not([type=hidden])")].map((field) => [field.name, field.value]);
      const focused = region.contains(document.activeElement) ? document.activeElement.name : null;
      region.replaceChildren(...next.childNodes);
      for (const [name, value] of typed) {
        const field = region.querySelector(`input[name="${CSS.escape(name)}"]`);
        if (field && value) field.value = value;
      }
      if (focused) region.querySelector(`[name="${CSS.escape(focused)}"]`)?.focus();
      spellAll(region);
      repaint(region);
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

// --- uploads -------------------------------------------------------------------------------------------------------

// The latest progress frame of each upload that runs.
const latest = new Map();

// Moves one upload's bar and steps to where a progress frame says it is.
function paint(upload, frame) {
  if (frame.percent !== undefined) {
    upload.querySelector("progress").value = frame.percent;
    upload.querySelector(".percent").textContent = `${Math.round(frame.percent)} %`;
  }
  for (const step of upload.querySelectorAll("[data-step]")) {
    const number = Number(step.dataset.step);
    if (number < frame.step_number) step.className = "completed";
    else if (number === frame.step_number) step.className = frame.status;
    else step.className = "waiting";
  }
  upload.querySelector(".message").textContent = frame.message ?? "";
}

// What the server rendered may be older than what a frame said meanwhile.
function repaint(root) {
  for (const upload of root.querySelectorAll('[data-transfer][data-state="running"]')) {
    const frame = latest.get(Number(upload.dataset.transfer));
    if (frame) paint(upload, frame);
  }
}

function progressed(frame) {
  const before = latest.get(frame.transaction_id);
  latest.set(frame.transaction_id, frame);
  const uploads = [...document.querySelectorAll(`[data-transfer="${CSS.escape(frame.transaction_id)}"]`)];
  for (const upload of uploads) paint(upload, frame);
  // A step that begins or ends is news for a transfer's story, and for the record of the simulated Oracle.
  const isNews = before?.step_number !== frame.step_number || before?.status !== frame.status;
  if (isNews || uploads.some((upload) => upload.dataset.state !== "running")) refresh();
}

function toast(frame) {
  const box = document.createElement("a");
  box.className = "toast";
  box.textContent = frame.message;
  box.href = `/transfers/${encodeURIComponent(frame.transaction_id)}`;
  by("toasts").append(box);
  setTimeout(() => box.remove(), 7_000);
}

function receive(frame) {
  switch (frame.type) {
    case "connection_established":
      by("live").dataset.state = "live";
      by("live").textContent = "live";
      // What happened before the greeting is on the page only if it was rendered after it.
      refresh();
      last = Math.max(last, frame.resumed ? last : frame.seq);
      epoch = frame.epoch;
      attempts = 0;
      break;
    case "jobs":
      for (const job of frame.jobs) receive(job);
      break;
    case "oracle_upload_progress":
      progressed(frame);
      break;
    case "oracle_upload_started":
    case "oracle_upload_completed":
    case "oracle_upload_failed":
    case "oracle_upload_cancelled":
      latest.delete(frame.transaction_id);
      refresh();
      if (frame.seq > last) toast(frame);
      break;
  }
  if (frame.type !== "connection_established" && frame.seq > last) last = frame.seq;
}

// --- the stream ----------------------------------------------------------------------------------------------------

let attempts = 0;
let last = 0;
let epoch = null;

function connect() {
  const since = epoch ? `&since=${last}&epoch=${encodeURIComponent(epoch)}` : "";
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  // The cookie that the login set says who we are.
  const socket = new WebSocket(`${scheme}://${location.host}/ws/notifications/?frames=full${since}`);
  socket.onmessage = (event) => receive(JSON.parse(event.data));
  socket.onclose = (event) => retry(event.code);
}

async function retry(code) {
  by("live").dataset.state = "lost";
  by("live").textContent = "connection lost, trying again…";
  // 4401: the token ran out. 4403: shut out. Both mean: sign in again. A refused handshake has no code, so ask.
  const answer = code === 4401 || code === 4403 ? null : await fetch("/transfers", { method: "HEAD" }).catch(() => "offline");
  if (answer === null || (answer !== "offline" && answer.redirected)) return location.assign("/login");
  attempts += 1;
  setTimeout(connect, Math.min(15_000, 400 * 2 ** attempts) * (0.5 + Math.random() / 2));
}

connect();
