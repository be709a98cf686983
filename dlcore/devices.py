"""Where the numbers are crunched: auto takes a GPU where there is one."""

from __future__ import annotations

import torch

from dlcore.problems import Problem

DEVICES = ("auto", "cpu", "cuda", "mps")


def list_devices() -> list[str]:
    """The devices of this machine, the fastest last: "cpu", and "cuda" or "mps" where there is one."""
    found = {"cuda": torch.cuda.is_available, "mps": torch.backends.mps.is_available}
    return ["cpu", *(device for device, is_there in found.items() if is_there())]


def choose_device(asked: str) -> str:
    """cpu, cuda or mps. Raises Problem for one that is unknown or not on this machine."""
    available = list_devices()
    if asked == "auto":
        return available[-1]
    if asked not in available:
        raise Problem("no_device", expected=", ".join(["auto", *available]), came=asked)
    return asked


def device_name(device: str) -> str:
    """The name people know: "CPU", "NVIDIA H200"."""
    if device == "cuda":
        return torch.cuda.get_device_name()
    return "Apple GPU" if device == "mps" else "CPU"
