// Calls to the HTTP API. The session is a cookie that scripts cannot read; no token is ever stored by this page.

/** A refusal, with the server's stable `code` and its sentence. */
export class Refused extends Error {
  constructor(status, problem) {
    super(problem.detail || problem.message || problem.title || `The server answered ${status}.`);
    this.status = status;
    this.code = problem.code || "internal";
    this.field = problem.field;
  }
}

/** The server cannot be reached at all. */
export class Unreachable extends Error {
  constructor() {
    super("The server cannot be reached.");
  }
}

export async function call(method, path, body) {
  let response;
  try {
    response = await fetch(path, {
      method,
      credentials: "same-origin",
      cache: "no-store",
      headers: body === undefined ? {} : { "content-type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new Unreachable();
  }
  const text = await response.text();
  let answer = {};
  try {
    answer = text ? JSON.parse(text) : {};
  } catch {
    if (response.ok) throw new Refused(response.status, { title: "The answer is not JSON." });
  }
  if (!response.ok) throw new Refused(response.status, answer.error ?? answer);
  return answer;
}

export const get = (path) => call("GET", path);
export const post = (path, body) => call("POST", path, body ?? {});
