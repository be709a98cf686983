/** The language of the page, and names that parts of Streamlit's own page lack: the button of the drawer with the pages, on a phone, is English and wordless, passing notices name themselves after a title that is not there. */

const BUTTONS = { '[data-testid="stExpandSidebarButton"]': "menu", '[data-testid="stSidebarCollapseButton"] button': "menu_close" };
/** Words of Streamlit's uploader, which it has in English only. */
const WORDS = { "^(Upload|Add files)$": "upload", "^Drag and drop (a file|files) here$": "upload.drop", "^\\d+MB per file$": "upload.limit" };
const ALIVE = '[data-testid="stHeader"], [data-testid="stSidebarHeader"], [data-testid="stToastContainer"]';

/** @type {Record<string, string>} */
let names = {};
/** Texts that were translated, and by which name: the next language finds them by it. @type {WeakMap<Text, string>} */
const spoken = new WeakMap();
/** The choices that this page shows; null until they are known. @type {{language: string, theme: string} | null} */
let chosen = null;

// The drawer's buttons and the notices come and go, in parts of the page that hardly ever change.
const observer = new MutationObserver(() => {
  name();
  watch();
});

function name() {
  for (const [selector, key] of Object.entries(BUTTONS)) {
    const button = document.querySelector(selector);
    if (button && button.ariaLabel !== names[key]) button.ariaLabel = names[key];
  }
  for (const uploader of document.querySelectorAll('[data-testid="stFileUploader"]')) translate(uploader);
  // Streamlit gives it a name and the role of what has none.
  for (const zone of document.querySelectorAll('[data-testid="stFileUploaderDropzone"][role="presentation"]')) zone.role = "group";
  for (const toast of document.querySelectorAll('[data-testid="stToast"]:not([aria-label])')) {
    toast.removeAttribute("aria-labelledby");
    toast.ariaLabel = toast.querySelector('[data-testid="stToastText"]')?.textContent ?? toast.textContent;
  }
}

/** Say the words of an uploader in the page's language. @param {Element} uploader */
function translate(uploader) {
  const texts = document.createTreeWalker(uploader, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const text = /** @type {Text} */ (texts.currentNode);
    const said = text.data.trim();
    const key = spoken.get(text) ?? Object.entries(WORDS).find(([pattern]) => new RegExp(pattern).test(said))?.[1];
    if (key === undefined) continue;
    spoken.set(text, key);
    if (text.data !== names[key]) text.data = names[key];
  }
}

function watch() {
  for (const container of document.querySelectorAll(ALIVE)) observer.observe(container, { childList: true, subtree: true });
  const sidebar = document.querySelector('[data-testid="stSidebar"]');
  if (sidebar) observer.observe(sidebar, { attributes: true, attributeFilter: ["aria-expanded"] });
  // What Streamlit draws; the canvas and other components draw in roots of their own, which this does not see.
  observer.observe(document.body, { childList: true, subtree: true });
}

/**
 * What Streamlit calls at each change of data.
 * @param {{data: {language: string, theme: string, cookies: {language: string, theme: string}, names: Record<string, string>}, parentElement: HTMLElement}} component
 */
export default function mount({ data, parentElement }) {
  names = data.names;
  document.documentElement.lang = data.language;
  for (const name of /** @type {const} */ (["language", "theme"])) {
    // Written only once somebody has chosen another one: several pages share the cookie.
    if (chosen && chosen[name] !== data[name]) document.cookie = `${data.cookies[name]}=${data[name]}; Path=/; Max-Age=31536000; SameSite=Lax`;
  }
  chosen = { language: data.language, theme: data.theme };
  document.documentElement.dataset.theme = data.theme;
  name();
  watch();
  parentElement.querySelector(".naming").dataset.language = data.language;
}
