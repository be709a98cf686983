/** Marks on the time line: what was changed in the run, each change at its step. Their words come from the server, which knows every setting's name. */

import { pixelOf, stopOf } from "./scale.js";

/** @typedef {{step: number, words: string}} Change */

const APART = 24; // pixels: changes that are nearer share a mark, so that each mark can be hit by a finger
const MOST_LINES = 6; // in the words of one mark
const PAUSE = 400; // milliseconds between two questions: a weight that is dragged changes with every frame
const PATIENCE = 5000; // milliseconds until a question that was not answered is asked again

/**
 * Changes that fall on one spot, together: each group stands at its first one.
 * @param {Change[]} changes by their steps @param {(step: number) => number} pixel
 * @returns {{x: number, changes: Change[]}[]}
 */
export function grouped(changes, pixel) {
  /** @type {{x: number, changes: Change[]}[]} */
  const groups = [];
  for (const change of changes) {
    const x = pixel(change.step);
    const last = groups.at(-1);
    if (last && x - last.x < APART) last.changes.push(change);
    else groups.push({ x, changes: [change] });
  }
  return groups;
}

/** The words of a mark, a line a change; of many the first ones. @param {Change[]} changes @param {Texts} texts */
export function linesOf(changes, texts) {
  const lines = changes.map((change) => change.words);
  if (lines.length <= MOST_LINES) return lines;
  const left = lines.length - MOST_LINES + 1;
  return [...lines.slice(0, MOST_LINES - 1), texts.say("canvas.timeline_changes_more", { count: left })];
}

export class Changes {
  /** @type {Texts} */
  texts;
  /** @type {string} */
  language;
  /** @type {string | null} */
  token;
  /** @type {Change[]} */
  changes;
  /** @type {{x: number, changes: Change[]}[]} */
  groups;
  /** @type {string | null} */
  wanted;
  /** @type {string | null} */
  known;
  /** @type {number | undefined} */
  timer;
  /** @type {number[]} */
  steps;
  /** @type {number} */
  width;
  /** @type {number} */
  told;

  /** @param {HTMLElement} scrub holds the slider @param {URL} api */
  constructor(scrub, api) {
    this.api = api;
    this.row = /** @type {HTMLElement} */ (scrub.querySelector(".nn-changes"));
    this.tip = /** @type {HTMLElement} */ (scrub.querySelector(".nn-change-tip"));
    this.row.onkeydown = (event) => this.press(event);
    this.letGo = (/** @type {PointerEvent} */ event) => {
      if (!event.composedPath().includes(this.row)) this.hide();
    };
    document.addEventListener("pointerdown", this.letGo);
    this.forget(null);
  }

  /** Another run. @param {string | null} token */
  forget(token) {
    this.token = token;
    this.changes = [];
    this.groups = [];
    this.wanted = this.known = null; // which words: a version of the journal, and a language
    clearTimeout(this.timer);
    this.timer = undefined;
    this.drawnFor = "";
    this.steps = [];
    this.width = 0;
    this.row.hidden = true;
    this.row.replaceChildren();
    this.hide();
  }

  /** @param {Texts} texts @param {string} language */
  build(texts, language) {
    this.texts = texts;
    this.language = language;
    this.row.ariaLabel = texts.say("canvas.timeline_changes");
  }

  /** @param {number | null} version of the journal; null: nothing was changed */
  read(version) {
    this.wanted = version === null ? null : `${version} ${this.language}`;
    if (this.wanted === null) this.changes = [];
    else if (this.wanted !== this.known && this.timer === undefined) this.ask();
  }

  /** One question is under way at a time; what is wanted meanwhile is asked for after it. */
  async ask() {
    const { token, wanted } = this;
    this.timer = setTimeout(() => this.askAgain(token), PATIENCE);
    let changes = null;
    try {
      const answer = await fetch(new URL(`live/${token}/changes?language=${this.language}`, this.api));
      if (answer.status === 200) changes = await answer.json();
    } catch {
      return; // Nobody answered: the next frame after the wait asks again.
    }
    if (token !== this.token || changes === null) return;
    this.changes = changes;
    this.known = wanted;
    this.drawnFor = "";
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.askAgain(token), PAUSE);
    this.show(this.steps, this.width);
  }

  /** @param {string | null} token of the run that was asked about */
  askAgain(token) {
    if (token !== this.token) return;
    this.timer = undefined;
    if (this.wanted !== null && this.wanted !== this.known) this.ask();
  }

  /** @param {number[]} steps of the kept moments @param {number} width of the line, in pixels */
  show(steps, width) {
    const changes = this.wanted === null ? [] : this.changes;
    const key = [width, steps.length, steps.at(-1), changes.length, this.known, this.wanted === null].join(" ");
    if (!width || key === this.drawnFor) return;
    [this.drawnFor, this.steps, this.width] = [key, steps, width];
    this.groups = grouped(changes, (step) => pixelOf(stopOf(step, steps), steps.length, width));
    this.row.hidden = !this.groups.length;
    while (this.row.children.length > this.groups.length) this.markAt(this.row.children.length - 1).remove();
    while (this.row.children.length < this.groups.length) this.row.append(this.mark());
    this.groups.forEach((group, at) => {
      const mark = this.markAt(at);
      const lines = linesOf(group.changes, this.texts);
      mark.style.left = `${group.x}px`;
      const count = group.changes.length > 1 ? String(group.changes.length) : "";
      if (mark.textContent !== count) mark.textContent = count;
      if (mark.ariaLabel !== lines.join("\n")) mark.ariaLabel = lines.join("\n");
    });
    if (this.groups.length && !this.row.querySelector('[tabindex="0"]')) this.markAt(0).tabIndex = 0;
    if (!this.tip.hidden) this.tell(this.told);
  }

  mark() {
    const mark = document.createElement("button");
    mark.type = "button";
    mark.className = "nn-change";
    mark.tabIndex = -1; // One of them is a stop of the Tab key; arrows go to the others.
    const tell = () => this.tell([...this.row.children].indexOf(mark));
    mark.onpointerenter = mark.onclick = tell;
    mark.onfocus = () => {
      for (const other of this.row.querySelectorAll("button")) other.tabIndex = other === mark ? 0 : -1;
      tell();
    };
    mark.onpointerleave = () => {
      if (!mark.matches(":focus")) this.hide();
    };
    mark.onblur = () => this.hide();
    return mark;
  }

  /** @param {number} at */
  markAt(at) {
    return /** @type {HTMLButtonElement} */ (this.row.children[at]);
  }

  /** The words of a mark, above it. @param {number} at */
  tell(at) {
    const group = this.groups[at];
    if (!group) {
      this.hide();
      return;
    }
    this.told = at;
    const { tip } = this;
    tip.replaceChildren(...linesOf(group.changes, this.texts).map((line) => Object.assign(document.createElement("div"), { textContent: line })));
    tip.hidden = false;
    const left = Math.max(0, Math.min(this.width - tip.offsetWidth, group.x - tip.offsetWidth / 2));
    tip.style.transform = `translate(${left}px, ${-tip.offsetHeight - 12}px)`;
  }

  hide() {
    this.told = -1;
    this.tip.hidden = true;
  }

  /** @param {KeyboardEvent} event */
  press(event) {
    const marks = [...this.row.querySelectorAll("button")];
    const at = marks.findIndex((mark) => mark.matches(":focus"));
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: marks.length - 1 }[event.key];
    if (event.key === "Escape") this.hide();
    if (to === undefined || at < 0) return;
    event.preventDefault();
    marks[Math.max(0, Math.min(marks.length - 1, to))].focus();
  }

  destroy() {
    clearTimeout(this.timer);
    document.removeEventListener("pointerdown", this.letGo);
  }
}
