/** Curves of all runs over one another, and the table of what differs. */

import { css } from "../canvas/colours.js";
import { adoptStyles, loadPlotly } from "./plotly.js";
import { count, loss, score } from "../canvas/words/format.js";

const MOST_POINTS = 250;
const DRAW_EVERY = 350; // milliseconds while something moves
const DASHES = ["solid", "dash", "dot", "dashdot"];

/**
 * @typedef {Run & {header: Header}} Shown  a run whose first frame has come
 */

/** @param {Run[]} runs */
const withHeader = (runs) => /** @type {Shown[]} */ (runs.filter((run) => run.header));

export class Overlay {
  /** @type {Plotly | undefined} */
  plotly;
  /** @type {(() => void) | undefined} */
  onReady;

  /** @param {HTMLElement} root @param {string} address of plotly.min.js */
  constructor(root, address) {
    this.root = root;
    this.address = address;
    this.plots = [...root.querySelectorAll(".cmp-plot")];
    this.title = root.querySelector(".cmp-metric-title");
    this.next = 0;
  }

  /** @param {Texts} texts */
  start(texts) {
    if (this.started) return;
    this.started = true;
    loadPlotly(this.address).then((plotly) => { this.plotly = plotly; this.next = 0; this.onReady?.(); }, () => {
      for (const element of this.plots) element.textContent = texts.say("compare.curves_missing");
      this.started = false;
    });
  }

  /** @param {Run[]} runs @param {Theme} theme @param {Texts} texts @param {boolean} now */
  draw(runs, theme, texts, now) {
    const shown = withHeader(runs);
    if (!shown.length) return;
    const { name: metric, form } = shown[0].header.metric;
    this.title.textContent = texts.say(`canvas.${metric}`);
    if (!this.plotly || (!now && performance.now() < this.next)) return;
    for (const element of this.plots) {
      const column = element.dataset.plot === "loss" ? "loss" : metric;
      const inPercent = column !== "loss" && form === "percent";
      if (!element.clientWidth) continue;
      const traces = shown.filter((run) => column === "loss" || run.header.metric.name === metric).flatMap((run) => this.traces(run, column, runs, texts));
      this.plotly.react(element, traces, figure(element, column, inPercent, theme, texts), { displayModeBar: false, responsive: false, doubleClick: "reset" });
      if (!element.dataset.wired) {
        element.dataset.wired = "1";
        adoptStyles(this.root);
      }
      element.dataset.traces = String(traces.length);
    }
    this.next = performance.now() + DRAW_EVERY;
  }

  /** @param {Shown} run @param {string} column "loss", or the name of a metric @param {Run[]} runs @param {Texts} texts */
  traces(run, column, runs, texts) {
    const { history, header } = run;
    const inPercent = column !== "loss" && header.metric.form === "percent";
    const rows = history.thinned(MOST_POINTS, `test_${column}`);
    const at = rows.map((row) => history.columns.epoch[row]);
    const beyond = header.progress > (at.at(-1) ?? -1);
    if (beyond) at.push(header.progress);
    const newest = column === "loss" ? header.losses : { train: header.metrics.train[column], test: header.metrics.test[column] };
    return /** @type {const} */ (["train", "test"]).map((split) => {
      const known = history.columns[`${split}_${column}`] ?? [];
      /** @type {(Finite | undefined)[]} */
      const values = rows.map((row) => known[row]);
      if (beyond) values.push(newest[split]);
      return {
        type: "scatter", mode: at.length > 1 ? "lines" : "markers", x: at, y: values, legendgroup: String(run.id),
        name: `${run.name} · ${texts.watching(header.watched).say(`canvas.${split}`)}`, showlegend: split === "test",
        opacity: split === "test" ? 1 : 0.45,
        line: { color: css(run.colour), width: split === "test" ? 2.4 : 1.3, dash: DASHES[runs.indexOf(run) % DASHES.length] },
        marker: { color: css(run.colour), size: 7 },
        hovertemplate: inPercent ? "%{y:.1%}" : "%{y:.4g}", connectgaps: false,
      };
    });
  }

  destroy() {
    for (const element of this.plots) this.plotly?.purge(element);
  }
}

/** @param {HTMLElement} element @param {string} column @param {boolean} inPercent @param {Theme} theme @param {Texts} texts */
function figure(element, column, inPercent, theme, texts) {
  const axis = {
    gridcolor: css(theme.text, 0.09), linecolor: css(theme.text, 0.25), zeroline: false, tickfont: { size: 11, color: css(theme.muted) },
    automargin: false, ticklen: 4, tickcolor: "rgba(0,0,0,0)", nticks: 6,
  };
  /** @param {string} text */
  const title = (text) => ({ text, font: { size: 12, color: css(theme.muted) }, standoff: 6 });
  return {
    width: element.clientWidth, height: element.clientHeight, margin: { l: 54, r: 10, t: 6, b: 38 },
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font: { family: theme.font, size: 12, color: css(theme.text) },
    showlegend: true, hovermode: "x unified", dragmode: "zoom", uirevision: column,
    legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom", bgcolor: "rgba(0,0,0,0)", // Above the curves, which it would hide.
      font: { size: 11.5, color: css(theme.text) } },
    hoverlabel: { bgcolor: css(theme.panel), bordercolor: css(theme.line), font: { color: css(theme.text), size: 12 } },
    xaxis: { ...axis, title: title(texts.say("canvas.epochs")), rangemode: "tozero", hoverformat: ",.4~g" },
    yaxis: { ...axis, title: title(texts.say(`canvas.${column}`)), tickformat: inPercent ? ".0%" : "",
      rangemode: column === "loss" ? "tozero" : "normal", exponentformat: "power" },
  };
}

/** What differs in the recipes (told by Python), and what came out (told by the runs). */
export class Table {
  /** @type {Texts} */
  texts;
  /** @type {Map<string, HTMLElement>} */
  cells;

  /** @param {HTMLElement} container */
  constructor(container) {
    this.container = container;
  }

  /** @param {Run[]} runs @param {string[][]} rows @param {Texts} texts */
  build(runs, rows, texts) {
    /** @param {string} key */
    const say = (key) => texts.say(`compare.${key}`);
    /** @param {string} tag @param {string} text */
    const make = (tag, text, more = {}) => Object.assign(document.createElement(tag), { textContent: text, ...more });
    /** @param {string} label @param {HTMLElement[]} cells */
    const line = (label, cells) => {
      const row = document.createElement("tr");
      row.append(make("th", label, { scope: "row" }), ...cells);
      return row;
    };
    /** @param {string} label @param {HTMLElement[]} lines */
    const group = (label, lines) => {
      const body = document.createElement("tbody");
      const head = document.createElement("tr");
      head.append(make("th", label, { scope: "rowgroup", colSpan: runs.length + 1, className: "cmp-group" }));
      body.append(head, ...lines);
      return body;
    };
    const head = document.createElement("tr");
    head.append(make("th", say("setting"), { scope: "col" }), ...runs.map((run) => {
      const cell = make("th", "", { scope: "col" });
      const swatch = make("span", "", { className: "cmp-swatch" });
      swatch.style.background = css(run.colour);
      cell.append(swatch, make("span", run.name));
      return cell;
    }));
    const top = document.createElement("thead");
    top.append(head);
    const recipe = rows.map(([label, ...values]) => line(label, values.map((value) => make("td", value))));
    if (!rows.length) {
      const row = document.createElement("tr");
      row.append(make("td", say("same"), { colSpan: runs.length + 1 }));
      recipe.push(row);
    }
    this.cells = new Map();
    const results = ["epoch", "train_loss", "test_loss", "train_score", "test_score"].map((name) => {
      const cells = runs.map((run) => {
        const cell = make("td", "–");
        this.cells.set(`${run.id} ${name}`, cell);
        return cell;
      });
      const row = line("", cells);
      this.cells.set(name, /** @type {HTMLElement} */ (row.firstElementChild));
      return row;
    });
    const table = document.createElement("table");
    table.append(top, group(say("recipe"), recipe), group(say("result"), results));
    this.container.replaceChildren(table);
    this.texts = texts;
  }

  /** @param {Run[]} runs */
  read(runs) {
    /** @param {string} key @param {string} words */
    const write = (key, words) => {
      const cell = this.cells?.get(key);
      if (cell && cell.textContent !== words) cell.textContent = words;
    };
    const shown = withHeader(runs);
    const metrics = new Set(shown.map((run) => run.header.metric.name));
    const alike = metrics.size === 1 ? [...metrics][0] : null;
    const watched = new Set(shown.map((run) => run.header.watched));
    const texts = this.texts.watching(watched.size === 1 ? [...watched][0] : watched.size ? "mixed" : "test");
    write("epoch", texts.say("canvas.epoch_label"));
    for (const split of /** @type {const} */ (["train", "test"])) {
      write(`${split}_loss`, texts.say(`canvas.${split}_loss`));
      write(`${split}_score`, alike ? texts.say(`canvas.${split}_${alike}`) : `${texts.say("compare.score")} (${texts.say(`canvas.${split}`)})`);
    }
    for (const { id, header } of shown) {
      const { name, form } = header.metric;
      write(`${id} epoch`, count(header.epoch));
      for (const split of /** @type {const} */ (["train", "test"])) {
        const value = score(header.metrics[split][name], form);
        write(`${id} ${split}_loss`, loss(header.losses[split]));
        write(`${id} ${split}_score`, form === "percent" ? value : `${texts.say(`canvas.${name}`)} ${value}`);
      }
    }
  }
}
