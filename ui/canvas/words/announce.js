/** What a screen reader is told while the picture moves: progress now and then, events at once. */

import { count, loss, score } from "./format.js";

/** What is compared of two frames. @typedef {{status: Status, step: number, epoch: number, structure: number, moment: number | null}} Seen */

const SPEAK_EVERY = 5000; // milliseconds between words about progress: a listener also wants to do something
const SETTLE = 120; // a held step key makes one sentence when it is let go, not one a frame
/** What the line of messages says itself, as a live region of its own. */
const SAID_ELSEWHERE = new Set(["diverged", "early_stopped", "epoch_limit"]);

export class Announcer {
  /** @type {Texts} */
  texts;
  /** @type {Seen | null} */
  last;
  /** @type {number | undefined} */
  timer;

  /** @param {HTMLElement} region a polite live region that nobody sees */
  constructor(region) {
    this.region = region;
    this.spoken = 0;
    this.last = null;
  }

  /** A new language: what was said last stays said. @param {Texts} texts */
  build(texts) {
    this.texts = texts;
  }

  /** One frame. @param {Header} header */
  read(header) {
    const { last } = this;
    this.last = {
      status: header.status, step: header.step, epoch: header.epoch, structure: header.structure, moment: header.moment?.id ?? null,
    };
    if (!last || last.structure !== header.structure) return;
    const event = this.eventBetween(last, this.last);
    if (event) this.soon(() => this.sentence(event, header));
    else if (header.status === "playing" && performance.now() - this.spoken >= SPEAK_EVERY) this.speak(this.sentence("said_progress", header));
  }

  /**
   * The text that tells what happened from one frame to the next; null when training merely went on.
   * @param {Seen} before @param {Seen} now
   */
  eventBetween(before, now) {
    if (now.moment !== before.moment) return now.moment === null ? "said_now" : "said_moment";
    if (now.moment !== null || SAID_ELSEWHERE.has(now.status)) return null;
    if (now.step === 0 && before.step > 0) return "said_reset";
    if (now.status === "playing") return before.status === "playing" ? null : "said_started";
    if (before.status === "playing") return "said_paused";
    if (now.step === before.step) return null;
    return now.step - before.step > 1 ? "said_epoch" : "said_step";
  }

  /** @param {string} key @param {Header} header */
  sentence(key, header) {
    const { name, form } = header.metric;
    return this.texts.say(`canvas.${key}`, {
      epoch: count(header.epoch), step: count(header.step), loss: loss(header.losses.test),
      name: this.texts.say(`canvas.test_${name}`), score: score(header.metrics.test[name], form),
    });
  }

  /** @param {() => string} sentence */
  soon(sentence) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.speak(sentence()), SETTLE);
  }

  /** Say this. The same words twice are not news, and nobody listens to a page that is not shown. @param {string} words */
  speak(words) {
    if (document.visibilityState !== "visible" || words === this.region.textContent) return;
    this.spoken = performance.now();
    this.region.textContent = words;
  }

  /** Another run: its first frame is no event. */
  forget() {
    this.last = null;
    clearTimeout(this.timer);
  }

  destroy() {
    clearTimeout(this.timer);
  }
}
