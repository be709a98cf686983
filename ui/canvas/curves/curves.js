/** Loss and metric over the epochs, drawn by Plotly's own script, which is loaded after the first frame is on the screen. */

import { css } from "../colours.js";
import { HUGE } from "../words/format.js";

const MOST_POINTS = 1000;
const SHORTEST_WAIT = 250;
const LONGEST_WAIT = 1200; // or the curves would lag behind the numbers beside them
const SHARE_OF_TIME = 0.07; // of the page's time that the curves may take while the network moves

/** @typedef {HTMLElement & {_fullLayout?: any, on: (event: string, listener: (change: object) => void) => void}} PlotElement  Plotly's own */
/**
 * @typedef {{kind: "loss" | "metric", panel: HTMLElement, tab: HTMLElement, element: PlotElement, marker: HTMLElement, wired: boolean, zoomed: boolean,
 *            ends: End[], span: [number, number]}} Plot  `ends`: of each line its last point; `span`: lowest and highest value shown
 * @typedef {{name: string, x: number, y: Finite | undefined, color: string}} End
 * @typedef {string} Score  "loss", or the name of a metric
 */

const LABEL_HEIGHT = 14; // pixels
const EDGES = 42; // pixels above and below the plot, in `margin`

/** The lowest and the highest finite number; from 0 where `fromZero`. @param {(number | Finite | undefined)[]} values @param {boolean} fromZero @returns {[number, number]} */
export function spanOf(values, fromZero) {
  const finite = /** @type {number[]} */ (values.filter((value) => Number.isFinite(value)));
  if (!finite.length) return [0, 1];
  const low = fromZero ? Math.min(0, ...finite) : Math.min(...finite);
  return [low, Math.max(...finite)];
}

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

/** @type {Promise<Plotly> | null} */
let loading = null;

/** Plotly, loaded once for the page. @param {string} address */
export function loadPlotly(address) {
  loading ??= new Promise((resolve, reject) => {
    if (window.Plotly?.react) {
      resolve(window.Plotly);
      return;
    }
    const script = document.createElement("script");
    script.src = address;
    script.onload = () => resolve(/** @type {Plotly} */ (window.Plotly));
    script.onerror = () => {
      loading = null;
      script.remove();
      reject(new Error("Plotly could not be loaded"));
    };
    document.head.append(script);
  });
  return loading;
}

/** Plotly writes its rules into the document; inside a shadow root they are needed once more. @param {HTMLElement} root */
export function adoptStyles(root) {
  const scope = /** @type {Document | ShadowRoot} */ (root.getRootNode());
  const sheet = /** @type {HTMLStyleElement | null} */ (document.getElementById("plotly.js-style-global"))?.sheet;
  if (scope === document || !sheet || scope.querySelector(".nn-plotly-style")) return;
  const style = document.createElement("style");
  style.className = "nn-plotly-style";
  style.textContent = [...sheet.cssRules].map((rule) => rule.cssText).join("\n");
  root.append(style);
}

export class Curves {
  /** @type {Theme} */
  theme;
  /** @type {Texts} */
  texts;
  /** @type {import("./history.js").History} */
  history;
  /** @type {Header} */
  header;
  /** @type {Plotly | undefined} */
  plotly;
  /** @type {Plot[]} */
  plots;
  /** @type {number | null} */
  marked;
  /** @type {number | undefined} */
  version;

  /** @param {HTMLElement} root @param {string} address of plotly.min.js */
  constructor(root, address) {
    this.root = root;
    this.address = address;
    this.plots = /** @type {const} */ (["loss", "metric"]).map((kind) => {
      const panel = root.querySelector(`.nn-curve-${kind}`);
      const marker = Object.assign(document.createElement("div"), { className: "nn-plot-then", hidden: true });
      /** @type {Plot} */
      const plot = { kind, panel, tab: root.querySelector(`[data-curve="${kind}"]`), element: panel.querySelector(".nn-plot"), marker, wired: false, zoomed: false, ends: [], span: [0, 1] };
      plot.element.after(marker);
      plot.tab.onclick = () => this.show(plot);
      plot.tab.onkeydown = (event) => this.walk(event, plot);
      return plot;
    });
    this.shown = this.plots[0];
    this.reset = /** @type {HTMLButtonElement} */ (root.querySelector(".nn-unzoom"));
    this.reset.onclick = () => this.unzoom(this.shown);
    this.log = /** @type {HTMLElement} */ (root.querySelector(".nn-log"));
    this.logScale = false;
    this.wait = SHORTEST_WAIT;
    this.next = 0;
  }

  /** Start loading; draws as soon as it is there. */
  start() {
    if (this.started) return;
    this.started = true;
    loadPlotly(this.address).then((plotly) => {
      this.plotly = plotly;
      this.update(true);
    }, () => {
      for (const { element } of this.plots) element.textContent = this.texts.say("canvas.curves_missing");
      this.started = false;
    });
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
    this.reset.hidden = !plot.zoomed;
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

  /** @param {{element: PlotElement, marker: HTMLElement}} plot */
  moveMarker({ element, marker }) {
    const { xaxis, yaxis } = element._fullLayout ?? {};
    const at = this.marked === null || this.marked === undefined || !xaxis ? NaN : xaxis.l2p(this.marked);
    marker.hidden = !(at >= 0 && at <= xaxis._length);
    if (marker.hidden) return;
    marker.style.height = `${yaxis._length}px`;
    marker.style.transform = `translate(${element.offsetLeft + xaxis._offset + at}px, ${element.offsetTop + yaxis._offset}px)`;
  }

  /** Draw the curve that is shown, if it is due. @param {boolean} now in any case */
  update(now) {
    if (!this.plotly || !this.history || !this.theme) return;
    const begin = performance.now();
    if (!now && begin < this.next) return;
    this.version = this.header.version;
    this.draw(this.shown);
    const cost = performance.now() - begin;
    // At most four times a second, and slower where drawing is dear.
    this.next = performance.now() + Math.min(LONGEST_WAIT, Math.max(SHORTEST_WAIT, cost / SHARE_OF_TIME));
  }

  /** @param {Plot} plot */
  draw(plot) {
    const { header, history, texts } = this;
    const { progress: live } = header;
    const { name, form } = header.metric;
    const metric = plot.kind === "loss" ? "loss" : name;
    const newest = metric === "loss" ? header.losses : { train: header.metrics.train[metric], test: header.metrics.test[metric] };
    const percent = metric !== "loss" && form === "percent";
    const playing = header.status === "playing";
    const rows = history.thinned(playing ? MOST_POINTS / 2 : MOST_POINTS, `train_${metric}`);
    const at = rows.map((row) => history.columns.epoch[row]);
    const beyond = live > (at.at(-1) ?? -1);
    if (beyond) at.push(live);
    const traces = /** @type {const} */ (["train", "test"]).map((split) => {
      const column = history.columns[`${split}_${metric}`] ?? [];
      /** @type {(Finite | undefined)[]} */
      const values = rows.map((row) => column[row]);
      if (beyond) values.push(newest[split]);
      return {
        type: "scatter", mode: at.length > 1 ? "lines" : "markers", name: texts.say(`canvas.${split}`), x: at, y: values,
        line: { color: css(this.theme.curves[split]), width: 2 * this.theme.stroke },
        marker: { color: css(this.theme.curves[split]), size: 7 },
        hovertemplate: percent ? "%{y:.1%}" : "%{y:.4g}", connectgaps: false,
      };
    });
    const element = plot.element;
    plot.ends = traces.map(({ name, x, y, line }) => ({ name, x: x.at(-1) ?? 0, y: y.at(-1), color: line.color }));
    plot.span = spanOf(traces.flatMap(({ y }) => y), metric === "loss" && !this.logScale);
    if (!element.clientWidth || !this.plotly) return;
    this.plotly.react(element, traces, this.figure(plot, metric, percent, element), { displayModeBar: false, responsive: false, doubleClick: "reset" });
    this.moveMarker(plot);
    element.setAttribute("data-points", String(at.length));
    element.setAttribute("data-epoch", String(header.epoch));
    if (!plot.wired) {
      plot.wired = true;
      adoptStyles(this.root);
      element.on("plotly_relayout", (change) => {
        const keys = Object.keys(change);
        if (keys.some((key) => key.includes(".range"))) plot.zoomed = true;
        if (keys.some((key) => key.includes("autorange"))) plot.zoomed = false;
        this.reset.hidden = !this.shown.zoomed;
        this.moveMarker(plot);
      });
    }
  }

  /** The name of each line at its end, apart from one another. @param {Plot} plot @param {boolean} logarithmic @param {number} height of the plot */
  labels(plot, logarithmic, height) {
    /** @param {number} value */
    const scaled = (value) => (logarithmic ? Math.log10(value) : value);
    const ends = plot.ends.filter(({ y }) => Number.isFinite(y) && (!logarithmic || Number(y) > 0)).map((end) => ({ ...end, y: scaled(Number(end.y)) }));
    const [low, high] = logarithmic ? spanOf(ends.map(({ y }) => y), false) : plot.span;
    const shifts = apart(ends.map(({ y }) => ((y - low) / (high - low || 1)) * height), LABEL_HEIGHT);
    return ends.map(({ name, y, color }, i) => ({
      text: name, xref: "paper", x: 1, xanchor: "left", xshift: 4, yref: "y", y, yanchor: "middle", yshift: shifts[i], showarrow: false,
      font: { size: 11 * this.theme.type, color, weight: 600 },
    }));
  }

  /** @param {Plot} plot @param {string} metric @param {boolean} percent @param {PlotElement} element */
  figure(plot, metric, percent, element) {
    const { theme, texts } = this;
    const axis = {
      gridcolor: css(theme.text, 0.09), linecolor: css(theme.text, 0.25), zeroline: false, tickfont: { size: 11 * theme.type, color: css(theme.muted) },
      titlefont: { size: 12 * theme.type }, automargin: false, ticklen: 4, tickcolor: "rgba(0,0,0,0)", nticks: 6,
    };
    const logarithmic = plot.kind === "loss" && this.logScale;
    // Numbers with an exponent take the room of the axis's name, which the tab above the plot says as well.
    const huge = !logarithmic && plot.span.some((end) => Math.abs(end) >= HUGE);
    /** @param {string} text */
    const title = (text) => ({ text, font: { size: 12 * theme.type, color: css(theme.muted) }, standoff: 6 });
    return {
      width: element.clientWidth, height: element.clientHeight, margin: { l: 46 * theme.type, r: 70 * theme.type, t: 8, b: 34 * theme.type },
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font: { family: theme.font, size: 12 * theme.type, color: css(theme.text) },
      showlegend: false, annotations: this.labels(plot, logarithmic, element.clientHeight - EDGES), hovermode: "x unified", dragmode: "zoom", uirevision: `${plot.kind}${logarithmic}`,
      hoverlabel: { bgcolor: css(theme.panel), bordercolor: css(theme.line), font: { color: css(theme.text), size: 12 * theme.type } },
      xaxis: { ...axis, title: title(texts.say("canvas.epochs")), rangemode: "tozero", hoverformat: ",.4~g" },
      yaxis: { ...axis, title: title(huge ? "" : texts.say(`canvas.${metric}`)), type: logarithmic ? "log" : "linear", nticks: huge ? 3 : axis.nticks,
        tickformat: percent ? ".0%" : huge ? ".0~e" : "", rangemode: metric === "loss" && !logarithmic ? "tozero" : "normal",
        exponentformat: "power" },
    };
  }

  /** @param {Plot} plot */
  unzoom(plot) {
    plot.zoomed = false;
    this.reset.hidden = !this.shown.zoomed;
    this.plotly?.relayout(plot.element, { "xaxis.autorange": true, "yaxis.autorange": true });
  }

  /** A new run: what was zoomed into is gone. */
  forget() {
    for (const plot of this.plots) if (plot.wired && plot.zoomed) this.unzoom(plot);
  }

  destroy() {
    for (const { element } of this.plots) this.plotly?.purge(element);
  }
}
