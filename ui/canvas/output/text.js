/** Tokens as they are written, in lines. */

import { css } from "../colours.js";
import { nameOf, tokenColour } from "./steps.js";

const LINE = 23;

/**
 * Each token in a box of its colour, one after another; those that are wrong have a broken line around them and a mark.
 * @param {Context} context @param {{x: number, y: number, width: number, height: number}} room @param {number[]} ids
 * @param {string[]} tokens how each is written @param {Theme} theme @param {(step: number) => boolean} [wrong]
 * @returns {number} where the last line ends
 */
export function drawTokens(context, room, ids, tokens, theme, wrong = () => false) {
  context.save();
  context.font = `${12.5 * theme.type}px ${theme.font}`;
  context.textAlign = "left";
  context.textBaseline = "middle";
  let [x, y] = [room.x, room.y];
  ids.forEach((id, step) => {
    const name = nameOf(tokens, id);
    if (!name && !wrong(step)) return;
    const text = `${name.trim() ? name : name ? "␣" : "∅"}${wrong(step) ? " ✗" : ""}`;
    const width = Math.max(15, context.measureText(text).width + 8);
    if (x + width > room.x + room.width && x > room.x) [x, y] = [room.x, y + LINE];
    if (y + LINE > room.y + room.height) return;
    context.fillStyle = css(tokenColour(id, theme), 0.35);
    context.beginPath();
    context.roundRect(x, y, width, LINE - 4, 4);
    context.fill();
    if (wrong(step)) {
      context.strokeStyle = css(theme.text);
      context.lineWidth = 1.2;
      context.setLineDash([3, 2]);
      context.stroke();
      context.setLineDash([]);
    }
    context.fillStyle = css(theme.text);
    context.fillText(text, x + 4, y + (LINE - 4) / 2 + 0.5);
    x += width + 3;
  });
  context.restore();
  return y + LINE;
}

/** A row in one line, as long as there is room. @param {Context} context @param {number[]} ids @param {string[]} tokens @param {number} width */
export function lineOf(context, ids, tokens, width) {
  const words = ids.filter((id) => id !== 0).map((id) => nameOf(tokens, id));
  const apart = words.some((word) => word.length > 1) ? " " : "";
  let line = words.join(apart);
  if (context.measureText(line).width <= width) return line;
  while (line.length > 1 && context.measureText(`${line}…`).width > width) line = line.slice(0, -1);
  return `${line}…`;
}
