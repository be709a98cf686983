import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import { Channel } from "../../ui/canvas/channel.js";
import { Easel } from "../../ui/canvas/easel.js";

class Socket {
  static CONNECTING = 0;
  static OPEN = 1;
  static CLOSED = 3;
  static made = [];

  readyState = Socket.CONNECTING;
  sent = [];

  constructor() {
    Socket.made.push(this);
  }

  send(message) {
    this.sent.push(JSON.parse(message));
  }

  close() {
    this.readyState = Socket.CLOSED;
  }

  open() {
    this.readyState = Socket.OPEN;
    this.onopen();
  }

  lose(code) {
    this.readyState = Socket.CLOSED;
    this.onclose({ code });
  }
}

globalThis.WebSocket = Socket;

function channel() {
  const heard = { states: [], frames: [], notices: [] };
  const easel = new Easel(() => {
    throw new Error("no workers here");
  });
  const made = new Channel("ws://here/api/live/token", {
    onState: (state) => heard.states.push(state), onFrame: (frame) => heard.frames.push(frame), onNotice: (notice) => heard.notices.push(notice),
  }, easel);
  return { made, heard };
}

beforeEach(() => {
  Socket.made = [];
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout"] });
});

test("commands given before the socket is open are sent in their order as it opens", () => {
  const { made } = channel();
  made.command("play");
  made.command("speed", 3);
  const [socket] = Socket.made;
  assert.deepEqual(socket.sent, []);
  socket.open();
  made.command("pause");
  assert.deepEqual(socket.sent, [
    { type: "command", do: "play", value: null }, { type: "command", do: "speed", value: 3 }, { type: "command", do: "pause", value: null },
  ]);
});

test("a frame is asked for only where the socket is open", () => {
  const { made } = channel();
  made.ready({ version: 1 });
  const [socket] = Socket.made;
  socket.open();
  made.ready({ version: 2 });
  assert.deepEqual(socket.sent, [{ type: "ready", slim: true, structure: null, frame: null, version: 2 }]);
});

test("a lost connection is tried again, each time after twice the wait, five seconds at most", () => {
  const chance = mock.method(Math, "random", () => 0.5); // the wait itself
  const { heard } = channel();
  const waits = [];
  for (let i = 0; i < 8; i += 1) {
    const before = Socket.made.length;
    Socket.made.at(-1).lose(1006);
    let waited = 0;
    while (Socket.made.length === before) {
      mock.timers.tick(50);
      waited += 50;
    }
    waits.push(waited);
  }
  chance.mock.restore();
  assert.deepEqual(waits, [250, 500, 1000, 2000, 4000, 5000, 5000, 5000]);
  assert.ok(heard.states.every((state) => state === "reconnecting"));
});

test("after a connection that held, the first wait is short again", () => {
  const chance = mock.method(Math, "random", () => 0.5);
  channel();
  for (let i = 0; i < 4; i += 1) {
    Socket.made.at(-1).lose(1006);
    mock.timers.tick(5000);
  }
  Socket.made.at(-1).open();
  Socket.made.at(-1).lose(1006);
  const before = Socket.made.length;
  mock.timers.tick(250);
  chance.mock.restore();
  assert.equal(Socket.made.length, before + 1);
});

test("a run that is gone, or not one's own, is not asked for again", () => {
  for (const [code, state] of [[4404, "gone"], [4401, "refused"]]) {
    Socket.made = [];
    const { heard } = channel();
    Socket.made[0].lose(code);
    mock.timers.tick(60000);
    assert.deepEqual(heard.states, [state]);
    assert.equal(Socket.made.length, 1);
  }
});

test("when the network is back there is no waiting, and not two connections", () => {
  const { made } = channel();
  made.hurry();
  assert.equal(Socket.made.length, 1, "it is still connecting");
  Socket.made[0].lose(1006);
  made.hurry();
  assert.equal(Socket.made.length, 2);
  mock.timers.tick(60000);
  assert.equal(Socket.made.length, 2);
});

test("words are notices, unless they say that the run is gone", () => {
  const { heard } = channel();
  const [socket] = Socket.made;
  socket.open();
  socket.onmessage({ data: JSON.stringify({ type: "notice", key: "restored" }) });
  socket.onmessage({ data: JSON.stringify({ type: "gone" }) });
  assert.deepEqual(heard.notices, [{ type: "notice", key: "restored" }]);
  assert.deepEqual(heard.states, ["open", "gone"]);
  assert.equal(socket.readyState, Socket.CLOSED);
});

test("a channel that was closed says nothing more", () => {
  const { made, heard } = channel();
  const [socket] = Socket.made;
  socket.open();
  made.close();
  socket.lose(1006);
  socket.onmessage({ data: JSON.stringify({ type: "notice" }) });
  mock.timers.tick(60000);
  assert.deepEqual(heard, { states: ["open"], frames: [], notices: [] });
  assert.equal(Socket.made.length, 1);
});
