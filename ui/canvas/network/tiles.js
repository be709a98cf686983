/** The pictures on the tiles: each unit's own, of whatever kind its layer has. */

import { css } from "../colours.js";
import { unitKind } from "../kinds.js";
import { bytesOf, mapOf } from "../output/unit.js";
import { INPUTS } from "./items.js";

/** Columns whose pictures are of one kind, painted together. @typedef {{key: string, painter: TilePainter, columns: Column[]}} Group */

export class Tiles {
  /** @type {Geometry} */
  geometry;
  /** @type {Theme} */
  theme;
  /** @type {Arrays} */
  constants;
  /** @type {Group[]} */
  groups;

  constructor() {
    this.groups = [];
  }

  /** A new structure, width or theme. @param {import("./network.js").Network} network */
  build({ layout, constants, geometry, theme, ratio }) {
    Object.assign(this, { geometry, theme, constants });
    const before = this.groups;
    this.groups = [];
    for (const column of geometry.tiled) {
      const map = mapOf(layout, column.address);
      // Inputs of lists stand still, and are painted once.
      const still = column.part === "inputs" && map === layout.map;
      const key = JSON.stringify([still, map]);
      const group = this.groups.find((one) => one.key === key);
      if (group) group.columns.push(column);
      else this.groups.push({ key, painter: before.find((one) => one.key === key)?.painter ?? unitKind(layout, column.address).tiles(), columns: [column] });
    }
    for (const { painter, columns } of this.groups) {
      const map = mapOf(layout, columns[0].address);
      const still = columns[0].part === "inputs" && map === layout.map;
      const largest = Math.max(...columns.map((column) => column.size));
      painter.prepare(columns.reduce((sum, column) => sum + column.shown, 0), map, still ? Infinity : largest * ratio);
      if (still) {
        painter.write(constants.input_maps, columns[0].shown, 0, theme);
        painter.ready();
      }
    }
  }

  /** The maps of a new frame. @param {Arrays} arrays */
  read(arrays) {
    for (const { painter, columns } of this.groups) {
      let first = 0;
      for (const column of columns) {
        const bytes = bytesOf(column.address, this.constants, arrays);
        if (bytes && bytes !== this.constants.input_maps) painter.write(bytes, column.shown, first, this.theme);
        first += column.shown;
      }
      if (columns[0].address !== INPUTS || `maps/${INPUTS}` in arrays) painter.ready();
    }
  }

  /** @param {Context} context */
  draw(context) {
    const { geometry, theme } = this;
    for (const { painter, columns } of this.groups) {
      let first = 0;
      for (const column of columns) {
        for (const { unit, x, y, size } of column.tiles) painter.draw(context, first + unit, x, y, size, theme);
        first += column.shown;
      }
    }
    context.strokeStyle = css(theme.text, theme.dark ? 0.34 : 0.3);
    context.lineWidth = 1;
    context.beginPath();
    for (const column of geometry.tiled) {
      for (const tile of column.tiles) context.roundRect(tile.x, tile.y, tile.size, tile.size, tile.size * 0.13);
    }
    context.stroke();
  }
}
