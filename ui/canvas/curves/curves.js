/** Loss and metric over the epochs, each behind its tab. */

import { LinePlot } from "./plot.js";

const MOST_POINTS = 1000;
const SHORTEST_WAIT = 100;
const LONGEST_WAIT = 1200; // or the curves would lag behind the numbers beside them
const SHARE_OF_TIME = 0.07; // of the page's time that the curves may take while the network moves

/** @typedef {{kind: "loss" | "metric", panel: HTMLElement, tab: HTMLElement, lines: LinePlot, marker: HTMLElement}} Plot */
/** @typedef {string} Score  "loss", or the name of a metric */

export class Curves {
  /** @type {Theme} */
  theme;
  /** @type {Texts} */
  texts;
  /** @type {import("./history.js").History} */
  history;
  /** @type {Header} */
  header;
  /** @type {Plot[]} */
  plots;
  /** @type {number | null} */
  marked;
  /** @type {number | undefined} */
  version;

  /** @param {HTMLElement} root */
  constructor(root) {
    this.plots = /** @type {const} */ (["loss", "metric"]).map((kind) => {
      const panel = root.querySelector(`.nn-curve-${kind}`);
      const marker = Object.assign(document.createElement("div"), { className: "nn-plot-then", hidden: true });
      const element = panel.querySelector(".nn-plot");
      element.after(marker);
      /** @type {Plot} */
      const plot = { kind, panel, tab: root.querySelector(`[data-curve="${kind}"]`), lines: new LinePlot(element, () => this.follow(plot)), marker };
      plot.tab.onclick = () => this.show(plot);
      plot.tab.onkeydown = (event) => this.walk(event, plot);
      return plot;
    });
    this.shown = this.plots[0];
    this.reset = /** @type {HTMLButtonElement} */ (root.querySelector(".nn-unzoom"));
    this.reset.onclick = () => this.shown.lines.show(null);
    this.log = /** @type {HTMLElement} */ (root.querySelector(".nn-log"));
    this.logScale = false;
    this.wait = SHORTEST_WAIT;
    this.next = 0;
  }

  /** @param {Theme} theme @param {Texts} texts */
  build(theme, texts) {
    this.theme = theme;
    this.texts = texts;
    this.update(true);
  }

  resize() {
    this.update(true);
  }

  /** One curve at a time, behind its tab. @param {Plot} plot */
  show(plot) {
    this.shown = plot;
    for (const one of this.plots) {
      const on = one === plot;
      one.panel.hidden = !on;
      one.tab.ariaSelected = String(on);
      one.tab.tabIndex = on ? 0 : -1;
    }
    this.log.hidden = plot.kind !== "loss";
    this.reset.hidden = !plot.lines.part;
    this.update(true);
  }

  /** @param {KeyboardEvent} event @param {Plot} plot whose tab has the focus */
  walk(event, plot) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const other = this.plots[(this.plots.indexOf(plot) + step + this.plots.length) % this.plots.length];
    this.show(other);
    other.tab.focus();
  }

  /** @param {boolean} on */
  setLogScale(on) {
    this.logScale = on;
    this.update(true);
  }

  /** @param {import("./history.js").History} history @param {Header} header of the newest frame */
  feed(history, header) {
    this.history = history;
    this.header = header;
    this.update(header.status !== "playing" && header.version !== this.version);
  }

  /** A line at the moment that is looked at. It is no part of the plot: scrubbing does not wait for one. @param {number | null} progress in epochs */
  mark(progress) {
    this.marked = progress;
    for (const plot of this.plots) this.moveMarker(plot);
  }

  /** @param {Plot} plot */
  moveMarker({ lines, marker }) {
    const line = this.marked === null || this.marked === undefined ? null : lines.lineAt(this.marked);
    marker.hidden = !line;
    if (!line) return;
    marker.style.height = `${line.height}px`;
    marker.style.transform = `translate(${lines.element.offsetLeft + line.left}px, ${lines.element.offsetTop + line.top}px)`;
  }

  /** Another part of a plot is shown. @param {Plot} plot */
  follow(plot) {
    this.reset.hidden = !this.shown.lines.part;
    this.moveMarker(plot);
  }

  /** Draw the curve that is shown, if it is due. @param {boolean} now in any case */
  update(now) {
    if (!this.history || !this.theme) return;
    const begin = performance.now();
    if (!now && begin < this.next) return;
    this.version = this.header.version;
    this.draw(this.shown);
    const cost = performance.now() - begin;
    // At most ten times a second, and slower where drawing is dear.
    this.next = performance.now() + Math.min(LONGEST_WAIT, Math.max(SHORTEST_WAIT, cost / SHARE_OF_TIME));
  }

  /** @param {Plot} plot */
  draw(plot) {
    const { header, history, texts } = this;
    const { progress: live } = header;
    const { name, form } = header.metric;
    const metric = plot.kind === "loss" ? "loss" : name;
    const newest = metric === "loss" ? header.losses : { train: header.metrics.train[metric], test: header.metrics.test[metric] };
    const playing = header.status === "playing";
    const rows = history.thinned(playing ? MOST_POINTS / 2 : MOST_POINTS, `train_${metric}`);
    const at = rows.map((row) => history.columns.epoch[row]);
    const beyond = live > (at.at(-1) ?? -1);
    if (beyond) at.push(live);
    const lines = /** @type {const} */ (["train", "test"]).map((split) => {
      const column = history.columns[`${split}_${metric}`] ?? [];
      /** @type {(Finite | undefined)[]} */
      const values = rows.map((row) => column[row]);
      if (beyond) values.push(newest[split]);
      return { name: texts.say(`canvas.${split}`), x: at, y: values, color: this.theme.curves[split] };
    });
    const { element } = plot.lines;
    if (!element.clientWidth) return;
    const logarithmic = plot.kind === "loss" && this.logScale;
    plot.lines.draw({
      lines, across: texts.say("canvas.epochs"), up: texts.say(`canvas.${metric}`), logarithmic, fromZero: metric === "loss",
      asPercent: metric !== "loss" && form === "percent",
    }, this.theme);
    this.moveMarker(plot);
    element.setAttribute("data-points", String(at.length));
    element.setAttribute("data-epoch", String(header.epoch));
  }

  /** A new run: what was zoomed into is gone. */
  forget() {
    for (const plot of this.plots) plot.lines.show(null);
  }
}
