/** The little of a page that the modules ask for while they load and compute: a canvas whose pixels are kept, no drawing. */

/** What was put on a canvas last, and what colour it was filled with: enough to read a colour back. */
class Context {
  fillStyle = "#000000";

  clearRect() {}

  fillRect() {}

  drawImage() {}

  createImageData(width, height) {
    return { width, height, data: new Uint8ClampedArray(4 * width * height) };
  }

  putImageData(image) {
    this.image = image;
  }

  /** Text is as wide as it has letters. */
  measureText(text) {
    return { width: 6 * text.length };
  }

  getImageData() {
    const hex = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(this.fillStyle);
    if (!hex) throw new Error(`This page knows colours as #rrggbb, not as ${this.fillStyle}.`);
    return { data: [...hex.slice(1).map((part) => Number.parseInt(part, 16)), 255] };
  }
}

class Canvas {
  width = 0;
  height = 0;
  #context = new Context();

  toDataURL() {
    return "data:";
  }

  getContext() {
    return this.#context;
  }
}

globalThis.document ??= { createElement: () => new Canvas(), visibilityState: "visible" };
globalThis.Element ??= Canvas;

/** A theme of the page: its custom properties as they are given. */
export function styled(properties) {
  globalThis.getComputedStyle = () => ({ getPropertyValue: (name) => properties[name] ?? "", fontFamily: "sans-serif" });
}
