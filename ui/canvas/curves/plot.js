/** A plot of lines: axes, names at the lines' ends, what they say under the pointer, and a part of it drawn larger. */

import { ticks } from "../axes.js";
import { css } from "../colours.js";
import { contextOf } from "../context.js";
import { HUGE, count, number, percent } from "../words/format.js";
import { decades, nearest, pixelOf, placeAt, rangeOf } from "./scales.js";

/** @typedef {import("./scales.js").Scale} Scale */
/** @typedef {{name: string, x: number[], y: (Finite | undefined)[], color: Rgb}} Line */
/** @typedef {{lines: Line[], across: string, up: string, asPercent: boolean, logarithmic: boolean, fromZero: boolean}} Drawing  `across`, `up`: the axes' names */
/** @typedef {{x: [number, number], y: [number, number]}} Part  of the plot, by what the scales place */

const LEAST_DRAG = 8; // pixels: a shorter one is a press
const LABEL_HEIGHT = 14; // pixels
const TOP = 8;

/** By how much to shift labels at these heights so that neighbours are at least `least` apart. @param {number[]} heights @param {number} least */
export function apart(heights, least) {
  const shifts = heights.map(() => 0);
  const order = heights.map((_, i) => i).sort((a, b) => heights[a] - heights[b]);
  for (let k = 1; k < order.length; k += 1) {
    const [below, above] = [order[k - 1], order[k]];
    const missing = least - (heights[above] + shifts[above] - heights[below] - shifts[below]);
    if (missing <= 0) continue;
    shifts[below] -= missing / 2;
    shifts[above] += missing / 2;
  }
  return shifts;
}

export class LinePlot {
  /** @type {Drawing | undefined} */
  drawing;
  /** @type {Theme} */
  theme;
  /** @type {Scale} */
  across;
  /** @type {Scale} */
  up;
  /** What of it is shown; null: all. @type {Part | null} */
  part;
  /** Where a pointer drags from and to. @type {[number, number, number, number] | null} */
  dragged;
  /** Where a pointer rests. @type {number | null} */
  pointed;

  /** @param {HTMLElement} element that it fills @param {() => void} onPart when another part of it is shown */
  constructor(element, onPart) {
    this.element = element;
    this.onPart = onPart;
    this.part = this.dragged = this.pointed = null;
    this.canvas = Object.assign(document.createElement("canvas"), { className: "nn-plot-lines" });
    this.canvas.ariaHidden = "true"; // The summary says how the curves went.
    this.tip = Object.assign(document.createElement("div"), { className: "nn-tip", hidden: true });
    element.replaceChildren(this.canvas, this.tip);
    this.canvas.onpointerdown = (event) => this.press(event);
    this.canvas.onpointermove = (event) => this.point(event);
    this.canvas.onpointerup = () => this.release();
    this.canvas.onpointercancel = () => this.leave();
    this.canvas.onpointerleave = () => { if (!this.dragged) this.leave(); };
    this.canvas.ondblclick = () => this.show(null);
  }

  /** Show this part of it. @param {Part | null} part */
  show(part) {
    if (part === this.part) return;
    this.part = part;
    this.paint();
    this.onPart();
  }

  /** @param {Drawing} drawing @param {Theme} theme */
  draw(drawing, theme) {
    if (this.drawing && this.drawing.logarithmic !== drawing.logarithmic && this.part) {
      this.part = null; // Its heights are others now.
      this.onPart();
    }
    this.drawing = drawing;
    this.theme = theme;
    this.paint();
  }

  /** The pixels from the left, top and to the bottom of a line at this place; null where that is not shown. @param {number} x */
  lineAt(x) {
    if (!this.drawing) return null;
    const left = pixelOf(this.across, x);
    const inside = left >= this.across.start && left <= this.across.start + this.across.length;
    return inside ? { left, top: TOP, height: -this.up.length } : null;
  }

  // Inside

  paint() {
    const { element, drawing, canvas } = this;
    const [width, height] = [element.clientWidth, element.clientHeight];
    if (!width || !drawing) return;
    const sharp = window.devicePixelRatio || 1;
    if (canvas.width !== Math.round(width * sharp) || canvas.height !== Math.round(height * sharp)) {
      canvas.width = Math.round(width * sharp);
      canvas.height = Math.round(height * sharp);
      canvas.style.width = `${width}px`;
      canvas.style.height = `${height}px`;
    }
    this.fit(width, height);
    const context = contextOf(canvas);
    context.setTransform(sharp, 0, 0, sharp, 0, 0);
    context.clearRect(0, 0, width, height);
    this.paintAxes(context, drawing, width);
    context.save();
    context.beginPath();
    context.rect(this.across.start - 1, TOP - 2, this.across.length + 2, 4 - this.up.length);
    context.clip();
    for (const line of drawing.lines) this.paintLine(context, line);
    context.restore();
    this.paintNames(context, drawing.lines);
    if (this.dragged) this.paintDragged(context);
    this.tell(context, drawing);
  }

  /** Lay the scales over the element. @param {number} width @param {number} height */
  fit(width, height) {
    const { lines, logarithmic, fromZero } = /** @type {Drawing} */ (this.drawing);
    const left = 46 * this.theme.type;
    const right = 70 * this.theme.type;
    const below = 34 * this.theme.type;
    const farthest = Math.max(...lines.map(({ x }) => x.at(-1) ?? 0));
    const x = this.part?.x ?? [0, farthest || 1];
    const y = this.part?.y ?? rangeOf(lines.flatMap((line) => line.y), fromZero, logarithmic);
    this.across = { low: x[0], high: x[1], start: left, length: Math.max(1, width - left - right), logarithmic: false };
    this.up = { low: y[0], high: y[1], start: Math.max(TOP + 1, height - below), length: Math.min(-1, TOP + below - height), logarithmic };
  }

  /** @param {Context} context @param {Drawing} drawing @param {number} width */
  paintAxes(context, drawing, width) {
    const { across, up, theme } = this;
    const [left, right, foot] = [across.start, across.start + across.length, up.start];
    const huge = !drawing.logarithmic && Math.max(Math.abs(up.low), Math.abs(up.high)) >= HUGE;
    context.font = `${11 * theme.type}px ${theme.font}`;
    context.lineWidth = 1;
    context.textAlign = "center";
    context.textBaseline = "top";
    const epochs = ticks([across.low, across.high], Math.max(2, Math.min(6, across.length / (52 * theme.type))));
    for (const value of epochs.values) {
      const at = Math.round(pixelOf(across, value)) + 0.5;
      stroke(context, [at, TOP, at, foot], css(theme.text, 0.09));
      context.fillStyle = css(theme.muted);
      // 0 is added as minus 0 would be written so.
      context.fillText(epochs.decimals ? value.toFixed(epochs.decimals) : count(value + 0), at, foot + 5);
    }
    context.textAlign = "right";
    context.textBaseline = "middle";
    const heights = drawing.logarithmic ? { values: decades(up.low, up.high), decimals: 0 } : ticks([up.low, up.high], huge ? 3 : Math.max(2, Math.min(6, -up.length / 24)));
    for (const value of heights.values) {
      const at = Math.round(pixelOf(up, value)) + 0.5;
      stroke(context, [left, at, right, at], css(theme.text, 0.09));
      context.fillStyle = css(theme.muted);
      context.fillText(this.writeHeight(value, heights.decimals, huge), left - 6, at);
    }
    stroke(context, [left + 0.5, TOP, left + 0.5, foot], css(theme.text, 0.25));
    stroke(context, [left, foot + 0.5, right, foot + 0.5], css(theme.text, 0.25));
    context.font = `${12 * theme.type}px ${theme.font}`;
    context.fillStyle = css(theme.muted);
    context.textAlign = "center";
    context.textBaseline = "bottom";
    context.fillText(drawing.across, (left + right) / 2, foot + 34 * theme.type, width);
    // Numbers with an exponent take the room of the axis's name, which the tab above the plot says as well.
    if (huge) return;
    context.save();
    context.translate(2, (TOP + foot) / 2);
    context.rotate(-Math.PI / 2);
    context.textBaseline = "top";
    context.fillText(drawing.up, 0, 0, foot - TOP);
    context.restore();
  }

  /** @param {number} value @param {number} decimals @param {boolean} huge */
  writeHeight(value, decimals, huge) {
    if (this.drawing?.logarithmic || huge) return number(value, huge ? 2 : 1);
    if (this.drawing?.asPercent) return percent(value, Math.max(0, decimals - 2));
    return value.toFixed(decimals).replace("-", "\u2212");
  }

  /** @param {Context} context @param {Line} line */
  paintLine(context, { x, y, color }) {
    const { across, up, theme } = this;
    context.strokeStyle = context.fillStyle = css(color);
    context.lineWidth = 2 * theme.stroke;
    context.lineJoin = "round";
    context.beginPath();
    let pen = false; // whether the last point was drawn: a line has gaps where there are no numbers
    x.forEach((value, i) => {
      const [left, top] = [pixelOf(across, value), pixelOf(up, Number(y[i] ?? NaN))];
      if (!Number.isFinite(top)) pen = false;
      else if (pen) context.lineTo(left, top);
      else context.moveTo(left, top);
      if (Number.isFinite(top)) pen = true;
    });
    context.stroke();
    if (x.length > 1 || !Number.isFinite(y[0])) return;
    context.beginPath();
    context.arc(pixelOf(across, x[0]), pixelOf(up, Number(y[0])), 3.5, 0, 2 * Math.PI);
    context.fill();
  }

  /** The name of each line at its end, apart from one another. @param {Context} context @param {Line[]} lines */
  paintNames(context, lines) {
    const { across, up, theme } = this;
    const ends = lines.map(({ name, y, color }) => ({ name, color, top: pixelOf(up, Number(y.at(-1) ?? NaN)) }));
    const shown = ends.filter(({ top }) => top >= TOP - 2 && top <= up.start + 2);
    const shifts = apart(shown.map(({ top }) => top), LABEL_HEIGHT * theme.type);
    context.font = `600 ${11 * theme.type}px ${theme.font}`;
    context.textAlign = "left";
    context.textBaseline = "middle";
    shown.forEach(({ name, color, top }, i) => {
      context.fillStyle = css(color);
      context.fillText(name, across.start + across.length + 5, top + shifts[i]);
    });
  }

  /** @param {Context} context */
  paintDragged(context) {
    const { x, y } = this.framed();
    context.fillStyle = css(this.theme.text, 0.1);
    context.fillRect(x[0], y[0], x[1] - x[0], y[1] - y[0]);
  }

  /** What all lines say where the pointer is. @param {Context} context @param {Drawing} drawing */
  tell(context, { lines, across: name, asPercent }) {
    const { across, up, tip, theme } = this;
    const places = lines[0]?.x ?? [];
    this.tip.hidden = this.pointed === null || this.dragged !== null || !places.length;
    if (this.pointed === null || tip.hidden) return;
    const row = nearest(places, placeAt(across, this.pointed));
    const left = pixelOf(across, places[row]);
    if (left < across.start - 1 || left > across.start + across.length + 1) {
      tip.hidden = true;
      return;
    }
    stroke(context, [Math.round(left) + 0.5, TOP, Math.round(left) + 0.5, up.start], css(theme.text, 0.35));
    const values = lines.map((line) => `${line.name} ${asPercent ? percent(line.y[row]) : number(line.y[row], 4)}`);
    tip.replaceChildren(...[`${name} ${number(places[row], 4)}`, ...values].map((words) => Object.assign(document.createElement("div"), { textContent: words })));
    const beside = left + 10 + tip.offsetWidth <= this.element.clientWidth ? left + 10 : left - 10 - tip.offsetWidth;
    tip.style.transform = `translate(${Math.max(0, beside)}px, ${TOP}px)`;
  }

  // The pointer

  /** @param {PointerEvent} event */
  press(event) {
    if (event.button !== 0 || event.pointerType === "touch") return; // A finger scrolls the page.
    this.canvas.setPointerCapture(event.pointerId);
    this.dragged = [event.offsetX, event.offsetY, event.offsetX, event.offsetY];
  }

  /** @param {PointerEvent} event */
  point({ offsetX, offsetY }) {
    this.pointed = offsetX;
    if (this.dragged) this.dragged = [this.dragged[0], this.dragged[1], offsetX, offsetY];
    this.paint();
  }

  release() {
    if (!this.dragged || !this.drawing) return;
    const [fromX, fromY, toX, toY] = this.dragged;
    const { x, y } = this.framed();
    this.dragged = null;
    const { across, up } = this;
    if (Math.max(Math.abs(toX - fromX), Math.abs(toY - fromY)) >= LEAST_DRAG) {
      this.show({ x: [placeAt(across, x[0]), placeAt(across, x[1])], y: [placeAt(up, y[1]), placeAt(up, y[0])] });
    }
    this.paint();
  }

  leave() {
    this.pointed = this.dragged = null;
    this.paint();
  }

  /** The pixels that are dragged over; all of a direction in which the pointer hardly moved. @returns {Part} */
  framed() {
    const [fromX, fromY, toX, toY] = this.dragged ?? [0, 0, 0, 0];
    const [left, right, foot] = [this.across.start, this.across.start + this.across.length, this.up.start];
    /** @param {number} from @param {number} to @param {number} low @param {number} high @returns {[number, number]} */
    const within = (from, to, low, high) =>
      Math.abs(to - from) < LEAST_DRAG ? [low, high] : [Math.max(low, Math.min(from, to)), Math.min(high, Math.max(from, to))];
    return { x: within(fromX, toX, left, right), y: within(fromY, toY, TOP, foot) };
  }
}

/** @param {Context} context @param {[number, number, number, number]} line from, to @param {string} colour */
function stroke(context, [fromX, fromY, toX, toY], colour) {
  context.strokeStyle = colour;
  context.beginPath();
  context.moveTo(fromX, fromY);
  context.lineTo(toX, toY);
  context.stroke();
}
