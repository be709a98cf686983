/** The tools on the large map: look, add, brush, move, erase; by mouse, touch and keyboard. */

import { css } from "../colours.js";
import { count } from "../words/format.js";
import { markerIcon } from "../markers.js";
import { nearestPoint, nextPoint } from "./points.js";
import { pointWords } from "./probe.js";
import { TOOLS, WORDS, choice, group, row, toolButton } from "./toolbar.js";

/** @type {Record<string, number>} */
const REACH = { mouse: 11, pen: 14, touch: 22 }; // pixels around a press in which a point counts as met
const BRUSH = 16; // pixels
const BRUSH_EVERY = 7; // pixels of way between two painted points
const SEND_EVERY = 300; // milliseconds
const STRIDE = 0.2; // of the cross, in units of the plane
/** @type {Record<string, [number, number]>} */
const ARROWS = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };

/** @type {Record<Split, string>} */
const SPLITS = { train: "draw_train", test: "draw_test" };

/** @typedef {import("./toolbar.js").Tool} Tool */

export class Drawing {
  /** @type {Layout} */
  layout;
  /** @type {Theme} */
  theme;
  /** @type {Texts} */
  texts;
  /** @type {boolean} */
  possible;
  /** @type {number} of which points can be drawn */
  classes;
  /** @type {Tool} */
  tool;
  /** @type {Split} */
  split;
  /** @type {HTMLButtonElement[]} */
  buttons;
  /** @type {HTMLElement} */
  words;
  /** @type {HTMLElement} */
  counter;
  /** @type {HTMLElement} */
  making;
  /** @type {[number, number] | null} */
  cross;
  /** @type {[number, number] | null} */
  pointer;
  /** @type {[number, number] | null} */
  pressed;
  /** @type {{kind: string, last: [number, number]} | null} */
  stroke;
  /** @type {Point | null} */
  at;
  /** @type {Point | null} */
  held;
  /** @type {number | undefined} */
  sending;

  /**
   * @param {HTMLElement} root
   * @param {import("./output.js").Output} output where the points lie
   * @param {{look: (point: Point | null) => void, speak: (words: string) => void, clear: () => void}} listener
   */
  constructor(root, output, listener) {
    this.output = output;
    this.edits = output.edits;
    this.listener = listener;
    this.bar = root.querySelector(".nn-map-tools");
    this.options = root.querySelector(".nn-drawing");
    this.frame = output.frame;
    this.tool = "look";
    this.target = 0;
    this.split = "train";
    this.cross = null;
    this.at = null; // the point that the keyboard stands on
    this.held = null; // the point that is being moved
    this.frame.addEventListener("pointerdown", (event) => this.down(event));
    this.frame.addEventListener("pointermove", (event) => this.drag(event));
    for (const end of /** @type {const} */ (["pointerup", "pointercancel"])) this.frame.addEventListener(end, (event) => this.up(event));
    this.frame.addEventListener("pointerleave", () => this.hover(null));
    this.frame.addEventListener("keydown", (event) => this.key(event));
    this.frame.addEventListener("blur", () => this.rest());
  }

  /**
   * A new structure, theme or language.
   * @param {Layout} layout @param {Theme} theme @param {Texts} texts
   */
  build(layout, theme, texts) {
    const possible = layout.drawing !== null;
    Object.assign(this, { layout, theme, texts, possible });
    this.classes = Math.min(layout.drawing?.classes ?? 0, layout.classes.length + 1);
    this.at = this.held = null;
    this.bar.hidden = !possible;
    this.target = Math.max(0, Math.min(this.target, this.classes - 1));
    this.makeTools();
    this.choose(possible ? this.tool : "look");
  }

  /** @param {string} key @param {Parameters<Say>[1]} [values] */
  say(key, values) {
    return this.texts.say(`canvas.${key}`, values);
  }

  makeTools() {
    const focused = this.bar.querySelector(":focus")?.dataset.tool;
    this.bar.ariaLabel = this.say("tools");
    this.buttons = TOOLS.map((tool) => toolButton(tool, (key) => this.say(key), () => this.choose(tool)));
    this.bar.replaceChildren(...this.buttons);
    this.bar.querySelector(`[data-tool="${focused}"]`)?.focus();
    this.makeOptions();
  }

  makeOptions() {
    const focused = this.options.querySelector(":focus")?.dataset.option;
    const { classes } = this.layout;
    const kinds = Array.from({ length: this.classes }, (_, index) => {
      const fresh = index >= classes.length;
      const icon = markerIcon(index, css(this.theme.palette[index]), this.split === "test");
      const name = fresh ? this.say("draw_new_class", { name: String(index) }) : this.say("class", { name: classes[index] });
      return choice(`class${index}`, this.target === index, () => this.set({ target: index }), fresh ? [icon, "+"] : [icon, classes[index]], name);
    });
    const splits = /** @type {Split[]} */ (Object.keys(SPLITS)).map((split) => choice(split, this.split === split, () => this.set({ split }), [this.say(SPLITS[split])]));
    const clear = choice("clear", false, () => this.listener.clear(), [this.say("clear_points")]);
    clear.removeAttribute("aria-pressed");
    clear.title = this.say("clear_points_help");
    clear.classList.add("nn-clear");
    this.words = Object.assign(document.createElement("span"), { className: "nn-drawing-tool" });
    this.counter = Object.assign(document.createElement("span"), { className: "nn-drawing-count" });
    this.making = row(group(this.say("draw_class"), kinds), group(this.say("draw_split"), splits));
    this.options.replaceChildren(row(this.words, this.counter, clear), this.making);
    this.options.querySelector(`[data-option="${focused}"]`)?.focus();
    this.describe();
  }

  /** @param {{target?: number, split?: Split}} choice */
  set(choice) {
    Object.assign(this, choice);
    this.makeOptions();
    this.output.drawMarks();
  }

  /** @param {Tool} tool */
  choose(tool) {
    this.tool = tool;
    this.held = null;
    this.cross = null;
    if (tool !== "look") this.listener.look(null);
    this.frame.dataset.tool = tool;
    for (const button of this.buttons) button.ariaPressed = String(button.dataset.tool === tool);
    this.options.hidden = tool === "look";
    this.frame.ariaLabel = this.say(tool === "look" ? "map_help" : "map_help_draw");
    this.describe();
    this.output.drawMarks();
  }

  /** The tool in words, and how many points there are. */
  describe() {
    if (this.options.hidden || !this.possible) return;
    this.making.hidden = this.tool !== "add" && this.tool !== "brush";
    this.words.textContent = this.say(WORDS[this.tool][1]);
    this.counter.textContent = this.counted;
    this.counter.classList.toggle("nn-full", this.edits.full);
  }

  /** How many points there are, and may be, in words. */
  get counted() {
    return this.say("point_count", { count: count(this.edits.count), limit: count(this.edits.known.points) });
  }

  /** Whether a press may change points now: not while a past moment is looked at. */
  get active() {
    return this.possible && this.tool !== "look" && !this.output.past && !this.output.selection;
  }

  get shown() {
    return this.output.shows.test ? [...this.edits.points.train, ...this.edits.points.test] : this.edits.points.train;
  }

  /** @param {PointerEvent} event @returns {[number, number]} */
  positionOf(event) {
    const bounds = this.frame.getBoundingClientRect();
    return [event.clientX - bounds.left, event.clientY - bounds.top];
  }

  /** @param {number} x @param {number} y */
  met(x, y, kind = "mouse") {
    return nearestPoint(this.shown, x, y, REACH[kind] ?? REACH.mouse, this.output.toPixels);
  }

  // The pointer

  /** @param {PointerEvent} event */
  down(event) {
    if (event.button !== 0 || !this.output.layout) return;
    const [x, y] = this.positionOf(event);
    if (!this.output.isInside(x, y)) return;
    if (this.tool === "look") {
      this.pressed = [x, y];
      return;
    }
    if (!this.active) return;
    event.preventDefault();
    this.frame.focus({ preventScroll: true });
    this.frame.setPointerCapture(event.pointerId);
    this.stroke = { kind: event.pointerType, last: [x, y] };
    this.cross = null;
    if (this.tool === "move") this.held = this.met(x, y, event.pointerType);
    else this.act(x, y, event.pointerType);
    this.sending = setInterval(() => this.tool !== "move" && this.edits.flush(), SEND_EVERY);
  }

  /** @param {PointerEvent} event */
  drag(event) {
    const [x, y] = this.positionOf(event);
    this.hover(this.output.layout && this.output.isInside(x, y) ? [x, y] : null);
    if (!this.stroke) return;
    if (this.tool === "move") {
      if (this.held) this.edits.move(this.held, ...this.output.toPlane(x, y));
      return;
    }
    if (this.tool === "add") return;
    // A quick stroke comes in few events: what lies between them is painted too.
    const [fromX, fromY] = this.stroke.last;
    const way = Math.hypot(x - fromX, y - fromY);
    const steps = Math.floor(way / BRUSH_EVERY);
    for (let i = 1; i <= steps; i += 1) this.act(fromX + ((x - fromX) * i) / steps, fromY + ((y - fromY) * i) / steps, this.stroke.kind);
    if (steps) this.stroke.last = [x, y];
  }

  /** @param {PointerEvent} event */
  up(event) {
    if (this.pressed && event.type === "pointerup") {
      const [x, y] = this.positionOf(event);
      const [fromX, fromY] = this.pressed;
      if (Math.hypot(x - fromX, y - fromY) < 8) this.lookAt(this.met(x, y, event.pointerType));
    }
    this.pressed = null;
    if (!this.stroke) return;
    clearInterval(this.sending);
    this.stroke = this.held = null;
    this.edits.flush();
    this.describe();
  }

  /** One touch of the tool. @param {number} x @param {number} y @param {string} kind */
  act(x, y, kind) {
    if (this.tool === "erase") {
      const point = this.met(x, y, kind);
      if (point) this.edits.remove(point);
    } else if (this.output.isInside(x, y)) {
      const [angle, radius] = [2 * Math.PI * Math.random(), this.tool === "brush" ? BRUSH * Math.sqrt(Math.random()) : 0];
      this.edits.add(...this.output.toPlane(x + radius * Math.cos(angle), y + radius * Math.sin(angle)), this.target, this.split);
    }
    this.describe();
  }

  /** @param {[number, number] | null} position */
  hover(position) {
    this.pointer = position;
    if (this.tool === "brush" || this.tool === "erase") this.output.drawMarks();
  }

  /** @param {Point | null} point */
  lookAt(point) {
    this.at = point;
    this.listener.look(point);
  }

  // The keyboard

  /** @param {KeyboardEvent} event */
  key(event) {
    if (event.target !== this.frame || !this.layout || event.ctrlKey || event.metaKey || event.altKey) return;
    const arrow = ARROWS[event.key];
    if (!arrow && event.key !== "Enter" && event.key !== "Escape") return;
    if (event.key === "Escape") this.leave();
    else if (this.tool === "look") this.walk(arrow);
    else if (this.active) this.steer(arrow, event.shiftKey);
    event.preventDefault();
    event.stopPropagation();
    this.output.drawMarks();
  }

  leave() {
    if (this.tool === "look") {
      this.lookAt(null);
      return;
    }
    this.choose("look");
    this.edits.flush();
  }

  /** @param {[number, number] | undefined} arrow */
  walk(arrow) {
    const points = this.output.view ? this.shown : [];
    if (!arrow) {
      if (this.at) this.listener.look(this.at);
      return;
    }
    const [centerX, centerY] = [this.output.box.x + this.output.box.size / 2, this.output.box.y + this.output.box.size / 2];
    this.at = this.at && points.includes(this.at)
      ? nextPoint(points, this.at, arrow, this.output.toPixels) ?? this.at
      : nearestPoint(points, centerX, centerY, Infinity, this.output.toPixels);
    if (this.at) this.listener.speak(pointWords(this.at, this.layout, this.texts));
  }

  /** @param {[number, number] | undefined} arrow @param {boolean} far */
  steer(arrow, far) {
    const { x: [x0, x1], y: [y0, y1] } = this.output.area;
    this.cross ??= [(x0 + x1) / 2, (y0 + y1) / 2];
    if (arrow) {
      const stride = far ? 5 * STRIDE : STRIDE;
      const [x, y] = [this.cross[0] + arrow[0] * stride, this.cross[1] - arrow[1] * stride];
      this.cross = [Math.max(x0, Math.min(x1, x)), Math.max(y0, Math.min(y1, y))];
      if (this.held) this.edits.move(this.held, ...this.cross);
      return;
    }
    const pixels = this.output.toPixels(...this.cross);
    if (this.tool === "move") this.held = this.held ? null : this.met(...pixels);
    else this.act(...pixels, "mouse");
    if (!this.held) this.edits.flush();
    this.listener.speak(this.counted);
  }

  /** The keyboard went elsewhere. */
  rest() {
    this.cross = this.at = null;
    if (!this.stroke) {
      this.held = null;
      this.edits.flush();
    }
    if (this.output.layout) this.output.drawMarks();
  }

  // What is drawn over the points

  /** @param {Context} context */
  drawMarks(context) {
    const { theme, output } = this;
    /** @param {number} x @param {number} y @param {number} radius @param {number} width */
    const ring = (x, y, radius, width) => {
      context.beginPath();
      context.arc(x, y, radius, 0, 7);
      context.strokeStyle = css(theme.panel, 0.9);
      context.lineWidth = width + 2;
      context.stroke();
      context.strokeStyle = css(theme.primary);
      context.lineWidth = width;
      context.stroke();
    };
    if (this.at) ring(...output.toPixels(this.at.x, this.at.y), 9, 2);
    if (this.held) ring(...output.toPixels(this.held.x, this.held.y), 9, 2);
    if (this.pointer && this.active && this.tool === "brush") ring(...this.pointer, BRUSH, 1.2);
    if (this.pointer && this.active && this.tool === "erase") ring(...this.pointer, REACH.mouse, 1.2);
    if (!this.cross) return;
    const [x, y] = output.toPixels(...this.cross);
    for (const { colour, width } of [{ colour: css(theme.panel, 0.9), width: 4 }, { colour: css(theme.text), width: 1.8 }]) {
      context.beginPath();
      for (const [dx, dy] of Object.values(ARROWS)) {
        context.moveTo(x + 4 * dx, y + 4 * dy);
        context.lineTo(x + 13 * dx, y + 13 * dy);
      }
      context.strokeStyle = colour;
      context.lineWidth = width;
      context.stroke();
    }
  }

  destroy() {
    clearInterval(this.sending);
  }
}
