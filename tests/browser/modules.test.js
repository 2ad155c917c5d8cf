// The page's modules alone, in the browser they run in, served as they are served.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, Server, Visitor } from "./harness.js";

let server;
let browser;
let visitor;
let page;
before(async () => {
  [server, browser] = await Promise.all([Server.start(), launch()]);
  visitor = await Visitor.come(browser, server);
  page = await visitor.page();
  await page.goto("/docs");
});
after(async () => {
  await visitor?.leave();
  await browser?.close();
  await server?.stop();
});

test("the wait before a new try doubles, is capped, and half of it is chance", async () => {
  const waits = await page.evaluate(async () => {
    const { backoff } = await import("/console/stream.js");
    return [1, 2, 3, 10].map((attempt) => [backoff(attempt, () => 0), backoff(attempt, () => 1)]);
  });
  assert.deepEqual(waits, [[250, 500], [500, 1000], [1000, 2000], [15000, 30000]]);
});

test("the inbox counts each item once, whatever is delivered twice", async () => {
  const result = await page.evaluate(async () => {
    const { Inbox } = await import("/console/inbox.js");
    const inbox = new Inbox();
    const item = (seq, more = {}) => ({ type: "x", id: `id-${seq}`, seq, ...more });
    const outcomes = [
      { type: "connection_established", epoch: "e", seq: 2, resumed: false, unread: 1, unseen: 0 },
      item(1, { read_at: "t" }), item(2), item(3), item(3),
      { type: "inbox", unread: 1, unseen: 1, changed: [{ id: "id-2", seen_at: "t", read_at: "t", archived_at: null }] },
      { type: "an_event" },
      { type: "connection_established", epoch: "e", seq: 4, resumed: true, unread: 2, unseen: 2 },
      item(4),
    ].map((frame) => inbox.apply(frame));
    const before = [inbox.unread, inbox.unseen, inbox.list({ unreadOnly: true }).map(({ seq }) => seq)];
    inbox.apply({ type: "connection_established", epoch: "other", seq: 1, resumed: false, unread: 1, unseen: 1 });
    return { outcomes, before, after: [inbox.unread, inbox.list().length] };
  });
  assert.deepEqual(result, {
    outcomes: ["reload", "new", "new", "new", null, "state", null, "state", "new"],
    before: [2, 2, [4, 3]],
    after: [1, 0],
  });
});

test("a page that stays open keeps a bounded number of items", async () => {
  const kept = await page.evaluate(async () => {
    const { Inbox } = await import("/console/inbox.js");
    const inbox = new Inbox();
    let pruned = 0;
    for (let seq = 1; seq <= 1500; seq += 1) {
      inbox.apply({ type: "x", id: `id-${seq}`, seq });
      pruned += inbox.prune();
    }
    return [inbox.items.size, inbox.oldestSeq, inbox.unread, pruned];
  });
  assert.deepEqual(kept, [1000, 501, 1500, 500]);
});

test("an item's own data is what stands beside the envelope", async () => {
  const own = await page.evaluate(async () => {
    const { ownData } = await import("/console/inbox.js");
    return [{ type: "x", id: 1, seq: 1, ticket: { id: 7 } }, { type: "x", id: 1, seq: 1 },
      { type: "notification", id: 1, data: {} }, { type: "notification", id: 1, data: { a: 1 } }].map(ownData);
  });
  assert.deepEqual(own, [{ ticket: { id: 7 } }, null, null, { a: 1 }]);
});

test("links that could run a script are not links", async () => {
  const links = await page.evaluate(async () => {
    const { safeLink } = await import("/console/inbox.js");
    return ["/a", "https://x.example/", "javascript:alert(1)", "//evil.example", "/\\evil.example", "data:text/html,x", 7].map(safeLink);
  });
  assert.deepEqual(links, ["/a", "https://x.example/", null, null, null, null, null]);
});

test("each close code leads to what PROTOCOL.md says", async () => {
  const after = await page.evaluate(async () => {
    const { Stream } = await import("/console/stream.js");
    const outcome = async (code, verdict) => {
      let socket;
      const states = [];
      let opened = 0;
      const stream = new Stream({
        url: "ws://none", onFrame() {}, onSent() {}, onState: ({ name }) => states.push(name),
        renew: async () => verdict, random: () => 1,
        WebSocket: class {
          constructor() {
            opened += 1;
            socket = this;
            this.readyState = 1;
          }
          send() {}
          close() {}
        },
      });
      stream.start();
      socket.onmessage({ data: '{"type":"connection_established","epoch":"e","seq":0,"resumed":false,"ping_interval":25}' });
      socket.onclose({ code, reason: "" });
      await new Promise((resolve) => setTimeout(resolve));
      const end = states.at(-1);
      stream.stop();
      return `${end} ${opened}`;
    };
    const codes = [1000, 1001, 1006, 1008, 1009, 1011, 4401, 4403, 4409, 4429];
    const entries = await Promise.all(codes.map(async (code) => [code, await outcome(code, "ok")]));
    return { ...Object.fromEntries(entries), signedOut: await outcome(4401, "stop") };
  });
  const [again, stop] = ["waiting 1", "stopped 1"];
  assert.deepEqual(after, {
    1000: again, 1001: again, 1006: again, 1008: stop, 1009: stop, 1011: again, 4401: "connecting 2", 4403: stop, 4409: stop,
    4429: again, signedOut: stop,
  });
});

test("an example fits its schema", async () => {
  const value = await page.evaluate(async () => {
    const { example, typeName } = await import("/console/schema.js");
    const document = { components: { schemas: { Id: { type: "string", format: "uuid" }, Loop: { type: "object", properties: { next: { $ref: "#/components/schemas/Loop" } } } } } };
    const schema = { allOf: [{ type: "object", required: ["id"], properties: { id: { $ref: "#/components/schemas/Id" } } }],
      properties: { list: { type: "array", items: { type: "integer" } }, maybe: { type: ["boolean", "null"] } } };
    return [example(document, schema), example(document, schema, { onlyRequired: true }),
      typeName(document, { oneOf: [{ type: "null" }, { $ref: "#/components/schemas/Id" }] }),
      typeof example(document, { $ref: "#/components/schemas/Loop" })];
  });
  const id = "01938f5e-7a40-7c31-9d5a-0242ac120002";
  assert.deepEqual(value, [{ id, list: [1], maybe: true }, { id }, "uuid", "object"]);
});
