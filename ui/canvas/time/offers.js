/** What is offered to a tab that stood on another run before: to go back to it, or to start anew. */

const LONGEST_RETURN = 15000; // milliseconds

export class Offers {
  /** @type {number | undefined} */
  timer;

  /**
   * @param {import("../words/messages.js").Messages} messages
   * @param {{resume: (token: string) => void, decline: () => void}} listener
   */
  constructor(messages, listener) {
    this.messages = messages;
    this.listener = listener;
    this.returning = false; // whether the run before was asked for and has not come
  }

  /** @param {import("./wayback.js").Offer | null} offer */
  show(offer) {
    clearTimeout(this.timer);
    if (!offer) this.messages.setOffer(null);
    else if (!offer.token) this.messages.setOffer({ id: "way_back_none" });
    else {
      const { token } = offer;
      const line = { id: offer.restarted ? "way_back_restarted" : "way_back", values: { epoch: offer.epoch } };
      /** @param {string} fix */
      const press = (fix) => {
        if (fix === "start_anew") {
          this.listener.decline();
          return;
        }
        this.returning = true;
        this.listener.resume(token);
        // A worker may have to start first. If it comes to nothing the page says why, and the offer stands.
        this.messages.setOffer({ ...line, busy: true });
        this.timer = setTimeout(() => {
          this.returning = false;
          this.show(offer);
        }, LONGEST_RETURN);
      };
      this.messages.setOffer({ ...line, fixes: ["resume", "start_anew"], press });
    }
  }

  /** A run has come. */
  arrive() {
    this.returning = false;
  }

  destroy() {
    clearTimeout(this.timer);
  }
}
