// The page at `/`, as a newcomer meets it.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { DESKTOP, launch, lists, live, PHONE, reads, Server, Visitor } from "./harness.js";

let server;
let browser;
before(async () => {
  [server, browser] = await Promise.all([Server.start(), launch()]);
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

/** A test with a visitor of its own, who leaves without complaints. */
function visit(name, options, body) {
  test(name, async () => {
    const visitor = await Visitor.come(browser, server, options);
    let expected;
    try {
      expected = await body(visitor);
    } catch (error) {
      await visitor.context.close();
      throw new Error(`${error.message}\nthe page said: ${visitor.complaints.join("; ") || "nothing"}`, { cause: error });
    }
    await visitor.leave(expected);
  });
}

describe("signing in", () => {
  visit("the first start's password opens the page", DESKTOP, async (visitor) => {
    const page = await visitor.signedIn({ id: server.admin.name, password: server.admin.password });
    await reads(page, "#account-id", server.admin.name);
    await reads(page, "#empty-title", "Nothing here yet");
  });

  visit("a wrong password is told, and the right one then works", DESKTOP, async (visitor) => {
    const user = await server.user();
    const page = await visitor.page();
    await page.goto("/");
    await page.fill("#login", user.id);
    await page.fill("#password", "wrong");
    await page.keyboard.press("Enter");
    await page.waitForSelector("#sign-in-error:not([hidden])");
    await page.fill("#password", user.password);
    await page.keyboard.press("Enter");
    await live(page);
  });

  visit("a reload stays signed in, and no token is kept by the page", DESKTOP, async (visitor) => {
    const page = await visitor.signedIn(await server.user());
    await page.reload();
    await live(page);
    assert.equal(await page.evaluate(() => localStorage.length + sessionStorage.length), 0);
    assert.equal(await page.evaluate(() => document.cookie), "", "scripts cannot read the session");
    assert.equal(new URL(page.url()).search, "");
  });

  visit("signing out leaves nothing of the user on the page", DESKTOP, async (visitor) => {
    const user = await server.user();
    await server.publish(user.to, "private");
    const page = await visitor.signedIn(user);
    await page.click("#account summary");
    await page.click("#sign-out");
    await page.waitForSelector("#sign-in:not([hidden])");
    assert.ok(!(await page.content()).includes("private"));
    await page.reload();
    await page.waitForSelector("#sign-in:not([hidden])");
  });
});

describe("the live list", () => {
  visit("a notification appears live, with badge and title, and its link and data", DESKTOP, async (visitor) => {
    const user = await server.user();
    const page = await visitor.signedIn(user);
    await server.publish(user.to, "New ticket: Login", { type: "ticket_created", title: "Ticket", url: "/tickets/602", severity: "warning", data: { ticket: { id: 602 } } });
    await reads(page, ".item .item-title", "Ticket");
    await reads(page, "#unread", "1");
    assert.equal(await page.title(), "(1) Oyez");
    assert.equal(await page.getAttribute(".item-title a", "href"), "/tickets/602");
    await page.click(".data-toggle");
    assert.match(await page.textContent(".item-data"), /"id": 602/);
    await reads(page, "#announce", "Ticket: New ticket: Login");
  });

  visit("a message is shown as text, never as markup", DESKTOP, async (visitor) => {
    const user = await server.user();
    const page = await visitor.signedIn(user);
    const hostile = '<img src=x onerror="document.title=1"><script>document.title=2</script>';
    await server.publish(user.to, hostile, { title: hostile, data: { "<b>": hostile } });
    await reads(page, ".item-message", hostile);
    assert.equal(await page.title(), "(1) Oyez");
    assert.equal(await page.$(".item img"), null);
  });

  visit("two tabs: one reads, the other's badge follows", DESKTOP, async (visitor) => {
    const user = await server.user();
    await server.publish(user.to, "one");
    await server.publish(user.to, "two");
    const left = await visitor.signedIn(user);
    const right = await visitor.page();
    await right.goto("/");
    await live(right);
    await reads(right, "#unread", "2");
    await left.hover(".item");
    await left.click(".item .read-toggle");
    await reads(right, "#unread", "1");
    await reads(left, "#unread", "1");
    await right.waitForSelector(".item:not(.unread)");
    assert.equal(await right.title(), "(1) Oyez");
    await right.click("#read-all");
    await left.waitForSelector("#unread", { state: "hidden" });
    assert.equal(await left.title(), "Oyez");
  });

  visit("mark unread, archive, clear all", DESKTOP, async (visitor) => {
    const user = await server.user();
    for (const message of ["one", "two", "three"]) await server.publish(user.to, message);
    const page = await visitor.signedIn(user);
    await page.click("#read-all");
    await page.waitForSelector("#unread", { state: "hidden" });
    await page.hover(".item");
    await page.click(".item .read-toggle");
    await reads(page, "#unread", "1");
    await page.click("#show-unread");
    await page.waitForFunction(() => document.querySelectorAll(".item").length === 1);
    await page.hover(".item");
    await page.click(".item-actions button:last-child");
    await reads(page, "#empty-title", "All read");
    await page.click("#show-all");
    await lists(page, "two", "one");
    await page.click("#clear-all");
    await page.click('#confirm button[value="no"]');
    await lists(page, "two", "one");
    await page.click("#clear-all");
    await page.click('#confirm button[value="yes"]');
    await reads(page, "#empty-title", "Nothing here yet");
  });

  visit("older items are loaded on demand", DESKTOP, async (visitor) => {
    const user = await server.user();
    const notifications = Array.from({ length: 70 }, (_, n) => ({ to: user.to, message: `number ${n + 1}` }));
    await server.api("POST", "/api/v1/notifications/batch", { notifications });
    const page = await visitor.signedIn(user);
    await page.waitForFunction(() => document.querySelectorAll(".item").length === 50);
    await reads(page, "#unread", "70");
    await page.click("#older");
    await page.waitForFunction(() => document.querySelectorAll(".item").length === 70);
    await page.waitForSelector("#older", { state: "hidden" });
    await lists(page, ...Array.from({ length: 70 }, (_, n) => `number ${70 - n}`));
  });
});

describe("the connection", () => {
  visit("after a restart of the server the page gets what it missed, once each", DESKTOP, async (visitor) => {
    const user = await server.user();
    await server.publish(user.to, "before");
    const page = await visitor.signedIn(user);
    await reads(page, ".item-message", "before");
    await server.end();
    await page.waitForSelector('#connection[data-state="waiting"]');
    await page.waitForSelector("#offline:not([hidden])");
    await server.serve(server.address);
    await server.publish(user.to, "meanwhile");
    await server.publish(user.to, "and again");
    await live(page);
    await reads(page, ".item-message", "and again");
    await lists(page, "and again", "meanwhile", "before");
    await reads(page, "#unread", "3");
    const frames = await page.textContent("#frame-list");
    assert.match(frames, /"resumed":true/);
    return [/ERR_CONNECTION_REFUSED/, /WebSocket connection to/];
  });

  visit("when another tab signs in as somebody else, no inbox is mixed", DESKTOP, async (visitor) => {
    const [first, second] = [await server.user(), await server.user()];
    await server.publish(first.to, "for the first");
    await server.publish(second.to, "for the second");
    const page = await visitor.signedIn(first);
    await reads(page, ".item-message", "for the first");
    const other = await visitor.page();
    await other.goto("/");
    await live(other);
    await other.click("#account summary");
    await other.click("#sign-out");
    await page.waitForSelector('#connection[data-state="stopped"]');
    await other.fill("#login", second.id);
    await other.fill("#password", second.password);
    await other.click("#sign-in-form button");
    await live(other);
    await page.evaluate(() => document.querySelector("#connect-now").click());
    await reads(page, ".item-message", "for the second");
    await lists(page, "for the second");
    await reads(page, "#account-id", second.id);
  });

  visit("a user who is shut out is told, and not reconnected", DESKTOP, async (visitor) => {
    const user = await server.user();
    const page = await visitor.signedIn(user);
    await server.cli("user", "disable", user.id);
    await page.waitForSelector('#connection[data-state="stopped"]');
    return [/403 \(Forbidden\)/];
  });
});

describe("sending and looking", () => {
  visit("a user sends to themselves; others are for admins", DESKTOP, async (visitor) => {
    const user = await server.user();
    const page = await visitor.signedIn(user);
    assert.ok(await page.isDisabled('input[name="to"][value="everyone"]'));
    await page.fill("#message", "It's me");
    await page.fill("#title", "Note");
    await page.click("#send-button");
    await reads(page, "#send-result", "Sent to 1 inbox.");
    await reads(page, ".item-message", "It's me");
    assert.match(await page.textContent("#curl"), /-d '\{"to":"user:[^']+'\\''s me"\}'/);
  });

  visit("an admin sends to a role", DESKTOP, async (visitor) => {
    const role = "browser-reviewers";
    const [reader, admin] = [await server.user([role]), await server.user(["admin"])];
    const page = await visitor.signedIn(admin);
    await page.check('input[name="to"][value="role"]', { force: true });
    await page.fill("#to-name", role);
    await page.fill("#message", "Please review");
    await page.click("#send-button");
    await reads(page, "#send-result", "Sent to 1 inbox.");
    const other = await Visitor.come(browser, server);
    const theirs = await other.signedIn(reader);
    await reads(theirs, ".item-message", "Please review");
    await other.leave();
  });

  visit("what the server refuses is told in its words", DESKTOP, async (visitor) => {
    const page = await visitor.signedIn(await server.user());
    await page.fill("#message", "x");
    await page.fill("#type", "ticket");
    await page.click("#send-more summary");
    await page.fill("#data", "{");
    await page.waitForSelector("#data-error:not([hidden])");
    await page.fill("#data", '{"id": 1}');
    await page.waitForSelector("#data-error", { state: "hidden" });
    await page.click("#send-button");
    await page.waitForFunction(() => document.querySelector("#send-result").textContent.includes("reserved_key"));
    return [/422/];
  });

  visit("raw frames are logged, can be paused and cleared, and sent by hand", DESKTOP, async (visitor) => {
    const page = await visitor.signedIn(await server.user());
    await page.fill("#raw", '{"type":"ping","timestamp":"by hand"}');
    await page.click("#raw-form button");
    await page.waitForFunction(() => document.querySelector("#frame-list").textContent.includes('{"type":"pong","timestamp":"by hand"}'));
    await page.click("#frames-clear");
    await page.click("#frames-pause");
    await page.click("#raw-form button");
    await page.fill("#raw", "nonsense");
    await page.click("#raw-form button");
    await page.waitForSelector("#toast:not([hidden])");
    assert.match(await page.textContent("#toast"), /not_json/);
    await reads(page, "#frames-count", "0");
  });
});

describe("on a phone", () => {
  visit("nothing scrolls sideways, in any view, and the tabs work", PHONE, async (visitor) => {
    const user = await server.user();
    const page = await visitor.page();
    const fits = async (where) =>
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${where} scrolls sideways`);
    await page.goto("/");
    await page.waitForSelector("#sign-in:not([hidden])");
    await fits("sign in");
    await server.publish(user.to, `unbroken${"x".repeat(300)}`, { title: "y".repeat(150), type: "z".repeat(64), data: { key: "v".repeat(200) } });
    await page.fill("#login", user.id);
    await page.fill("#password", user.password);
    await page.tap("#sign-in-form button");
    await live(page);
    await fits("the inbox");
    await page.tap(".data-toggle");
    await fits("an item's data");
    for (const view of ["send", "frames", "inbox"]) {
      await page.tap(`#tab-${view}`);
      assert.ok(await page.isVisible(`#${view}`));
      await fits(view);
    }
    await page.tap(".item .read-toggle");
    await page.waitForSelector("#tab-count", { state: "hidden" });
    await page.tap("#account summary");
    await fits("the menu");
  });

  visit("every control can be reached and named", PHONE, async (visitor) => {
    const user = await server.user();
    await server.publish(user.to, "one");
    const page = await visitor.signedIn(user);
    const nameless = await page.evaluate(() =>
      [...document.querySelectorAll("button, input, select, textarea, a[href]")]
        .filter((node) => node.offsetParent !== null)
        .filter((node) => !(node.getAttribute("aria-label") || node.labels?.[0]?.textContent.trim() || node.textContent.trim()))
        .map((node) => node.outerHTML));
    assert.deepEqual(nameless, []);
  });
});
