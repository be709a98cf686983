/** The canvas to keep: network, output map and a title as one picture, as SVG or as PNG of twice the size. */

import { css } from "./colours.js";
import { contextOf } from "./context.js";
import { count, loss, score } from "./words/format.js";
import { outputKind } from "./kinds.js";
import { drawLinks } from "./network/links.js";
import { traceMarker } from "./markers.js";
import { VectorContext } from "./vector.js";
import { drawMark } from "./network/still.js";
import { drawWay, hasWay } from "./network/way.js";

/** @typedef {{network: Network, output: Output, header: Header, layout: Layout, theme: Theme, texts: Texts, arrays: Arrays}} Scene */

/** @type {Record<string, string>} */
const NAMES = { svg: "save_svg", png: "save_png" };
const EDGE = 20;
const TITLE = 64;
const SCALE = 2; // of the PNG
const AROUND = 5; // pixels around a tile that are marks of it

export class Save {
  /** @param {HTMLElement} root @param {() => Scene | null} scene */
  constructor(root, scene) {
    this.scene = scene;
    this.buttons = [...root.querySelectorAll("[data-save]")];
    for (const button of this.buttons) button.onclick = () => this.save(button.dataset.save ?? "");
  }

  /** @param {Texts} texts */
  build(texts) {
    for (const button of this.buttons) button.ariaLabel = button.title = texts.say(`canvas.${NAMES[button.dataset.save ?? ""]}`);
  }

  /** @param {string} kind */
  async save(kind) {
    const scene = this.scene();
    if (!scene) return;
    const picture = compose(scene);
    const name = `${scene.layout.output.dataset}-epoch-${scene.header.epoch}.${kind}`;
    const svg = new Blob([picture.svg], { type: "image/svg+xml" });
    download(kind === "svg" ? svg : await rasterize(svg, picture, scene.theme), name);
  }
}

/**
 * @param {Scene} scene
 * @returns {{svg: string, width: number, height: number}}
 */
export function compose({ network, output, header, layout, theme, texts, arrays }) {
  const stage = network.geometry;
  const headings = network.headings.offsetHeight;
  const right = EDGE + stage.width + 2 * EDGE;
  const width = right + output.width + EDGE;
  const height = TITLE + Math.max(headings + stage.height, output.height + 34) + EDGE;
  const context = new VectorContext();
  const dataset = texts.say(`component.dataset.${layout.output.dataset}.title`);
  const title = `${dataset} · ${texts.say("canvas.epoch")} ${count(header.epoch)}`;
  write(context, theme, title, EDGE, 26, { size: 18, weight: 650 });
  write(context, theme, scores(header, texts), width - EDGE, 26, { align: "right", colour: theme.muted, size: 13 });
  at(context, EDGE, TITLE, () => drawHeadings(context, network, theme));
  at(context, EDGE, TITLE + headings, () => drawNetwork(context, network, arrays, theme));
  at(context, right, TITLE, () => drawOutput(context, output, theme, texts));
  return { svg: context.toString(width, height, title, css(theme.background)), width, height };
}

/** @param {Context} context @param {number} x @param {number} y @param {() => void} draw */
function at(context, x, y, draw) {
  context.save();
  context.translate(x, y);
  draw();
  context.restore();
}

/**
 * @param {Context} context @param {Theme} theme @param {string} text @param {number} x @param {number} y
 * @param {{size?: number, weight?: number, align?: CanvasTextAlign, colour?: Rgb}} style
 */
function write(context, theme, text, x, y, { size = 12, weight = 400, align = "left", colour = theme.text } = {}) {
  context.font = `${weight} ${size}px ${theme.font}`;
  context.textAlign = align;
  context.textBaseline = "alphabetic";
  context.fillStyle = css(colour);
  context.fillText(text, x, y);
}

/** @param {Header} header @param {Texts} texts */
function scores(header, texts) {
  const { name, form } = header.metric;
  return `${texts.say("canvas.test_loss")} ${loss(header.losses.test)} · ${texts.say(`canvas.test_${name}`)} ${score(header.metrics.test[name], form)}`;
}

/**
 * The headings as they stand on the page: they are text there already.
 * @param {Context} context @param {Network} network @param {Theme} theme
 */
function drawHeadings(context, network, theme) {
  const origin = network.headings.getBoundingClientRect();
  for (const line of network.headings.querySelectorAll(".nn-heading > span")) {
    if (!line.textContent.trim() || !line.checkVisibility()) continue;
    const box = line.getBoundingClientRect();
    const strong = line.classList.contains("nn-heading-name");
    const quiet = !strong && !line.classList.contains("nn-heading-what");
    write(context, theme, line.textContent, box.left + box.width / 2 - origin.left, box.top - origin.top + box.height * 0.76, {
      size: strong ? 13 : 11.5, weight: strong ? 650 : 400, align: "center", colour: quiet ? theme.muted : theme.text,
    });
  }
}

/** @param {VectorContext} context @param {Network} network @param {Arrays} arrays @param {Theme} theme */
function drawNetwork(context, network, arrays, theme) {
  const { geometry, inputNames, classNames, texts } = network;
  const inputs = geometry.tiled[0];
  const { thumb, labels } = geometry;
  const way = hasWay(geometry, arrays);
  context.save();
  if (way) context.group('opacity="0.14"');
  drawLinks(context, geometry, arrays, theme, 1, network.shows);
  context.restore();
  /** @param {number} x @param {number} y @param {number} size */
  const crop = (x, y, size) => context.drawImage(
    network.tiles, (x - AROUND) * network.ratio, (y - AROUND) * network.ratio, (size + 2 * AROUND) * network.ratio, (size + 2 * AROUND) * network.ratio,
    x - AROUND, y - AROUND, size + 2 * AROUND, size + 2 * AROUND,
  );
  crop(thumb.x, thumb.y, thumb.size);
  for (const tile of inputs.tiles) {
    const middle = tile.y + tile.size / 2;
    if (!labels.shown) break;
    write(context, theme, inputNames[tile.unit] ?? "", labels.right, middle + 4, { align: "right", size: inputs.pitch < 15 ? 9.5 : 12 });
    const [x0, y0] = [thumb.x + thumb.size, thumb.y + thumb.size / 2];
    const x1 = labels.right - context.measureText(inputNames[tile.unit] ?? "").width - 5;
    context.beginPath();
    context.moveTo(x0, y0);
    context.bezierCurveTo((x0 + x1) / 2, y0, (x0 + x1) / 2, middle, x1, middle);
    context.strokeStyle = css(theme.line);
    context.lineWidth = 1;
    context.stroke();
  }
  for (const column of geometry.columns) {
    for (const tile of column.tiles) crop(tile.x, tile.y, tile.size);
    if (column.part === "mark") drawMark(context, column, geometry.height, theme);
    else if (column.units > column.shown) {
      write(context, theme, texts.say("canvas.more", { count: column.units - column.shown }), column.center, column.bottom + 15, { align: "center", size: 11, colour: theme.muted });
    }
  }
  const last = geometry.tiled[geometry.tiled.length - 1];
  classNames.forEach((name, unit) => {
    const tile = last.tiles[unit];
    context.beginPath();
    traceMarker(context, unit, tile.x + tile.size + 9, tile.y + tile.size / 2, 3.5);
    context.fillStyle = css(theme.palette[unit % theme.palette.length]);
    context.fill();
    write(context, theme, name, tile.x + tile.size + 16, tile.y + tile.size / 2 + 4, { size: last.pitch < 15 ? 9.5 : 11.5 });
  });
  if (way) drawWay(context, network, arrays);
}

/** @param {Context} context @param {Output} output @param {Theme} theme @param {Texts} texts */
function drawOutput(context, output, theme, texts) {
  const { box, layout, large, look } = output;
  write(context, theme, output.title.textContent, box.x, -7, { size: 13, weight: 650 });
  if (large.paint) context.drawImage(output.image, box.x, box.y, box.size, box.size);
  if (output.arrays && large.draws(output.shows)) large.draw(context, () => context, box, look, output.arrays);
  if (large.rows) output.drawPlot(context, box);
  if (output.arrays) large.drawStill?.(context, box, look, output.arrays);
  let x = box.x;
  if (!output.selection && outputKind(layout).places) return; // Its rows and classes are named where they stand.
  if (layout.task === "classification" && !output.selection) {
    layout.classes.forEach((name, index) => {
      const text = layout.classes.length > 2 ? name : texts.say("canvas.class", { name });
      context.beginPath();
      traceMarker(context, index, x + 5, output.height + 10, 4);
      context.fillStyle = css(theme.palette[index % theme.palette.length]);
      context.fill();
      write(context, theme, text, x + 13, output.height + 14, { size: 11.5 });
      x += context.measureText(text).width + 26;
    });
  }
  const caption = large.caption(look, output.contours);
  if (caption) write(context, theme, caption, box.x, output.height + 30, { size: 10.5, colour: theme.muted });
}

/**
 * The SVG drawn by the browser itself, so that both files show the same.
 * @param {Blob} svg @param {{width: number, height: number}} size @param {Theme} theme
 */
async function rasterize(svg, { width, height }, theme) {
  const address = URL.createObjectURL(svg);
  try {
    const image = new Image();
    image.src = address;
    await image.decode();
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(width * SCALE);
    canvas.height = Math.round(height * SCALE);
    const context = contextOf(canvas);
    context.fillStyle = css(theme.background);
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.drawImage(image, 0, 0, canvas.width, canvas.height);
    return await new Promise((resolve) => { canvas.toBlob(resolve, "image/png"); });
  } finally {
    URL.revokeObjectURL(address);
  }
}

/** @param {Blob} blob @param {string} name */
function download(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
