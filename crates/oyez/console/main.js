// The page at `/`: joins session, stream, inbox, form and log. Everything it does goes through the public API.

import { get, Refused, Unreachable } from "./api.js";
import { $, setText, show, toast } from "./dom.js";
import { FrameLog } from "./frames.js";
import { Inbox, humanType } from "./inbox.js";
import { InboxView } from "./inbox-view.js";
import { Push } from "./push.js";
import { SendForm } from "./send.js";
import { freshAccess, renew, signIn, signOut, whoAmI } from "./session.js";
import { Stream } from "./stream.js";
import { selectTab } from "./tabs.js";

const PAGE_SIZE = 50;
const inbox = new Inbox();
const log = new FrameLog({ send: (text) => stream.send(text) });
const form = new SendForm();
const push = new Push();
const view = new InboxView({
  inbox,
  command: (frame) => stream.send(frame) || toast("Not connected. Try again in a moment."),
  loadOlder,
  onSend: () => {
    selectTab("send");
    $("message").focus();
  },
});
const stream = new Stream({
  url: `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws/notifications/`,
  onFrame,
  onSent: (text) => log.sent(text),
  onState,
  renew,
});

let user = null;
let pingedAt = 0;

function onFrame(frame, text) {
  log.received(text);
  const outcome = inbox.apply(frame);
  if (outcome === "reload") reload();
  else if (outcome) view.draw({ fresh: outcome === "new" ? frame.seq : null });
  if (outcome === "new") {
    if (inbox.prune()) show($("older"), true);
    setText($("announce"), `${frame.title || humanType(frame.type)}: ${frame.message ?? ""}`);
    seenSoon();
  }
  if (frame.type === "connection_established") greeted(frame);
  else if (frame.type === "pong" && pingedAt) setText($("fact-trip"), `${Math.round(performance.now() - pingedAt)} ms`);
  else if (frame.type === "error") toast(`${frame.message} (${frame.code})`);
  else if (frame.type === "token_expiring") renewToken();
  if (frame.type === "pong") pingedAt = 0;
  setText($("fact-seq"), String(inbox.countedThrough));
}

function greeted(frame) {
  // Another tab signed in as somebody else: begin anew rather than mix two people's inboxes.
  if (frame.user_id !== user.id) return location.reload();
  setText($("fact-connection"), frame.connection_id);
  setText($("fact-epoch"), frame.epoch);
  pingedAt = performance.now();
  stream.send({ type: "ping", timestamp: Date.now() });
  seenSoon();
}

async function renewToken() {
  const token = await freshAccess().catch(() => null);
  if (token) stream.send({ type: "auth", token });
}

/** Reads the newest page of the inbox, e.g. at the first connection or when more changed than a frame lists. */
let reloading = null;
function reload() {
  reloading ??= (async () => {
    const through = inbox.countedThrough;
    try {
      const { data, next_cursor } = await get(`/api/v1/inbox?limit=${PAGE_SIZE}`);
      inbox.load(data, { through });
      view.loaded = true;
      show($("older"), Boolean(next_cursor));
    } catch (error) {
      if (error instanceof Refused && error.status === 401) return leave();
      setTimeout(() => stream.isLive && reload(), 3000);
    } finally {
      reloading = null;
    }
    view.draw();
  })();
  return reloading;
}

async function loadOlder() {
  try {
    const { data, next_cursor } = await get(`/api/v1/inbox?limit=${PAGE_SIZE}&before=${inbox.oldestSeq}`);
    inbox.load(data);
    view.draw();
    return Boolean(next_cursor);
  } catch (error) {
    toast(error.message);
    return true;
  }
}

/** What is on the screen is seen, though not read: tells the server once per burst. */
let seenTimer;
function seenSoon() {
  clearTimeout(seenTimer);
  seenTimer = setTimeout(() => {
    const visible = document.visibilityState === "visible" && $("inbox").offsetParent !== null;
    if (visible && inbox.unseen > 0) stream.send({ type: "mark_seen", all: true, up_to_seq: inbox.countedThrough });
  }, 800);
}

let countdown;
function onState({ name, reason, retryAt }) {
  clearInterval(countdown);
  const pill = $("connection");
  pill.dataset.state = name;
  const say = () => {
    const seconds = Math.max(0, Math.ceil((retryAt - Date.now()) / 1000));
    setText($("connection-text"), {
      connecting: "Connecting",
      live: "Live",
      waiting: `Offline · ${seconds} s`,
      stopped: "Disconnected",
    }[name]);
  };
  say();
  if (name === "waiting") countdown = setInterval(say, 1000);
  pill.title = name === "waiting" ? `${reason} Next try in some seconds.` : (reason ?? "");
  show($("connect-now"), name === "waiting" || (name === "stopped" && user !== null));
  show($("offline"), name === "waiting" && user !== null);
  view.setConnected(name === "live");
  if (name === "waiting" || name === "stopped") log.note(reason || "Disconnected.");
  if (name === "stopped" && reason === "Signed out.") leave();
  else if (name === "stopped" && reason) toast(reason);
}

function enter(signedIn) {
  user = signedIn;
  show($("sign-in"), false);
  show($("desk"), true);
  show($("account"), true);
  const name = user.name || user.id;
  setText($("account-name"), name);
  setText($("avatar"), [...name][0]?.toUpperCase() ?? "?");
  setText($("account-id"), user.id);
  setText($("account-roles"), [...new Set([...user.roles, ...user.token_roles])].join(", ") || "no roles");
  form.setUser(user);
  stream.start();
  push.state(user).then(showPush, () => showPush("unavailable"));
}

/** The button says what pressing it does; where the browser or the server cannot, there is none. */
function showPush(state) {
  const button = $("push");
  button.dataset.state = state;
  button.disabled = state === "blocked";
  button.setAttribute("aria-pressed", String(state === "on"));
  setText(button, {
    on: "Stop notifying me on this device",
    blocked: "Notifications are blocked in the browser",
  }[state] ?? "Notify me on this device");
  show(button, state !== "unavailable");
}

$("push").onclick = async () => {
  const button = $("push");
  button.disabled = true;
  const before = button.dataset.state;
  try {
    showPush(await (before === "on" ? push.disable(user) : push.enable(user)));
  } catch (error) {
    showPush(before);
    toast(error.message);
  }
};

/** Back to the sign-in form, with nothing of the former user left on the page. */
function leave() {
  user = null;
  if (!stream.stopped) stream.stop();
  stream.position = null;
  inbox.reset();
  inbox.epoch = undefined;
  view.loaded = false;
  log.clear();
  view.paint();
  $("account").open = false;
  for (const id of ["desk", "account", "connect-now", "offline"]) show($(id), false);
  show($("sign-in"), true);
  $("connection").dataset.state = "stopped";
  setText($("connection-text"), "Signed out");
  $("login").focus();
}

$("sign-in-form").onsubmit = async (event) => {
  event.preventDefault();
  const button = event.submitter;
  show($("sign-in-error"), false);
  if (button) button.disabled = true;
  try {
    const signedIn = await signIn($("login").value.trim(), $("password").value);
    $("password").value = "";
    enter(signedIn);
    $("inbox").focus({ preventScroll: true });
  } catch (error) {
    setText($("sign-in-error"), error.message);
    show($("sign-in-error"), true);
    $("password").select();
  } finally {
    if (button) button.disabled = false;
  }
};

$("sign-out").onclick = async () => {
  // Whoever uses this browser next must not be shown what is for the former user.
  if ($("push").dataset.state === "on") await push.disable(user).then(showPush, () => {});
  user = null;
  stream.stop();
  await signOut().catch(() => toast("The server could not be told; the session ends by itself."));
  leave();
};

$("connect-now").onclick = () => (stream.stopped ? stream.start() : stream.tryNow());
addEventListener("online", () => stream.tryNow());
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState !== "visible") return;
  stream.tryNow();
  seenSoon();
});
addEventListener("oyez:tab", seenSoon);

async function begin() {
  try {
    const signedIn = await whoAmI();
    if (signedIn) enter(signedIn);
    else leave();
  } catch (error) {
    $("connection").dataset.state = "waiting";
    setText($("connection-text"), error instanceof Unreachable ? "Server unreachable" : error.message);
    setTimeout(begin, 3000);
  }
}

begin();
