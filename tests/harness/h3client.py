# SPDX-License-Identifier: Apache-2.0
"""An HTTP/3 client for the tests, over aioquic: an implementation of QUIC that has no line in common with ours.

aioquic comes from PyPI into build/tools when it is first needed (`install`); import this module after that.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import pathlib
import socket
import ssl
import subprocess
import sys

AIOQUIC = "aioquic==1.7.2"
INSTALL_SECONDS = 240
PLACE = pathlib.Path(__file__).resolve().parents[2] / "build/tools/aioquic"


def install() -> str:
    """Why aioquic cannot be used; empty when it can."""
    sys.path.insert(0, str(PLACE))
    if (PLACE / "aioquic").exists():
        return ""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(PLACE), AIOQUIC]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return f"aioquic could not be installed within {INSTALL_SECONDS} s"
    return "" if done.returncode == 0 else f"aioquic could not be installed: {done.stderr.strip().splitlines()[-1:]}"


@dataclasses.dataclass
class Answer:
    """A response as far as it has come."""

    status: int = 0
    headers: dict[str, str] = dataclasses.field(default_factory=dict)
    trailers: dict[str, str] = dataclasses.field(default_factory=dict)
    body: bytearray = dataclasses.field(default_factory=bytearray)
    interim: list[int] = dataclasses.field(default_factory=list)
    reset: int | None = None  # the code of RESET_STREAM
    done: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)


class Client:
    """One connection. To be used as an async context manager."""

    def __init__(self, port: int, name: str = "example.test", **configuration: object) -> None:
        from aioquic.quic.configuration import QuicConfiguration

        self.port = port
        self.name = name
        self.configuration = QuicConfiguration(
            is_client=True, alpn_protocols=["h3"], server_name=name, verify_mode=ssl.CERT_NONE, **configuration
        )
        self.answers: dict[int, Answer] = {}
        self.tickets: list[object] = []
        self.goaways = 0
        self.closed: tuple[int, str] | None = None  # what the server said at the end
        self.ended = asyncio.Event()
        self.uploads_stopped: set[int] = set()
        self.heads: set[int] = set()  # streams of requests with HEAD

    async def __aenter__(self) -> Client:
        from aioquic.asyncio.client import connect

        self.link = connect(
            "127.0.0.1", self.port, configuration=self.configuration, create_protocol=self.make_protocol,
            session_ticket_handler=self.tickets.append,
        )  # fmt: skip
        self.protocol = await asyncio.wait_for(self.link.__aenter__(), 10)
        return self

    async def __aexit__(self, *_: object) -> None:
        with contextlib.suppress(Exception):
            await asyncio.wait_for(self.link.__aexit__(None, None, None), 5)

    def make_protocol(self, *args: object, **kwargs: object) -> object:
        from aioquic.asyncio.protocol import QuicConnectionProtocol
        from aioquic.h3.connection import H3Connection

        client = self

        class Protocol(QuicConnectionProtocol):
            def quic_event_received(self, event: object) -> None:
                client.on_quic_event(event)

        made = Protocol(*args, **kwargs)
        self.quic = made._quic
        self.http = H3Connection(self.quic)
        self.watch()
        return made

    def watch(self) -> None:
        """aioquic takes no notice of GOAWAY, and would have a response to HEAD bring the content it speaks of."""
        check_frame, check_length = self.http._check_control_frame_type, self.http._check_content_length

        def watched(frame_type: int) -> None:
            self.goaways += frame_type == 7
            check_frame(frame_type)

        self.http._check_control_frame_type = watched
        self.http._check_content_length = lambda stream: stream.stream_id in self.heads or check_length(stream)

    def on_quic_event(self, event: object) -> None:
        from aioquic.h3.events import DataReceived, HeadersReceived
        from aioquic.quic.events import ConnectionTerminated, StopSendingReceived, StreamReset

        if isinstance(event, ConnectionTerminated):
            self.closed = (event.error_code, event.reason_phrase)
            self.ended.set()
            for answer in self.answers.values():
                answer.done.set()
        if isinstance(event, StreamReset) and event.stream_id in self.answers:
            self.answers[event.stream_id].reset = event.error_code
            self.answers[event.stream_id].done.set()
        if isinstance(event, StopSendingReceived):
            self.uploads_stopped.add(event.stream_id)
        for each in self.http.handle_event(event):
            answer = self.answers.get(getattr(each, "stream_id", -1))
            if answer is None:
                continue
            if isinstance(each, HeadersReceived):
                self.take_fields(answer, {name.decode(): value.decode() for name, value in each.headers})
            if isinstance(each, DataReceived):
                answer.body += each.data
            if getattr(each, "stream_ended", False):
                answer.done.set()

    @staticmethod
    def take_fields(answer: Answer, fields: dict[str, str]) -> None:
        if ":status" not in fields:
            answer.trailers.update(fields)
            return
        status = int(fields[":status"])
        if 100 <= status < 200:
            answer.interim.append(status)
            return
        answer.status = status
        answer.headers = fields

    # --- requests ---------------------------------------------------------------------------------------------------

    def open(self) -> int:
        stream = self.quic.get_next_available_stream_id()
        self.answers[stream] = Answer()
        # The number counts as used only when something is sent; two requests may be prepared together.
        self.quic.send_stream_data(stream, b"")
        return stream

    def head(self, method: str, path: str, fields: dict[str, str] | None = None) -> list[tuple[bytes, bytes]]:
        pseudo = {":method": method, ":scheme": "https", ":authority": self.name, ":path": path}
        return [(name.encode(), value.encode()) for name, value in {**pseudo, **(fields or {})}.items()]

    def send(
        self, method: str, path: str, fields: dict[str, str] | None = None, body: bytes = b"", *, end: bool = True
    ) -> int:
        stream = self.open()
        if method == "HEAD":
            self.heads.add(stream)
        self.http.send_headers(stream, self.head(method, path, fields), end_stream=end and not body)
        if body:
            self.http.send_data(stream, body, end_stream=end)
        self.protocol.transmit()
        return stream

    def send_fields(self, fields: list[tuple[str, str]]) -> int:
        """A head as it stands, however wrong."""
        stream = self.open()
        self.http.send_headers(stream, [(n.encode(), v.encode()) for n, v in fields], end_stream=True)
        self.protocol.transmit()
        return stream

    async def answer(self, stream: int, seconds: float = 20) -> Answer:
        answer = self.answers[stream]
        await asyncio.wait_for(answer.done.wait(), seconds)
        return answer

    async def get(self, path: str = "/", fields: dict[str, str] | None = None, seconds: float = 20) -> Answer:
        return await self.answer(self.send("GET", path, fields), seconds)

    # --- what a client may do besides -------------------------------------------------------------------------------

    async def move(self) -> int:
        """Goes on from another port, as behind an address translator that has forgotten us; that port."""
        sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        sock.bind(("::", 0))
        old = self.protocol._transport
        protocol = self.protocol

        class Ears(asyncio.DatagramProtocol):
            def datagram_received(self, data: bytes, address: object) -> None:
                protocol.datagram_received(data, address)

        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(Ears, sock=sock)
        protocol._transport = transport
        old.close()
        return sock.getsockname()[1]

    def certificate_names(self) -> list[str]:
        from cryptography import x509

        names = self.quic.tls._peer_certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        return names.value.get_values_for_type(x509.DNSName)

    def was_retried(self) -> bool:
        return self.quic._retry_source_connection_id is not None
