/** What the page asks of Python: one action a press, numbered, with those before it that may not have been answered. */

export class Actions {
  /** @type {{number: number}[]} */
  asked;
  /** @type {number} that one message may hold */
  most;
  /** @type {number} of this canvas, by which Python knows whose numbers these are */
  mark;

  constructor() {
    [this.mark] = crypto.getRandomValues(new Uint32Array(1));
    this.number = 0; // of the last action
    this.asked = [];
  }

  /**
   * What was answered need not be said again.
   * @param {{by: number, number: number}} answered @param {number} most
   */
  hear(answered, most) {
    this.most = most;
    if (answered.by === this.mark) this.asked = this.asked.filter((action) => action.number > answered.number);
  }

  /** What they were about is no more. */
  forget() {
    this.asked = [];
  }

  /** The message of one more. @param {string} verb @param {object} values */
  message(verb, values) {
    const action = { do: verb, ...values, number: (this.number += 1) };
    // Streamlit keeps one action for a script that is yet to begin, the last one: it brings along those before it.
    const message = { ...action, by: this.mark, before: this.asked };
    this.asked = [...this.asked, action].slice(1 - this.most);
    return message;
  }
}
