/** How finely maps are painted: they become coarser before frames become fewer, and finer again as soon as there is time for it. */

const MOST = 14; // milliseconds a frame, so that sixty of them fit in a second
const COARSEST = 4;
const WEIGHT = 0.3; // of the newest cost in the mean
const DEARER = 4; // times as much cost half the step's maps

export class Budget {
  /** @param {() => number} [clock] in milliseconds */
  constructor(clock = () => performance.now()) {
    this.clock = clock;
    this.step = 1;
    this.cost = 0; // milliseconds, the mean of the last few
    this.last = 0; // of the newest one
  }

  /**
   * Paint; a picture that no other follows at once is as fine as can be, whatever it costs.
   * @template Painted
   * @param {boolean} hurried @param {(step: number) => Painted} paint @returns {Painted}
   */
  spend(hurried, paint) {
    const begin = this.clock();
    const painted = paint(hurried ? this.step : 1);
    this.last = this.clock() - begin;
    if (hurried) this.adjust();
    return painted;
  }

  adjust() {
    this.cost = this.cost ? this.cost + WEIGHT * (this.last - this.cost) : this.last;
    if (this.cost > MOST && this.step < COARSEST) this.change(2, 1 / DEARER);
    else if (this.step > 1 && this.cost * DEARER < MOST / 2) this.change(1 / 2, DEARER);
  }

  /** @param {number} factor of the step @param {number} dearer of the expected cost */
  change(factor, dearer) {
    this.step *= factor;
    this.cost *= dearer;
  }
}
