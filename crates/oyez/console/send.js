// The form that publishes, and the curl line that would do the same.

import { post, Unreachable } from "./api.js";
import { $, setText, show, toast } from "./dom.js";

const NAMES = { user: "User id", role: "Role", topic: "Topic" };
const EXAMPLES = { user: "alice", role: "admin", topic: "business-7" };

/** The request body the form describes; throws a SyntaxError when `data` is not a JSON object. */
export function requestOf(fields, me) {
  const { to, name, message, title, type, url, severity, data } = fields;
  const body = { to: to === "me" ? `user:${me}` : to === "everyone" ? "everyone" : `${to}:${name.trim()}` };
  if (type.trim()) body.type = type.trim();
  if (title.trim()) body.title = title.trim();
  body.message = message.trim();
  if (url.trim()) body.url = url.trim();
  if (severity) body.severity = severity;
  if (data.trim()) {
    body.data = JSON.parse(data);
    if (body.data === null || typeof body.data !== "object" || Array.isArray(body.data)) {
      throw new SyntaxError("data must be an object, such as {\"ticket\": {\"id\": 602}}");
    }
  }
  return body;
}

/** A line for a POSIX shell; single quotes inside the body are closed, escaped and opened again. */
export function curlOf(body, origin) {
  const quoted = JSON.stringify(body).replaceAll("'", "'\\''");
  return [
    `curl ${origin}/api/v1/notifications \\`,
    "  -H \"Authorization: Bearer $OYEZ_KEY\" \\",
    "  -H 'Content-Type: application/json' \\",
    `  -d '${quoted}'`,
  ].join("\n");
}

/** How far it went, and why nobody has it when nobody does. */
function sentence(recipients, to) {
  if (recipients === 0) return `Nobody has it: there is no user for ${to} yet.`;
  return recipients === 1 ? "Sent to 1 inbox." : `Sent to ${recipients.toLocaleString("en")} inboxes.`;
}

export class SendForm {
  constructor() {
    this.me = "";
    this.form = $("send-form");
    this.form.oninput = () => this.draw();
    this.form.onsubmit = (event) => {
      event.preventDefault();
      this.submit();
    };
    $("copy-curl").onclick = () => this.copy();
  }

  /** Who sends. Only an admin may speak to others from this page; an application may with its key. */
  setUser({ id, isAdmin }) {
    this.me = id;
    for (const choice of this.form.elements.to) {
      choice.disabled = !isAdmin && choice.value !== "me";
      if (choice.value === "me" && !isAdmin) choice.checked = true;
    }
    show($("to-hint"), !isAdmin);
    this.draw();
  }

  fields() {
    return Object.fromEntries(new FormData(this.form));
  }

  draw() {
    const fields = this.fields();
    if (show($("name-field"), fields.to in NAMES)) {
      setText($("to-name-label"), NAMES[fields.to]);
      $("to-name").placeholder = EXAMPLES[fields.to];
    }
    try {
      const body = requestOf({ ...fields, name: fields.name || EXAMPLES[fields.to] || "" }, this.me);
      setText($("curl"), curlOf(body, location.origin));
      this.problem("data-error", "data", "");
    } catch (error) {
      this.problem("data-error", "data", `Not a JSON object yet: ${error.message}`);
    }
  }

  problem(id, field, text) {
    setText($(id), text);
    show($(id), text !== "");
    $(field).setAttribute("aria-invalid", String(text !== ""));
  }

  result(text, bad = false) {
    $("send-result").className = bad ? "error" : "good";
    setText($("send-result"), text);
  }

  async submit() {
    const fields = this.fields();
    this.problem("message-hint", "message", fields.message.trim() ? "" : "Say something: a message is needed.");
    if (!fields.message.trim()) return $("message").focus();
    if (fields.to in NAMES && !fields.name.trim()) {
      this.result(`Which ${fields.to}?`, true);
      return $("to-name").focus();
    }
    let body;
    try {
      body = requestOf(fields, this.me);
    } catch {
      $("send-more").open = true;
      return $("data").focus();
    }
    $("send-button").disabled = true;
    try {
      const { recipients } = await post("/api/v1/notifications", body);
      this.result(sentence(recipients, body.to));
    } catch (error) {
      const code = error instanceof Unreachable ? "" : ` (${error.code})`;
      this.result(error.message + code, true);
    } finally {
      $("send-button").disabled = false;
    }
  }

  async copy() {
    const text = $("curl").textContent;
    try {
      await navigator.clipboard.writeText(text);
      setText($("copy-curl"), "Copied");
      setTimeout(() => setText($("copy-curl"), "Copy"), 2000);
    } catch {
      // Without a secure context there is no clipboard: select the line, so that one key press copies it.
      getSelection().selectAllChildren($("curl"));
      toast("Selected: press Ctrl+C to copy.");
    }
  }
}
