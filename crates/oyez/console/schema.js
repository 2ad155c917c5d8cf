// Reads OpenAPI 3.1 schemas: what a type is called, what it holds, and an example of it. Pure: no DOM.

/** Follows a `$ref` into the document. */
export function resolve(document, schema) {
  const seen = new Set();
  while (schema?.$ref && !seen.has(schema.$ref)) {
    seen.add(schema.$ref);
    const found = schema.$ref.replace(/^#\//, "").split("/")
      .reduce((node, key) => node?.[key.replaceAll("~1", "/").replaceAll("~0", "~")], document);
    schema = found ?? {};
  }
  return schema ?? {};
}

const isNull = (schema) => schema.type === "null";
const kinds = (schema) => [schema.type ?? []].flat().filter((type) => type !== "null");

/** A short name for people: `string`, `Audience`, `Item[]`, `string or string[]`. */
export function typeName(document, schema) {
  if (!schema) return "any";
  if (schema.$ref) {
    const target = resolve(document, schema);
    return target.properties || target.oneOf || target.enum ? schema.$ref.split("/").pop() : typeName(document, target);
  }
  const choices = schema.oneOf ?? schema.anyOf;
  if (choices) return choices.filter((one) => !isNull(one)).map((one) => typeName(document, one)).join(" or ");
  if (schema.allOf) return schema.allOf.map((one) => typeName(document, one)).join(" and ");
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  if ("const" in schema) return JSON.stringify(schema.const);
  const names = kinds(schema).map((kind) => (kind === "array" ? `${typeName(document, schema.items)}[]` : kind));
  if (schema.format && names.length === 1 && names[0] === "string") return schema.format;
  return names.join(" or ") || (schema.properties ? "object" : "any");
}

/** The rows of an object, required ones first: name, type, whether required, description. */
export function rows(document, schema) {
  const { properties = {}, required = [] } = merged(document, schema);
  const all = Object.entries(properties).map(([name, property]) => ({
    name,
    type: typeName(document, property),
    required: required.includes(name),
    description: descriptionOf(document, property),
  }));
  return [...all.filter((row) => row.required), ...all.filter((row) => !row.required)];
}

/** What is said at the property itself, at the one type it stands for, or at the type. */
function descriptionOf(document, property) {
  const choices = (property.oneOf ?? property.anyOf ?? []).filter((one) => !isNull(one));
  const only = choices.length === 1 ? choices[0] : property;
  return property.description ?? only.description ?? resolve(document, only).description ?? "";
}

/** An object with the properties of all its `allOf` parts. */
function merged(document, schema) {
  const target = resolve(document, schema);
  const parts = (target.allOf ?? []).map((part) => merged(document, part));
  return {
    properties: Object.assign({}, ...parts.map((part) => part.properties), target.properties),
    required: [...parts.flatMap((part) => part.required), ...(target.required ?? [])],
  };
}

const EXAMPLES = {
  "date-time": "2026-11-20T09:30:00.000Z",
  uuid: "01938f5e-7a40-7c31-9d5a-0242ac120002",
  email: "alice@example.org",
  uri: "https://example.org/",
};

/** A value that fits the schema: its own example where it has one. Optional properties of a request are left out. */
export function example(document, schema, { onlyRequired = false } = {}, depth = 0) {
  const target = resolve(document, schema);
  const again = (inner) => example(document, inner, { onlyRequired }, depth + 1);
  if (target.example !== undefined) return target.example;
  if (target.examples?.length) return target.examples[0];
  if (target.default !== undefined && target.default !== null) return target.default;
  if (target.enum) return target.enum[0];
  if ("const" in target) return target.const;
  if (depth > 6) return null;
  const choices = target.oneOf ?? target.anyOf;
  if (choices) return again(choices.find((one) => !isNull(one)) ?? {});
  const { properties, required } = merged(document, target);
  if (Object.keys(properties).length) {
    const names = Object.keys(properties).filter((name) => !onlyRequired || required.includes(name));
    return Object.fromEntries(names.map((name) => [name, again(properties[name])]));
  }
  switch (kinds(target)[0]) {
    case "string": return EXAMPLES[target.format] ?? "…";
    case "integer": return target.minimum ?? 1;
    case "number": return 1;
    case "boolean": return true;
    case "array": return [again(target.items ?? {})];
    case "object": return {};
    default: return null;
  }
}
