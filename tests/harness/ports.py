# SPDX-License-Identifier: Apache-2.0
"""Free TCP ports on loopback, below the range that the kernel hands out to outgoing connections."""

from __future__ import annotations

import random
import socket
import threading

FIRST, LAST = 12000, 31000
_lock = threading.Lock()
_given: set[int] = set()


def listen_anywhere() -> tuple[socket.socket, int]:
    """A listening socket of ours and its port."""
    while True:
        port = reserve()
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind(("127.0.0.1", port))
        except OSError:
            sock.close()
            continue
        sock.listen(1024)
        return sock, port


def reserve() -> int:
    """A port that nobody listens on now and that this process gives out once."""
    while True:
        port = random.randint(FIRST, LAST)
        with _lock, socket.socket() as probe:
            if port in _given:
                continue
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            _given.add(port)
            return port
