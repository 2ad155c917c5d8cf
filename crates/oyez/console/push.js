// "Notify me on this device": has this browser show notifications while no page is open.

import { call, get, post, Refused } from "./api.js";

const WORKER = "/oyez-sw.js";

export class Push {
  constructor() {
    this.key = null;
    this.id = null;
  }

  /**
   * How it stands: "unavailable" (the browser cannot, or the server does not), "blocked" (the user said no), "off" or
   * "on". A subscription that is there is renewed for this user: another one may have been signed in before.
   */
  async state(user) {
    if (!("serviceWorker" in navigator && "PushManager" in globalThis && "Notification" in globalThis)) return "unavailable";
    this.key = await get("/api/v1/push/key").then((answer) => answer.public_key, () => null);
    if (!this.key) return "unavailable";
    if (Notification.permission === "denied") return "blocked";
    const registration = await navigator.serviceWorker.getRegistration(WORKER);
    const subscription = await registration?.pushManager.getSubscription();
    if (!subscription) return "off";
    await this.tell(user, subscription);
    return "on";
  }

  /** Asks the user, the browser and the server, in this order; throws with a sentence when one of them refuses. */
  async enable(user) {
    if ((await Notification.requestPermission()) !== "granted") return "blocked";
    await navigator.serviceWorker.register(WORKER);
    const registration = await navigator.serviceWorker.ready;
    let subscription;
    try {
      subscription = await registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: this.key });
    } catch (error) {
      throw new Error(`The browser's push service refused: ${error.message}`);
    }
    await this.tell(user, subscription);
    return "on";
  }

  /** Ends it, here and at the server. */
  async disable(user) {
    const registration = await navigator.serviceWorker?.getRegistration(WORKER);
    const subscription = await registration?.pushManager?.getSubscription();
    if (!subscription) return "off";
    try {
      // Said once more, so that its id is known.
      if (!this.id) await this.tell(user, subscription);
      await call("DELETE", `${path(user)}/${this.id}`);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
    } finally {
      this.id = null;
      await subscription.unsubscribe();
    }
    return "off";
  }

  async tell(user, subscription) {
    const device = navigator.userAgentData?.platform || navigator.platform || undefined;
    this.id = (await post(path(user), { ...subscription.toJSON(), device })).id;
  }
}

const path = (user) => `/api/v1/users/${encodeURIComponent(user.id)}/push-subscriptions`;
