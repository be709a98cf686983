/** Colours of the canvas: one meaning throughout (orange negative or class 0, blue positive or class 1), for light and dark. */

/** @typedef {[number, number, number]} Rgb */

/**
 * Ten colours for classes (after Okabe and Ito, 2008); the first two are the house's own. The first six stay apart for colour-blind
 * eyes too: tests/test_access.py measures it.
 */
const CLASS_COLOURS_LIGHT = ["#f59322", "#0877bd", "#23ad84", "#c03b88", "#a28003", "#6933a2", "#9a3d22", "#22b5c9", "#7b8190", "#6fae2b"];
const CLASS_COLOURS_DARK = ["#ff9d2f", "#2a9df0", "#1dd3a7", "#e759a9", "#f0db2d", "#7d5fe2", "#d2694a", "#4ad6e8", "#9aa2b5", "#94d44c"];

const CLASS_COLOURS_PROJECTOR = ["#cc5500", "#0059b3", "#0d9a6b", "#a31b73", "#5c4503", "#3a1769", "#7a1f0a", "#007286", "#454b5a", "#3f7407"];

/** Contrast of text and background beyond which a theme is for a projector: only black on white has it. */
const STRONG = 20;

/** Maps stop short of the full colour, so that points of the full colour are seen on them. */
const STRONGEST = 0.86;

const probe = /** @type {CanvasRenderingContext2D} */ (document.createElement("canvas").getContext("2d", { willReadFrequently: true }));

/** Any CSS colour as red, green, blue. @param {string} text @param {string} fallback @returns {Rgb} */
export function parseColour(text, fallback = "#888888") {
  probe.fillStyle = fallback;
  probe.fillStyle = text.trim() || fallback;
  probe.clearRect(0, 0, 1, 1);
  probe.fillRect(0, 0, 1, 1);
  const [red, green, blue] = probe.getImageData(0, 0, 1, 1).data;
  return [red, green, blue];
}

/** @param {Rgb} rgb @param {number} [alpha] */
export const css = (rgb, alpha = 1) => `rgba(${rgb[0] | 0},${rgb[1] | 0},${rgb[2] | 0},${alpha})`;

/** @param {Rgb} a @param {Rgb} b @param {number} share of b @returns {Rgb} */
export const mix = (a, b, share) => [a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share, a[2] + (b[2] - a[2]) * share];

/** @param {number} c */
const toLinear = (c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
/** @param {number} c */
const toGamma = (c) => (c <= 0.0031308 ? c * 12.92 : 1.055 * c ** (1 / 2.4) - 0.055);

/** Relative luminance (WCAG 2). @param {Rgb} rgb */
export const luminance = (rgb) => {
  const [r, g, b] = rgb.map((c) => toLinear(c / 255));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};

/** Contrast ratio of two colours (WCAG 2). @param {Rgb} a @param {Rgb} b */
export const contrast = (a, b) => {
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
};

/** OKLab (Ottosson, 2020): mixtures in it look evenly spaced. @param {Rgb} rgb @returns {[number, number, number]} */
function toOklab(rgb) {
  const [r, g, b] = rgb.map((c) => toLinear(c / 255));
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

/** @param {[number, number, number]} lab @returns {Rgb} */
function fromOklab([L, a, b]) {
  const l = (L + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (L - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (L - 0.0894841775 * a - 1.291485548 * b) ** 3;
  /** @param {number} c */
  const byte = (c) => Math.min(255, Math.max(0, 255 * toGamma(Math.max(0, c))));
  return [
    byte(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
    byte(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
    byte(-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s),
  ];
}

/** @param {Rgb} a @param {Rgb} b @param {number} share of b @returns {Rgb} */
function mixOklab(a, b, share) {
  const [x, y] = [toOklab(a), toOklab(b)];
  return fromOklab(mix(x, y, share));
}

/** One pixel of an ImageData seen as a little-endian Uint32. @param {Rgb} rgb */
const pixel = (rgb) => ((255 << 24) | ((rgb[2] & 255) << 16) | ((rgb[1] & 255) << 8) | (rgb[0] & 255)) >>> 0;

/**
 * Everything the drawing needs to know about the page's theme.
 * `ramp[byte]`: 1 = full negative, 128 = zero, 255 = full positive. `classRamps[k][certainty]`: 0 = even odds, 255 = certain.
 * @param {Element} host an element inside the component, for its custom properties
 */
export function readTheme(host) {
  const style = getComputedStyle(host);
  /** @param {string} name @param {string} fallback */
  const read = (name, fallback) => parseColour(style.getPropertyValue(name), fallback);
  const background = read("--st-background-color", "#ffffff");
  const text = read("--st-text-color", "#31333f");
  const primary = read("--st-primary-color", "#ff4b4b");
  const dark = luminance(background) < 0.25;
  const strong = contrast(text, background) > STRONG;
  const negative = parseColour(dark ? "#ff9a2b" : strong ? "#cc5500" : "#f59322");
  const positive = parseColour(dark ? "#1f97ee" : strong ? "#0059b3" : "#0877bd");
  const panel = dark ? mix(background, text, 0.045) : mix(background, [255, 255, 255], 0.75);
  const zero = dark ? mix(background, text, 0.075) : mix([255, 255, 255], text, 0.045);
  const palette = (dark ? CLASS_COLOURS_DARK : strong ? CLASS_COLOURS_PROJECTOR : CLASS_COLOURS_LIGHT).map((colour) => parseColour(colour));
  const ramp = new Uint32Array(256);
  /** @type {Rgb[]} */
  const rampColours = [];
  for (let byte = 0; byte < 256; byte += 1) {
    const value = Math.max(-1, (byte - 128) / 127);
    rampColours.push(mixOklab(zero, value < 0 ? negative : positive, STRONGEST * Math.abs(value) ** 0.92));
    ramp[byte] = pixel(rampColours[byte]);
  }
  const classRamps = palette.map((colour) => {
    const one = new Uint32Array(256);
    for (let byte = 0; byte < 256; byte += 1) one[byte] = pixel(mixOklab(zero, colour, 0.12 + 0.66 * (byte / 255)));
    return one;
  });
  /** @type {Rgb} */
  const white = [255, 255, 255];
  /** @type {Rgb} */
  const black = [17, 20, 28];
  /** @type {Rgb} */
  const ring = dark ? [240, 243, 250] : white;
  const test = dark ? mix(primary, white, 0.25) : primary;
  return {
    dark, strong, background, text, primary, negative, positive, panel, zero, palette, ramp, rampColours, classRamps, ring,
    type: strong ? 1.2 : 1, stroke: strong ? 1.6 : 1,
    muted: mix(background, text, strong ? 0.9 : dark ? 0.7 : 0.76),
    line: mix(background, text, strong ? 0.55 : dark ? 0.2 : 0.15),
    onPrimary: contrast(primary, white) >= 4.5 ? white : black,
    curves: { train: mix(background, text, dark ? 0.75 : 0.62), test },
    font: style.fontFamily || "sans-serif",
    key: [background, text, primary].join("|") + style.fontFamily,
  };
}

/** A horizontal CSS gradient of the ramp. @param {ReturnType<typeof readTheme>} theme */
export function rampGradient(theme) {
  const stops = [1, 32, 64, 96, 128, 160, 192, 224, 255].map((byte) => css(theme.rampColours[byte]));
  return `linear-gradient(to right, ${stops.join(", ")})`;
}
