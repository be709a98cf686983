/** The rail of settings: it shows the run's own recipe, and sends what a person changes in it over the live channel. */

import { Texts } from "../words/format.js";
import { Card } from "./card.js";
import { Fold } from "./fold.js";
import { Hand } from "./hand.js";
import { sectionOf } from "./sections.js";

const AGAIN = 2000; // milliseconds until a catalogue that did not come is asked for again

export class Rail {
  /** @type {Theme} */
  theme;
  /** @type {Catalogue | null} */
  catalogue;
  /** @type {Settings | null} */
  settings;
  /** @type {number | null} */
  version;

  /**
   * @param {HTMLElement} root
   * @param {{command: Command, resized: () => void}} host
   * @param {URL} assets folder of the files of this version @param {URL} app where the first page is
   */
  constructor(root, { command, resized }, assets, app) {
    this.root = root;
    this.assets = assets;
    this.app = app;
    this.command = command;
    this.hand = new Hand((edit) => command("edit", edit), () => this.show());
    this.fold = new Fold(root, resized);
    this.sections = /** @type {HTMLElement} */ (root.querySelector(".nn-rail-sections"));
    this.card = new Card(this.fold.sheet);
    // Some seventy settings lie between the buttons above and the network.
    this.skip = /** @type {HTMLButtonElement} */ (root.querySelector(".nn-skip"));
    this.skip.onclick = () => /** @type {HTMLElement | null} */ (root.querySelector(".nn-neuron[tabindex='0']"))?.focus();
    /** @type {Input[]} */
    this.items = [];
    this.language = "";
    this.catalogue = null;
    this.forget();
  }

  /** Another run. */
  forget() {
    this.version = null;
    this.settings = null;
    this.shown = null;
  }

  /** Stand as the room allows; returns whether it stands otherwise than before. */
  fit() {
    return this.fold.fit();
  }

  /** A new language, which the element states, or theme. @param {Theme} theme */
  build(theme) {
    const language = this.root.lang.replace("-", "_");
    const asked = language !== this.language;
    if (!asked && theme === this.theme) return;
    Object.assign(this, { language, theme });
    if (asked) {
      this.catalogue = null;
      this.load();
    } else this.draw();
  }

  async load() {
    clearTimeout(this.again);
    const { language } = this;
    try {
      const answer = await fetch(new URL(`rail/${language}.json`, this.assets));
      if (!answer.ok) throw new Error(String(answer.status));
      const catalogue = await answer.json();
      if (language !== this.language) return;
      this.catalogue = catalogue;
      this.draw();
    } catch {
      if (language === this.language) this.again = setTimeout(() => this.load(), AGAIN);
    }
  }

  /** Make all inputs anew. */
  draw() {
    const { catalogue, hand, theme, fold } = this;
    if (!catalogue) return;
    const texts = new Texts(catalogue.texts);
    /** @type {Kit} */
    const kit = {
      texts, catalogue, hand, theme, command: this.command,
      openCard: (button, title, plain, fine) => this.card.open(button, title, plain, fine),
      choose: (path, value) => {
        hand.move(path, value);
        fold.chosen();
      },
      addressOf: (page) => new URL(`${page}${location.search}`, this.app).href, go,
    };
    this.card.build(texts.say("rail.close_card"));
    this.skip.textContent = texts.say("rail.skip");
    fold.build(texts, catalogue.sections);
    // A section that stands alone, as a link hides the others, is open.
    const hidden = (this.root.dataset.hide ?? "").split(" ");
    const alone = catalogue.sections.filter(({ name }) => !hidden.includes(name)).length === 1;
    const items = catalogue.sections.map((section) => sectionOf(section, kit, alone || !fold.isClosed(section.name), (closed) => fold.keep(section.name, closed)));
    this.items = items;
    this.sections.replaceChildren(...items.map(({ element }) => element));
    this.shown = null;
    this.show();
  }

  /** A frame came. @param {Header} header */
  hear(header) {
    if (!header.recipe) return;
    this.settings = header.recipe;
    this.version = header.recipe_version;
    this.fold.fill();
  }

  /** Put the inputs to the run's recipe, but for the one in somebody's hand. */
  show() {
    if (!this.settings || !this.items.length) return;
    this.sections.hidden = false;
    for (const item of this.items) item.show(this.settings);
    this.shown = this.settings;
  }

  /** A frame is painted. */
  paint() {
    if (this.shown !== this.settings) this.show();
  }

  destroy() {
    clearTimeout(this.again);
    this.hand.destroy();
    this.fold.destroy();
  }
}

/** Another page, without loading this one anew: Streamlit follows the address as it does when somebody goes back. @param {string} address */
function go(address) {
  history.pushState({}, "", address);
  window.dispatchEvent(new PopStateEvent("popstate"));
}
