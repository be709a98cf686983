/** Runs side by side. Streamlit calls the default export at each change of data or theme; frames come over one live channel a run. */

import { css, readTheme } from "../canvas/colours.js";
import { Texts, count, percent } from "../canvas/words/format.js";
import { mounting } from "../canvas/mount.js";
import { SPEEDS } from "../canvas/time/controls.js";
import { Overlay, Table } from "./figures.js";
import { Run } from "./run.js";
import { difference, drawDifference, prepared } from "./small.js";
import { InStep } from "./step.js";
import { outcome } from "./words.js";

/** "https://host/base/api/": two folders above this module, `api/assets/<version>/compare/compare.js`. */
const API = new URL("../../../", import.meta.url);
const PLOTLY = new URL("../plotly.min.js", import.meta.url).href;
/** Orange and blue mean classes and signs in every picture: the runs take other colours of the palette. */
const RUN_COLOURS = [5, 2, 3, 6];
const PATIENCE = 2000; // milliseconds for which a speed that was set is believed before the runs say otherwise
const READ_EVERY = 200; // milliseconds between changes of words, table and the map of differences
const ICONS = {
  play: '<path d="M7 4.600v14.800c0 .8.9 1.300 1.600.8l11-7.400c.6-.4.6-1.200 0-1.600l-11-7.400C7.900 3.300 7 3.800 7 4.600z"/>',
  pause: '<rect x="5.500" y="4" width="4.600" height="16" rx="1.400"/><rect x="13.900" y="4" width="4.600" height="16" rx="1.400"/>',
  reset: '<path d="M12 5V2.200c0-.5-.6-.8-1-.4L6.800 5.600c-.3.200-.3.600 0 .8L11 10.200c.4.400 1 .1 1-.4V7a5.800 5.800 0 1 1-5.700 7 1 1 0 0 0-2 .4A7.800 7.800 0 1 0 12 5z"/>',
};

/**
 * What Python tells of the page: `rows` of the recipes that differ, `pairs` by the numbers of two runs.
 * @typedef {{runs: import("./run.js").RunData[], rows: string[][], pairs: Record<string, string>, strings: Record<string, string>,
 *            language: string}} Data
 */

class Comparison {
  /** @type {string} */
  key;
  /** @type {number} */
  width;
  /** @type {(name: string, value: object) => void} */
  setTriggerValue;
  /** @type {Data} */
  data;
  /** @type {Theme} */
  theme;
  /** @type {Texts} */
  texts;
  /** @type {Run[]} */
  runs;
  /** @type {HTMLSelectElement[]} */
  selects;
  /** @type {HTMLCanvasElement} */
  picture;
  /** @type {number | undefined} */
  sliding;
  /** @type {number | null | undefined} */
  speed;
  /** @type {boolean | null} */
  dressed;
  /** @type {number} */
  scheduled;

  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    /** @template {HTMLElement} [Kind=HTMLElement] @param {string} name @returns {Kind} */
    const find = (name) => root.querySelector(name);
    this.list = find(".cmp-runs");
    this.messages = find(".cmp-messages");
    this.stepReadout = find(".cmp-step");
    this.buttons = Object.fromEntries([...root.querySelectorAll("[data-do]")].map((button) => [button.dataset.do, button]));
    /** @type {HTMLInputElement} */
    this.range = find(".cmp-range");
    this.range.max = String(SPEEDS.length - 1);
    this.speedValue = find(".cmp-speed-value");
    this.selects = [find(".cmp-first"), find(".cmp-second")];
    this.what = find(".cmp-what");
    this.outcome = find(".cmp-outcome");
    this.picture = find(".cmp-difference");
    this.share = find(".cmp-share");
    this.runs = [];
    this.inStep = new InStep(() => this.runs);
    this.overlay = new Overlay(root, PLOTLY);
    this.overlay.onReady = () => this.read(true);
    this.table = new Table(find(".cmp-table"));
    this.buttons.play.onclick = () => this.press(this.inStep.state === "playing" ? "pause" : "play");
    this.buttons.reset.onclick = () => this.press("reset");
    this.range.oninput = () => this.setSpeed();
    for (const select of this.selects) select.onchange = () => this.read(true);
    this.observer = new ResizeObserver(() => this.resized());
    this.observer.observe(root);
    this.host = {
      changed: () => this.schedule(),
      /** @type {Action} */
      action: (verb, values) => this.setTriggerValue("action", { do: verb, ...values }),
    };
    this.leaving = () => this.inStep.letGo();
    window.addEventListener("pagehide", this.leaving);
  }

  /**
   * New data or a new theme; calling it again with the same changes nothing.
   * @param {import("../canvas/mount.js").Component<Data>} component
   */
  update({ data, setTriggerValue }) {
    this.setTriggerValue = setTriggerValue;
    const theme = readTheme(this.root);
    const key = JSON.stringify([data, theme.key]);
    if (key === this.key) return;
    this.key = key;
    this.theme = theme;
    this.data = data;
    this.texts = new Texts(data.strings);
    this.root.lang = data.language;
    this.paintTheme();
    this.name();
    this.fill();
    this.overlay.start(this.texts);
    this.read(true);
    this.schedule();
  }

  paintTheme() {
    this.root.style.setProperty("--nn-type", String(this.theme.type));
    for (const name of /** @type {const} */ (["panel", "muted", "line"])) this.root.style.setProperty(`--cmp-${name}`, css(this.theme[name]));
    this.root.style.setProperty("--cmp-on-primary", css(this.theme.onPrimary));
  }

  name() {
    /** @param {string} key */
    const say = (key) => this.texts.say(key);
    for (const element of this.root.querySelectorAll("[data-text]")) element.textContent = say(element.dataset.text ?? "");
    this.root.querySelector(".cmp-bar").ariaLabel = say("compare.controls");
    this.root.querySelector(".cmp-pair").ariaLabel = say("compare.decisions");
    const [lossPanel, metricPanel] = this.root.querySelectorAll(".cmp-curve");
    lossPanel.ariaLabel = say("canvas.loss");
    metricPanel.ariaLabel = say("compare.score");
    this.root.querySelector(".cmp-table").ariaLabel = say("compare.recipe");
    this.list.ariaLabel = say("compare.runs");
    this.dressed = null;
    this.dress("reset", "reset");
    this.range.ariaLabel = say("compare.speed");
    this.speed = undefined;
    this.showState();
  }

  /** @param {"play" | "reset"} name @param {"play" | "pause" | "reset"} icon */
  dress(name, icon) {
    const button = this.buttons[name];
    button.innerHTML = `<svg viewBox="0 0 24 24" aria-hidden="true" focusable="false">${ICONS[icon]}</svg><span></span>`;
    /** @type {Element} */ (button.lastElementChild).textContent = this.texts.say(`canvas.${icon}`);
    button.title = this.texts.say(`compare.${icon}_help`);
  }

  /** The runs that Python names, in its order; those that stay keep their channel. */
  fill() {
    const before = this.runs;
    this.runs = this.data.runs.map((told) => before.find((run) => run.id === told.id && run.token === told.token && run.life === told.life) ?? new Run(told, API, this.host));
    for (const run of before) {
      if (this.runs.includes(run)) continue;
      const again = this.runs.find(({ id, token }) => id === run.id && token === run.token);
      if (again) this.inStep.replace(run, again);
      else this.inStep.dismiss(run);
      run.close();
    }
    const cards = this.runs.map((run) => run.card);
    if (cards.some((card, i) => this.list.children[i] !== card)) this.list.replaceChildren(...cards);
    this.runs.forEach((run, i) => run.dress(this.data.runs[i], this.theme, this.texts, this.theme.palette[RUN_COLOURS[i % RUN_COLOURS.length]]));
    this.root.dataset.runs = String(this.runs.length);
    this.offer();
    this.table.build(this.runs, this.data.rows, this.texts);
  }

  /** The choice of two. */
  offer() {
    const chosen = this.selects.map((select) => select.value);
    this.selects.forEach((select, i) => {
      select.replaceChildren(...this.runs.map((run) => new Option(run.name, String(run.id))));
      const still = this.runs.some((run) => String(run.id) === chosen[i]);
      select.value = still ? chosen[i] : String(this.runs[Math.min(i, this.runs.length - 1)].id);
    });
    // The newest two, until somebody chooses otherwise.
    if (!chosen[0] && this.runs.length > 1) this.selects.forEach((select, i) => { select.value = String(this.runs[this.runs.length + i - 2].id); });
  }

  /** @param {"play" | "pause" | "reset"} verb */
  press(verb) {
    this.inStep[verb]();
    this.showState();
  }

  showState() {
    const playing = this.inStep.state === "playing";
    this.root.dataset.state = this.inStep.state;
    if (this.dressed === playing) return;
    this.dressed = playing;
    this.dress("play", playing ? "pause" : "play");
  }

  /** The speed that was set, for all of them. */
  setSpeed() {
    const speed = SPEEDS[Number(this.range.value)];
    this.sliding = performance.now();
    this.inStep.setSpeed(speed);
    this.showSpeed(speed);
  }

  /** The speed of the slowest, unless somebody is at it. */
  followSpeed() {
    if (this.inStep.state === "stopping" || (this.sliding && performance.now() - this.sliding < PATIENCE)) return;
    const { slowest } = this.inStep;
    if (slowest === undefined) return;
    const position = SPEEDS.findIndex((one) => (one ?? Infinity) >= slowest);
    if (position < 0) return;
    this.range.value = String(position);
    this.showSpeed(SPEEDS[position]);
  }

  /** @param {number | null} speed */
  showSpeed(speed) {
    if (speed === this.speed) return;
    this.speed = speed;
    const words = speed === null ? this.texts.say("canvas.fastest") : this.texts.say("canvas.speed_value", { rate: count(speed) });
    this.speedValue.textContent = words;
    this.range.setAttribute("aria-valuetext", words);
  }

  schedule() {
    if (!this.scheduled) this.scheduled = requestAnimationFrame(() => this.paint());
  }

  paint() {
    this.scheduled = 0;
    this.inStep.follow();
    for (const run of this.runs) {
      run.answer();
      run.draw();
    }
    this.showState();
    this.showConnection();
    this.read(this.inStep.state === "standing");
  }

  showConnection() {
    const worst = this.runs.some((run) => run.state === "gone") ? "gone" : this.runs.some((run) => run.state === "reconnecting") ? "reconnecting" : "";
    const words = worst ? this.texts.say(`canvas.${worst}`) : "";
    if (this.messages.textContent !== words) this.messages.textContent = words;
  }

  /** Words, curves, table and the map of differences; not at every frame. @param {boolean} now */
  read(now) {
    if (!this.texts || (!now && performance.now() < (this.readNext ?? 0))) return;
    this.readNext = performance.now() + READ_EVERY;
    const steps = this.runs.flatMap((run) => run.header?.step ?? []);
    if (!steps.length) return;
    this.root.classList.add("cmp-ready");
    const [least, most] = [Math.min(...steps), Math.max(...steps)];
    this.stepReadout.textContent = this.texts.say("compare.step", { step: least === most ? count(least) : `${count(least)}–${count(most)}` });
    this.followSpeed();
    this.table.read(this.runs);
    this.overlay.draw(this.runs, this.theme, this.texts, now);
    this.readPair();
  }

  readPair() {
    const [a, b] = this.selects.map((select) => this.runs.find((run) => String(run.id) === select.value));
    const [one, other] = [a?.known, b?.known];
    if (!a || !b || !one || !other) return;
    const ordered = this.runs.indexOf(a) <= this.runs.indexOf(b);
    /** @param {Node} element @param {string} words */
    const write = (element, words) => { if (element.textContent !== words) element.textContent = words; };
    write(this.what, this.data.pairs[ordered ? `${a.id} ${b.id}` : `${b.id} ${a.id}`] ?? "");
    // A live region that changes five times a second says nothing: the outcome is told when they stand.
    const standing = this.inStep.state === "standing";
    this.outcome.ariaHidden = standing ? null : "true";
    write(this.outcome, a === b ? "" : ordered ? outcome(this.texts, one, other) : outcome(this.texts, other, one));
    const found = difference(one, other);
    this.picture.hidden = !found;
    if (!found) {
      write(this.share, this.texts.say("compare.other_planes"));
      return;
    }
    const words = this.texts.say(`compare.${found.words}`, { share: percent(found.share) });
    write(this.share, words);
    Object.assign(this.picture, { role: "img", ariaLabel: words });
    const side = Math.min(this.share.clientWidth, 340);
    if (side <= 0) return;
    const [context, size] = prepared(this.picture, side, side);
    drawDifference(context, size, one, other, found.differs, this.theme, [a.colour, b.colour]);
  }

  resized() {
    if (this.root.clientWidth === this.width || !this.root.clientWidth) return;
    this.width = this.root.clientWidth;
    for (const run of this.runs) {
      run.stale = true;
      run.draw();
    }
    this.read(true);
  }

  destroy() {
    this.inStep.letGo();
    window.removeEventListener("pagehide", this.leaving);
    cancelAnimationFrame(this.scheduled);
    this.observer.disconnect();
    for (const run of this.runs) run.close();
    this.overlay.destroy();
  }
}

const mounted = mounting(".cmp", Comparison);

/** What Streamlit calls. @param {Parameters<typeof mounted>[0]} component */
export default function mount(component) {
  return mounted(component);
}
