/** Where moments and steps lie on the time line: its slider has a stop for each kept moment, and one for now. */

const THUMB = 14; // pixels: the line runs from the middle of the thumb at its first stop to that at its last

/** Where the line stands at a stop of the slider, in pixels. @param {number} index @param {number} last @param {number} width */
export const pixelOf = (index, last, width) => THUMB / 2 + (index / last) * (width - THUMB);

/** Where a step lies among those of the kept moments, as a stop of the slider with a fraction. @param {number} step @param {number[]} steps */
export function stopOf(step, steps) {
  const next = steps.findIndex((kept) => kept >= step);
  if (next < 0) return steps.length - 0.5; // after the last that is kept: between it and now
  if (next === 0 || steps[next] === step) return next;
  return next - 1 + (step - steps[next - 1]) / (steps[next] - steps[next - 1]);
}
