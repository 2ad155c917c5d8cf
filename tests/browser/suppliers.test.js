// The supplier example, as an applicant and a reviewer meet it: the form, the office that follows by itself, the mails.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, before, test } from "node:test";
import { DESKTOP, launch, PHONE, reads, Visitor } from "./harness.js";

const PROGRAM = resolve(process.env.SUPPLIERS ?? join(import.meta.dirname ?? ".", "../../target/debug/suppliers"));
const PAPER = { name: "licence.pdf", mimeType: "application/pdf", buffer: Buffer.from("%PDF-1.4 a paper") };

/** The example with its demo data, on a port of its own. */
class Office {
  static async start() {
    const office = new Office();
    office.data = await mkdtemp(join(tmpdir(), "suppliers-browser-"));
    office.process = spawn(PROGRAM, ["--listen", "127.0.0.1:0", "--data", office.data]);
    office.log = "";
    office.process.stderr.on("data", (chunk) => (office.log += chunk));
    await new Promise((resolve, reject) => {
      let printed = "";
      office.process.stdout.on("data", (chunk) => {
        printed += chunk;
        const found = /is running: (http:\/\/\S+)/.exec(printed);
        if (found) resolve((office.url = found[1]));
      });
      office.process.on("exit", (code) => reject(new Error(`the example ended with ${code}: ${office.log}`)));
      office.process.on("error", reject);
    });
    return office;
  }

  async stop() {
    const ended = new Promise((resolve) => this.process.once("exit", resolve));
    this.process.kill("SIGKILL");
    await ended;
    await rm(this.data, { recursive: true, force: true });
  }
}

let office;
let browser;
before(async () => {
  [office, browser] = await Promise.all([Office.start(), launch()]);
});
after(async () => {
  await browser?.close();
  await office?.stop();
});

/** A test with two visitors of its own, an applicant and somebody of the office, who leave without complaints but those it answers. */
function visit(name, options, body) {
  test(name, async () => {
    const visitors = [await Visitor.come(browser, office, options), await Visitor.come(browser, office, options)];
    let expected;
    try {
      expected = await body(...visitors);
    } catch (error) {
      const said = visitors.flatMap((visitor) => visitor.complaints).join("; ");
      for (const visitor of visitors) await visitor.context.close();
      throw new Error(`${error.message}\nthe pages said: ${said || "nothing"}`, { cause: error });
    }
    try {
      for (const visitor of visitors) await visitor.leave(expected);
    } catch (error) {
      throw new Error(`${error.message}\nthe example said: ${office.log || "nothing"}`, { cause: error });
    }
  });
}

const live = (page) => page.waitForSelector('#live[data-state="live"]');

async function signedIn(visitor, name) {
  const page = await visitor.page();
  await page.goto("/login");
  await page.fill("[name=email]", `${name}@demo.example`);
  await page.fill("[name=password]", "hear-ye-2026");
  await page.click("main button");
  await live(page);
  return page;
}

/** Applies; ends on the status page. Answers the tracking code. */
async function apply(page, company, email) {
  await page.goto("/apply");
  const fields = { company_name: company, registration_number: "CH-77", country: "Switzerland", contact_name: "Wile Coyote", email, phone: "+41 44 123 45 67", description: "Anvils" };
  for (const [name, value] of Object.entries(fields)) await page.fill(`[name=${name}]`, value);
  await page.selectOption("[name=category]", "GOODS");
  await page.click('text="Send application"');
  await page.waitForURL(/\/status\/GCX-/);
  await live(page);
  return (await page.textContent("#code")).trim();
}

const figure = (page, name) => page.$eval(`[data-figure="${name}"]`, (node) => Number(node.textContent));
const figureIs = (page, name, value) => reads(page, `[data-figure="${name}"]`, String(value));

/** The one mail to this address with this subject; looks until it is there. */
async function mail(page, to, subject) {
  const entry = `ul.rows li:has-text(${JSON.stringify(subject)}):has-text(${JSON.stringify(to)})`;
  for (;;) {
    await page.goto("/mail");
    if (await page.$(entry)) break;
  }
  await page.click(`${entry} a`);
  // As high as the letter: nothing of it has to be scrolled to within its frame.
  await page.waitForFunction(() => {
    const { contentDocument: letter, clientHeight } = document.querySelector("iframe.letter");
    return letter?.URL.endsWith("/html") && letter.readyState === "complete" && letter.documentElement.scrollHeight <= clientHeight;
  });
  return page.frameLocator("iframe.letter");
}

visit("an application goes from the form to a supplier's account, and every page follows by itself", DESKTOP, async (outside, inside) => {
  const dashboard = await signedIn(inside, "rita");
  const [total, pending, approved] = [await figure(dashboard, "total_applications"), await figure(dashboard, "pending_review"), await figure(dashboard, "approved")];

  const applicant = await outside.page();
  const code = await apply(applicant, "Acme <b>Anvils</b>", "wile@acme.example");
  await figureIs(dashboard, "total_applications", total + 1);
  await figureIs(dashboard, "pending_review", pending + 1);
  await dashboard.waitForSelector(`#recent li:first-child:has-text("Acme <b>Anvils</b>"):has-text("${code}")`);
  const percents = await dashboard.$$eval("#distribution .percent", (nodes) => nodes.map((node) => parseFloat(node.textContent)));
  assert.equal(Math.round(percents.reduce((sum, percent) => sum + percent, 0) * 10) / 10, 100);

  // Reviewed: the applicant's page says so.
  const review = await inside.page();
  await review.goto(await dashboard.getAttribute("#recent li:first-child a", "href"));
  await live(review);
  await review.click('text="Start review"');
  await applicant.waitForSelector('#stages .now:has-text("Under Review")');

  // Asked for a document, and sent.
  await review.click('summary:text("Request documents")');
  await review.check("[name=document][value=TRADE_LICENCE]");
  await review.fill("[name=note]", "Of this year, please");
  await review.click('text="Send request"');
  await applicant.waitForSelector('#say:has-text("Of this year, please")');
  await applicant.setInputFiles("[name=file]", PAPER);
  await applicant.click('main button:text("Send document")');
  await review.waitForSelector('#documents:has-text("licence.pdf")');
  await live(applicant);
  await review.click('#documents button:text("Verify")');
  await applicant.waitForSelector('#documents:has-text("Verified")');

  await review.click('text="Continue review"');
  await review.click('#actions button:text("Approve")');
  await applicant.waitForSelector('#say:has-text("Welcome!")');
  await figureIs(dashboard, "approved", approved + 1);
  await review.waitForSelector('#mails li:has-text("Approved, with credentials") .m-sent');

  // The mail opens the account, once.
  const mailbox = await outside.page();
  const letter = await mail(mailbox, "wile@acme.example", `${code}: welcome`);
  const temporary = /\w{5}(-\w{5}){3}/.exec(await letter.locator("body").textContent())[0];
  await applicant.goto("/login");
  await applicant.fill("[name=email]", "wile@acme.example");
  await applicant.fill("[name=password]", temporary);
  await applicant.click("main button");
  await applicant.waitForURL(/\/password$/);
  for (const name of ["password", "again"]) await applicant.fill(`[name=${name}]`, "a password of my own");
  await applicant.click('text="Set password"');
  await applicant.waitForURL(/\/account$/);
  await reads(applicant, "h1", "Acme <b>Anvils</b>");
  await live(applicant);

  // A word to all suppliers arrives on the open page.
  const admin = await signedIn(inside, "ada");
  await admin.goto("/office/bulk");
  await admin.fill("[name=title]", "Closed on Friday");
  await admin.fill("[name=body]", "We are back on Monday.");
  await admin.click("aside button");
  await admin.waitForSelector('#bulks section:first-child:has-text("Done")');
  await applicant.waitForSelector('#announcements:has-text("We are back on Monday.")');
  await mail(mailbox, "wile@acme.example", "Closed on Friday");
});

visit("a page goes on following by itself after a form was refused, and has its own address", DESKTOP, async (outside, inside) => {
  const applicant = await outside.page();
  const code = await apply(applicant, "Bolt", "nut@bolt.example");
  await applicant.setInputFiles("[name=file]", { name: "page.html", mimeType: "text/html", buffer: Buffer.from("<p>no paper</p>") });
  await applicant.click('main button:text("Send document")');
  await applicant.waitForSelector('.alert:has-text("PDF, PNG or JPEG")');
  await live(applicant);
  const review = await signedIn(inside, "rita");
  await review.goto(await review.getAttribute("#recent li:first-child a", "href"));
  await live(review);
  await review.click('text="Start review"');
  await applicant.waitForSelector('#stages .now:has-text("Under Review")');

  // The same in the office: a reason of blanks is none.
  await review.click('summary:text("Reject")');
  await review.fill("[name=reason]", "   ");
  await review.click('#actions button:text("Reject")');
  await review.waitForSelector('.alert:has-text("reason")');
  await live(review);
  await applicant.setInputFiles("[name=file]", PAPER);
  await applicant.click('main button:text("Send document")');
  await review.waitForSelector('#documents:has-text("licence.pdf")');
  await review.reload();
  await reads(review, "h1", "Bolt");

  // A form's address, opened by hand, leads to the form's page.
  await applicant.goto(`/status/${code}/documents`);
  await reads(applicant, "#code", code);
  return [/422/];
});

visit("the back office fits a phone, and tasks can be run and held", PHONE, async (_, inside) => {
  const page = await signedIn(inside, "ada");
  for (const path of ["/office", "/office/applications", "/office/applications/1", "/office/bulk", "/office/tasks"]) {
    await page.goto(path);
    await live(page);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(wide <= 0, `${path} is ${wide} pixels too wide`);
  }
  const cleanup = '[data-task="suppliers.cleanup"]';
  await page.click(`${cleanup} button:text("Run now")`);
  await page.waitForSelector(`${cleanup} .m-completed`);
  await page.click(`${cleanup} button:text("Pause")`);
  await page.waitForSelector(`${cleanup} .status:text("Paused")`);
  await page.click(`${cleanup} button:text("Resume")`);
  await page.waitForSelector(`${cleanup} .status:text("On")`);
});
