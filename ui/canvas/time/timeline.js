/** The time line: scrub back to any kept moment, go on from there, or fork there. */

import { Changes } from "./changes.js";
import { css } from "../colours.js";
import { contextOf } from "../context.js";
import { pixelOf } from "./scale.js";
import { count, fixed } from "../words/format.js";

/** @type {Record<string, string[]>} */
const WORDS = { now: ["back_to_now", "back_to_now_help"], go_on: ["go_on", "go_on_help"], fork: ["fork", "fork_help"] };
const PATIENCE = 600; // milliseconds until a moment that was asked for counts as not coming

export class Timeline {
  /** @type {Theme} */
  theme;
  /** @type {Texts} */
  texts;
  /** @type {Header} */
  header;
  /** @type {HTMLInputElement} */
  range;
  /** @type {HTMLCanvasElement} */
  line;
  /** @type {Record<string, HTMLButtonElement>} */
  buttons;
  /** @type {{id: number, progress: number, loss: number, step: number}[]} */
  moments;
  /** @type {ArrayLike<number> | null} */
  table;
  /** @type {number | null} */
  chosen;
  /** @type {number | null} */
  sent;
  /** @type {boolean} */
  waiting;
  /** @type {string} */
  drawnFor;
  /** @type {number | undefined} */
  timer;

  /** @param {HTMLElement} root @param {{action: Action, command: Command, want: Want}} host @param {URL} api */
  constructor(root, host, api) {
    this.root = root;
    this.host = host;
    /** @template {HTMLElement} [Kind=HTMLElement] @param {string} name @returns {Kind} */
    const find = (name) => root.querySelector(name);
    this.row = find(".nn-time");
    this.range = find(".nn-time-range");
    this.line = find(".nn-time-line");
    this.label = find(".nn-time-label");
    this.changes = new Changes(find(".nn-time-scrub"), api);
    this.banner = find(".nn-then");
    this.buttons = Object.fromEntries([...this.row.querySelectorAll("[data-time]")].map((button) => [button.dataset.time, button]));
    this.range.oninput = () => this.choose(this.moments[Number(this.range.value)]?.id ?? null);
    this.buttons.now.onclick = () => this.backToNow();
    this.buttons.go_on.onclick = () => this.goOn();
    this.buttons.fork.onclick = () => host.action("fork", { moment: this.chosen });
    this.banner.querySelector("button").onclick = () => this.backToNow();
    this.forget(null);
  }

  /** Another run. @param {string | null} token */
  forget(token) {
    this.changes.forget(token);
    this.moments = [];
    this.table = null;
    this.chosen = this.sent = null; // the moment that the slider stands on and the one that was asked for; null: now
    this.waiting = false; // for its frame
    clearTimeout(this.timer);
    this.banner.hidden = true;
    this.root.classList.remove("nn-past");
  }

  /** @param {Theme} theme @param {Texts} texts */
  build(theme, texts) {
    Object.assign(this, { theme, texts });
    /** @param {string} key */
    const say = (key) => texts.say(`canvas.${key}`);
    this.row.ariaLabel = this.range.ariaLabel = say("timeline");
    this.range.title = say("timeline_help");
    for (const [name, button] of Object.entries(this.buttons)) [button.textContent, button.title] = WORDS[name].map(say);
    this.banner.querySelector("button").textContent = say("back_to_now");
    this.changes.build(texts, this.root.lang);
    this.drawnFor = "";
    this.show();
  }

  /** @param {Header} header of a frame @param {ArrayLike<number> | null} table (n, 4): id, progress, test loss, step */
  read(header, table) {
    this.header = header;
    if (table && table !== this.table) {
      this.table = table;
      this.moments = Array.from({ length: table.length / 4 }, (_, i) => ({ id: table[4 * i], progress: table[4 * i + 1], loss: table[4 * i + 2], step: table[4 * i + 3] }));
      if (this.chosen !== null && !this.moments.some((moment) => moment.id === this.chosen)) this.choose(null);
    }
    if (this.waiting && (header.moment?.id ?? null) === this.sent) this.answered();
    this.show();
  }

  /** The number of the last stop, which is now; before it there is one for each kept moment. 0 where the only moment is now itself. */
  get lastStop() {
    const now = this.header && (this.header.live ?? this.header);
    return this.moments.length === 1 && this.moments[0].step === now?.step ? 0 : this.moments.length;
  }

  get position() {
    const at = this.moments.findIndex((moment) => moment.id === this.chosen);
    return at < 0 ? this.lastStop : at;
  }

  /** @param {number | null} moment its id; null: now */
  choose(moment) {
    this.chosen = moment;
    this.show();
    this.ask();
  }

  /** One question is under way at a time: where the slider goes meanwhile is asked when its answer is there. */
  ask() {
    if (this.waiting || this.sent === this.chosen) return;
    this.sent = this.chosen;
    this.waiting = true;
    this.timer = setTimeout(() => this.answered(), PATIENCE);
    this.host.want({ moment: this.chosen });
  }

  answered() {
    clearTimeout(this.timer);
    this.waiting = false;
    this.ask();
  }

  backToNow() {
    const active = /** @type {Document | ShadowRoot} */ (this.root.getRootNode()).activeElement;
    const pressed = active?.matches("button") && (this.row.contains(active) || this.banner.contains(active));
    this.choose(null);
    // The button that was pressed can no longer be: the keyboard stays on the time line.
    if (pressed) this.range.focus();
  }

  goOn() {
    if (this.chosen === null) return;
    this.host.command("rewind", this.chosen);
    this.backToNow();
  }

  show() {
    const { moments, header, texts, chosen } = this;
    if (!texts) return;
    const past = chosen !== null;
    this.root.classList.toggle("nn-past", past);
    this.banner.hidden = !past || !header;
    if (!moments.length || !header) return;
    const last = count((header.live ?? header).epoch);
    const { position, lastStop } = this;
    const epoch = past ? fixed(moments[position]?.progress ?? header.progress, Number.isInteger(moments[position]?.progress) ? 0 : 1) : last;
    const words = past ? texts.say("canvas.timeline_at", { epoch, last }) : texts.say("canvas.timeline_now", { last });
    if (Number(this.range.max) !== lastStop) this.range.max = String(lastStop);
    if (Number(this.range.value) !== position) this.range.value = String(position);
    if (this.label.textContent !== words) {
      this.label.textContent = words;
      this.range.setAttribute("aria-valuetext", words);
    }
    if (past) {
      const sentence = texts.say("canvas.timeline_looking", { epoch, last });
      const line = /** @type {Element} */ (this.banner.firstElementChild);
      if (line.textContent !== sentence) line.textContent = sentence;
    }
    this.buttons.now.disabled = this.buttons.go_on.disabled = !past;
    this.changes.read(header.journal_version);
    this.drawLine();
    this.changes.show(this.moments.map((moment) => moment.step), this.line.clientWidth);
  }

  /** The test loss of every kept moment, small. */
  drawLine() {
    const { line, moments, theme, position, lastStop } = this;
    const [width, height] = [line.clientWidth, line.clientHeight];
    const key = [width, height, lastStop, moments.at(-1)?.id, position, theme.key].join(" ");
    if (!width || key === this.drawnFor) return;
    this.drawnFor = key;
    const ratio = Math.min(2, window.devicePixelRatio || 1);
    line.width = Math.round(width * ratio);
    line.height = Math.round(height * ratio);
    const context = contextOf(line);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    const losses = moments.map((moment) => moment.loss).filter(Number.isFinite);
    const top = Math.max(1e-9, ...losses);
    /** @param {number} index */
    const xOf = (index) => pixelOf(index, lastStop, width);
    /** @param {number} value */
    const level = (value) => height - 2 - (Math.min(value, top) / top) * (height - 5);
    /** @param {number} from @param {number} to */
    const trace = (from, to) => {
      context.beginPath();
      let drawn = 0;
      for (let i = from; i <= to; i += 1) {
        const value = moments[Math.min(i, moments.length - 1)].loss; // the end is now: level with the newest moment
        if (!Number.isFinite(value)) continue;
        context.lineTo(xOf(i), level(value));
        drawn += 1;
      }
      return drawn;
    };
    /** @param {number} from @param {number} to @param {number} alpha */
    const part = (from, to, alpha) => {
      if (to <= from || trace(from, to) < 2) return;
      context.strokeStyle = css(theme.curves.test, alpha);
      context.lineWidth = 1.6;
      context.lineJoin = "round";
      context.stroke();
      context.lineTo(xOf(to), height);
      context.lineTo(xOf(from), height);
      context.fillStyle = css(theme.curves.test, alpha * 0.16);
      context.fill();
    };
    part(0, position, 1);
    part(position, lastStop, 0.35);
  }

  destroy() {
    clearTimeout(this.timer);
    this.changes.destroy();
  }
}
