// The log of raw frames: bounded, pausable, tokens blanked.

import { $, el, setText, toast } from "./dom.js";

const MOST = 300;

/** The text without a token's value, for the screen. */
export function withoutSecrets(text) {
  return text.replace(/("(?:token|access|refresh|password)"\s*:\s*)"[^"]*"/g, '$1"…"');
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

export class FrameLog {
  /** send(text) puts a raw frame on the wire and answers whether there was a connection. */
  constructor({ send }) {
    this.total = 0;
    this.paused = false;
    $("frames-clear").onclick = () => this.clear();
    $("frames-pause").onclick = () => this.pause(!this.paused);
    $("raw-form").onsubmit = (event) => {
      event.preventDefault();
      const text = $("raw").value.trim();
      if (text && !send(text)) toast("Not connected: the frame was not sent.");
    };
    this.clear();
  }

  pause(paused) {
    this.paused = paused;
    $("frames-pause").setAttribute("aria-pressed", String(paused));
    setText($("frames-pause"), paused ? "Resume" : "Pause");
  }

  clear() {
    $("frame-list").replaceChildren(el("li", { class: "frames-none quiet" }, "Every frame of this connection shows up here."));
    this.total = 0;
    setText($("frames-count"), "0");
  }

  sent(text) {
    this.add("sent", "↑", text);
  }

  received(text) {
    this.add("received", "↓", text);
  }

  /** A line of our own, such as "connected". */
  note(text) {
    this.add("note", "·", text);
  }

  add(kind, arrow, text) {
    if (this.paused) return;
    const list = $("frame-list");
    if (this.total === 0) list.replaceChildren();
    this.total += 1;
    setText($("frames-count"), String(this.total));
    const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
    list.append(this.line(kind, arrow, withoutSecrets(text)));
    while (list.childElementCount > MOST) list.firstElementChild.remove();
    if (atEnd) list.scrollTop = list.scrollHeight;
  }

  line(kind, arrow, text) {
    const time = new Date().toLocaleTimeString("en-GB");
    const head = [
      el("time", {}, time),
      el("span", { class: "arrow", "aria-hidden": "true" }, arrow),
      el("span", { class: "hidden" }, kind),
    ];
    if (kind === "note") return el("li", { class: kind }, ...head, el("span", {}, text));
    const body = el("pre", {});
    const details = el("details", {}, el("summary", {}, ...head, el("code", {}, text)), body);
    details.ontoggle = () => setText(body, details.open ? pretty(text) : "");
    return el("li", { class: kind }, details);
  }
}
