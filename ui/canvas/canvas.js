/**
 * The network canvas. Streamlit calls the default export at each change of data or theme; what it keeps lives in one
 * `Canvas` per container of the page. Frames come over the live channel and are drawn at the browser's own pace.
 */

import { Actions } from "./actions.js";
import { Acts } from "./time/acts.js";
import { Announcer } from "./words/announce.js";
import { Coach } from "./words/coach.js";
import { Channel } from "./channel.js";
import { readTheme } from "./colours.js";
import { Controls } from "./time/controls.js";
import { Curves } from "./curves/curves.js";
import { History } from "./curves/history.js";
import { Texts } from "./words/format.js";
import { Keyboard } from "./keyboard.js";
import { Messages } from "./words/messages.js";
import { mounting } from "./mount.js";
import { nameRegions, paintTheme } from "./dress.js";
import { Network } from "./network/network.js";
import { Output } from "./output/output.js";
import { easelOf } from "./easel.js";
import { Rail } from "./rail/rail.js";
import { Save } from "./save.js";
import { Screen } from "./screen.js";
import { Summary } from "./words/summary.js";
import { Offers } from "./time/offers.js";
import { continued } from "./time/moments.js";
import { Timeline } from "./time/timeline.js";
import { Way } from "./network/way.js";
import { WayBack } from "./time/wayback.js";

/** "https://host/base/api/": two folders above this module, `api/assets/<version>/canvas/bundle.js`. */
const API = new URL("../../../", import.meta.url);
const ASSETS = new URL("../", import.meta.url);
const RENEW_EVERY = 3000; // milliseconds
const CONSTANT = /^(points|examples)\/|^(input|feature)_maps$/; // while the layout is
const ROWS_EVERY = 250; // milliseconds between two requests for rows of the history
const CALM = matchMedia("(prefers-reduced-motion: reduce)");
// Whoever asks for less motion still sees learning go on; no map can flash more than twice a second (WCAG 2.3.1 allows three).
const CALM_PAUSE = 250;

/**
 * What Python tells of the page.
 * @typedef {{token: string, life: number, visit: {server: string, session: string}, strings: Record<string, string>, language: string,
 *            hidden: string, searching: boolean, example: Example | null, notices: {number: number, words: string}[], answered: {by: number, number: number}, at_once: number, version: string}} Data  at_once: so many actions may go together
 */

class Canvas {
  /** @type {string} */
  textsKey;
  /** @type {(name: string, value: object) => void} */
  setTriggerValue;
  /** @type {Theme} */
  theme;
  /** @type {Texts} */
  texts;
  /** @type {Layout} */
  layout;
  /** @type {Arrays} */
  constants;
  /** @type {Frame} */
  frame;
  /** @type {Channel} */
  channel;
  /** @type {Wants} */
  wants;
  /** @type {Values | null} */
  moments;
  /** @type {number | null} */
  momentsVersion;
  /** @type {number | null} */
  version;
  /** @type {string | null} */
  token;
  /** @type {number} */
  life;
  /** @type {number | null} */
  room;
  /** @type {string} */
  session;
  /** Whether a frame came that nobody saw, so that no other was asked for. @type {boolean} */
  asleep;
  /** @type {number} */
  scheduled;

  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    /** @type {Command} */
    const command = (verb, value) => this.command(verb, value);
    /** @type {Action} */
    const action = (verb, values) => this.action(verb, values);
    /** @type {Action} */
    const edit = (verb, values) => this.command("edit", { do: verb, ...values });
    /** @type {Want} */
    const want = (wants) => this.want(wants);
    this.screen = new Screen(root, () => this.resized());
    this.controls = new Controls(root, { command, edit, toggle: (name, on) => this.toggle(name, on) });
    this.coach = new Coach(root, { command, action, changed: () => this.messages.draw() });
    this.messages = new Messages(root, action, command, this.coach);
    this.announcer = new Announcer(root.querySelector(".nn-spoken"));
    this.keyboard = new Keyboard(root);
    this.summary = new Summary(root, () => this.seen());
    this.output = new Output(root, { command, action: edit, want });
    this.network = new Network(root, { command, action: edit, want, select: (selection) => this.output.select(selection) });
    this.way = new Way(root);
    this.curves = new Curves(root);
    this.timeline = new Timeline(root, { action, command, want }, API);
    this.acts = new Acts(root, { command }, API);
    this.rail = new Rail(root, { command, resized: () => this.resized() }, ASSETS, new URL("../", API));
    this.save = new Save(root, () => this.scene());
    this.history = new History();
    this.actions = new Actions();
    this.token = null;
    this.offers = new Offers(this.messages, { resume: (token) => this.action("resume", { token }), decline: () => this.wayBack.decline() });
    this.wayBack = new WayBack(API, (offer) => this.offers.show(offer));
    this.drawn = 0; // frames
    this.rowsDue = 0;
    this.behind = false; // whether the newest frame came without the history's newest rows
    this.wants = { gradients: false, histograms: false, probe: null, example: null, kernel: null, moment: null };
    this.moments = null;
    this.wake = () => this.woken();
    document.addEventListener("visibilitychange", this.wake);
    window.addEventListener("online", this.wake);
  }

  /**
   * New data or a new theme; calling it again with the same changes nothing.
   * @param {import("./mount.js").Component<Data>} component
   */
  update({ data, setTriggerValue }) {
    this.setTriggerValue = setTriggerValue;
    if (data.visit.session !== this.session) this.actions.forget(); // Another session knows nothing of what they were about.
    this.session = data.visit.session;
    this.actions.hear(data.answered, data.at_once);
    this.messages.setSearching(data.searching);
    this.messages.setExample(data.example);
    if (this.root.dataset.hide !== data.hidden) this.root.dataset.hide = data.hidden;
    this.rail.fit();
    const theme = readTheme(this.root);
    const texts = JSON.stringify(data.strings);
    const changed = theme.key !== this.theme?.key || texts !== this.textsKey;
    if (changed) {
      this.theme = theme;
      this.textsKey = texts;
      this.root.lang = data.language.replace("_", "-");
      paintTheme(this.root, theme);
      this.tell(new Texts(data.strings, this.texts?.watched));
      this.redraw();
    }
    if (data.token !== this.token || data.life !== this.life) {
      this.life = data.life;
      this.connect(data.token);
      this.wayBack.stand(data.token, data.visit);
    }
    this.messages.hear(data.notices, data.visit.session); // Last: of another run nothing is left in the status line.
  }

  /** Say everything in these words. @param {Texts} texts */
  tell(texts) {
    this.texts = texts;
    this.controls.build(texts);
    for (const part of [this.coach, this.messages, this.announcer, this.keyboard, this.summary, this.save, this.acts]) part.build(texts);
    nameRegions(this.root, texts);
    this.curves.build(this.theme, texts);
    this.screen.build(texts);
    this.timeline.build(this.theme, texts);
    this.rail.build(this.theme);
  }

  /** The page is hidden or seen again, or the network is back. */
  woken() {
    if (document.hidden) {
      if (this.scheduled) this.show();
      return;
    }
    this.channel?.hurry();
    if (!this.asleep) return;
    this.show();
    this.ask(true);
  }

  /** Draw when the browser draws next. It draws nothing of a hidden page, which asks for nothing until it is seen again. */
  show() {
    this.asleep = document.hidden;
    if (this.asleep) {
      cancelAnimationFrame(this.scheduled);
      this.scheduled = 0;
      this.version = this.frame.header.version;
    } else if (!this.scheduled) this.scheduled = requestAnimationFrame(() => this.paint());
  }

  /** @param {string} token */
  connect(token) {
    this.channel?.close();
    this.offers.arrive();
    this.token = token;
    this.version = null;
    this.moments = null;
    this.momentsVersion = null;
    Object.assign(this.wants, { probe: null, example: null, kernel: null, moment: null }); // they name rows and moments of the run before
    for (const part of [this.timeline, this.acts, this.rail]) part.forget(token);
    this.output.lookAt(null);
    this.history.clear();
    this.coach.forget();
    this.messages.forget();
    this.announcer.forget();
    this.connection("connecting");
    const address = new URL(`live/${token}`, API);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    this.channel = new Channel(address.href, {
      onState: (state) => this.connection(state),
      onFrame: (frame) => this.receive(frame),
      onNotice: (notice) => this.messages.notice(notice),
    }, easelOf(new URL("../painter/bundle.js", import.meta.url)));
  }

  /** @param {Connection} state */
  connection(state) {
    this.root.dataset.connection = state;
    this.messages.setConnection(state);
    if (state === "open") this.ask(true);
    clearInterval(this.renewing);
    if (state !== "gone") return;
    this.actions.forget(); // They were about the run that is gone.
    this.action("renew");
    // Streamlit's own socket may not be back yet, and then the event is lost.
    this.renewing = setInterval(() => this.action("renew"), RENEW_EVERY);
  }

  /** @type {Command} */
  command(verb, value) {
    this.channel?.command(verb, value);
  }

  /** For Python to answer: what needs the session. @param {string} verb @param {object} [values] */
  action(verb, values = {}) {
    this.setTriggerValue("action", this.actions.message(verb, values));
  }

  /**
   * What the frames should hold beside the usual: {gradients, histograms, probe, example, kernel, moment}; asks at once when something changed.
   * @param {Partial<Wants>} wants
   */
  want(wants) {
    const before = JSON.stringify(this.wants);
    Object.assign(this.wants, wants);
    if (JSON.stringify(this.wants) !== before && this.channel) this.ask(true);
  }

  /** The next frame, please. @param {boolean} now even if the run has not moved */
  ask(now) {
    this.channel.ready({
      history: this.wantsRows() ? this.history.length : null, version: this.version, moments: this.momentsVersion ?? null,
      recipe: this.rail.version ?? 0, now, wants: Object.values(this.wants).some(Boolean) ? this.wants : null,
    });
  }

  /** Curves are drawn a few times a second, so rows of a run that plays are not asked for more often. */
  wantsRows() {
    if (this.frame?.header.status === "playing" && performance.now() < this.rowsDue) return false;
    this.rowsDue = performance.now() + ROWS_EVERY;
    return true;
  }

  /** What is on the canvas now, for those who would rather read it; null before the first frame. */
  seen() {
    if (!this.frame || !this.layout) return null;
    return { layout: this.layout, header: this.frame.header, arrays: this.frame.arrays, history: this.history };
  }

  /** @param {string} name @param {boolean} on */
  toggle(name, on) {
    if (name === "log") this.curves.setLogScale(on);
    else this.output.toggle(name, on);
  }

  /** A frame came: keep it, draw it when the browser draws next. @param {Frame} frame */
  receive(frame) {
    const { header, arrays } = frame;
    if (header.layout) {
      // Other rows of the same kind, as when a slider of the data moves: what stands on the screen can stay.
      const alike = JSON.stringify(header.layout) === JSON.stringify(this.layout);
      this.layout = header.layout;
      this.messages.setDataset(header.layout.output.dataset);
      this.constants = Object.fromEntries(Object.entries(arrays).filter(([name]) => CONSTANT.test(name)));
      if (alike) this.otherRows = true;
      else this.rebuild = true;
    }
    if (arrays.moments) {
      this.moments = continued(this.moments, header.moments_from, arrays.moments);
      this.momentsVersion = header.moments_version;
    }
    this.behind = !arrays.history;
    if (!this.behind) this.history.merge(header, arrays.history);
    this.rail.hear(header);
    this.frame = frame;
    if (header.step > 0) this.wayBack.moved();
    this.show();
  }

  paint() {
    this.scheduled = 0;
    const { header, arrays, milliseconds } = this.frame;
    if (!this.layout) return;
    this.version = header.version;
    // The next frame is made and sent while this one is drawn.
    if (header.status === "playing" && CALM.matches) this.resting = setTimeout(() => this.ask(false), CALM_PAUSE);
    else this.ask(this.behind && header.status !== "playing"); // What stands has all its rows.
    const texts = this.texts.watching(header.watched);
    const rebuild = this.rebuild || texts !== this.texts; // What is drawn has words in it.
    if (texts !== this.texts) this.tell(texts);
    const redrawn = rebuild || this.otherRows;
    if (rebuild) this.build();
    else if (this.otherRows) {
      this.network.renew(this.layout, this.constants);
      this.output.renew(this.layout, this.constants);
    }
    this.otherRows = false;
    this.network.draw(arrays, header);
    this.output.draw(arrays, header);
    if (rebuild) this.network.settle();
    this.way.draw(this.network, arrays);
    this.controls.read(header);
    this.coach.read(header, this.moments);
    this.messages.setStatus(header);
    this.announcer.read(header);
    // A new structure is work enough for one frame; while it plays, the curves go on with the next.
    if (!redrawn || header.status !== "playing") this.curves.feed(this.history, header);
    this.curves.mark(header.moment?.progress ?? null);
    this.timeline.read(header, this.moments);
    this.acts.read(header.acts);
    this.rail.paint();
    this.drawn += 1;
    Object.assign(this.root.dataset, {
      status: header.status, step: header.step, epoch: header.epoch, structure: header.structure, frames: this.drawn, recipe: header.recipe_version,
      ...(milliseconds === undefined ? {} : { paint: milliseconds.toFixed(2) }),
    });
  }

  /** Lay everything out anew: another structure, width, theme or language. */
  build() {
    if (!this.layout || !this.root.clientWidth) return;
    this.rebuild = false;
    this.width = this.root.clientWidth;
    this.room = this.screen.fit();
    const { layout, constants, theme, texts, room } = this;
    this.root.querySelector(".nn-metric-title").textContent = texts.say(`canvas.${layout.metric}`);
    this.root.classList.add("nn-ready");
    this.network.build(layout, constants, theme, texts, room, texts.say(`component.dataset.${layout.output.dataset}.title`));
    this.output.build(layout, constants, theme, texts, room);
  }

  /** What is on the screen, to keep as a picture; null before the first frame. */
  scene() {
    const { network, output, layout, theme, texts, frame } = this;
    if (!frame || !layout) return null;
    return { network, output, layout, theme, texts, header: frame.header, arrays: frame.arrays };
  }

  /** The same frame in another width, theme or language. */
  redraw() {
    this.build();
    if (!this.frame || this.rebuild || !this.layout) return;
    const { arrays } = this.frame;
    this.network.draw(arrays, { ...this.frame.header, status: "paused" });
    this.output.draw(arrays, this.frame.header);
    this.network.settle();
    this.way.draw(this.network, arrays);
    this.controls.read(this.frame.header, true);
    this.timeline.show();
  }

  resized() {
    if (!this.root.clientWidth) return;
    const stood = this.rail.fit();
    if (!this.frame || (!stood && this.root.clientWidth === this.width && this.screen.fit() === this.room)) return;
    this.redraw();
    this.curves.resize();
  }

  destroy() {
    for (const timer of [this.renewing, this.resting]) clearTimeout(timer);
    cancelAnimationFrame(this.scheduled);
    this.channel?.close();
    document.removeEventListener("visibilitychange", this.wake);
    window.removeEventListener("online", this.wake);
    const parts = [this.screen, this.messages, this.announcer, this.keyboard, this.offers, this.network, this.output, this.timeline];
    for (const part of [...parts, this.acts, this.rail]) part.destroy();
  }
}

const mounted = mounting(".nn", Canvas);

/** What Streamlit calls. @param {Parameters<typeof mounted>[0]} component */
export default function mount(component) {
  return mounted(component);
}
