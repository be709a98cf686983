/** The transport bar, its readouts and scores. */

import { count, loss, number, score } from "../words/format.js";

/** Updates a second at each position of the speed slider; null = as fast as it goes. */
export const SPEEDS = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, null];

const ENGINES = { dense: "canvas.engine_dense", autograd: "canvas.engine_autograd" };

/** @type {Record<string, string>} */
const ICONS = {
  play: '<path d="M7 4.6v14.8c0 .8.9 1.3 1.6.8l11-7.4c.6-.4.6-1.2 0-1.6l-11-7.4C7.9 3.3 7 3.8 7 4.6z"/>',
  pause: '<rect x="5.5" y="4" width="4.6" height="16" rx="1.4"/><rect x="13.9" y="4" width="4.6" height="16" rx="1.4"/>',
  step: '<path d="M5 5.6v12.8c0 .8.9 1.2 1.5.8l8.7-6.4c.5-.4.5-1.2 0-1.6L6.500 4.800C5.900 4.400 5 4.800 5 5.600z"/><rect x="16.600" y="4.500" width="2.900" height="15" rx="1.200"/>',
  epoch: '<path d="M3 6.200v11.600c0 .7.8 1.100 1.400.7l7.100-5.800c.5-.4.5-1 0-1.400L4.400 5.500C3.800 5.100 3 5.500 3 6.200z"/><path d="M12 6.200v11.600c0 .7.8 1.100 1.400.7l7.100-5.800c.5-.4.5-1 0-1.400l-7.100-5.800c-.6-.4-1.400 0-1.400.7z"/>',
  reset: '<path d="M12 5V2.200c0-.5-.6-.8-1-.4L6.800 5.600c-.3.200-.3.600 0 .800L11 10.200c.400.400 1 .100 1-.400V7a5.800 5.800 0 1 1-5.700 7 1 1 0 0 0-2 .400A7.800 7.800 0 1 0 12 5z"/>',
  new_seed: '<path fill-rule="evenodd" d="M6 3h12a3 3 0 0 1 3 3v12a3 3 0 0 1-3 3H6a3 3 0 0 1-3-3V6a3 3 0 0 1 3-3zm2.300 3.700a1.600 1.600 0 1 0 0 3.200 1.600 1.600 0 0 0 0-3.200zm7.400 0a1.600 1.600 0 1 0 0 3.200 1.600 1.600 0 0 0 0-3.200zM12 10.400a1.600 1.600 0 1 0 0 3.200 1.600 1.600 0 0 0 0-3.200zm-3.700 3.700a1.600 1.600 0 1 0 0 3.200 1.600 1.600 0 0 0 0-3.200zm7.400 0a1.600 1.600 0 1 0 0 3.200 1.600 1.600 0 0 0 0-3.200z"/>',
};
/** As listed in keyboard.js; said with the button, for those who cannot see its tip. */
/** @type {Record<string, string>} */
const SHORTCUTS = { play: "Space", pause: "Space", step: "S", epoch: "E", reset: "R" };
const PATIENCE = 2000; // how long a pressed Play is believed before the run says otherwise
const SPLITS = /** @type {const} */ (["train", "test"]);
/** @type {Set<Status>} */
const STUCK = new Set(["diverged", "epoch_limit"]); // nothing can be trained until something is changed
const TRAINING = ["play", "step", "epoch"]; // buttons
const READ_EVERY = 90; // milliseconds between changes of the readouts: faster cannot be read

export class Controls {
  /** @type {Texts} */
  texts;
  /** @type {HTMLInputElement} */
  range;
  /** @type {Record<string, HTMLButtonElement>} */
  buttons;
  /** @type {Record<string, HTMLElement>} */
  values;
  /** @type {Record<string, Record<string, HTMLElement>>} */
  tiles;
  /** @type {{play: boolean, until: number} | null} */
  wanted;
  /** @type {number | undefined} */
  sliding;
  /** @type {number | undefined} */
  waiting;

  /**
   * @param {HTMLElement} root
   * @param {{command: Command, edit: Action, toggle: (name: string, on: boolean) => void}} listener
   */
  constructor(root, listener) {
    this.root = root;
    this.listener = listener;
    this.buttons = Object.fromEntries([...root.querySelectorAll(".nn-button[data-do]")].map((button) => [button.dataset.do, button]));
    this.range = root.querySelector(".nn-range");
    this.speedValue = root.querySelector(".nn-speed-value");
    this.values = Object.fromEntries([...root.querySelectorAll("[data-value]")].map((element) => [element.dataset.value, element]));
    this.scores = root.querySelector(".nn-scores");
    this.playing = false;
    this.stuck = false;
    this.said = false; // whether the newest frame says that the run plays
    this.wanted = null;
    this.lastRead = 0;
    this.range.max = String(SPEEDS.length - 1);
    for (const [verb, button] of Object.entries(this.buttons)) button.onclick = () => this.press(verb);
    this.range.oninput = () => this.slide();
    for (const box of /** @type {NodeListOf<HTMLInputElement>} */ (root.querySelectorAll("[data-toggle]"))) {
      box.onchange = () => listener.toggle(box.dataset.toggle ?? "", box.checked);
    }
  }

  /** A new language. @param {Texts} texts */
  build(texts) {
    this.texts = texts;
    for (const element of this.root.querySelectorAll("[data-text]")) element.textContent = texts.say(element.dataset.text ?? "");
    for (const [verb, button] of Object.entries(this.buttons)) if (verb !== "play") this.dress(button, verb);
    this.playing = !this.playing;
    this.showPlaying(!this.playing);
    this.range.ariaLabel = texts.say("canvas.speed");
    this.showSpeed();
    this.tilesFor = "";
  }

  /** @param {HTMLElement} button @param {string} verb */
  dress(button, verb) {
    button.innerHTML = `<svg viewBox="0 0 24 24" aria-hidden="true" focusable="false">${ICONS[verb]}</svg><span></span>`;
    /** @type {Element} */ (button.lastElementChild).textContent = this.texts.say(`canvas.${verb}`);
    const key = SHORTCUTS[verb];
    const help = this.texts.say(`canvas.${verb}_help`);
    button.title = key ? `${help} (${key === "Space" ? this.texts.say("canvas.key_space") : key})` : help;
    if (key) button.setAttribute("aria-keyshortcuts", key);
  }

  /** @param {string} verb */
  press(verb) {
    if (verb === "new_seed") {
      this.listener.edit("new_seed");
      return;
    }
    if (this.stuck && TRAINING.includes(verb)) return;
    if (verb === "play") {
      const play = !this.playing;
      this.want(play);
      this.listener.command(play ? "play" : "pause");
      return;
    }
    if (verb !== "speed") this.want(false);
    this.listener.command(verb);
  }

  /** The button answers at once; the run's own word follows with the next frames. @param {boolean} play */
  want(play) {
    this.wanted = { play, until: performance.now() + PATIENCE };
    this.showPlaying(play);
    clearTimeout(this.waiting);
    // A run that does not move sends no frame in which it could say otherwise.
    this.waiting = setTimeout(() => this.showPlaying(this.said), PATIENCE);
  }

  /** @param {boolean} playing */
  showPlaying(playing) {
    if (playing === this.playing) return;
    this.playing = playing;
    this.dress(this.buttons.play, playing ? "pause" : "play");
  }

  /** Whether the run can be trained. Its buttons keep the focus, so they are only called disabled. @param {boolean} can */
  allow(can) {
    if (this.stuck === !can) return;
    this.stuck = !can;
    for (const verb of TRAINING) this.buttons[verb]?.setAttribute("aria-disabled", String(this.stuck));
  }

  slide() {
    this.sliding = performance.now();
    this.showSpeed();
    this.listener.command("speed", SPEEDS[Number(this.range.value)]);
  }

  showSpeed() {
    const speed = SPEEDS[Number(this.range.value)];
    const words = speed === null ? this.texts.say("canvas.fastest") : this.texts.say("canvas.speed_value", { rate: count(speed) });
    this.speedValue.textContent = words;
    this.range.setAttribute("aria-valuetext", words);
    this.range.style.setProperty("--nn-filled", `${(100 * Number(this.range.value)) / (SPEEDS.length - 1)}%`);
  }

  /** @param {Header} header of the newest frame @param {boolean} anyway even if the last reading is not old yet */
  read(header, anyway = false) {
    const now = performance.now();
    const playing = header.status === "playing";
    this.said = playing;
    this.allow(!STUCK.has(header.status));
    if (this.wanted && (this.wanted.play === playing || now > this.wanted.until)) this.wanted = null;
    if (!this.wanted) this.showPlaying(playing);
    if (playing && !anyway && now - this.lastRead < READ_EVERY) return;
    this.lastRead = now;
    if (!this.sliding || now - this.sliding > PATIENCE) this.followSpeed(header.speed);
    this.write(this.values.epoch, count(header.epoch));
    this.write(this.values.step, count(header.step));
    const rate = header.updates_per_second;
    this.write(this.values.rate, playing && rate ? (rate >= 10 ? count(rate) : number(rate, 2)) : "–");
    this.write(this.values.device, header.device);
    this.write(/** @type {Element} */ (this.values.device.previousElementSibling), this.texts.say(ENGINES[header.engine])); // The engine over its device.
    this.readScores(header);
  }

  /** @param {number | null} speed */
  followSpeed(speed) {
    const position = speed === null ? SPEEDS.length - 1 : SPEEDS.findIndex((one) => one !== null && one >= speed);
    if (position < 0 || Number(this.range.value) === position) return;
    this.range.value = String(position);
    this.showSpeed();
  }

  /** @param {Node} element @param {string} words */
  write(element, words) {
    if (element.textContent !== words) element.textContent = words;
  }

  /** @param {Header} header */
  readScores(header) {
    const { name, form } = header.metric;
    if (this.tilesFor !== name) this.makeTiles(name);
    this.write(this.tiles.loss.train, loss(header.losses.train));
    this.write(this.tiles.loss.test, loss(header.losses.test));
    this.write(this.tiles[name].train, score(header.metrics.train[name], form));
    this.write(this.tiles[name].test, score(header.metrics.test[name], form));
  }

  /** @param {string} metric its name */
  makeTiles(metric) {
    this.tilesFor = metric;
    this.tiles = { loss: {}, [metric]: {} };
    /** What the eyes read as a table; the whole name stands in each term. @param {string} className @param {string} key */
    const head = (className, key) => {
      const element = Object.assign(document.createElement("div"), { className, textContent: this.texts.say(key) });
      element.ariaHidden = "true";
      return element;
    };
    /** @type {HTMLElement[]} */
    const made = SPLITS.map((split) => head(`nn-score-split nn-score-${split}`, `canvas.${split}`));
    for (const name of ["loss", metric]) {
      made.push(head("nn-score-of", `canvas.${name}`));
      for (const split of SPLITS) {
        const tile = document.createElement("dl");
        tile.className = `nn-score nn-score-${split}`;
        const label = document.createElement("dt");
        label.className = "nn-score-name";
        label.textContent = this.texts.say(`canvas.${split}_${name}`);
        const value = document.createElement("dd");
        value.className = "nn-score-value";
        value.dataset.score = `${split}_${name}`;
        tile.append(label, value);
        this.tiles[name][split] = value;
        made.push(tile);
      }
    }
    this.scores.replaceChildren(...made);
  }
}
