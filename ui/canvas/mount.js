/** One drawing for each place on the page, however often Streamlit calls the component's script. */

/**
 * @param {string} selector of the element that a drawing lives in
 * @param {new (root: HTMLElement) => {root: HTMLElement, update: (component: object) => void, destroy: () => void}} Drawing
 * @returns {(component: {parentElement: HTMLElement | ShadowRoot, data: object, setTriggerValue: (name: string, value: object) => void}) => () => void}
 */
export function mounting(selector, Drawing) {
  /** @type {WeakMap<Node, {drawing: object, runs: number}>} */
  const mounted = new WeakMap();
  return (component) => {
    const place = component.parentElement;
    const root = place.querySelector(selector);
    let held = mounted.get(place);
    if (held && held.drawing.root !== root) {
      held.drawing.destroy();
      held = null;
    }
    if (!held) {
      held = { drawing: new Drawing(root), runs: 0 };
      mounted.set(place, held);
    }
    held.runs += 1;
    const run = held.runs;
    held.drawing.update(component);
    return () => {
      // Streamlit also cleans up after a run that a newer one overtook; only the last run's word counts.
      setTimeout(() => {
        if (held.runs !== run || mounted.get(place) !== held) return;
        held.drawing.destroy();
        mounted.delete(place);
      }, 0);
    };
  };
}
