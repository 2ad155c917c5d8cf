// Shows notifications that reach this browser while no page is open. Served at /oyez-sw.js.
//
// A push message is a pointer: it names the notification, and this worker asks the server for it, with the session of
// whoever is signed in here. Where that does not work (no network, signed out, somebody else's session, a page of
// another origin) it shows what the pointer holds, or a general sentence. It keeps nothing.

const GENERAL = "You have a new notification.";
const PATIENCE = 5000;

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("push", (event) => event.waitUntil(showPushed(event.data)));
self.addEventListener("notificationclick", (event) => event.waitUntil(open(event.notification)));
self.addEventListener("pushsubscriptionchange", (event) => event.waitUntil(renew(event)));

/** Shows something, whatever came: a push message that shows nothing costs the permission. */
async function showPushed(data) {
  const pointer = read(data);
  const item = pointer.notification ? await ask(`/api/v1/inbox/${encodeURIComponent(pointer.notification)}`) : null;
  const message = item?.message ?? pointer.message;
  const title = item?.title ?? pointer.title;
  const group = item?.group_key ?? pointer.notification ?? pointer.digest;
  await self.registration.showNotification(title || message || "Oyez", {
    body: title ? (message ?? "") : (message ? "" : GENERAL),
    icon: picture(item?.icon) ?? "/console/bell.svg",
    timestamp: Date.parse(item?.timestamp) || Date.now(),
    // One of a group takes the place of the one before, and says so.
    ...(group ? { tag: String(group), renotify: true } : {}),
    data: { url: item?.url ?? pointer.url ?? "/", notification: pointer.notification ?? null },
  });
}

function read(data) {
  try {
    const pointer = data?.json();
    return pointer && typeof pointer === "object" ? pointer : {};
  } catch {
    return {};
  }
}

/** The answer, or null for whatever reason. */
async function ask(path, options = {}) {
  try {
    const signal = AbortSignal.timeout(PATIENCE);
    const response = await fetch(path, { credentials: "same-origin", cache: "no-store", signal, ...options });
    return response.ok ? await response.json() : null;
  } catch {
    return null;
  }
}

/** An icon may be a name that means something to the application only. */
function picture(icon) {
  return typeof icon === "string" && /^(https?:\/)?\//.test(icon) ? icon : null;
}

/** Goes to the page the notification is about, in a window that is there if one shows it already. */
async function open(notification) {
  notification.close();
  const home = new URL("/", self.location.origin);
  let url = home;
  try {
    url = new URL(notification.data?.url ?? "/", home);
  } catch {
    // No address: the start page will do.
  }
  if (!["http:", "https:"].includes(url.protocol)) url = home;
  const windows = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const there = windows.find((client) => client.url === url.href);
  if (there) return there.focus();
  return self.clients.openWindow(url.href);
}

/** The browser gave the subscription another address: the server is told, if somebody is signed in. */
async function renew(event) {
  const [me, key] = await Promise.all([ask("/api/auth/me"), ask("/api/v1/push/key")]);
  if (!me || !key?.public_key) return;
  const subscription = event.newSubscription ?? await self.registration.pushManager.subscribe({
    userVisibleOnly: true,
    applicationServerKey: key.public_key,
  });
  await ask(`/api/v1/users/${encodeURIComponent(me.user.id)}/push-subscriptions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(subscription),
  });
}
