"""Ports for the servers that tests start."""

import random
import socket
from contextlib import ExitStack, suppress

# Below the ports that Linux gives to outgoing connections (32768 and up): none of them takes one of ours by chance
# between here and the server's own bind.
FIRST, END = 15_000, 30_000


def free_port(in_a_row: int = 1) -> int:
    """A port that nobody listens on, nor on those behind it.

    Args:
        in_a_row: how many ports from it on are to be free.
    """
    while True:
        port = random.randrange(FIRST, END - in_a_row)
        with suppress(OSError), ExitStack() as held:
            for each in range(port, port + in_a_row):
                held.enter_context(socket.create_server(("127.0.0.1", each)))
            return port
