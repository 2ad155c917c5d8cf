// One live connection that heals itself: it remembers its position (epoch and seq), resumes from it, and waits
// with backoff and jitter between tries. It knows nothing of the page; frames and states go out by callbacks.

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 30_000;
const STEADY_AFTER_MS = 5_000;
const PONG_WITHIN_MS = 10_000;

/** What each close code asks for; every other code means: connect again. */
export const STOP_CODES = new Map([
  [1002, "The server did not understand this page."],
  [1007, "This page sent text that is not UTF-8."],
  [1008, "The server closed the connection: too many bad or too fast frames."],
  [1009, "The frame was too large."],
  [4403, "Access was withdrawn."],
  [4409, "Another tab or device took this place: too many connections."],
]);

/** Milliseconds before try number `attempt` (1, 2, 3 …): doubling, capped, half of it random. */
export function backoff(attempt, random = Math.random) {
  const full = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (attempt - 1));
  return Math.round(full / 2 + (full / 2) * random());
}

export class Stream {
  /**
   * url: where to connect, without query.
   * onFrame(frame, text), onSent(text), onState({ name, reason, retryAt }): name is connecting, live, waiting, stopped.
   * renew(): resolves to "ok" (connect again), "stop" (signed out) or "wait" (unreachable).
   */
  constructor({ url, onFrame, onSent, onState, renew, WebSocket = globalThis.WebSocket, random = Math.random }) {
    Object.assign(this, { url, onFrame, onSent, onState, renew, WebSocket, random });
    this.position = null; // { epoch, seq }: all items up to seq are known
    this.attempt = 0;
    this.retryAfterMs = null; // what `goodbye` asked for
    this.socket = null;
    this.stopped = true;
  }

  start() {
    this.stopped = false;
    this.connect();
  }

  stop(reason = "") {
    this.stopped = true;
    this.forget();
    this.onState({ name: "stopped", reason });
  }

  /** Goes on at once instead of waiting, e.g. when the network is back. */
  tryNow() {
    if (this.stopped || this.socket) return;
    this.attempt = 0;
    this.connect();
  }

  get isLive() {
    return this.greeted === true && this.socket?.readyState === 1;
  }

  /** Sends a frame (an object, or text as it is); false when there is no connection. */
  send(frame) {
    if (!this.isLive) return false;
    const text = typeof frame === "string" ? frame : JSON.stringify(frame);
    this.socket.send(text);
    this.onSent(text);
    return true;
  }

  connect() {
    clearTimeout(this.timer);
    this.greeted = false;
    this.retryAfterMs = null;
    this.onState({ name: "connecting" });
    const query = new URLSearchParams({ frames: "full" });
    if (this.position) {
      query.set("since", this.position.seq);
      query.set("epoch", this.position.epoch);
    }
    const socket = new this.WebSocket(`${this.url}?${query}`);
    this.socket = socket;
    socket.onmessage = (event) => socket === this.socket && this.receive(event.data);
    socket.onclose = (event) => socket === this.socket && this.closed(event);
    socket.onerror = () => {}; // a close event always follows
  }

  receive(text) {
    this.watch();
    let frame;
    try {
      frame = JSON.parse(text);
    } catch {
      return;
    }
    if (frame.type === "connection_established") this.greet(frame);
    else if (frame.type === "goodbye") this.retryAfterMs = frame.retry_after_ms ?? 0;
    this.onFrame(frame, text);
    // Only now: whoever reads the position in onFrame sees what was known before this frame.
    if (this.position && frame.seq > this.position.seq && frame.id) this.position.seq = frame.seq;
  }

  greet(greeting) {
    this.greeted = true;
    this.greetedAt = Date.now();
    this.quietMs = (greeting.ping_interval ?? 25) * 1000;
    // Resumed: items after our position follow and move it. Otherwise the page reads the inbox anew, up to the head.
    if (!greeting.resumed) this.position = { epoch: greeting.epoch, seq: greeting.seq };
    this.onState({ name: "live" });
    this.watch();
  }

  /** A page cannot see the server's ping frames, so after a quiet while it pings by itself and expects an answer. */
  watch() {
    clearTimeout(this.timer);
    if (!this.greeted) return;
    this.timer = setTimeout(() => {
      this.send({ type: "ping", timestamp: Date.now() });
      this.timer = setTimeout(() => this.socket && this.dropped(), PONG_WITHIN_MS);
    }, this.quietMs);
  }

  dropped() {
    const socket = this.socket;
    this.forget();
    socket?.close();
    this.wait("The connection went silent.");
  }

  async closed(event) {
    const opened = this.greeted;
    if (opened && Date.now() - this.greetedAt > STEADY_AFTER_MS) this.attempt = 0;
    this.forget();
    if (STOP_CODES.has(event.code)) return this.stop(event.reason || STOP_CODES.get(event.code));
    if (event.code === 4429) this.attempt = Math.max(this.attempt, 4);
    // A refused handshake looks like a lost network to a page, so ask over HTTP which one it was.
    if (event.code === 4401 || !opened) {
      const ticket = (this.renewal = {});
      const verdict = await this.renew();
      if (this.stopped || this.renewal !== ticket || this.socket) return;
      if (verdict === "stop") return this.stop("Signed out.");
      if (verdict === "ok" && event.code === 4401 && this.attempt === 0) {
        this.attempt = 1; // at once, but only once: a server that closes again is waited for
        return this.connect();
      }
    }
    this.wait(event.code === 1001 || event.code === 1012 ? "The server is restarting." : "The connection was lost.");
  }

  wait(reason) {
    if (this.stopped) return;
    this.attempt += 1;
    const ms = Math.max(backoff(this.attempt, this.random), this.retryAfterMs ?? 0);
    this.onState({ name: "waiting", reason, retryAt: Date.now() + ms });
    this.timer = setTimeout(() => this.connect(), ms);
  }

  forget() {
    clearTimeout(this.timer);
    const socket = this.socket;
    this.socket = null;
    this.greeted = false;
    if (socket && this.stopped) socket.close();
  }
}
