/** The coach: what goes wrong in the run, one sentence with buttons that help. Each case is said once; a switch turns it off. */

import { keepChoice } from "./choices.js";

/** @typedef {import("./messages.js").Line} Line */

const choice = keepChoice("nn-coach"); // whether it speaks
const NEAR = 0.25; // of the epochs since: a moment farther from the epoch that is meant is not "back to it"

/**
 * The kept moment that is nearest to an epoch, and earlier than now; null where none is near.
 * @param {Values | null} moments rows of id, progress in epochs, loss, step @param {number} epoch @param {number} now in epochs
 */
export function nearest(moments, epoch, now) {
  let found = null;
  for (let at = 0; at + 3 < (moments?.length ?? 0); at += 4) {
    const [id, progress] = [Number(moments?.[at]), Number(moments?.[at + 1])];
    if (progress < now && (found === null || Math.abs(progress - epoch) < Math.abs(found.epoch - epoch))) found = { id, epoch: progress };
  }
  return found !== null && Math.abs(found.epoch - epoch) <= Math.max(1, NEAR * (now - epoch)) ? found : null;
}

export class Coach {
  /** @type {Advice | null} */
  advice;
  /** @type {Texts} */
  texts;
  /** @type {{id: number, epoch: number} | null} */
  moment;

  /** @param {HTMLElement} root @param {{command: Command, action: Action, changed: () => void}} listener `changed`: it has something else to say */
  constructor(root, listener) {
    this.root = root;
    this.listener = listener;
    this.on = choice.read() !== "off";
    this.said = new Set(); // cases that were said, and are over
    this.advice = null;
    this.quiet = false;
    this.moment = null;
    this.button = /** @type {HTMLButtonElement} */ (root.querySelector('[data-do="coach"]'));
    this.button.onclick = () => this.turn(!this.on);
  }

  /** @param {Texts} texts */
  build(texts) {
    this.texts = texts;
    this.dress();
  }

  dress() {
    this.button.ariaPressed = String(this.on);
    this.button.ariaLabel = this.texts.say("canvas.coach");
    this.button.title = this.texts.say(this.on ? "canvas.coach_on" : "canvas.coach_off");
  }

  /** @param {boolean} on */
  turn(on) {
    this.on = on;
    choice.write(on ? "on" : "off");
    this.dress();
    this.listener.changed();
  }

  /** A frame. @param {Header} header @param {Values | null} moments those that are kept */
  read(header, moments) {
    this.quiet = header.moment !== undefined || (header.status !== "playing" && header.status !== "paused");
    if (header.moment) return; // Of a moment that is only looked at nothing is known.
    if (header.step === 0) this.said.clear();
    const advice = header.advice ?? null;
    if (this.advice && this.advice.case !== advice?.case) this.said.add(this.advice.case);
    this.advice = advice;
    const epoch = advice?.values?.epoch;
    this.moment = epoch === undefined ? null : nearest(moments, Number(epoch), header.progress);
  }

  /** The line to show; null while there is nothing to say. @returns {Line | null} */
  line() {
    const { advice, moment } = this;
    const hidden = (this.root.dataset.hide ?? "").split(" ");
    if (!this.on || this.quiet || !advice || this.said.has(advice.case) || hidden.includes("coach")) return null;
    const fixes = advice.fixes.filter(([name, group]) => !hidden.includes(group) && (name !== "back" || moment)).map(([name]) => `coach_${name}`);
    const values = { moment: Math.round(moment?.epoch ?? 0) };
    const words = this.texts.say(`canvas.coach.${advice.key}`, advice.values);
    return { id: `coach ${advice.key}`, tone: "coach", words, fixes, values, press: (fix) => this.press(fix), dismiss: () => this.end() };
  }

  /** @param {string} fix */
  press(fix) {
    const name = fix.replace("coach_", "");
    if (name === "back") this.listener.command("rewind", this.moment?.id);
    else if (name === "reset") this.listener.command("reset");
    else this.listener.action("coach", { fix: name });
    this.end();
  }

  /** It was heard. */
  end() {
    if (this.advice) this.said.add(this.advice.case);
    this.listener.changed();
  }

  /** Another run. */
  forget() {
    this.said.clear();
    this.advice = null;
  }
}
