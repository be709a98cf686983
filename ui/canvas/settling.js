/** When the page may draw what it left out to be quick: once the picture stands, or when that is long in coming. */

const LONGEST = 1500; // milliseconds
const QUIET = 200; // milliseconds from one edit's drawing to the page's turn, if there is no other by then

export class Settling {
  /** @type {number | null} */
  timer;

  /** @param {() => boolean} held whether it has to wait for something else @param {() => void} settled */
  constructor(held, settled) {
    this.held = held;
    this.settled = settled;
    this.timer = null;
  }

  get pending() {
    return this.timer !== null;
  }

  /** Something was changed, and its drawing is to come. */
  begin() {
    this.wait(LONGEST);
  }

  /** It is drawn. */
  rest() {
    this.wait(QUIET);
  }

  /** @param {number} milliseconds */
  wait(milliseconds) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.settle(), milliseconds);
  }

  settle() {
    clearTimeout(this.timer);
    this.timer = null;
    if (this.held()) this.wait(QUIET);
    else this.settled();
  }

  destroy() {
    clearTimeout(this.timer);
  }
}
