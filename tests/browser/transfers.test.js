// The budget transfer example, as somebody who moves money meets it: submit, watch five steps, see why one failed, retry.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, before, test } from "node:test";
import { DESKTOP, launch, PHONE, reads, Visitor } from "./harness.js";

const PROGRAM = resolve(process.env.BUDGET_TRANSFER ?? join(import.meta.dirname ?? ".", "../../target/debug/budget-transfer"));
const STEPS = ["Preparing Data", "Upload to UCM", "Interface Loader", "Journal Import", "AutoPost"];

/** The example with its simulated Oracle, on a port of its own. */
class Desk {
  static async start() {
    const desk = new Desk();
    desk.data = await mkdtemp(join(tmpdir(), "budget-transfer-browser-"));
    await desk.serve("127.0.0.1:0");
    return desk;
  }

  /** Resolves once the program says where it is. */
  serve(listen) {
    const flags = ["--listen", listen, "--data", this.data, "--simulated-ms", "600", "--first-poll-ms", "50", "--settle-ms", "1000"];
    this.process = spawn(PROGRAM, flags);
    let log = "";
    this.process.stderr.on("data", (chunk) => (log += chunk));
    return new Promise((resolve, reject) => {
      let printed = "";
      this.process.stdout.on("data", (chunk) => {
        printed += chunk;
        const found = /is running: (http:\/\/(\S+))/.exec(printed);
        if (found) [, this.url, this.address] = found;
        if (found) resolve();
      });
      this.process.on("exit", (code) => reject(new Error(`the example ended with ${code}: ${log}`)));
      this.process.on("error", reject);
    });
  }

  async kill() {
    const ended = new Promise((resolve) => this.process.once("exit", resolve));
    this.process.kill("SIGKILL");
    await ended;
  }

  async stop() {
    await this.kill();
    await rm(this.data, { recursive: true, force: true });
  }
}

let desk;
let browser;
before(async () => {
  [desk, browser] = await Promise.all([Desk.start(), launch()]);
});
after(async () => {
  await browser?.close();
  await desk?.stop();
});

/** A test with a visitor of its own, who leaves without complaints. */
function visit(name, options, body) {
  test(name, async () => {
    const visitor = await Visitor.come(browser, desk, options);
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

async function signedIn(visitor, name = "olive") {
  const page = await visitor.page();
  await page.goto("/");
  await page.fill("[name=name]", name);
  await page.fill("[name=password]", "hear-ye-2026");
  await page.click("button");
  await page.waitForSelector('#live[data-state="live"]');
  return page;
}

/** Fills the form in and submits it; ends on the transfer's page. */
async function submit(page, description) {
  await page.click('nav >> text="New"');
  await page.fill("[name=description]", description);
  await page.selectOption("[name=account] >> nth=0", "101-20-5110-000");
  await page.fill("[name=debit] >> nth=0", "1200.50");
  await page.selectOption("[name=account] >> nth=1", "101-10-5110-000");
  await page.fill("[name=credit] >> nth=1", "1,200.50");
  await reads(page, "#sum-credit", "1,200.50");
  await reads(page, "#difference", "");
  await page.click('main form button:text("Submit")');
  await page.waitForURL(/\/transfers\/\d+$/);
}

const steps = (page) => page.$$eval("[data-step]", (nodes) => nodes.map((node) => `${node.textContent} ${node.className}`));
const all = (state) => STEPS.map((name) => `${name} ${state}`);

/** Waits until the upload says this. */
const stands = (page, state) => page.waitForSelector(`.upload[data-state="${state}"]`);

visit("a submitted transfer moves through its five steps by itself, in two tabs alike", DESKTOP, async (visitor) => {
  const page = await signedIn(visitor);
  const list = await visitor.page();
  await list.goto("/transfers");
  await list.waitForSelector('#live[data-state="live"]');
  await submit(page, "Training moves to IT");
  await stands(page, "running");
  // The list did not have it, and hears of it.
  await list.waitForSelector("[data-transfer]");
  for (const tab of [page, list]) {
    await tab.waitForSelector('[data-step="4"].processing');
    assert.deepEqual((await steps(tab)).slice(0, 3), all("completed").slice(0, 3));
    const value = await tab.$eval("progress", (bar) => bar.value);
    assert.ok(value >= 60 && value < 100, `${value}`);
  }
  for (const tab of [page, list]) {
    await stands(tab, "completed");
    assert.deepEqual(await steps(tab), all("completed"));
    await reads(tab, ".percent", "100 %");
  }
  await reads(page, ".toast", "Oracle upload completed for transaction 1");
  assert.match(await page.textContent(".story"), /AutoPost succeeded \(request \d+\)/);
});

visit("a failed step shows Oracle's log, and a retry goes on with it", DESKTOP, async (visitor) => {
  const page = await signedIn(visitor);
  await page.goto("/frames");
  await page.click('li:has-text("Journal Import ends with ERROR") >> text="Once"');
  await page.waitForSelector("li span.on");
  await submit(page, "Energy for the annex");
  await stands(page, "failed");
  assert.deepEqual(await steps(page), [
    "Preparing Data completed", "Upload to UCM completed", "Interface Loader completed", "Journal Import failed", "AutoPost waiting",
  ]);
  assert.match(await page.textContent(".log"), /EP01: a simulated fault/);
  assert.match(await page.textContent(".message"), /Journal Import ended with ERROR/);
  await page.click("#retry");
  await stands(page, "completed");
  assert.deepEqual(await steps(page), all("completed"));
});

visit("a page goes on following by itself after a form was refused, and keeps saying why", DESKTOP, async (visitor) => {
  const page = await signedIn(visitor);
  await page.goto("/frames");
  await page.click('li:has-text("Journal Import ends with ERROR") >> text="Once"');
  await page.waitForSelector("li span.on");
  await submit(page, "Cancelled too late");
  await stands(page, "failed");
  const other = await visitor.page();
  await other.goto(page.url());
  // What a page that is out of date would send.
  await page.evaluate(() => {
    const form = Object.assign(document.createElement("form"), { method: "post", action: `${location.pathname}/cancel` });
    document.body.append(form);
    form.submit();
  });
  await page.waitForSelector('.alert:has-text("has ended")');
  await page.waitForSelector('#live[data-state="live"]');
  await other.click("#retry");
  await stands(page, "completed");
  assert.match(page.url(), /\/transfers\/\d+$/);
  assert.ok(await page.isVisible(".alert"));
  return [/409/];
});

visit("a kill -9 in the middle of an upload is a pause, and nothing is done twice", DESKTOP, async (visitor) => {
  const page = await signedIn(visitor);
  await page.goto("/frames");
  const done = () => page.$$eval("[data-deed]", (nodes) => nodes.map((node) => Number(node.textContent)));
  const before = await done();
  await submit(page, "Licences for the new team");
  await page.waitForSelector('[data-step="3"].processing');
  await desk.kill();
  await page.waitForSelector('#live[data-state="lost"]');
  await desk.serve(desk.address);
  await page.waitForSelector('#live[data-state="live"]');
  await stands(page, "completed");
  await page.goto("/frames");
  assert.deepEqual(await done(), before.map((count) => count + 1));
  return [/ERR_CONNECTION_REFUSED/, /WebSocket/, /Failed to load resource/, /ERR_/];
});

visit("the test page shows raw frames as they come, in full or plain", DESKTOP, async (visitor) => {
  const page = await signedIn(visitor);
  await page.goto("/frames");
  await page.waitForSelector('#frames li:has-text("connection_established")');
  const other = await visitor.page();
  await other.goto("/transfers");
  await other.waitForSelector('#live[data-state="live"]');
  await submit(other, "Watched from the side");
  for (const word of ["oracle_upload_started", '"step_number": 4', "oracle_upload_completed"]) {
    await page.waitForSelector(`#frames li:has-text(${JSON.stringify(word)})`);
  }
  await page.click("#clear");
  await reads(page, "#frame-count", "0 frames");
  await page.uncheck("#full");
  await page.waitForSelector('#frames li:has-text("connection_established")');
});

visit("what cannot be booked comes back as it was typed, with every reason", DESKTOP, async (visitor) => {
  const page = await signedIn(visitor);
  await page.goto("/transfers/new");
  await page.fill("[name=description]", "<b>Half</b>");
  await page.selectOption("[name=account] >> nth=0", "101-20-5110-000");
  await page.fill("[name=debit] >> nth=0", "12");
  await page.click("#add-line");
  await page.selectOption("[name=account] >> nth=4", "101-10-5110-000");
  await page.fill("[name=credit] >> nth=4", "10");
  await reads(page, "#difference", "differ by 2.00");
  await page.click('main form button:text("Submit")');
  await reads(page, ".alert li", "debits and credits differ by 2.00: 12.00 against 10.00");
  assert.equal(await page.inputValue("[name=description]"), "<b>Half</b>");
  assert.equal(await page.inputValue("[name=credit] >> nth=1"), "10");
  return [/422/];
});

visit("a phone shows it all without scrolling sideways", PHONE, async (visitor) => {
  const page = await signedIn(visitor, "ben");
  const fits = () => page.evaluate(() => document.documentElement.scrollWidth <= innerWidth);
  assert.ok(await fits(), "the empty list");
  await page.goto("/transfers/new");
  assert.ok(await fits(), "the form");
  await submit(page, "A phone call away");
  await stands(page, "completed");
  assert.ok(await fits(), "a transfer");
  await page.goto("/frames");
  await page.waitForSelector("#frames li");
  assert.ok(await fits(), "the test page");
});
