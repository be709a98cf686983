/** What a person does to the settings, on its way to the run: moves of an input not too often, the last of them always. */

const PAUSE = 40; // milliseconds between two moves that are sent
const HOLD = 300; // milliseconds after the last move in which the input shows what the hand does, whatever the run says

export class Hand {
  /**
   * @param {(edit: object) => void} send
   * @param {() => void} rested called when no input is held any more
   * @param {() => number} [now] milliseconds
   */
  constructor(send, rested, now = () => performance.now()) {
    this.send = send;
    this.rested = rested;
    this.now = now;
    /** @type {Map<string, unknown>} */
    this.waiting = new Map(); // by path, the last value that is yet to be sent
    /** @type {Map<string, number>} */
    this.moved = new Map(); // by path, when
    /** @type {ReturnType<typeof setTimeout> | null} */
    this.pause = null;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.rest = undefined;
  }

  /** An input was moved. @param {string} path of the setting @param {unknown} value */
  move(path, value) {
    this.moved.set(path, this.now());
    this.waiting.set(path, value);
    if (this.pause === null) this.flush();
    clearTimeout(this.rest);
    this.rest = setTimeout(() => this.let(), HOLD);
  }

  /** Anything else was done: what was moved before goes first. @param {object} edit */
  act(edit) {
    this.sendWaiting();
    this.send(edit);
  }

  /** Whether this input shows what the hand does. @param {string} path */
  holds(path) {
    return this.now() - (this.moved.get(path) ?? -Infinity) < HOLD;
  }

  flush() {
    this.pause = this.waiting.size ? setTimeout(() => this.flush(), PAUSE) : null;
    this.sendWaiting();
  }

  sendWaiting() {
    for (const [path, value] of this.waiting) this.send({ do: "setting", path, value });
    this.waiting.clear();
  }

  let() {
    this.moved.clear();
    this.rested();
  }

  destroy() {
    this.sendWaiting();
    if (this.pause !== null) clearTimeout(this.pause);
    clearTimeout(this.rest);
  }
}
