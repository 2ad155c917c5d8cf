// The few lines of DOM this page needs. Text only ever goes in as text, never as markup.

export const $ = (id) => document.getElementById(id);

/** Makes an element: el("a", { href: "/x", class: "y" }, "text", child). A false or null attribute is left out. */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** Shows or hides, and says which. */
export function show(node, visible) {
  node.hidden = !visible;
  return visible;
}

/** Sets text only when it differs, so that screen readers do not repeat themselves. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

let toastTimer;

/** One sentence at the bottom of the screen, for some seconds. */
export function toast(text) {
  const node = $("toast");
  node.textContent = text;
  node.hidden = false;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => (node.hidden = true), 6000);
}

const clock = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto", style: "short" });

export const exactTime = (iso) => clock.format(new Date(iso));

/** "just now", "12 min. ago", "yesterday". */
export function timeAgo(iso, now = Date.now()) {
  const seconds = Math.round((now - Date.parse(iso)) / 1000);
  if (Number.isNaN(seconds)) return "";
  if (Math.abs(seconds) < 45) return "just now";
  for (const [unit, size] of [["day", 86400], ["hour", 3600], ["minute", 60]]) {
    if (Math.abs(seconds) >= size || unit === "minute") {
      return relative.format(-Math.max(1, Math.round(seconds / size)), unit);
    }
  }
}
