/** The live channel: one WebSocket to a run, paced by this side (one undrawn frame in flight), reconnecting with back-off. */

import { Frames } from "./frames.js";

/** @typedef {{name: string, dtype: keyof typeof TYPES, shape: number[], offset: number}} Described  an array, by the header */

const TYPES = {
  float32: Float32Array, float64: Float64Array, uint8: Uint8Array, int8: Int8Array, uint16: Uint16Array,
  int16: Int16Array, int32: Int32Array, uint32: Uint32Array,
};
const FIRST_WAIT = 250;
const LONGEST_WAIT = 5000;
const NOT_YOURS = 4401;
const FULL = 4429;
const GONE = 4404;
const text = new TextDecoder();

/** @typedef {{history: number | null, version: number | null, moments?: number | null, recipe?: number | null, now: boolean, wants: Wants | null}} Asked  what the viewer has, and wants */

/**
 * A frame: uint32 header length | header JSON | raw little-endian arrays at multiples of 8.
 * @param {ArrayBuffer} buffer
 * @returns {Frame}
 */
export function decodeFrame(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const header = JSON.parse(text.decode(new Uint8Array(buffer, 4, length)));
  const base = Math.ceil((4 + length) / 8) * 8;
  /** @type {Arrays} */
  const arrays = {};
  for (const { name, dtype, shape, offset } of /** @type {Described[]} */ (header.arrays)) {
    const count = shape.reduce((product, size) => product * size, 1);
    const values = new TYPES[dtype](buffer, base + offset, count);
    arrays[name] = /** @type {Values} */ (Object.assign(values, { shape }));
  }
  return { header, arrays };
}

export class Channel {
  /** @type {Connection} */
  state;
  /** @type {WebSocket} */
  socket;
  /** @type {number | null} */
  waiting;
  /** @type {string[]} */
  unsent;
  /** @type {Asked} */
  asked;

  /**
   * @param {string} address ws(s)://.../api/live/<token>
   * @param {{onState: (state: Connection) => void, onFrame: (frame: Frame) => void,
   *          onNotice: (notice: Told) => void}} listener
   * @param {import("./easel.js").Easel} easel
   */
  constructor(address, listener, easel) {
    this.address = address;
    this.listener = listener;
    this.frames = new Frames(easel, { deliver: (frame) => this.deliver(frame), lost: () => this.ready({ ...this.asked, now: true }) });
    this.closed = false;
    this.wait = FIRST_WAIT;
    this.waiting = null;
    this.unsent = [];
    this.state = "connecting";
    this.connect();
  }

  /** @param {Connection} state */
  setState(state) {
    this.state = state;
    this.listener.onState(state);
  }

  connect() {
    const socket = new WebSocket(this.address);
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    socket.onopen = () => {
      this.wait = FIRST_WAIT;
      this.setState("open");
      for (const message of this.unsent.splice(0)) socket.send(message);
    };
    socket.onmessage = (event) => this.receive(event.data);
    socket.onclose = (event) => this.lost(event.code);
  }

  /** @param {string | ArrayBuffer} data */
  receive(data) {
    if (this.closed) return;
    if (typeof data !== "string") {
      this.frames.take(decodeFrame(data));
      return;
    }
    const message = JSON.parse(data);
    if (message.type === "gone") this.end("gone");
    else this.listener.onNotice(message);
  }

  /** @param {Frame} frame */
  deliver(frame) {
    if (!this.closed) this.listener.onFrame(frame);
  }

  /** @param {"gone" | "refused"} state */
  end(state) {
    if (this.closed) return;
    this.close();
    this.setState(state);
  }

  /** @param {number} code */
  lost(code) {
    if (this.closed) return;
    if (code === GONE || code === NOT_YOURS) {
      this.end(code === GONE ? "gone" : "refused");
      return;
    }
    this.setState("reconnecting");
    if (code === FULL) this.wait = LONGEST_WAIT;  // It opened, only to say that there is no room.
    // A little chance in the wait, so that a class of thirty does not come back in the same instant.
    this.waiting = setTimeout(() => this.connect(), this.wait * (0.75 + 0.5 * Math.random()));
    this.wait = Math.min(LONGEST_WAIT, this.wait * 2);
  }

  /** Try at once, not after the wait: the page became visible or the network came back. */
  hurry() {
    if (this.closed || this.state !== "reconnecting" || this.socket.readyState !== WebSocket.CLOSED) return;
    clearTimeout(this.waiting);
    this.connect();
  }

  /**
   * "I drew the last one; send me the next that differs." Dropped when the socket is not open: opening sends a new one.
   * @param {Asked} held
   */
  ready(held) {
    this.asked = held;
    if (this.socket.readyState !== WebSocket.OPEN) return;
    const { structure, number } = this.frames;
    const asked = { now: held.now || undefined, wants: held.wants ?? undefined }; // What is not wanted is not said.
    this.socket.send(JSON.stringify({ type: "ready", slim: true, structure, frame: number, ...held, ...asked }));
  }

  /** A person's command; kept until the socket opens. @param {string} verb @param {unknown} value */
  command(verb, value) {
    const message = JSON.stringify({ type: "command", do: verb, value: value ?? null });
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(message);
    else if (!this.closed && this.unsent.length < 20) this.unsent.push(message);
  }

  close() {
    this.closed = true;
    clearTimeout(this.waiting);
    this.socket.close();
  }
}
