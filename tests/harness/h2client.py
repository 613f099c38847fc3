# SPDX-License-Identifier: Apache-2.0
"""An HTTP/2 client over TLS with the same face as client.Connection: requests are streams, answered in order asked."""

from __future__ import annotations

import collections
import contextlib
import socket
import ssl
import time

import h2.config
import h2.connection
import h2.events
import h2.exceptions

from harness import wire
from harness.client import DEFAULT_TIMEOUT, Request, Response

CONNECTION_FIELDS = ("host", "connection", "transfer-encoding", "content-length", "keep-alive")


def let_streams_outlive_goaway() -> None:
    """For this process: after GOAWAY streams go on (RFC 9113, 6.8), which the library would take for a mistake."""
    machine = h2.connection.H2ConnectionStateMachine
    opened, goaway = h2.connection.ConnectionState.CLIENT_OPEN, h2.connection.ConnectionInputs.RECV_GOAWAY
    machine._transitions[(opened, goaway)] = (None, opened)


class Stream:
    def __init__(self) -> None:
        self.headers: list[tuple[str, str]] | None = None
        self.trailers: list[tuple[str, str]] = []
        self.interim: list[wire.Message] = []
        self.body = bytearray()
        self.ended = False
        self.reset = ""


class Http2Connection:
    def __init__(self, port: int, tls: ssl.SSLContext | None, sni: str = "") -> None:
        self.sock: socket.socket = socket.create_connection(("127.0.0.1", port), DEFAULT_TIMEOUT)
        if tls is not None:
            self.sock = tls.wrap_socket(self.sock, server_hostname=sni or None)
            if self.sock.selected_alpn_protocol() != "h2":
                raise wire.WireError(f"ALPN chose {self.sock.selected_alpn_protocol()}, not h2")
        config = h2.config.H2Configuration(client_side=True, header_encoding="latin-1")
        self.h2 = h2.connection.H2Connection(config)
        self.h2.initiate_connection()
        self.scheme = "https" if tls is not None else "http"
        self.streams: dict[int, Stream] = {}
        self.asked: collections.deque[int] = collections.deque()
        self.pending: dict[int, bytes] = {}
        self.goaway = ""
        self.last_streams: list[int] = []  # as each GOAWAY names it
        self.closed = False
        self.sent_at = time.monotonic()
        self.flush()

    def flush(self) -> None:
        if data := self.h2.data_to_send():
            with contextlib.suppress(OSError):
                self.sock.sendall(data)

    def request(self, request: Request) -> None:
        stream = self.h2.get_next_available_stream_id()
        authority = next((value for name, value in request.headers if name.lower() == "host"), "example.test")
        fields = [(":method", request.method), (":scheme", self.scheme), (":authority", authority)]
        fields.append((":path", request.target))
        fields += [(k.lower(), v) for k, v in request.headers if k.lower() not in CONNECTION_FIELDS]
        self.streams[stream] = Stream()
        self.asked.append(stream)
        self.h2.send_headers(stream, fields, end_stream=not request.body)
        if request.body:
            self.pending[stream] = request.body
        self.sent_at = time.monotonic()
        self.write_pending()

    def write_pending(self) -> None:
        """Sends as much of the request bodies as flow control allows."""
        for stream, body in list(self.pending.items()):
            while body:
                room = min(self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size, len(body))
                if room <= 0:
                    break
                self.h2.send_data(stream, body[:room], end_stream=room == len(body))
                body = body[room:]
            self.pending[stream] = body
            if not body:
                del self.pending[stream]
        self.flush()

    def pump(self) -> None:
        """Receives once and carries the events to their streams. Throws TimeoutError."""
        try:
            data = self.sock.recv(65536)
        except TimeoutError:
            raise
        except OSError:
            data = b""
        if not data:
            self.closed = True
            return
        try:
            events = self.h2.receive_data(data)
        except h2.exceptions.ProtocolError as error:
            raise wire.WireError(f"HTTP/2: {error!r}") from None
        for event in events:
            self.handle(event)
        with contextlib.suppress(h2.exceptions.ProtocolError):
            self.write_pending()

    def handle(self, event) -> None:
        stream = self.streams.get(getattr(event, "stream_id", None) or 0)
        if isinstance(event, h2.events.ConnectionTerminated):
            self.goaway = str(event.error_code)
            self.last_streams.append(event.last_stream_id)
        elif stream is None:
            return
        elif isinstance(event, h2.events.InformationalResponseReceived):
            status = dict(event.headers)[":status"]
            stream.interim.append(wire.Message(("HTTP/2", status, ""), list(event.headers)))
        elif isinstance(event, h2.events.ResponseReceived):
            stream.headers = list(event.headers)
        elif isinstance(event, h2.events.DataReceived):
            stream.body += event.data
            self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.TrailersReceived):
            stream.trailers = list(event.headers)
        elif isinstance(event, h2.events.StreamEnded):
            stream.ended = True
        elif isinstance(event, h2.events.StreamReset):
            stream.reset = str(event.error_code)
            self.pending.pop(event.stream_id, None)

    def response(self, timeout: float = DEFAULT_TIMEOUT, head_only: bool = False) -> Response:
        deadline = time.monotonic() + timeout
        stream = self.streams[self.asked.popleft()]
        while not (stream.ended or stream.reset or (head_only and stream.headers)):
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError("no HTTP/2 response in time")
            if self.closed:
                raise wire.Closed(f"connection closed, GOAWAY {self.goaway or 'not sent'}")
            self.sock.settimeout(left)
            self.pump()
        if stream.headers is None:
            raise wire.WireError(f"stream reset, error {stream.reset}")
        if stream.reset and not stream.ended:
            raise wire.WireError(f"stream reset within the response, error {stream.reset}")
        return self.as_response(stream)

    def as_response(self, stream: Stream) -> Response:
        status = dict(stream.headers or [])[":status"]
        fields = [(name, value) for name, value in stream.headers or [] if not name.startswith(":")]
        message = wire.Message(("HTTP/2", status, ""), fields, bytes(stream.body), stream.trailers)
        return Response(int(status), "", message, stream.interim, time.monotonic() - self.sent_at)

    def is_closed(self, timeout: float) -> bool:
        deadline = time.monotonic() + timeout
        while not self.closed and (left := deadline - time.monotonic()) > 0:
            self.sock.settimeout(left)
            try:
                self.pump()
            except TimeoutError:
                break
        return self.closed

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.sock.close()
