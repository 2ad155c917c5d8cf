// The real program on a port of its own, and a browser that reports whatever goes wrong in a page.

import { spawn, execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { chromium } from "playwright-core";

const PROGRAM = resolve(process.env.OYEZ ?? join(import.meta.dirname ?? ".", "../../target/debug/oyez"));
const BROWSERS = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const run = promisify(execFile);

export class Server {
  /** `settings` are variables of the environment, such as `OYEZ_WEB_PUSH__ENABLED`. */
  static async start(settings = {}) {
    const server = new Server();
    server.settings = settings;
    server.data = await mkdtemp(join(tmpdir(), "oyez-browser-"));
    const ready = await server.serve("127.0.0.1:0");
    Object.assign(server, { url: ready.url, address: ready.address, key: ready.key, admin: { name: ready.user, password: ready.password } });
    return server;
  }

  /** Starts the program; resolves to what it prints first. */
  serve(listen) {
    const environment = { ...process.env, OYEZ_LIFECYCLE__DRAIN_GRACE: "500ms", ...this.settings };
    this.process = spawn(PROGRAM, ["serve", "--json", "--listen", listen, "--data", this.data], { env: environment });
    this.log = "";
    this.process.stderr.on("data", (chunk) => (this.log += chunk));
    return new Promise((resolve, reject) => {
      let printed = "";
      this.process.stdout.on("data", (chunk) => {
        printed += chunk;
        const line = printed.split("\n").find((line) => line.includes('"url"'));
        if (line) resolve(JSON.parse(line));
      });
      this.process.on("exit", (code) => reject(new Error(`the server ended with ${code}: ${this.log}`)));
      this.process.on("error", reject);
    });
  }

  async end(signal = "SIGTERM") {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const ended = new Promise((resolve) => this.process.once("exit", resolve));
    this.process.kill(signal);
    await ended;
  }

  /** Ends it like a deploy does and starts it again at the same address. */
  async restart() {
    await this.end();
    await this.serve(this.address);
  }

  async stop() {
    await this.end("SIGKILL");
    await rm(this.data, { recursive: true, force: true });
  }

  async api(method, path, body) {
    const response = await fetch(this.url + path, {
      method,
      headers: { authorization: `Bearer ${this.key}`, "content-type": "application/json" },
      body: body && JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text ? JSON.parse(text) : null;
  }

  publish(to, message, more = {}) {
    return this.api("POST", "/api/v1/notifications", { to, message, ...more });
  }

  /** A user of their own for each test, with a password. */
  async user(roles = []) {
    const id = `user-${(Server.users = (Server.users ?? 0) + 1)}`;
    const password = "correct horse battery";
    await this.api("PUT", `/api/v1/users/${id}`, { name: `Name of ${id}`, roles, password });
    return { id, password, to: `user:${id}` };
  }

  async cli(...args) {
    return (await run(PROGRAM, [...args, "--data", this.data])).stdout;
  }
}

export async function launch() {
  const executablePath = BROWSERS.find((path) => path && existsSync(path));
  if (!executablePath) throw new Error("no Chromium found: apt-get install chromium, or set CHROMIUM");
  // Without a desktop there is nobody on the message bus, and the browser would wait for an answer for 25 seconds.
  const env = { ...process.env, DBUS_SESSION_BUS_ADDRESS: "disabled:", DBUS_SYSTEM_BUS_ADDRESS: "disabled:" };
  return chromium.launch({ executablePath, env, args: ["--no-sandbox", "--disable-gpu"] });
}

export const DESKTOP = { viewport: { width: 1280, height: 860 } };
export const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };

/** A fresh browser profile whose pages note errors, policy violations and requests that leave the server. */
export class Visitor {
  static async come(browser, server, options = DESKTOP) {
    const visitor = new Visitor();
    visitor.server = server;
    visitor.complaints = [];
    visitor.context = await browser.newContext({ ...options, baseURL: server.url });
    await visitor.context.addInitScript(() => {
      document.addEventListener("securitypolicyviolation", (event) =>
        console.error(`policy violated: ${event.violatedDirective} ${event.blockedURI}`));
    });
    return visitor;
  }

  async page() {
    const page = await this.context.newPage();
    page.setDefaultTimeout(10_000);
    page.on("pageerror", (error) => this.complaints.push(`error: ${error.message}`));
    page.on("console", (message) => message.type() === "error" && this.complaints.push(message.text()));
    page.on("request", (request) => {
      const url = new URL(request.url());
      if (url.origin !== this.server.url && !["data:", "blob:"].includes(url.protocol)) {
        this.complaints.push(`a request left the server: ${url}`);
      }
    });
    return page;
  }

  /** A page that is signed in and live. */
  async signedIn({ id, password }) {
    const page = await this.page();
    await page.goto("/");
    await page.fill("#login", id);
    await page.fill("#password", password);
    await page.click("#sign-in-form button");
    await live(page);
    return page;
  }

  /** Ends the visit; `expected` are patterns of complaints that belong to the test. */
  async leave(expected = []) {
    await this.context.close();
    // The page asks whether it is signed in; the browser reports the honest 401 as an error.
    const usual = [/401 \(Unauthorized\)/, ...expected];
    const rest = this.complaints.filter((text) => !usual.some((pattern) => pattern.test(text)));
    if (rest.length) throw new Error(`the page complained:\n${rest.join("\n")}`);
  }
}

export async function live(page) {
  await page.waitForSelector('#connection[data-state="live"]');
  await page.waitForFunction(() => document.querySelector("#items").children.length > 0 || !document.querySelector("#empty").hidden);
}

/** Waits until the selector's text is exactly this. */
export async function reads(page, selector, text) {
  try {
    await page.waitForFunction(([selector, text]) => document.querySelector(selector)?.textContent.trim() === text, [selector, text]);
  } catch {
    const found = await page.evaluate((selector) => document.querySelector(selector)?.textContent.trim(), selector);
    throw new Error(`${selector}: expected ${JSON.stringify(text)}, got ${JSON.stringify(found)}`);
  }
}

/** Waits until the list shows exactly these messages, newest first. */
export async function lists(page, ...messages) {
  const shown = () => [...document.querySelectorAll(".item-message")].map((node) => node.textContent);
  try {
    await page.waitForFunction((wanted) =>
      JSON.stringify([...document.querySelectorAll(".item-message")].map((node) => node.textContent)) === wanted, JSON.stringify(messages));
  } catch {
    throw new Error(`expected ${JSON.stringify(messages)}, got ${JSON.stringify(await page.evaluate(shown))}`);
  }
}
