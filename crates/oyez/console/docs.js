// The API reference: draws /openapi.json. Works offline, since nothing comes from anywhere but this server.

import { $, el, setText, show } from "./dom.js";
import { example, resolve, rows, typeName } from "./schema.js";

const VERBS = ["get", "post", "put", "patch", "delete"];

/** Paragraphs, `code` and *emphasis*: all the Markdown that descriptions here use. */
function prose(text) {
  const paragraphs = text.trim().split(/\n\s*\n/).filter(Boolean);
  return el("div", { class: "prose" }, ...paragraphs.map((paragraph) => el("p", {}, ...inline(paragraph))));
}

function inline(text) {
  return text.split(/(`[^`]+`|\*[^*\s][^*]*\*)/).map((part, index) =>
    index % 2 ? el(part.startsWith("`") ? "code" : "em", {}, part.slice(1, -1)) : part);
}

function pre(value) {
  return el("pre", { tabindex: "0" }, el("code", {}, typeof value === "string" ? value : JSON.stringify(value, null, 2)));
}

function table(heads, lines) {
  return el("div", { class: "scroll" }, el("table", {},
    el("thead", {}, el("tr", {}, ...heads.map((head) => el("th", { scope: "col" }, head)))),
    el("tbody", {}, ...lines.map((cells) => el("tr", {}, ...cells.map((cell) => el("td", {}, ...[cell].flat())))))));
}

function fields(document, schema) {
  const lines = rows(document, schema).map(({ name, type, required, description }) => [
    [el("code", {}, name), required && el("span", { class: "required" }, " required")].filter(Boolean),
    el("code", {}, type), inline(description)]);
  return lines.length ? table(["Field", "Type", "Meaning"], lines) : null;
}

function jsonOf(content = {}) {
  return (content["application/json"] ?? content["application/problem+json"] ?? Object.values(content)[0]) || null;
}

function curl(document, verb, path, body) {
  const lines = [`curl ${verb === "get" ? "" : `-X ${verb.toUpperCase()} `}${location.origin}${path}`,
    "  -H \"Authorization: Bearer $OYEZ_KEY\""];
  if (body?.schema) {
    const value = body.example ?? example(document, body.schema, { onlyRequired: true });
    lines.push("  -H 'Content-Type: application/json'", `  -d '${JSON.stringify(value).replaceAll("'", "'\\''")}'`);
  }
  return lines.join(" \\\n");
}

function operationId(verb, path) {
  return `${verb}-${path.replace(/[^a-z0-9]+/gi, "-").replace(/^-|-$/g, "")}`;
}

function drawOperation(document, { verb, path, operation, shared }) {
  const parameters = [...shared, ...(operation.parameters ?? [])].map((parameter) => resolve(document, parameter));
  const body = operation.requestBody && jsonOf(resolve(document, operation.requestBody).content);
  const text = operation.description && operation.description !== operation.summary ? operation.description : "";
  const details = el("details", { class: "operation", id: operationId(verb, path) },
    el("summary", {}, el("span", { class: `verb ${verb}` }, verb.toUpperCase()), el("code", {}, path),
      el("span", { class: "quiet" }, operation.summary ?? "")));
  // Drawn when first opened: a reference of a hundred calls stays quick.
  details.addEventListener("toggle", () => {
    if (!details.open || details.childElementCount > 1) return;
    details.append(...[
      text && prose(text),
      parameters.length > 0 && el("h4", {}, "Parameters"),
      parameters.length > 0 && table(["Name", "In", "Type", "Meaning"], parameters.map((parameter) => [
        [el("code", {}, parameter.name), parameter.required && el("span", { class: "required" }, " required")].filter(Boolean),
        parameter.in, el("code", {}, typeName(document, parameter.schema)), inline(parameter.description ?? "")])),
      body && el("h4", {}, "Body"),
      body && fields(document, body.schema),
      el("h4", {}, "Try it"),
      pre(curl(document, verb, path, body)),
      ...answers(document, operation.responses ?? {}),
    ].filter(Boolean));
  });
  return details;
}

function answers(document, responses) {
  return Object.entries(responses).flatMap(([status, response]) => {
    const answer = resolve(document, response);
    const content = jsonOf(answer.content);
    const isGood = status.startsWith("2");
    return [
      el("h4", {}, el("span", { class: "status" }, status), " ", ...inline(answer.description ?? "")),
      isGood && content?.schema && fields(document, content.schema),
      isGood && content?.schema && pre(content.example ?? example(document, content.schema)),
    ];
  });
}

function operationsByTag(document) {
  const groups = new Map((document.tags ?? []).map((tag) => [tag.name, { tag, operations: [] }]));
  for (const [path, item] of Object.entries(document.paths ?? {})) {
    for (const verb of VERBS.filter((verb) => item[verb])) {
      const operation = item[verb];
      const name = operation.tags?.[0] ?? "other";
      if (!groups.has(name)) groups.set(name, { tag: { name }, operations: [] });
      groups.get(name).operations.push({ verb, path, operation, shared: item.parameters ?? [] });
    }
  }
  return [...groups.values()].filter((group) => group.operations.length > 0);
}

function draw(document) {
  setText($("api-title"), document.info?.title ?? "API reference");
  setText($("version"), `API ${document.info?.version ?? ""}`);
  $("api-description").replaceChildren(prose(document.info?.description ?? ""));
  const groups = operationsByTag(document);
  $("operations").replaceChildren(...groups.map(({ tag, operations }) => el("section", { class: "card" },
    el("h2", {}, tag.name), tag.description && prose(tag.description),
    ...operations.map((each) => drawOperation(document, each)))));
  $("contents").replaceChildren(el("h3", {}, "stream"), el("a", { href: "#live" }, el("span", {}, "The live stream")),
    ...groups.flatMap(({ tag, operations }) => [el("h3", {}, tag.name),
      ...operations.map(({ verb, path }) => el("a", { href: `#${operationId(verb, path)}` },
        el("span", { class: `verb ${verb}` }, verb.toUpperCase()), el("span", {}, path.replace(/^\/api(\/v1)?/, ""))))]));
}

function filter() {
  const wanted = $("filter").value.trim().toLowerCase();
  for (const link of $("contents").querySelectorAll("a")) {
    const target = document.getElementById(link.hash.slice(1));
    const matches = `${link.textContent} ${target?.querySelector("summary")?.textContent ?? ""}`.toLowerCase().includes(wanted);
    show(link, matches);
    if (target?.matches(".operation")) show(target, matches);
  }
}

function openTarget() {
  const target = location.hash && document.getElementById(location.hash.slice(1));
  if (target?.matches?.("details")) {
    target.open = true;
    target.scrollIntoView();
  }
}

async function begin() {
  for (const node of document.querySelectorAll(".origin")) setText(node, location.origin);
  try {
    const response = await fetch("/openapi.json");
    if (!response.ok) throw new Error(`the server answered ${response.status}`);
    draw(await response.json());
  } catch (error) {
    setText($("docs-error"), `openapi.json could not be read: ${error.message}.`);
    show($("docs-error"), true);
    $("operations").replaceChildren();
  }
  $("operations").removeAttribute("aria-busy");
  $("filter").oninput = filter;
  addEventListener("hashchange", openTarget);
  openTarget();
}

begin();
