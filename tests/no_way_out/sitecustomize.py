"""On the PYTHONPATH of a server under test: whatever it would look up or connect to fails, and is written down."""

import os
import socket
import sys

FILE = os.environ.get("NO_WAY_OUT", "")
LOOK_UPS = {"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr", "socket.getnameinfo"}
WAYS_OUT = {"socket.connect", "socket.sendto", "socket.sendmsg", *LOOK_UPS}


def refuse(event: str, arguments: tuple[object, ...]) -> None:
    if (
        event in WAYS_OUT and getattr(arguments[0], "family", None) != socket.AF_UNIX
    ):  # Which reaches this machine alone.
        with open(FILE, "a") as file:
            file.write(f"{event} {arguments[1:] if event not in LOOK_UPS else arguments}\n")
        raise OSError("there is no way out")


if FILE and "streamlit" in sys.orig_argv:  # The serving process, and not its workers.
    sys.addaudithook(refuse)
