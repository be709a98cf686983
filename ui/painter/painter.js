/**
 * A worker of the page that paints: it is told how networks of a structure are painted, then paints their numbers, in the order they come.
 * What it says: {ready}, and for each order {ticket, painted, milliseconds}, or {ticket, failed} for one that it cannot do.
 */

import { Budget } from "./budget.js";
import { Painter } from "./paint.js";

/** @typedef {{plan: number, painting: Painting, tables: PaintingTables}} Plan  how networks of a structure are painted */
/** @typedef {{plan: number, ticket: number, numbers: Float32Array, silenced: import("./paint.js").Marks, hurried: boolean}} Order  `hurried`: others follow at once */

const MOST_PLANS = 16; // as many as pages that compare runs show, and a few structures of the past

/** @type {Map<number, {painter: Painter, budget: Budget}>} */
const plans = new Map();

/** @param {import("./paint.js").Painted} painted */
const buffersOf = ({ maps, scales, ...output }) => [...Object.values(maps), ...Object.values(scales), ...Object.values(output)].map(({ buffer }) => buffer);

/** What the page says. @param {MessageEvent<Plan | Order>} event */
function hear({ data }) {
  if ("painting" in data) {
    plans.set(data.plan, { painter: new Painter(data.painting, data.tables), budget: new Budget() });
    if (plans.size > MOST_PLANS) plans.delete(/** @type {number} */ (plans.keys().next().value));
    return;
  }
  const { plan, ticket, numbers, silenced, hurried } = data;
  const known = plans.get(plan);
  if (!known) {
    self.postMessage({ ticket, failed: true });
    return;
  }
  const painted = known.budget.spend(hurried, (step) => known.painter.paint(numbers, silenced, step));
  self.postMessage({ ticket, painted, milliseconds: known.budget.last }, { transfer: /** @type {ArrayBuffer[]} */ (buffersOf(painted)) });
}

/** Begin to work; called once, in a worker. */
export default function begin() {
  self.onmessage = hear;
  self.postMessage({ ready: true });
}

if (typeof document === "undefined") begin();
