/** Paints frames that Python writes to standard input, each after its length, and writes what it painted as JSON, for tests/test_client_side.py. */

import { readFileSync } from "node:fs";
import { decodeFrame } from "../../ui/canvas/channel.js";
import { Painter } from "../../ui/painter/paint.js";

const input = readFileSync(0);
const found = [];
for (let at = 0; at < input.length;) {
  const length = input.readUInt32LE(at);
  at += 4;
  const { header, arrays } = decodeFrame(input.buffer.slice(input.byteOffset + at, input.byteOffset + at + length));
  at += length;
  const painter = new Painter(header.painting, {
    across: arrays["painting/across"], down: arrays["painting/down"], curves: arrays["painting/curves"],
  });
  const silenced = Object.fromEntries(Object.entries(arrays).filter(([name]) => name.startsWith("silenced/")).map(([name, marks]) => [name.slice(9), marks]));
  const { maps, scales, ...output } = painter.paint(arrays.numbers, silenced, header.step);
  /** @param {ArrayBufferView} values */
  const text = (values) => Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString("base64");
  const named = Object.entries(maps).flatMap(([address, bytes]) => [[`maps/${address}`, bytes], [`scales/${address}`, scales[address]]]);
  found.push(Object.fromEntries([...named, ...Object.entries(output)].map(([name, values]) => [name, text(values)])));
}
process.stdout.write(JSON.stringify(found));
