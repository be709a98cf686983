/** Numbers and sentences as a person reads them. */

const MINUS = "\u2212";

/** A number in few digits, with a true minus sign. @param {Finite | undefined} value @param {number} [digits] significant digits */
export function number(value, digits = 3) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : `${MINUS}∞`;
  const size = Math.abs(value);
  let written;
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) written = size.toExponential(Math.max(0, digits - 2)).replace("e+", "e");
  else if (size >= 1000) written = Math.round(size).toLocaleString("en-US");
  else written = String(Number(size.toPrecision(digits)));
  return value < 0 && Number(written) !== 0 ? MINUS + written.replace("e-", `e${MINUS}`) : written.replace("e-", `e${MINUS}`);
}

export const HUGE = 1e6; // from here on a number is written with an exponent, however it is written else

/** A number with a fixed count of decimals, unless it is huge. @param {Finite | undefined} value @param {number} decimals */
export const fixed = (value, decimals) =>
  value === null || value === undefined || !(Math.abs(value) < HUGE) ? number(value) : value.toFixed(decimals).replace("-", MINUS);

/** 0.912 as "91.2%". @param {Finite | undefined} value */
export const percent = (value, decimals = 1) => (typeof value === "number" && Number.isFinite(value) ? `${fixed(100 * value, decimals)}%` : "–");

/** A score as its metric is written. @param {Finite | undefined} value @param {Metric["form"]} form */
export const score = (value, form) => (form === "percent" ? percent(value) : fixed(value, 3));

/** A whole number with thousands apart. @param {number} value */
export const count = (value) => Math.round(value).toLocaleString("en-US");

/** A loss: four decimals while they say something. @param {Finite | undefined} value */
export const loss = (value) => {
  const size = Math.abs(value ?? NaN);
  return size >= 1e-3 && size < 1000 ? fixed(value, size < 10 ? 4 : 2) : number(value, 3);
};

/** Texts of the page's language. */
export class Texts {
  /**
   * @param {Record<string, string>} strings
   * @param {string} [watched] the rows watched while it learns, "test" or "validation": what is said otherwise of the latter
   *   stands under "<key>.validation", and of runs of both kinds under "<key>.mixed"
   */
  constructor(strings, watched = "test") {
    this.strings = strings;
    this.watched = watched;
  }

  /** The same where such rows are watched. @param {string} watched */
  watching(watched) {
    return watched === this.watched ? this : new Texts(this.strings, watched);
  }

  /** The text of a key with its {placeholders} filled in. @param {string} key @param {Record<string, string|number>} [values] */
  say(key, values = {}) {
    const template = this.strings[`${key}.${this.watched}`] ?? this.strings[key] ?? key;
    return template.replace(/\{(\w+)(?::[^}]*)?\}/g, (whole, name) => {
      const value = values[name];
      if (value === undefined) return whole;
      return typeof value === "number" && !Number.isInteger(value) ? number(value, 4) : String(value);
    });
  }

  /** A problem or notice {key, values} as a sentence. @param {Told} problem */
  problem(problem) {
    const values = Object.entries(problem.values ?? {}).map(([name, value]) => [name, this.title(name, value)]);
    return this.say(`problem.${problem.key}`, Object.fromEntries(values));
  }

  /** The title of a kind that a value names: "loss_title" names a loss. @param {string} name @param {string | number} value */
  title(name, value) {
    const family = /^(\w+)_title$/.exec(name)?.[1];
    return family ? this.say(`component.${family}.${value}.title`) : value;
  }
}
