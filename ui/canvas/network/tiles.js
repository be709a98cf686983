/** The pictures on the tiles: each unit's own, of whatever kind. */

import { css } from "../colours.js";
import { unitKind } from "../kinds.js";

export class Tiles {
  /** @type {Geometry} */
  geometry;
  /** @type {Theme} */
  theme;
  /** @type {TilePainter} */
  inputs;
  /** @type {TilePainter} */
  learned;
  /** @type {UnitKind | null} */
  kind;

  constructor() {
    this.kind = null;
  }

  /** A new structure, width or theme. @param {import("./network.js").Network} network */
  build({ layout, constants, geometry, theme, ratio }) {
    Object.assign(this, { geometry, theme });
    const kind = unitKind(layout);
    if (kind !== this.kind) Object.assign(this, { kind, inputs: kind.tiles(), learned: kind.tiles() });
    const learned = geometry.tiled.slice(1);
    const largest = Math.max(...learned.map((column) => column.size));
    this.learned.prepare(learned.reduce((sum, column) => sum + column.shown, 0), layout.map, largest * ratio);
    this.inputs.prepare(geometry.tiled[0].shown, layout.map, Infinity);
    this.inputs.write(constants.input_maps, geometry.tiled[0].shown, 0, theme);
    this.inputs.ready();
  }

  /** The maps of a new frame. @param {Arrays} arrays */
  read(arrays) {
    let first = 0;
    for (const column of this.geometry.tiled.slice(1)) {
      this.learned.write(arrays[`maps/${column.address}`], column.shown, first, this.theme);
      first += column.shown;
    }
    this.learned.ready();
  }

  /** @param {Context} context */
  draw(context) {
    const { geometry, theme } = this;
    let first = 0;
    for (const column of geometry.tiled) {
      const input = column.part === "inputs";
      const painter = input ? this.inputs : this.learned;
      for (const { unit, x, y, size } of column.tiles) painter.draw(context, input ? unit : first + unit, x, y, size, theme);
      if (!input) first += column.shown;
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
