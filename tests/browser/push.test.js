// Notifications while no page is open, in a real browser: permission, subscription, the service worker, and what it
// shows. Push services live outside; the browser is handed their messages by its own developer protocol.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { DESKTOP, launch, live, Server, Visitor } from "./harness.js";

let server;
let browser;
before(async () => {
  [server, browser] = await Promise.all([Server.start({ OYEZ_WEB_PUSH__ENABLED: "true" }), launch()]);
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

/** A signed-in page of a user who allows notifications, and its service worker at work. */
async function withWorker(visitor, user) {
  await visitor.context.grantPermissions(["notifications"], { origin: server.url });
  const page = await visitor.signedIn(user);
  await page.evaluate(async () => {
    await navigator.serviceWorker.register("/oyez-sw.js");
    await navigator.serviceWorker.ready;
  });
  const worker = visitor.context.serviceWorkers()[0] ?? (await visitor.context.waitForEvent("serviceworker"));
  // What the browser agreed to show is noted here: without a desktop it forgets notifications in its own time, so a
  // look at those that it has would find too few or too many.
  await worker.evaluate(() => {
    globalThis.shown = [];
    const show = ServiceWorkerRegistration.prototype.showNotification;
    ServiceWorkerRegistration.prototype.showNotification = async function (title, options = {}) {
      await show.call(this, title, options);
      const { body, tag, data } = options;
      globalThis.shown.push({ title, body, tag, data });
    };
  });
  return { page, worker };
}

/** Hands the worker a message as the browser's push service would; answers what it has shown. */
async function push({ page, worker }, message) {
  const session = await page.context().newCDPSession(page);
  const registered = new Promise((resolve) => {
    session.on("ServiceWorker.workerRegistrationUpdated", ({ registrations }) => {
      const registration = registrations.find((one) => !one.isDeleted && one.scopeURL.startsWith(server.url));
      if (registration) resolve(registration);
    });
  });
  await session.send("ServiceWorker.enable");
  const registration = await registered;
  await session.send("ServiceWorker.deliverPushMessage", {
    origin: server.url,
    registrationId: registration.registrationId,
    data: message,
  });
  const shown = await worker.evaluate(async () => {
    while (globalThis.shown.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    return globalThis.shown.splice(0);
  });
  await session.detach();
  return shown;
}

test("a pointer is shown as the notification it names, with the session of who is signed in", async () => {
  const visitor = await Visitor.come(browser, server, DESKTOP);
  const user = await server.user();
  const open = await withWorker(visitor, user);
  const { id } = await server.publish(user.to, "The whole message", { title: "Ticket 7", url: "/tickets/7", group_key: "ticket:7" });
  const [shown] = await push(open, JSON.stringify({ notification: id, title: "Ticket 7", url: "/tickets/7" }));
  assert.deepEqual(shown, { title: "Ticket 7", body: "The whole message", tag: "ticket:7", data: { url: "/tickets/7", notification: id } });
  await visitor.leave();
});

test("whatever cannot be read shows a general sentence, and nothing of somebody else", async () => {
  const visitor = await Visitor.come(browser, server, DESKTOP);
  const [user, other] = [await server.user(), await server.user()];
  const open = await withWorker(visitor, user);
  const { id } = await server.publish(other.to, "private");
  const [foreign] = await push(open, JSON.stringify({ notification: id }));
  assert.equal(foreign.title, "Oyez");
  assert.equal(foreign.body, "You have a new notification.");
  const [nonsense] = await push(open, "not json");
  assert.equal(nonsense.body, "You have a new notification.");
  const [digest] = await push(open, JSON.stringify({ digest: "d", title: "3 new notifications", url: "/" }));
  assert.deepEqual([digest.title, digest.tag, digest.data.url], ["3 new notifications", "d", "/"]);
  await visitor.leave([/404 \(Not Found\)/]);
});

test("the button follows what browser and server allow", async () => {
  const visitor = await Visitor.come(browser, server, DESKTOP);
  const user = await server.user();
  const page = await visitor.page();
  // A push service is not to be had here: the browser's own is replaced, everything else is real.
  await page.addInitScript(() => {
    const keys = { p256dh: "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4", auth: "BTBZMqHH6r4Tts7J_aSIgg" };
    let current = null;
    const made = (options) => ({
      options,
      toJSON: () => ({ endpoint: "https://push.example.net/v1/browser", expirationTime: null, keys }),
      unsubscribe: async () => ((current = null), true),
    });
    PushManager.prototype.getSubscription = async () => current;
    PushManager.prototype.subscribe = async (options) => (current = made(options));
    globalThis.subscribedWith = () => current?.options.applicationServerKey;
  });
  await visitor.context.grantPermissions(["notifications"], { origin: server.url });
  await page.goto("/");
  await page.fill("#login", user.id);
  await page.fill("#password", user.password);
  await page.click("#sign-in-form button");
  await live(page);
  await page.click("#account summary");
  await page.waitForSelector('#push[data-state="off"]');
  await page.click("#push");
  await page.waitForSelector('#push[data-state="on"]');
  const { public_key: key } = await server.api("GET", "/api/v1/push/key");
  assert.equal(await page.evaluate(() => globalThis.subscribedWith()), key);
  const listed = async () => (await server.api("GET", `/api/v1/users/${user.id}/push-subscriptions`)).data;
  const [subscription] = await listed();
  assert.equal(subscription.service, "https://push.example.net");
  await page.click("#push");
  await page.waitForSelector('#push[data-state="off"]');
  assert.deepEqual(await listed(), []);
  await page.click("#push");
  await page.waitForSelector('#push[data-state="on"]');
  await page.click("#sign-out");
  await page.waitForSelector("#sign-in:not([hidden])");
  assert.deepEqual(await listed(), [], "whoever signs in next is not shown what is for the former user");
  await visitor.leave();
});

test("where the server has no web push there is no button", async () => {
  const plain = await Server.start();
  try {
    const visitor = await Visitor.come(browser, plain, DESKTOP);
    const page = await visitor.signedIn(await plain.user());
    await page.click("#account summary");
    await page.waitForSelector('#push[data-state="unavailable"]', { state: "attached" });
    assert.ok(await page.isHidden("#push"));
    await visitor.leave();
  } finally {
    await plain.stop();
  }
});
