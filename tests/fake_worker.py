"""A worker that computes nothing and starts at once, for tests of the pool and of the live channel.

A run's recipe tells by its seed what the run does when it is played: 13 ends the worker, and again each time the run is
brought back; 14 ends it once; 15 hangs, 16 again each time it is brought back; 17 is too long at it, in this worker and
in any other; 18 cannot be unpacked where it arrives. Everything else just changes the run's version.
"""

from __future__ import annotations

import json
import mmap
import os
import runpy
import signal
import sys
from pathlib import Path
from typing import Any

# This one file and not its package, whose import takes longer than most tests: these workers start by the dozen.
wire = runpy.run_path(str(Path(__file__).parents[1] / "dlcore" / "wire.py"))
Inbox, pack, write_all = wire["Inbox"], wire["pack"], wire["write_all"]

DEADLY, WEAK, HANGING, STUCK, HEAVY, FRAGILE = 13, 14, 15, 16, 17, 18


def send(header: dict[str, Any], payload: bytes = b"") -> None:
    write_all(1, pack(header, payload), payload)


def hang() -> None:
    """For good; a minute after those who started it were killed themselves, nothing is left of it."""
    signal.alarm(60)
    signal.pause()


def main() -> None:
    in_hand = mmap.mmap(int(sys.argv[sys.argv.index("--in-hand") + 1]), 0)
    runs: dict[str, dict[str, Any]] = {}
    waiting: list[dict[str, Any]] = []
    inbox = Inbox(0)
    send({"ready": os.getpid()})
    while not inbox.ended:
        for header, state in inbox.receive():
            do, token = header["do"], header.get("token", "")
            if do == "forget":
                for frame in [frame for frame in waiting if frame["id"] == header["request"]]:
                    waiting.remove(frame)
                    send({"id": frame["id"], "withdrawn": True})
                continue
            if do == "ping":
                send({"id": header["id"], "runs": len(runs)})
                continue
            in_hand[:] = token.encode().ljust(len(in_hand), b"\0")
            if do == "create" and "luggage" in header and json.loads(header["recipe"])["seed"] == FRAGILE:
                send({"id": header["id"], "problem": {"key": "out_of_memory", "values": {}}})
                continue
            if do == "create":
                version = header.get("luggage", header["life"] * 1000)
                runs[token] = {"version": version, "recipe": header["recipe"], "state": state.decode()}
                runs[token] |= {"speed": header["speed"], "status": header["status"], "pid": os.getpid()}
            elif do == "close":
                closed = runs.pop(token)
                if header.get("keep"):
                    kept = {name: closed[name] for name in ("recipe", "status", "speed")}
                    last = b"last" if closed["version"] else b""
                    send({"id": header["id"], **kept, "device": "auto", "step": closed["version"]}, last)
                    continue
            elif do == "leave":
                left = runs.pop(token)
                for frame in [frame for frame in waiting if frame["token"] == token]:
                    waiting.remove(frame)
                    send({"id": frame["id"], "problem": {"key": "run_moved", "values": {}}})
                send({"id": header["id"], **left, "luggage": left["version"]}, left["state"].encode())
                continue
            run = runs.get(token, {"recipe": '{"seed": 0}'})
            seed = json.loads(run["recipe"])["seed"]
            if do == "play" and seed in (DEADLY, WEAK):
                os._exit(1)
            if do == "create" and header["life"] and seed == DEADLY:
                os._exit(1)
            if do == "play" and seed in (HANGING, STUCK):
                hang()
            if do == "create" and header["life"] and seed == STUCK:
                hang()
            if do in ("play", "step") and seed == HEAVY:
                send({"heavy": token, "seconds": 0.2})
            if do == "edit" and "weighed" not in header:  # As if it made the run heavy.
                send({"id": header["id"], "heavy": header["value"]["recipe"]})
            elif do == "frame":
                waiting.append(header)
            else:
                if do in (
                    "play",
                    "pause",
                    "step",
                    "speed",
                    "change",
                    "edit",
                    "set",
                    "freeze",
                    "silence",
                    "undo",
                    "redo",
                    "jump",
                ):
                    run["version"] += 1
                    run["status"] = {"play": "playing", "pause": "paused"}.get(do, run["status"])
                    run["speed"] = header["value"] if do == "speed" else run["speed"]
                    run["recipe"] = header.get("recipe", header.get("weighed", run["recipe"]))
                    kept = {name: run[name] for name in ("recipe", "status", "speed")}
                    send({"kept": token, **kept, "device": "auto", "step": run["version"]}, b"kept")
                send({"id": header["id"], **run})
            for frame in list(waiting):
                held = runs.get(frame["token"])
                if held is None:
                    send({"id": frame["id"], "problem": {"key": "run_gone", "values": {}}})
                elif frame.get("now") or held["version"] != frame.get("version"):
                    send({"id": frame["id"], **held}, f"frame {held['version']}".encode())
                else:
                    continue
                waiting.remove(frame)
            in_hand[:] = bytes(len(in_hand))


if __name__ == "__main__":
    main()
