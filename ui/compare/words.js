/** Which of two runs came out better, in a sentence. */

import { count, fixed, loss, percent } from "../canvas/format.js";

const metricOf = (header) => (header.metrics.train.r2 === undefined ? "accuracy" : "r2");

/**
 * @param {import("../canvas/format.js").Texts} words
 * @param {{name: string, header: object, dataset: string}} a @param {{name: string, header: object, dataset: string}} b
 */
export function outcome(words, a, b) {
  const texts = words.watching(a.header.watched);
  const say = (key, values) => texts.say(`compare.${key}`, values);
  const metric = metricOf(a.header);
  if (a.dataset !== b.dataset || metric !== metricOf(b.header)) return say("no_measure");
  if (a.header.watched !== b.header.watched) return say("other_rows");
  const broken = [a, b].find(({ header }) => header.losses.test === null);
  if (broken) return say("not_finite", { name: broken.name });
  if (a.header.step === 0 && b.header.step === 0) return say("press_play");
  const epochs = count(a.header.epoch);
  const alike = a.header.epoch === b.header.epoch;
  const both = alike ? epochs : `${epochs} / ${count(b.header.epoch)}`;
  if (a.header.loss_kind === b.header.loss_kind) {
    const [low, high] = a.header.losses.test <= b.header.losses.test ? [a, b] : [b, a];
    const [lowest, highest] = [loss(low.header.losses.test), loss(high.header.losses.test)];
    if (lowest === highest) return say("level", { epochs: both });
    if (alike) return say("lower", { name: low.name, low: lowest, high: highest, epochs });
    return say("lower_apart", {
      name: low.name, low: lowest, high: highest, epochs: count(low.header.epoch), others: count(high.header.epoch),
    });
  }
  const show = metric === "accuracy" ? percent : (value) => fixed(value, 3);
  const value = (run) => run.header.metrics.test[metric];
  const [high, low] = value(a) >= value(b) ? [a, b] : [b, a];
  if (show(value(high)) === show(value(low))) return say("level", { epochs: both });
  return say("higher", {
    name: high.name, score: texts.say(`canvas.test_${metric}`), high: show(value(high)), low: show(value(low)), epochs: both,
  });
}
