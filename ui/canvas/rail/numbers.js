/** Numbers of settings: how they are written, and where they lie on the way of a slider. Pure functions. */

/** A number with at most six digits, without an exponent unless it is tiny. @param {number} value */
export function writeNumber(value) {
  const short = Number(value.toPrecision(6));
  const size = Math.abs(short);
  if (size === 0 || size >= 1) return String(short);
  return size < 1e-6 ? short.toExponential() : short.toFixed(11).replace(/\.?0+$/, "");
}

/** Decimals of the values that a step leads to: 0.01 has two. @param {number} step */
const decimalsOf = (step) => Math.max(0, Math.ceil(-Math.log10(step) - 1e-9));

/**
 * The way of a slider in whole positions from 0 to `last`; a value that lies between two has the nearest one.
 * @param {NumberField} field
 * @returns {{last: number, valueAt: (position: number) => number, positionOf: (value: number) => number}}
 */
export function wayOf(field) {
  if (field.input === "ladder") {
    const { rungs } = field;
    /** @param {number} value */
    const positionOf = (value) => {
      let best = 0;
      rungs.forEach((rung, at) => {
        if (Math.abs(rung - value) < Math.abs(rungs[best] - value)) best = at;
      });
      return best;
    };
    return { last: rungs.length - 1, valueAt: (position) => rungs[position], positionOf };
  }
  const { lower, upper, step } = field;
  const last = Math.round((upper - lower) / step);
  const decimals = decimalsOf(step);
  return {
    last,
    valueAt: (position) => Number(Math.min(upper, lower + position * step).toFixed(decimals)),
    positionOf: (value) => Math.min(last, Math.max(0, Math.round((value - lower) / step))),
  };
}

/** A value as it is shown beside its input. @param {number} value @param {NumberField} field */
export function writeValue(value, field) {
  if (value === 0 && field.zero) return field.zero;
  if (field.input !== "slider" || field.whole) return writeNumber(value);
  const decimals = decimalsOf(field.step);
  return Number(value.toFixed(decimals)) === value ? value.toFixed(decimals) : writeNumber(value);
}

/** What was typed, if it is a whole number; else null. One beyond the bounds is the run's to refuse, with a sentence. @param {string} typed */
export function readTyped(typed) {
  const value = Number(typed);
  return typed.trim() === "" || !Number.isSafeInteger(value) ? null : value;
}
