/** Plotly's own script, which is loaded when two runs are first compared. */

/** @type {Promise<Plotly> | null} */
let loading = null;

/** Plotly, loaded once for the page. @param {string} address */
export function loadPlotly(address) {
  loading ??= new Promise((resolve, reject) => {
    if (window.Plotly?.react) {
      resolve(window.Plotly);
      return;
    }
    const script = document.createElement("script");
    script.src = address;
    script.onload = () => resolve(/** @type {Plotly} */ (window.Plotly));
    script.onerror = () => {
      loading = null;
      script.remove();
      reject(new Error("Plotly could not be loaded"));
    };
    document.head.append(script);
  });
  return loading;
}

/** Plotly writes its rules into the document; inside a shadow root they are needed once more. @param {HTMLElement} root */
export function adoptStyles(root) {
  const scope = /** @type {Document | ShadowRoot} */ (root.getRootNode());
  const sheet = /** @type {HTMLStyleElement | null} */ (document.getElementById("plotly.js-style-global"))?.sheet;
  if (scope === document || !sheet || scope.querySelector(".nn-plotly-style")) return;
  const style = document.createElement("style");
  style.className = "nn-plotly-style";
  style.textContent = [...sheet.cssRules].map((rule) => rule.cssText).join("\n");
  root.append(style);
}
