/** Parts of the legend of the large map: what its colours and shapes mean; all text, so all of it through textContent. */

import { css, rampGradient } from "../colours.js";
import { number } from "../words/format.js";
import { markerIcon } from "../markers.js";

/** @param {string} text */
const label = (text, className = "") => Object.assign(document.createElement("span"), { textContent: text, className });

/** @param {Theme} theme */
function ramp(theme) {
  const element = label("", "nn-ramp");
  element.style.background = rampGradient(theme);
  return element;
}

/** @param {string} low @param {string} high @param {Theme} theme */
const between = (low, high, theme) => [label(low, "nn-ramp-low"), ramp(theme), label(high, "nn-ramp-high")];

/** From a negative to a positive answer. @param {Look} look */
export const signLegend = ({ theme, texts }) => between(texts.say("canvas.negative"), texts.say("canvas.positive"), theme);

/** From the lowest to the highest number. @param {Look} look */
export function rangeLegend({ layout, theme }) {
  const [low, high] = layout.output.value_range;
  return between(number(low), number(high), theme);
}

/** The classes; of two with all that lies between them. @param {Look} look */
export function classLegend({ layout, theme, texts }) {
  const items = layout.classes.map((name, index) => {
    const item = label("", "nn-class");
    const words = layout.classes.length > 2 ? name : texts.say("canvas.class", { name });
    item.append(markerIcon(index, css(theme.palette[index % theme.palette.length])), label(words));
    return item;
  });
  return items.length === 2 ? [items[0], ramp(theme), items[1]] : items;
}

/** A line of its own with nothing in it: what stands below does not move when another unit is looked at. */
export const emptyLegend = () => [label("")];
