/** Colours and names that the markup of the canvas gets once it is known in which theme and language it stands. */

import { css, rampGradient } from "./colours.js";

/** Regions of the page by the texts that name them. */
const REGIONS = {
  ".nn-bar": "controls", ".nn-network": "network", ".nn-neurons": "units_help", ".nn-shows": "show", ".nn-output": "output",
  ".nn-curves": "curves", ".nn-curves .nn-curve-tabs": "curves",
};

/** @param {HTMLElement} root @param {Texts} texts */
export function nameRegions(root, texts) {
  for (const [selector, key] of Object.entries(REGIONS)) root.querySelector(selector).ariaLabel = texts.say(`canvas.${key}`);
}

/** Colours for the style sheets. @param {HTMLElement} root @param {Theme} theme */
export function paintTheme(root, theme) {
  /** @param {string} name @param {string} value */
  const set = (name, value) => root.style.setProperty(`--nn-${name}`, value);
  for (const name of /** @type {const} */ (["panel", "muted", "line", "negative", "positive", "zero"])) set(name, css(theme[name]));
  set("on-primary", css(theme.onPrimary));
  set("train", css(theme.curves.train));
  set("test", css(theme.curves.test));
  set("ramp", rampGradient(theme));
  root.toggleAttribute("data-strong", theme.strong);
  root.dataset.theme = theme.dark ? "dark" : "light";
}
