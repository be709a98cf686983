/** A bar that offers a tab the run it stood on before, on pages without the canvas. Streamlit calls the default export at each change of data. */

import { mounting } from "../canvas/mount.js";
import { WayBack } from "../canvas/time/wayback.js";
import { Texts } from "../canvas/words/format.js";

/** "https://host/base/api/": two folders above this module, `api/assets/<version>/returning/bundle.js`. */
const API = new URL("../../../", import.meta.url);
const LONGEST_RETURN = 15000; // milliseconds

/**
 * @typedef {{token: string, visit: {server: string, session: string}, strings: Record<string, string>, language: string}} Data
 * @typedef {import("../canvas/time/wayback.js").Offer} Offer
 */

class Returning {
  /** @type {(name: string, value: object) => void} */
  setTriggerValue;
  /** @type {Texts} */
  texts;
  /** @type {string} */
  token;
  /** @type {string} */
  session;
  /** @type {Offer | null} */
  offer = null;
  /** @type {number | undefined} */
  timer;

  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    /** @template {HTMLElement} [Kind=HTMLElement] @param {string} name @returns {Kind} */
    const find = (name) => root.querySelector(name);
    this.words = find(".ret-words");
    /** @type {HTMLButtonElement} */
    this.again = find(".ret-resume");
    /** @type {HTMLButtonElement} */
    this.anew = find(".ret-anew");
    this.wayBack = new WayBack(API, (offer) => this.show(offer));
    this.again.addEventListener("click", () => this.resume());
    this.anew.addEventListener("click", () => this.wayBack.decline());
  }

  /** @param {import("../canvas/mount.js").Component<Data>} component */
  update({ data, setTriggerValue }) {
    this.setTriggerValue = setTriggerValue;
    this.texts = new Texts(data.strings);
    this.root.lang = data.language;
    if (data.token !== this.token || data.visit.session !== this.session) {
      const resumed = this.offer?.token === data.token;
      this.token = data.token;
      this.session = data.visit.session;
      this.wayBack.stand(data.token, data.visit);
      if (resumed) this.wayBack.moved(); // No frame comes here that could say so.
    } else this.show(this.offer); // The language may be another one.
  }

  /** @param {Offer | null} offer */
  show(offer) {
    if (offer !== this.offer) this.wait(false);
    this.offer = offer;
    this.root.hidden = !offer;
    if (!offer) return;
    this.again.hidden = !offer.token;
    this.again.textContent = this.texts.say("canvas.resume");
    this.anew.textContent = this.texts.say("canvas.start_anew");
    const key = !offer.token ? "none" : offer.restarted ? "restarted" : "";
    this.words.textContent = this.texts.say(key ? `canvas.way_back_${key}` : "canvas.way_back", offer.token ? { epoch: offer.epoch } : {});
  }

  resume() {
    if (!this.offer?.token) return;
    this.wait(true);
    this.setTriggerValue("action", { token: this.offer.token });
    // A worker may have to start first. If it comes to nothing the page says why, and the offer stands.
    this.timer = setTimeout(() => this.wait(false), LONGEST_RETURN);
  }

  /** @param {boolean} busy whether the run was asked for and has not come */
  wait(busy) {
    clearTimeout(this.timer);
    this.again.disabled = busy;
    this.anew.disabled = busy;
  }

  destroy() {
    clearTimeout(this.timer);
  }
}

const mounted = mounting(".ret", Returning);

/** What Streamlit calls at each change of data. @param {import("../canvas/mount.js").Component<Data>} component */
export default function mount(component) {
  return mounted(component);
}
