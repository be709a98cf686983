/** Which of two runs came out better, in a sentence. */

import { count, loss, score } from "../canvas/words/format.js";

/** @typedef {{name: string, header: Header, dataset: string}} Known  a run as far as words tell of it */

/**
 * @param {Texts} words @param {Known} a @param {Known} b
 */
export function outcome(words, a, b) {
  const texts = words.watching(a.header.watched);
  /** @type {Say} */
  const say = (key, values) => texts.say(`compare.${key}`, values);
  const { name, form } = a.header.metric;
  if (a.dataset !== b.dataset || name !== b.header.metric.name) return say("no_measure");
  if (a.header.watched !== b.header.watched) return say("other_rows");
  const broken = [a, b].find(({ header }) => header.losses.test === null);
  if (broken) return say("not_finite", { name: broken.name });
  /** @param {Known} run */
  const lossOf = (run) => run.header.losses.test ?? NaN;
  if (a.header.step === 0 && b.header.step === 0) return say("press_play");
  const epochs = count(a.header.epoch);
  const alike = a.header.epoch === b.header.epoch;
  const both = alike ? epochs : `${epochs} / ${count(b.header.epoch)}`;
  if (a.header.loss_kind === b.header.loss_kind) {
    const [low, high] = lossOf(a) <= lossOf(b) ? [a, b] : [b, a];
    const [lowest, highest] = [loss(lossOf(low)), loss(lossOf(high))];
    if (lowest === highest) return say("level", { epochs: both });
    if (alike) return say("lower", { name: low.name, low: lowest, high: highest, epochs });
    return say("lower_apart", {
      name: low.name, low: lowest, high: highest, epochs: count(low.header.epoch), others: count(high.header.epoch),
    });
  }
  /** @param {number} value */
  const show = (value) => score(value, form);
  /** @param {Known} run */
  const value = (run) => run.header.metrics.test[name] ?? NaN;
  const [high, low] = value(a) >= value(b) ? [a, b] : [b, a];
  if (show(value(high)) === show(value(low))) return say("level", { epochs: both });
  return say("higher", {
    name: high.name, score: texts.say(`canvas.test_${name}`), high: show(value(high)), low: show(value(low)), epochs: both,
  });
}
