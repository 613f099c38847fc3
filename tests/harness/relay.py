# SPDX-License-Identifier: Apache-2.0
"""A TCP relay that holds back what passes, since this kernel cannot delay packets."""

from __future__ import annotations

import contextlib
import queue
import socket
import threading
import time

from harness.ports import listen_anywhere


class Relay:
    """Passes connections on to the first port that takes them, each octet `delay` seconds late, until the end of the
    block. Between cut() and heal() octets wait, as in a network that has broken in two: nobody is told."""

    def __init__(self, *ports: int, delay: float = 0) -> None:
        self.to = ports
        self.delay = delay
        self.listener, self.port = listen_anywhere()
        self.accepted = 0
        self.whole = threading.Event()
        self.whole.set()
        self.open: list[socket.socket] = []

    def __enter__(self) -> Relay:
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def cut(self) -> None:
        self.whole.clear()

    def heal(self) -> None:
        self.whole.set()

    def __exit__(self, *_: object) -> None:
        self.heal()
        for sock in [self.listener, *self.open]:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()

    def accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self.listener.accept()
                self.accepted += 1
                far = self.connect()
                if far is None:
                    near.close()
                    continue
                self.open += [near, far]
                self.pass_on(near, far)
                self.pass_on(far, near)

    def connect(self) -> socket.socket | None:
        for port in self.to:
            with contextlib.suppress(OSError):
                return socket.create_connection(("127.0.0.1", port), 10)
        return None

    def pass_on(self, source: socket.socket, sink: socket.socket) -> None:
        held: queue.Queue[tuple[float, bytes]] = queue.Queue()

        def read() -> None:
            octets = b"x"
            while octets:
                try:
                    octets = source.recv(65536)
                except OSError:
                    octets = b""
                held.put((time.monotonic() + self.delay, octets))

        def write() -> None:
            with contextlib.suppress(OSError):
                while True:
                    due, octets = held.get()
                    time.sleep(max(0.0, due - time.monotonic()))
                    self.whole.wait()
                    if not octets:
                        sink.shutdown(socket.SHUT_WR)
                        return
                    sink.sendall(octets)

        for work in (read, write):
            threading.Thread(target=work, daemon=True).start()
