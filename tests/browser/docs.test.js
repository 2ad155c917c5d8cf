// The API reference at /docs: complete, and from this server alone.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { DESKTOP, launch, PHONE, Server, Visitor } from "./harness.js";

let server;
let browser;
before(async () => {
  [server, browser] = await Promise.all([Server.start(), launch()]);
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

test("every call of openapi.json is on the page, and opens", async () => {
  const visitor = await Visitor.come(browser, server, DESKTOP);
  const page = await visitor.page();
  await page.goto("/docs");
  await page.waitForSelector(".operation");
  const document = await (await fetch(`${server.url}/openapi.json`)).json();
  const verbs = new Set(["get", "post", "put", "patch", "delete"]);
  const calls = Object.values(document.paths).flatMap((item) => Object.keys(item).filter((verb) => verbs.has(verb)));
  assert.equal(await page.locator(".operation").count(), calls.length);
  assert.ok(calls.length >= 25, `${calls.length} calls`);
  for (const operation of await page.locator(".operation").all()) await operation.locator("> summary").click();
  assert.match(await page.textContent("#post-api-v1-notifications"), /Idempotency-Key/);
  assert.match(await page.textContent("#post-api-v1-notifications"), /"to":/);
  await page.fill("#filter", "ticket");
  assert.ok(await page.isVisible("#post-api-auth-ticket"));
  assert.ok(!(await page.isVisible("#get-api-v1-inbox")));
  await visitor.leave();
});

test("a link to a call opens it; a phone does not scroll sideways", async () => {
  const visitor = await Visitor.come(browser, server, PHONE);
  const page = await visitor.page();
  await page.goto("/docs#post-api-v1-notifications");
  await page.waitForSelector("#post-api-v1-notifications[open]");
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
  await visitor.leave();
});
