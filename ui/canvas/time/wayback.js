/**
 * The way back: a tab remembers its run, and offers it when the server has given the page another one: after the server was
 * restarted, the page was loaded anew, or somebody comes back after a long time. What is offered, the server was asked for.
 */

/**
 * @typedef {{token: string, server: string, session: string, moved: boolean, before: string | null}} Memory
 * @typedef {{token: string, epoch: number, restarted: boolean} | {token: null}} Offer  null: it is lost
 */

export class WayBack {
  /**
   * @param {URL} api
   * @param {(offer: Offer | null) => void} onOffer null: no longer
   */
  constructor(api, onOffer) {
    this.api = api;
    this.key = `run ${api.pathname}`;
    this.onOffer = onOffer;
    /** @type {Memory | null} */
    this.memory = this.recall();
  }

  recall() {
    try {
      return JSON.parse(sessionStorage.getItem(this.key) ?? "null");
    } catch {
      return null; // A page inside another site's may keep nothing.
    }
  }

  /** @param {Memory} memory */
  remember(memory) {
    this.memory = memory;
    try {
      sessionStorage.setItem(this.key, JSON.stringify(memory));
    } catch {
      // The page itself remembers as long as it is open.
    }
  }

  /** The page stands on this run. @param {string} token @param {{server: string, session: string}} visit */
  stand(token, { server, session }) {
    const last = this.memory;
    const same = last?.token === token;
    let before = same || last?.session === session ? last.before : null;
    let restarted = false;
    if (last && last.session !== session && !same) {
      before = last.moved ? last.token : last.before;
      restarted = last.server !== server;
    }
    if (before === token) before = null;
    this.remember({ token, server, session, moved: same && last.moved, before });
    this.onOffer(null);
    if (before) this.ask(before, restarted);
  }

  /** The run has got somewhere: it is worth coming back to. */
  moved() {
    if (this.memory && !this.memory.moved) this.remember({ ...this.memory, moved: true });
  }

  /** @param {string} token @param {boolean} restarted */
  async ask(token, restarted) {
    let kept = null;
    try {
      const answer = await fetch(new URL(`live/${token}/kept`, this.api));
      if (answer.status === 503) return; // The disk does not answer: it is asked again with the next page.
      if (answer.status === 200) kept = await answer.json();
    } catch {
      return; // Nobody answered: it is asked again with the next page.
    }
    if (this.memory?.before !== token) return; // Decided meanwhile.
    if (kept?.step > 0) this.onOffer({ token, epoch: kept.epoch, restarted });
    else {
      this.decline();
      if (restarted) this.onOffer({ token: null });
    }
  }

  /** It is not wanted back. */
  decline() {
    if (this.memory) this.remember({ ...this.memory, before: null });
    this.onOffer(null);
  }
}
