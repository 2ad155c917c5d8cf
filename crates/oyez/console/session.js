// Who is signed in. The cookie is the session; the refresh token stays in memory and is gone with the tab.

import { get, post, Refused, Unreachable } from "./api.js";

let refreshToken = null;

/** The signed-in user with `isAdmin`, or null; throws Unreachable when the server does not answer. */
export async function whoAmI() {
  try {
    const { user, is_admin: isAdmin } = await get("/api/auth/me");
    return { ...user, isAdmin };
  } catch (error) {
    if (error instanceof Refused && error.status === 401) return null;
    throw error;
  }
}

export async function signIn(login, password) {
  const name = login.includes("@") ? { email: login } : { username: login };
  const answer = await post("/api/auth/login", { ...name, password });
  refreshToken = answer.refresh ?? null;
  return whoAmI();
}

export async function signOut() {
  refreshToken = null;
  await post("/api/auth/logout");
}

/** After a refused connection: "ok" (signed in), "stop" (not any more) or "wait" (no answer). */
export async function renew() {
  try {
    if (await whoAmI()) return "ok";
    if (!refreshToken) return "stop";
    const answer = await post("/api/auth/refresh", { refresh: refreshToken });
    refreshToken = answer.refresh ?? null;
    return "ok";
  } catch (error) {
    if (error instanceof Unreachable || error.status >= 500 || error.status === 429) return "wait";
    return "stop";
  }
}

/** A new access token for a connection whose token ends; null when this tab holds no refresh token. */
export async function freshAccess() {
  if (!refreshToken) return null;
  const answer = await post("/api/auth/refresh", { refresh: refreshToken });
  refreshToken = answer.refresh ?? null;
  return answer.access;
}
