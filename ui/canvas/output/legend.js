/** What the colours, shapes and lines of the large map mean; all text, so all of it through textContent. */

import { css, rampGradient } from "../colours.js";
import { valueLevels } from "./contours.js";
import { number, percent } from "../words/format.js";
import { markerIcon } from "../markers.js";

/** @param {string} text */
const label = (text, className = "") => Object.assign(document.createElement("span"), { textContent: text, className });

/**
 * @param {Layout} layout @param {Theme} theme @param {Texts} texts @param {Selected | null} selection the unit that is looked at
 * @returns {HTMLElement[]}
 */
export function legendOf(layout, theme, texts, selection) {
  /** @type {Say} */
  const say = (key, values) => texts.say(`canvas.${key}`, values);
  const ramp = () => {
    const element = label("", "nn-ramp");
    element.style.background = rampGradient(theme);
    return element;
  };
  if (selection) return layout.map.kind === "plane" ? [label(say("negative"), "nn-ramp-low"), ramp(), label(say("positive"), "nn-ramp-high")] : [label("")];
  if (layout.task === "classification") {
    const items = layout.classes.map((name, index) => {
      const item = label("", "nn-class");
      item.append(markerIcon(index, css(theme.palette[index % theme.palette.length])), label(layout.classes.length > 2 ? name : say("class", { name })));
      return item;
    });
    return items.length === 2 ? [items[0], ramp(), items[1]] : items;
  }
  if (layout.output.kind === "line") return [];
  const [low, high] = layout.output.value_range;
  return [label(number(low), "nn-ramp-low"), ramp(), label(number(high), "nn-ramp-high")];
}

/**
 * The line under the map; "" for none.
 * @param {Layout} layout @param {Texts} texts @param {Selected | null} selection @param {boolean} contours whether lines are drawn
 */
export function captionOf(layout, texts, selection, contours) {
  /** @type {Say} */
  const say = (key, values) => texts.say(`canvas.${key}`, values);
  if (selection && layout.map.kind === "bars") return say("groups_caption");
  if (contours && selection) return say("contours_unit");
  if (contours && layout.task === "regression") return say("contours_values", { values: valueLevels(layout).map((value) => number(value)).join(", ") });
  if (contours) return layout.classes.length > 2 ? say("contours_many") : say("contours_two", { name: layout.classes[1] });
  if (selection) return "";
  if (layout.output.kind === "projection") {
    return say("projection_caption", { first: percent(layout.output.explained[0], 0), second: percent(layout.output.explained[1], 0) });
  }
  return layout.output.kind === "line" ? say("line_caption") : "";
}
