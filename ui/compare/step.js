/** Runs that train in step: none gets far ahead of the slowest, and when they stop they stop at the same step. */

const FURTHEST = 100; // updates that one may be ahead
const FURTHEST_OF_QUICK = 3200; // ... while all of them are through with that before the next frame
const LOOKS = 20; // frames a second that a leash has to last for
/** @type {Set<Status>} */
const ENDED = new Set(["diverged", "early_stopped", "epoch_limit"]);

/**
 * @typedef {{header: Pick<Header, "status" | "step" | "speed"> | null, command: Command, goesOn?: boolean, overruled?: boolean, speed?: number | null}} Trainee
 *   `speed`: that was set for it here, undefined once it has it; `goesOn`: it is to train on after an early stop; `overruled`: it was told so, and has not begun yet
 * @typedef {Trainee & {header: NonNullable<Trainee["header"]>}} Shown  whose first frame has come
 */

export class InStep {
  /** @type {"standing" | "playing" | "stopping"} */
  state;
  /** @type {number | null} */
  leash;

  /** @param {() => Trainee[]} runs */
  constructor(runs) {
    this.runs = runs;
    this.state = "standing"; // or "playing", "stopping"
    this.leash = null;
    this.furthest = FURTHEST;
    /** @type {Set<Trainee>} that were told to play, and have not been seen to */
    this.starting = new Set();
  }

  /** Those that can still move. */
  get going() {
    const told = /** @type {Shown[]} */ (this.runs().filter(({ header }) => header));
    return told.filter(({ header, overruled }) => overruled || !ENDED.has(header.status));
  }

  /** The speed that somebody sets for all of them; while they catch up with each other it waits. @param {number | null} speed */
  setSpeed(speed) {
    for (const run of this.runs()) {
      run.speed = speed;
      if (this.state !== "stopping") run.command("speed", speed);
    }
  }

  play() {
    this.slowDown();
    for (const run of this.runs()) {
      run.overruled = Boolean(run.goesOn) && run.header?.status === "early_stopped";
      run.goesOn = false;
    }
    const going = this.going;
    if (!going.length) return;
    this.state = "playing";
    this.leash = null;
    this.furthest = FURTHEST;
    this.pull();
    for (const run of going) run.command("play");
    this.starting = new Set(going);
  }

  /** All go on to where the foremost may be, as fast as they can, and stand there. */
  pause() {
    if (this.state !== "playing") return;
    this.state = "stopping";
    for (const run of this.going) {
      if (run.speed === undefined) run.speed = run.header.speed;
      run.command("speed", null);
    }
    this.settle();
  }

  /** One of them leaves: the speed that it was to have waits for no others. @param {Trainee} run */
  dismiss(run) {
    if (this.state === "stopping" && run.speed !== undefined) run.command("speed", run.speed);
  }

  /** One of them is back, on a channel of its own: its speed may have been told to the old one in vain. @param {Trainee} run @param {Trainee} again */
  replace(run, again) {
    again.speed = run.speed;
    if (this.state !== "stopping" && run.speed !== undefined) again.command("speed", run.speed);
  }

  /** Those that caught up with the others have their own speed again. */
  slowDown() {
    if (this.state !== "stopping") return;
    this.state = "standing";
    for (const run of this.runs()) if (run.speed !== undefined) run.command("speed", run.speed);
  }

  reset() {
    this.slowDown();
    this.state = "standing";
    this.leash = null;
    for (const run of this.runs()) {
      run.goesOn = run.overruled = false;
      run.command("leash", null);
      run.command("reset");
    }
  }

  /** At each frame of one of them. */
  follow() {
    for (const run of this.runs()) {
      // Later its speed may be set elsewhere.
      if (this.state !== "stopping" && run.header?.speed === run.speed) run.speed = undefined;
      if (run.header?.status !== "playing") continue;
      this.starting.delete(run);
      run.overruled = false;
    }
    if (this.state === "playing") {
      if (this.going.length) this.pull();
      else this.state = "standing";
    } else if (this.state === "stopping") this.settle();
  }

  /** The speed of the slowest, Infinity for as fast as possible; what was set here counts before its run tells of it. Undefined while none tells. */
  get slowest() {
    const told = this.runs().filter(({ header }) => header);
    const speeds = told.map(({ header, speed }) => (speed === undefined ? header?.speed : speed) ?? Infinity);
    return speeds.length ? Math.min(...speeds) : undefined;
  }

  /** So many updates a frame as the slowest speed asks for, within bounds. */
  get ahead() {
    const speeds = this.going.map(({ header }) => header.speed ?? Infinity);
    return Math.max(1, Math.min(this.furthest, Math.round(Math.min(...speeds) / LOOKS)));
  }

  pull() {
    const { going, leash: before } = this;
    // Whoever waits at the end of the leash for the next frame is quick. One that is still on its way must not keep Pause waiting.
    const quick = before !== null && going.every(({ header }) => header.step >= before);
    if (quick) this.furthest = Math.min(FURTHEST_OF_QUICK, 2 * this.furthest);
    const ahead = this.ahead;
    const leash = Math.min(...going.map(({ header }) => header.step)) + ahead;
    if (before !== null && leash < before + ahead / 2) return;
    if (!quick) this.furthest = Math.max(FURTHEST, this.furthest / 2);
    this.leash = leash;
    for (const run of going) run.command("leash", leash);
  }

  settle() {
    const going = this.going;
    const late = going.some((run) => run.header.step < (this.leash ?? 0) && (run.header.status === "playing" || this.starting.has(run)));
    if (late) return;
    for (const run of going) run.command("pause");
    this.slowDown();
  }

  /** Nobody holds them together any more. */
  letGo() {
    this.slowDown();
    for (const run of this.runs()) run.command("leash", null);
  }
}
