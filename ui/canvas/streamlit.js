/** Names that parts of Streamlit's own page lack: the button of the settings' drawer is English and wordless, passing notices have none. */

const BUTTONS = { '[data-testid="stExpandSidebarButton"]': "settings", '[data-testid="stSidebarCollapseButton"] button': "settings_close" };
const ALIVE = '[data-testid="stHeader"], [data-testid="stSidebarHeader"], [data-testid="stToastContainer"]';

/** Until the function that is returned is called. @param {import("./format.js").Texts} texts @returns {() => void} */
export function nameStreamlit(texts) {
  const name = () => {
    for (const [selector, key] of Object.entries(BUTTONS)) {
      const button = document.querySelector(selector);
      const words = texts.strings[`canvas.${key}`];
      if (button && words && button.ariaLabel !== words) button.ariaLabel = words;
    }
    for (const toast of document.querySelectorAll('[data-testid="stToast"]:not([aria-label])')) {
      // It names itself after a title that is not there.
      toast.removeAttribute("aria-labelledby");
      toast.ariaLabel = toast.querySelector('[data-testid="stToastText"]')?.textContent ?? toast.textContent;
    }
  };
  // The drawer's buttons and the notices come and go, in parts of the page that hardly ever change.
  const observer = new MutationObserver(() => {
    name();
    watch();
  });
  const watch = () => {
    for (const place of document.querySelectorAll(ALIVE)) observer.observe(place, { childList: true, subtree: true });
    const sidebar = document.querySelector('[data-testid="stSidebar"]');
    if (sidebar) observer.observe(sidebar, { attributes: true, attributeFilter: ["aria-expanded"] });
    observer.observe(document.body, { childList: true });
  };
  name();
  watch();
  return () => observer.disconnect();
}
