/** The large map: what the network answers over the plane, with the data's points on it; or one unit's own map, while it is looked at. */

import { drawAxes, ticks } from "../axes.js";
import { contextOf } from "../context.js";
import { outputKind, unitKind } from "../kinds.js";
import { INPUTS } from "../network/items.js";
import { Cells } from "./cells.js";
import { Choosing } from "./choosing.js";
import { Drawing } from "./drawing.js";
import { Edits } from "./edits.js";
import { number } from "../words/format.js";
import { drawAim, drawPoints, ringWrong } from "./points.js";
import { Probe } from "./probe.js";
import { unitScale } from "./unit.js";

const MARGIN = { left: 34, right: 4, top: 4, bottom: 36 };
const SMALLEST_MAP = 150; // pixels
const PANEL_EDGES = 20; // pixels above and below what stands in the panel
/** @type {View} */
const NOWHERE = { x: [0, 1], y: [0, 1], names: ["", ""] };
const SPLITS = /** @type {const} */ (["test", "train"]); // training points lie on top

export class Output {
  /** @type {Layout} */
  layout;
  /** @type {Arrays} */
  constants;
  /** @type {Theme} */
  theme;
  /** @type {Texts} */
  texts;
  /** @type {Arrays | null} */
  arrays;
  /** @type {Header} */
  header;
  /** @type {HTMLCanvasElement} */
  image;
  /** @type {HTMLCanvasElement} */
  curve;
  /** @type {HTMLCanvasElement} */
  points;
  /** @type {HTMLCanvasElement} */
  marks;
  /** @type {Record<string, HTMLElement>} */
  toggles;
  /** @type {Selected | null} */
  selection;
  /** @type {Partial<Splits<ArrayLike<number>>>} */
  predictions;
  /** @type {View | null} */
  view;
  /** @type {{x: Interval, y: Interval}} where points and pixels are, whatever is looked at */
  area;
  /** @type {ToPixels} */
  toPixels;
  /** @type {Record<string, boolean>} */
  shows;
  /** @type {Box} */
  box;
  /** @type {number} */
  ratio;
  /** @type {number} */
  width;
  /** @type {number} */
  height;
  /** @type {number} */
  size;
  /** @type {string | null} */
  noteScale;
  /** @type {string} */
  plainCaption;
  /** @type {string | undefined} */
  wrongWords;
  /** @type {boolean | undefined} */
  curveDrawn;
  /** @type {number} */
  pending;

  /** @param {HTMLElement} root @param {{command: Command, action: Action, want: Want}} host */
  constructor(root, host) {
    this.host = host;
    /** @template {HTMLElement} [Kind=HTMLElement] @param {string} name @returns {Kind} */
    const find = (name) => root.querySelector(name);
    this.panel = find(".nn-output");
    this.title = find(".nn-output-title");
    this.note = find(".nn-output-note");
    this.frame = find(".nn-map");
    this.image = find(".nn-map-image");
    this.curve = find(".nn-map-curve");
    this.points = find(".nn-map-points");
    this.marks = find(".nn-map-marks");
    this.tip = find(".nn-map-tip");
    this.legend = find(".nn-legend");
    this.caption = find(".nn-caption");
    this.spoken = find(".nn-map-spoken");
    this.toggles = Object.fromEntries(["discretize", "contours", "wrong"].map((name) => [name, /** @type {HTMLElement} */ (find(`[data-toggle="${name}"]`).closest("label"))]));
    this.selection = null;
    this.shows = { test: true, discretize: false, contours: false, wrong: false };
    this.predictions = {};
    this.past = false;
    this.cells = new Cells(this.image);
    this.toPixels = (x, y) => this.pixelsOf(x, y);
    this.edits = new Edits({ send: (batch) => host.action("points", batch), changed: () => this.pointsChanged() });
    this.probe = new Probe(root, host);
    this.choosing = new Choosing(root, host);
    this.drawing = new Drawing(root, this, {
      look: (point) => this.lookAt(point), speak: (words) => { this.spoken.textContent = words; }, clear: () => host.action("clear_points"),
    });
    this.frame.addEventListener("pointermove", (event) => this.point(event));
    this.frame.addEventListener("pointerdown", (event) => this.point(event));
    this.frame.addEventListener("pointerleave", () => { this.tip.hidden = true; });
    this.card = this.probe.card;
    // The card closes itself too; the mark and the keyboard's point go with it.
    this.card.addEventListener("click", (event) => /** @type {Element} */ (event.target).closest(".nn-probe-close") && this.lookAt(null));
  }

  /**
   * A new structure, width, theme or language.
   * @param {Layout} layout @param {Arrays} constants @param {Theme} theme @param {Texts} texts
   * @param {number | null} room height of the canvas; null where the page scrolls
   */
  build(layout, constants, theme, texts, room) {
    const others = constants !== this.constants;
    Object.assign(this, { layout, constants, theme, texts });
    this.ratio = Math.min(2, window.devicePixelRatio || 1);
    this.describe(); // First: the map gets the height that legend and caption leave.
    this.frame.style.width = "";
    const most = this.frame.clientWidth;
    const square = Math.min(most, room === null ? Infinity : this.widthFor(this.panel.clientHeight));
    // Rows to choose from take all the width there is.
    this.width = outputKind(layout).places ? most : square;
    this.size = square - MARGIN.left - MARGIN.right;
    this.height = this.size + MARGIN.top + MARGIN.bottom;
    const left = MARGIN.left + (this.width - square) / 2;
    this.box = { x: left, y: MARGIN.top, size: this.size, wide: { x: 6, width: this.width - 12 } };
    Object.assign(this.frame.style, { width: `${this.width}px`, height: `${this.height}px` });
    for (const canvas of [this.curve, this.points, this.marks]) {
      canvas.width = Math.round(this.width * this.ratio);
      canvas.height = Math.round(this.height * this.ratio);
      canvas.style.cssText = `width:${this.width}px;height:${this.height}px`;
    }
    this.image.style.cssText = `left:${left}px;top:${MARGIN.top}px;width:${this.size}px;height:${this.size}px`;
    if (others) this.takeRows();
    this.probe.build(layout, theme, texts);
    this.drawing.build(layout, theme, texts);
    this.choosing.build(layout, constants, texts, this.box);
    this.drawPoints();
  }

  /** Other rows for a layout that is the same. @param {Layout} layout @param {Arrays} constants */
  renew(layout, constants) {
    Object.assign(this, { layout, constants });
    this.takeRows();
    this.drawing.at = this.drawing.held = null; // Points of the rows before.
    this.choosing.build(layout, constants, this.texts, this.box);
    this.describe();
    this.drawPoints();
  }

  takeRows() {
    this.predictions = {};
    this.edits.reset(this.constants, this.layout.drawing);
    this.probe.follow(this.edits.points);
  }

  /** The width of a map in a panel of this height. @param {number} height */
  widthFor(height) {
    const others = [...this.panel.children].filter((child) => child !== this.frame && child !== this.card && child !== this.spoken);
    const used = others.reduce((sum, child) => sum + /** @type {HTMLElement} */ (child).offsetHeight, 0);
    return Math.max(SMALLEST_MAP, height - used - PANEL_EDGES - MARGIN.top - MARGIN.bottom + MARGIN.left + MARGIN.right);
  }

  /** How what is looked at fills the map. @returns {Large<any>} */
  get large() {
    return this.selection ? unitKind(this.layout, this.selection.address) : outputKind(this.layout);
  }

  /** Whether lines of equal value are seen. */
  get contours() {
    return this.shows.contours && Boolean(this.large.paint);
  }

  /** @returns {Look} */
  get look() {
    const { layout, constants, theme, texts, selection: unit, header } = this;
    return { layout, constants, theme, texts, unit, example: header?.example ?? null };
  }

  /** @param {number} x @param {number} y @returns {[number, number]} */
  pixelsOf(x, y) {
    const { x: [x0, x1], y: [y0, y1] } = this.area;
    return [this.box.x + ((x - x0) / (x1 - x0)) * this.box.size, this.box.y + (1 - (y - y0) / (y1 - y0)) * this.box.size];
  }

  /** @param {number} px @param {number} py @returns {[number, number]} */
  toPlane(px, py) {
    const { x: [x0, x1], y: [y0, y1] } = this.area;
    return [x0 + ((px - this.box.x) / this.box.size) * (x1 - x0), y0 + (1 - (py - this.box.y) / this.box.size) * (y1 - y0)];
  }

  /** @param {number} px @param {number} py */
  isInside(px, py) {
    const { x, y, size } = this.box;
    return px >= x && px < x + size && py >= y && py < y + size;
  }

  /** @param {Selected | null} selection */
  select(selection) {
    this.selection = selection;
    this.refresh();
  }

  /** @param {string} name @param {boolean} on */
  toggle(name, on) {
    this.shows[name] = on;
    this.refresh();
  }

  /** What is seen is another. */
  refresh() {
    if (!this.layout) return;
    this.describe();
    this.drawPoints();
    if (this.arrays) this.draw(this.arrays);
  }

  /** @param {import("./edits.js").Point | null} point */
  lookAt(point) {
    this.probe.look(point);
    if (!point) this.drawing.at = null;
    this.drawMarks();
  }

  /** Title, legend and caption. */
  describe() {
    const { layout, texts, selection, large, look } = this;
    this.view = large.view(look);
    this.area = this.view ?? outputKind(layout).view({ ...look, unit: null }) ?? NOWHERE;
    this.title.textContent = selection ? selection.name : texts.say("canvas.output");
    this.panel.classList.toggle("nn-of-a-unit", selection !== null);
    this.note.textContent = "";
    this.noteScale = null;
    this.legend.replaceChildren(...large.legend(look));
    this.legend.hidden = this.legend.childElementCount === 0;
    const cells = Boolean(outputKind(layout).paint);
    this.toggles.discretize.hidden = this.toggles.contours.hidden = !cells;
    this.toggles.contours.title = texts.say("canvas.contours_help");
    this.toggles.wrong.title = texts.say("canvas.wrong_points_help");
    this.toggles.wrong.hidden = layout.task !== "classification";
    this.plainCaption = large.caption(look, this.contours);
    this.showCaption();
    this.choosing.show(!selection);
    Object.assign(this.points, { role: "img", ariaLabel: texts.say("canvas.output_picture", { dataset: this.title.textContent }) });
  }

  showCaption() {
    const wrong = this.wrongWords ?? "";
    const caption = [this.plainCaption, wrong].filter(Boolean).join(" · ");
    if (this.caption.textContent !== caption) this.caption.textContent = caption;
    this.caption.hidden = caption === "";
  }

  /** Edits changed what is shown; drawn once, however many there were since the browser drew last. */
  pointsChanged() {
    if (!this.box || this.pending) return;
    this.pending = requestAnimationFrame(() => {
      this.pending = 0;
      this.drawPoints();
      this.drawing.describe();
    });
  }

  /** Points and axes: drawn when something changed, not at each frame. */
  drawPoints() {
    const context = this.fresh(this.points);
    this.image.hidden = !this.large.paint;
    this.drawMarks();
    this.drawPlot(context, this.box);
    if (this.arrays) this.large.drawStill?.(context, this.box, this.look, this.arrays);
  }

  /** Axes, and the data's points where they lie on them; also for a picture to keep. @param {Context} context @param {Box} box */
  drawPlot(context, box) {
    const { view, large } = this;
    if (!view) return;
    drawAxes(context, box, view, view.names, this.theme, large.grid);
    if (large.rows) this.drawData(context);
  }

  /** The points within the map's frame. @param {Context} context */
  drawData(context) {
    const { box } = this;
    context.save();
    context.beginPath();
    context.rect(box.x, box.y, box.size, box.size);
    context.clip();
    let wrong = 0;
    let all = 0;
    for (const split of SPLITS) {
      if (split === "test" && !this.shows.test) continue;
      const points = this.edits.points[split];
      drawPoints(context, points, split, this);
      all += points.length;
    }
    const rings = this.shows.wrong && this.layout.task === "classification";
    if (rings) {
      for (const split of SPLITS) {
        if (split === "train" || this.shows.test) wrong += ringWrong(context, this.edits.points[split], split, this.predictions[split], this);
      }
    }
    context.restore();
    this.wrongWords = rings && this.predictions.train ? this.texts.say("canvas.wrong_count", { count: wrong, all }) : "";
    this.showCaption();
  }

  /** A canvas without anything on it, in CSS pixels. @param {HTMLCanvasElement} canvas */
  fresh(canvas) {
    const context = contextOf(canvas);
    context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    context.clearRect(0, 0, this.width, this.height);
    return context;
  }

  /** What moves over the points: the point that is looked at, the keyboard's cross, the brush. */
  drawMarks() {
    if (!this.box) return;
    const context = this.fresh(this.marks);
    if (!this.large.rows) return;
    const { point } = this.probe;
    if (point) drawAim(context, this.toPixels(point.x, point.y), this.theme);
    this.drawing.drawMarks(context);
  }

  /** One frame. @param {Arrays} arrays @param {Header} header */
  draw(arrays, header = this.header) {
    this.arrays = arrays;
    this.header = header;
    this.past = Boolean(header.moment);
    const { large, look } = this;
    if (this.selection) this.showRange(arrays);
    large.paint?.(this.cells, look, arrays, this.shows.discretize);
    const draws = large.draws(this.shows);
    if (draws || this.curveDrawn) {
      const context = this.fresh(this.curve);
      if (draws) large.draw(context, () => this.fresh(this.points), this.box, look, arrays);
      this.curveDrawn = draws;
    }
    if (this.predictions.train !== arrays["predictions/train"] || this.predictions.test !== arrays["predictions/test"]) {
      this.predictions = { train: arrays["predictions/train"], test: arrays["predictions/test"] };
      if (this.shows.wrong) this.drawPoints();
    }
    if (this.choosing.read(arrays, header.example ?? null) && large.drawStill) this.drawPoints();
    this.probe.read(header);
  }

  /** The range of the unit that is looked at; its scale moves while it learns. @param {Arrays} arrays */
  showRange(arrays) {
    const selection = /** @type {Selected} */ (this.selection);
    const scale = unitScale({ ...this.look, unit: selection }, arrays);
    const shown = number(scale, 2);
    if (selection.address === INPUTS || shown === this.noteScale) return;
    this.noteScale = shown;
    this.note.textContent = this.texts.say("canvas.range", { low: number(-scale, 2), high: shown });
  }

  /** The value under the pointer, in words. @param {PointerEvent} event */
  point(event) {
    if (!this.arrays) return;
    const { view, large } = this;
    const [px, py] = this.drawing.positionOf(event);
    const busy = this.drawing.stroke || (this.drawing.tool !== "look" && event.pointerType === "touch");
    if (!view || busy || !this.isInside(px, py)) {
      this.tip.hidden = true;
      return;
    }
    const [u, v] = [(px - this.box.x) / this.size, (py - this.box.y) / this.size];
    const { names } = view;
    const x = view.x[0] + u * (view.x[1] - view.x[0]);
    /** @param {Interval} range */
    const digits = (range) => Math.max(2, ticks(range, 5).decimals + 1);
    const position = [`${names[0]} ${x.toFixed(digits(view.x)).replace("-", "−")}`];
    if (large.inputs === 2) {
      const y = view.y[1] - v * (view.y[1] - view.y[0]);
      position.push(`${names[1]} ${y.toFixed(digits(view.y)).replace("-", "−")}`);
    }
    const lines = [position.join("  "), large.valueAt(this.look, this.arrays, u, v)];
    this.tip.replaceChildren(...lines.map((line) => Object.assign(document.createElement("div"), { textContent: line })));
    this.tip.hidden = false;
    const half = this.tip.offsetWidth / 2;
    const left = Math.max(half, Math.min(this.width - half, px));
    this.tip.style.transform = `translate(${left - half}px, ${Math.max(0, py - this.tip.offsetHeight - 16)}px)`;
  }

  destroy() {
    cancelAnimationFrame(this.pending);
    this.edits.destroy();
    this.drawing.destroy();
  }
}
