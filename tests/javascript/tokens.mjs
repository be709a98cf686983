/** What a script is made of, as the parser that comes with Node has it (acorn): run with --expose-internals, a JSON list of texts on its input. */

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const acorn = createRequire(import.meta.url)("internal/deps/acorn/acorn/dist/acorn");

function read(text) {
  const [tokens, comments, onToken, onComment] = [[], [], [], []];
  try {
    acorn.parse(text, { ecmaVersion: "latest", sourceType: "module", onToken, onComment });
  } catch (error) {
    return { error: String(error) };
  }
  let end = 0;
  for (const { type, value, start, end: last } of onToken) {
    // Where a line ends may end a statement.
    tokens.push([type.label, String(value?.pattern ?? value ?? ""), text.slice(start, last), /[\n\r\u2028\u2029]/.test(text.slice(end, start))]);
    end = last;
  }
  for (const { value } of onComment) comments.push(value);
  return { tokens, comments };
}

process.stdout.write(JSON.stringify(JSON.parse(readFileSync(0, "utf8")).map(read)));
