/** One point that is looked at: its inputs, what the network predicts for it, and its loss, live on a card below the map. */

import { css } from "../colours.js";
import { loss as writeLoss, number, percent } from "../words/format.js";
import { markerIcon } from "../markers.js";

/** What a point of a split is called. */
export const POINT_NAMES = { train: "train_point", test: "test_point" };
const MOST_INPUTS = 6;
const MOST_CLASSES = 3;
const SAME_PLACE = 0.002;

/** A point in words. @param {Point} point @param {Layout} layout @param {Texts} texts */
export function pointWords({ split, target, row, x, y }, { task, classes, output: { axes } }, texts) {
  const answer = task === "classification" ? texts.say("canvas.class", { name: classes[target] ?? String(target) }) : number(target);
  return [texts.say(`canvas.${POINT_NAMES[split]}`, { number: (row ?? 0) + 1 }), answer, `${axes[0]} ${number(x)}, ${axes[1]} ${number(y)}`].join(", ");
}

/** @typedef {Point & {row: number}} Known  a point that the run has */

export class Probe {
  /** @type {Layout} */
  layout;
  /** @type {Theme} */
  theme;
  /** @type {Texts} */
  texts;
  /** @type {Known | null} */
  point;
  /** @type {ProbeFrame | null} */
  frame;
  /** @type {string} */
  shape;
  /** @type {Record<string, HTMLElement>} */
  values;

  /** @param {HTMLElement} root @param {{want: Want}} host */
  constructor(root, host) {
    this.card = root.querySelector(".nn-probe");
    this.host = host;
    this.point = null;
    this.frame = null; // what the last frame said of it
  }

  /** @param {Layout} layout @param {Theme} theme @param {Texts} texts */
  build(layout, theme, texts) {
    Object.assign(this, { layout, theme, texts });
    this.shape = "";
    this.card.ariaLabel = texts.say("canvas.probe_card");
    if (this.point) this.show();
  }

  /** @param {import("./edits.js").Point | null} point */
  look(point) {
    this.point = point && point.row !== null ? /** @type {Known} */ (point) : null;
    this.frame = null;
    this.shape = "";
    this.host.want({ probe: this.point && { split: this.point.split, row: this.point.row } });
    this.show();
  }

  /** The points are other ones: the same position may have another row now. @param {Splits<Point[]>} points */
  follow(points) {
    if (!this.point) return;
    const { split, target, x, y } = this.point;
    const found = points[split].find((one) => one.target === target && Math.abs(one.x - x) < SAME_PLACE && Math.abs(one.y - y) < SAME_PLACE);
    if (found && found.row === this.point.row) this.point = /** @type {Known} */ (found);
    else this.look(found ?? null);
  }

  /** @param {Header} header of a frame */
  read(header) {
    const { probe } = header;
    if (!this.point) return;
    this.frame = probe && probe.split === this.point.split && probe.row === this.point.row ? probe : null;
    if (this.frame) this.show();
  }

  /** @param {string} key @param {Parameters<Say>[1]} [values] */
  say(key, values) {
    return this.texts.say(`canvas.${key}`, values);
  }

  /** The card; made anew for another point only, so that a reader of the screen is not disturbed at every frame. */
  show() {
    this.card.hidden = this.point === null;
    if (!this.point) return;
    const key = `${this.point.split} ${this.point.row} ${this.frame !== null}`;
    if (key !== this.shape) {
      this.shape = key;
      this.make(this.point);
    }
    if (this.frame) this.write(this.frame);
  }

  /** @param {Known} point */
  make(point) {
    const { layout, theme } = this;
    /** @template {keyof HTMLElementTagNameMap} Tag @param {Tag} tag @param {string} className */
    const element = (tag, className, text = "") => Object.assign(document.createElement(tag), { className, textContent: text });
    const classes = layout.task === "classification";
    const head = element("div", "nn-probe-head");
    const close = element("button", "nn-probe-close", "×");
    close.type = "button";
    close.ariaLabel = this.say("probe_close");
    close.onclick = () => this.look(null);
    if (classes) head.append(markerIcon(point.target, css(theme.palette[point.target % theme.palette.length]), point.split === "test"));
    head.append(element("strong", "", this.say(POINT_NAMES[point.split], { number: point.row + 1 })), close);
    const list = element("dl", "nn-probe-list");
    this.values = {};
    /** @param {string} name @param {string} label */
    const row = (name, label, side = "left") => {
      const pair = element("div", `nn-probe-${side}`);
      const value = element("dd", `nn-probe-${name}`);
      pair.append(element("dt", "", label), value);
      list.append(pair);
      this.values[name] = value;
    };
    if (this.frame) {
      row("inputs", this.say("probe_inputs"), "across");
      row("true", this.say("probe_true"));
      row("predicted", this.say("probe_predicted"), classes ? "right" : "left");
      row("loss", this.say("probe_loss"));
    }
    this.card.replaceChildren(head, this.frame ? list : element("p", "", this.say("probe_waiting")));
    if (this.frame) this.writeStill(this.frame);
  }

  /** What does not move while the network learns. @param {ProbeFrame} frame */
  writeStill(frame) {
    const { layout, values } = this;
    const lines = frame.inputs.slice(0, MOST_INPUTS).map((value, i) => {
      const line = document.createElement("span");
      line.textContent = `${layout.inputs.labels[i] ?? String(i + 1)} ${number(value)}`;
      return line;
    });
    if (frame.inputs.length > MOST_INPUTS) {
      lines.push(Object.assign(document.createElement("span"), { textContent: this.say("more", { count: frame.inputs.length - MOST_INPUTS }) }));
    }
    values.inputs.replaceChildren(...lines);
    values.true.textContent = layout.task === "classification" ? this.className(frame.target) : number(frame.target);
  }

  /** @param {number} index */
  className(index) {
    return layoutName(this.layout, index, (name) => this.say("class", { name }));
  }

  /** What moves. @param {ProbeFrame} frame */
  write(frame) {
    const { values, theme } = this;
    put(values.loss, frame.loss === null ? "∞" : writeLoss(frame.loss));
    if (!Array.isArray(frame.prediction)) {
      put(values.predicted, number(frame.prediction));
      return;
    }
    const order = frame.prediction.map((share, index) => ({ share: share ?? 0, index })).sort((a, b) => b.share - a.share);
    const right = order[0].index === frame.target;
    this.card.classList.toggle("nn-probe-is-wrong", !right);
    const shown = order.slice(0, MOST_CLASSES);
    while (values.predicted.childElementCount < shown.length) values.predicted.append(bar());
    const lines = values.predicted.querySelectorAll(".nn-probe-bar");
    shown.forEach(({ share, index }, i) => {
      const [name, chance] = lines[i].children;
      lines[i].style.setProperty("--nn-share", `${100 * share}%`);
      lines[i].style.setProperty("--nn-colour", css(theme.palette[index % theme.palette.length]));
      put(name, this.className(index));
      put(chance, percent(share, share > 0.0995 && share < 0.9995 ? 0 : 1));
    });
    put(values.true, `${this.className(frame.target)} · ${this.say(right ? "probe_right" : "probe_wrong")}`);
  }
}

/** @param {Layout} layout @param {number} index @param {(name: string) => string} say */
const layoutName = (layout, index, say) => {
  const name = layout.classes[index];
  return /^\d+$/.test(name) ? say(name) : name;
};

/** @param {Node} element @param {string} words */
const put = (element, words) => {
  if (element.textContent !== words) element.textContent = words;
};

function bar() {
  const line = document.createElement("span");
  line.className = "nn-probe-bar";
  line.append(document.createElement("span"), document.createElement("span"));
  return line;
}
