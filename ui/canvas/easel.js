/**
 * Where the page has its maps painted: in a worker, so that it never waits for them; by itself until that worker is there, in a browser
 * without one, and for good once it is lost.
 */

import { Budget } from "../painter/budget.js";
import { Painter } from "../painter/paint.js";

/** @typedef {import("../painter/paint.js").Painted} Painted */
/** @typedef {(painted: Painted, milliseconds: number) => void} Done  and how long it took */
/** @typedef {{painting: Painting, tables: PaintingTables, number: number, sent: boolean, painter: Painter | null, budget: Budget}} Plan */

export class Easel {
  /** @param {() => Worker} open starts the worker; may throw */
  constructor(open) {
    /** @type {Map<number, {plan: Plan, numbers: Float32Array, silenced: Record<string, ArrayLike<number>>, hurried: boolean, done: Done}>} */
    this.orders = new Map(); // by ticket, in the order they came
    this.tickets = 0;
    this.plans = 0;
    this.ready = false;
    /** @type {Worker | null} */
    this.worker = null;
    try {
      this.worker = open();
      this.worker.onmessage = ({ data }) => this.hear(data);
      this.worker.onerror = this.worker.onmessageerror = () => this.lose();
    } catch {
      this.lose();
    }
  }

  /** How networks of a structure are painted, to be named in orders. @param {Painting} painting @param {PaintingTables} tables @returns {Plan} */
  plan(painting, tables) {
    this.plans += 1;
    return { painting, tables, number: this.plans, sent: false, painter: null, budget: new Budget() };
  }

  /**
   * Paint; `done` is called at once, or when the worker has painted, in the order of the calls.
   * @param {Plan} plan @param {Float32Array} numbers @param {Record<string, ArrayLike<number>>} silenced @param {boolean} hurried whether other pictures follow at once
   * @param {Done} done
   */
  paint(plan, numbers, silenced, hurried, done) {
    if (!this.ready || !this.worker) {
      this.paintHere(plan, numbers, silenced, hurried, done);
      return;
    }
    this.tickets += 1;
    this.orders.set(this.tickets, { plan, numbers, silenced, hurried, done });
    if (!plan.sent) this.worker.postMessage({ plan: plan.number, painting: plan.painting, tables: plan.tables });
    plan.sent = true;
    this.worker.postMessage({ plan: plan.number, ticket: this.tickets, numbers, silenced, hurried });
  }

  /** @param {Plan} plan @param {Float32Array} numbers @param {Record<string, ArrayLike<number>>} silenced @param {boolean} hurried @param {Done} done */
  paintHere(plan, numbers, silenced, hurried, done) {
    plan.painter ??= new Painter(plan.painting, plan.tables);
    const { painter } = plan;
    const painted = plan.budget.spend(hurried, (step) => painter.paint(numbers, silenced, step));
    done(painted, plan.budget.last);
  }

  /** @param {{ready: true} | {ticket: number, painted?: Painted, milliseconds?: number}} said */
  hear(said) {
    if ("ready" in said) {
      this.ready = true;
      return;
    }
    const { ticket, painted, milliseconds = 0 } = said;
    const order = this.orders.get(ticket);
    if (!order) return;
    this.orders.delete(ticket);
    if (painted) {
      order.done(painted, milliseconds);
      return;
    }
    order.plan.sent = false; // It knows the latest plans only: the next order tells it this one again.
    this.paintHere(order.plan, order.numbers, order.silenced, order.hurried, order.done);
  }

  /** There is no worker any more: what it was to paint is painted here. */
  lose() {
    this.worker?.terminate();
    this.worker = null;
    const waiting = [...this.orders.values()];
    this.orders.clear();
    for (const { plan, numbers, silenced, hurried, done } of waiting) this.paintHere(plan, numbers, silenced, hurried, done);
  }
}

/** @type {Easel | null} */
let shared = null;

/** The one of this page. @param {URL} address of the worker's script */
export function easelOf(address) {
  shared ??= new Easel(() => new Worker(address, { type: "module" }));
  return shared;
}
