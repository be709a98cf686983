/** One drawing for each container of the page, however often Streamlit calls the component's script. */

/**
 * What Streamlit calls a component's script with.
 * @template Data
 * @typedef {{parentElement: HTMLElement | ShadowRoot, data: Data, setTriggerValue: (name: string, value: object) => void}} Component
 */

/**
 * @template Data
 * @typedef {{root: HTMLElement, update: (component: Component<Data>) => void, destroy: () => void}} Drawn
 */

/**
 * @template Data
 * @param {string} selector of the element that a drawing lives in
 * @param {new (root: HTMLElement) => Drawn<Data>} Drawing
 * @returns {(component: Component<Data>) => () => void}
 */
export function mounting(selector, Drawing) {
  /** @type {WeakMap<Node, {drawing: Drawn<Data>, runs: number}>} */
  const mounted = new WeakMap();
  return (component) => {
    const container = component.parentElement;
    const root = container.querySelector(selector);
    const before = mounted.get(container);
    const same = before?.drawing.root === root;
    if (!same) before?.drawing.destroy();
    const held = before && same ? before : { drawing: new Drawing(root), runs: 0 };
    mounted.set(container, held);
    held.runs += 1;
    const run = held.runs;
    held.drawing.update(component);
    return () => {
      // Streamlit also cleans up after a run that a newer one overtook; only the last run's word counts.
      setTimeout(() => {
        if (held.runs !== run || mounted.get(container) !== held) return;
        held.drawing.destroy();
        mounted.delete(container);
      }, 0);
    };
  };
}
