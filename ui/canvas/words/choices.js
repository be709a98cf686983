/** Choices that a browser keeps, so that they hold at the next visit. */

/**
 * One choice by its name. A browser may refuse to keep anything; then it holds for as long as the page is open.
 * @param {string} name
 */
export function keepChoice(name) {
  return {
    read() {
      try {
        return localStorage.getItem(name);
      } catch {
        return null;
      }
    },
    /** @param {string} choice */
    write(choice) {
      try {
        localStorage.setItem(name, choice);
      } catch {
        // Not kept, but in force.
      }
    },
  };
}
