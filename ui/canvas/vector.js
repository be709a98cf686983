/** A drawing context that writes SVG: what draws on a canvas draws here too, as lines and letters instead of pixels. */

import { contextOf } from "./context.js";

/** @param {string} text */
const escape = (text) => String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;");
/** @param {number} value */
const short = (value) => String(Math.round(value * 100) / 100);
const ANCHORS = { left: "start", start: "start", center: "middle", right: "end", end: "end" };
/** Where a line of text stands to its own middle; fonts differ too little for more. */
/** @type {Partial<Record<CanvasTextBaseline, number>>} */
const BASELINES = { alphabetic: 0, middle: 0.35, top: 0.8, hanging: 0.8, bottom: -0.2 };
const COLOUR = /^rgba\((\d+),(\d+),(\d+),([\d.e-]+)\)$/;

/** A colour with its opacity apart: programs that draw read no rgba(). @param {string} name @param {string} colour */
function paint(name, colour) {
  const found = COLOUR.exec(String(colour).replace(/\s/g, ""));
  if (!found) return `${name}="${escape(colour)}"`;
  const hex = found.slice(1, 4).map((part) => Number(part).toString(16).padStart(2, "0")).join("");
  const alpha = Number(found[4]);
  return `${name}="#${hex}"${alpha < 1 ? ` ${name}-opacity="${short(alpha)}"` : ""}`;
}

/** @typedef {{transform: string, close: number}} State  what `save` keeps: groups to close, and the styles */

/** As much of CanvasRenderingContext2D as our pictures use. */
export class VectorContext {
  /** Whether images are drawn smooth; else each of their pixels is seen. */
  imageSmoothingEnabled = true;
  /** @type {string} */
  fillStyle;
  /** @type {string} */
  strokeStyle;
  /** @type {number} */
  lineWidth;
  /** @type {CanvasLineCap} */
  lineCap;
  /** @type {CanvasLineJoin} */
  lineJoin;
  /** @type {number} */
  globalAlpha;
  /** @type {string} */
  font;
  /** @type {CanvasTextAlign} */
  textAlign;
  /** @type {CanvasTextBaseline} */
  textBaseline;
  /** @type {number[]} */
  dash;
  /** @type {string} */
  path;
  /** @type {string[]} */
  elements;
  /** @type {[State, object][]} */
  stack;

  constructor() {
    this.elements = [];
    this.clips = 0;
    this.stack = [];
    this.state = { transform: "", close: 0 };
    Object.assign(this, {
      fillStyle: "#000", strokeStyle: "#000", lineWidth: 1, lineCap: "butt", lineJoin: "miter", globalAlpha: 1,
      font: "12px sans-serif", textAlign: "start", textBaseline: "alphabetic", dash: [],
    });
    this.beginPath();
    this.measure = contextOf(document.createElement("canvas"));
  }

  /** Sizes are in CSS pixels here; a canvas's density is no matter. */
  setTransform() {}

  clearRect() {}

  save() {
    const { fillStyle, strokeStyle, lineWidth, lineCap, lineJoin, globalAlpha, font, textAlign, textBaseline, dash } = this;
    this.stack.push([this.state, { fillStyle, strokeStyle, lineWidth, lineCap, lineJoin, globalAlpha, font, textAlign, textBaseline, dash }]);
    this.state = { ...this.state, close: 0 };
  }

  restore() {
    for (let i = 0; i < this.state.close; i += 1) this.elements.push("</g>");
    const [state, styles] = this.stack.pop() ?? [this.state, {}];
    this.state = state;
    Object.assign(this, styles);
  }

  /** @param {string} attributes */
  group(attributes) {
    this.elements.push(`<g ${attributes}>`);
    this.state.close += 1;
  }

  /** @param {number} x @param {number} y */
  translate(x, y) {
    this.group(`transform="translate(${short(x)} ${short(y)})"`);
  }

  /** @param {number} angle */
  rotate(angle) {
    this.group(`transform="rotate(${short((angle * 180) / Math.PI)})"`);
  }

  clip() {
    this.clips += 1;
    const name = `clip${this.clips}`;
    this.elements.push(`<clipPath id="${name}"><path d="${this.path}"/></clipPath>`);
    this.group(`clip-path="url(#${name})"`);
  }

  /** @param {number[]} dash */
  setLineDash(dash) {
    this.dash = dash;
  }

  beginPath() {
    this.path = "";
  }

  /** @param {number} x @param {number} y */
  moveTo(x, y) {
    this.path += `M${short(x)} ${short(y)}`;
  }

  /** @param {number} x @param {number} y */
  lineTo(x, y) {
    this.path += `${this.path ? "L" : "M"}${short(x)} ${short(y)}`;
  }

  /** @param {number} a @param {number} b @param {number} c @param {number} d @param {number} x @param {number} y */
  bezierCurveTo(a, b, c, d, x, y) {
    this.path += `C${short(a)} ${short(b)} ${short(c)} ${short(d)} ${short(x)} ${short(y)}`;
  }

  /** @param {number} a @param {number} b @param {number} x @param {number} y */
  quadraticCurveTo(a, b, x, y) {
    this.path += `Q${short(a)} ${short(b)} ${short(x)} ${short(y)}`;
  }

  closePath() {
    this.path += "Z";
  }

  /** @param {number} x @param {number} y @param {number} width @param {number} height */
  rect(x, y, width, height) {
    this.path += `M${short(x)} ${short(y)}h${short(width)}v${short(height)}h${short(-width)}Z`;
  }

  /** @param {number} x @param {number} y @param {number} width @param {number} height @param {number} radius */
  roundRect(x, y, width, height, radius) {
    const r = Math.min(Number(radius) || 0, width / 2, height / 2);
    /** @param {number} dx @param {number} dy */
    const arc = (dx, dy) => `a${short(r)} ${short(r)} 0 0 1 ${short(dx)} ${short(dy)}`;
    this.path += `M${short(x + r)} ${short(y)}h${short(width - 2 * r)}${arc(r, r)}v${short(height - 2 * r)}${arc(-r, r)}`
      + `h${short(2 * r - width)}${arc(-r, -r)}v${short(2 * r - height)}${arc(r, -r)}Z`;
  }

  /** @param {number} x @param {number} y @param {number} radius @param {number} from @param {number} to */
  arc(x, y, radius, from, to) {
    const r = short(radius);
    if (to - from >= 2 * Math.PI - 1e-6) {
      this.path += `M${short(x + radius)} ${short(y)}A${r} ${r} 0 1 1 ${short(x - radius)} ${short(y)}A${r} ${r} 0 1 1 ${short(x + radius)} ${short(y)}Z`;
      return;
    }
    this.lineTo(x + radius * Math.cos(from), y + radius * Math.sin(from));
    const large = to - from > Math.PI ? 1 : 0;
    this.path += `A${r} ${r} 0 ${large} 1 ${short(x + radius * Math.cos(to))} ${short(y + radius * Math.sin(to))}`;
  }

  get alpha() {
    return this.globalAlpha < 1 ? ` opacity="${short(this.globalAlpha)}"` : "";
  }

  fill() {
    if (this.path) this.elements.push(`<path d="${this.path}" ${paint("fill", this.fillStyle)}${this.alpha}/>`);
  }

  stroke() {
    if (!this.path) return;
    const dash = this.dash.length ? ` stroke-dasharray="${this.dash.join(" ")}"` : "";
    const ends = `${this.lineCap === "butt" ? "" : ` stroke-linecap="${this.lineCap}"`}${this.lineJoin === "miter" ? "" : ` stroke-linejoin="${this.lineJoin}"`}`;
    this.elements.push(`<path d="${this.path}" fill="none" ${paint("stroke", this.strokeStyle)} stroke-width="${short(this.lineWidth)}"${dash}${ends}${this.alpha}/>`);
  }

  /** @param {number} x @param {number} y @param {number} width @param {number} height */
  fillRect(x, y, width, height) {
    this.elements.push(`<rect x="${short(x)}" y="${short(y)}" width="${short(width)}" height="${short(height)}" ${paint("fill", this.fillStyle)}${this.alpha}/>`);
  }

  /** @param {number} x @param {number} y @param {number} width @param {number} height */
  strokeRect(x, y, width, height) {
    this.elements.push(`<rect x="${short(x)}" y="${short(y)}" width="${short(width)}" height="${short(height)}" fill="none" ${paint("stroke", this.strokeStyle)} stroke-width="${short(this.lineWidth)}"/>`);
  }

  /** @param {string} text */
  measureText(text) {
    this.measure.font = this.font;
    return this.measure.measureText(text);
  }

  /** @param {string} text @param {number} x @param {number} y */
  fillText(text, x, y) {
    const [, weight, size, family] = /^(?:(\d+|bold)\s+)?([\d.]+)px\s+(.*)$/.exec(this.font) ?? [null, "", "12", "sans-serif"];
    const down = y + (BASELINES[this.textBaseline] ?? 0) * Number(size);
    this.elements.push(
      `<text x="${short(x)}" y="${short(down)}" font-family="${escape(family)}" font-size="${size}"${weight && weight !== "400" ? ` font-weight="${weight}"` : ""}`
      + ` text-anchor="${ANCHORS[this.textAlign] ?? "start"}" ${paint("fill", this.fillStyle)}${this.alpha}>${escape(text)}</text>`,
    );
  }

  /**
   * Pixels stay pixels, held in the file itself: a whole canvas, or a part of one.
   * @param {HTMLCanvasElement} canvas @param {...number} box
   */
  drawImage(canvas, ...box) {
    const whole = box.length <= 4;
    const [sx, sy, sw, sh] = whole ? [0, 0, canvas.width, canvas.height] : box;
    const [x, y, width = sw, height = sh] = whole ? box : box.slice(4);
    const part = document.createElement("canvas");
    part.width = Math.max(1, Math.round(sw));
    part.height = Math.max(1, Math.round(sh));
    contextOf(part).drawImage(canvas, sx, sy, sw, sh, 0, 0, part.width, part.height);
    this.elements.push(`<image x="${short(x)}" y="${short(y)}" width="${short(width)}" height="${short(height)}" preserveAspectRatio="none"${this.imageSmoothingEnabled ? "" : ' style="image-rendering:pixelated"'} href="${part.toDataURL("image/png")}"/>`);
  }

  /**
   * The whole as a document.
   * @param {number} width @param {number} height @param {string} title for those who hear it @param {string} background
   */
  toString(width, height, title, background) {
    return `<svg xmlns="http://www.w3.org/2000/svg" width="${short(width)}" height="${short(height)}" viewBox="0 0 ${short(width)} ${short(height)}" role="img">`
      + `<title>${escape(title)}</title><rect width="100%" height="100%" ${paint("fill", background)}/>${this.elements.join("")}</svg>`;
  }
}
