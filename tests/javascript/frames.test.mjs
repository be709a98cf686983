import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeFrame } from "../../ui/canvas/channel.js";

/** A frame by the contract: uint32 length | header | arrays, little-endian, each at a multiple of 8. */
function frame(header, arrays, padding = "") {
  const described = [];
  const parts = [];
  let offset = 0;
  for (const [name, { dtype, shape, bytes }] of Object.entries(arrays)) {
    described.push({ name, dtype, shape, offset });
    const whole = new Uint8Array(Math.ceil(bytes.length / 8) * 8);
    whole.set(bytes);
    parts.push(whole);
    offset += whole.length;
  }
  const text = new TextEncoder().encode(JSON.stringify({ ...header, arrays: described }) + padding);
  const start = Math.ceil((4 + text.length) / 8) * 8;
  const message = new Uint8Array(start + offset);
  new DataView(message.buffer).setUint32(0, text.length, true);
  message.set(text, 4);
  let at = start;
  for (const part of parts) {
    message.set(part, at);
    at += part.length;
  }
  return message.buffer;
}

const bytes = (size, method, values) => {
  const view = new DataView(new ArrayBuffer(size * values.length));
  values.forEach((value, i) => view[method](i * size, value, true));
  return new Uint8Array(view.buffer);
};

const ARRAYS = {
  float32: { bytes: bytes(4, "setFloat32", [1.5, -2, 0.25]), values: [1.5, -2, 0.25] },
  float64: { bytes: bytes(8, "setFloat64", [Math.PI, -1e300]), values: [Math.PI, -1e300] },
  uint8: { bytes: bytes(1, "setUint8", [0, 128, 255]), values: [0, 128, 255] },
  int8: { bytes: bytes(1, "setInt8", [-128, 127]), values: [-128, 127] },
  uint16: { bytes: bytes(2, "setUint16", [65535, 1]), values: [65535, 1] },
  int16: { bytes: bytes(2, "setInt16", [-32768, 7]), values: [-32768, 7] },
  int32: { bytes: bytes(4, "setInt32", [-2147483648]), values: [-2147483648] },
  uint32: { bytes: bytes(4, "setUint32", [4294967295]), values: [4294967295] },
};

test("a frame's arrays of every type are read as they were written", () => {
  const told = Object.fromEntries(Object.entries(ARRAYS).map(([dtype, { bytes: raw, values }]) => [dtype, { dtype, shape: [values.length], bytes: raw }]));
  const { header, arrays } = decodeFrame(frame({ step: 7 }, told));
  assert.equal(header.step, 7);
  for (const [dtype, { values }] of Object.entries(ARRAYS)) assert.deepEqual([...arrays[dtype]], values, dtype);
});

test("an array knows its shape, and an empty one has no values", () => {
  const matrix = { dtype: "float32", shape: [3, 2], bytes: bytes(4, "setFloat32", [1, 2, 3, 4, 5, 6]) };
  const { arrays } = decodeFrame(frame({}, { "weight/0": matrix, "points/test": { dtype: "float32", shape: [0, 2], bytes: new Uint8Array(0) } }));
  assert.deepEqual([arrays["weight/0"].shape, arrays["weight/0"].length], [[3, 2], 6]);
  assert.equal(arrays["points/test"].length, 0);
});

test("arrays are found whatever the length of the header, and it may hold any letters", () => {
  for (let spaces = 0; spaces < 9; spaces += 1) {
    const { header, arrays } = decodeFrame(frame({ name: "测试 ±" }, { only: { dtype: "uint8", shape: [2], bytes: Uint8Array.of(5, 6) } }, " ".repeat(spaces)));
    assert.equal(header.name, "测试 ±");
    assert.deepEqual([...arrays.only], [5, 6]);
  }
});
