# SPDX-License-Identifier: Apache-2.0
"""The steps of a case: what each word at the start of a line does. tests/scenarios/README.md describes them."""

from __future__ import annotations

import dataclasses
import datetime
import os
import re
import shlex
import subprocess
import time
from collections.abc import Callable

from harness import client, match, scn, wire
from harness.expect import check_file, check_response, check_upstream, poll, split_expectation
from harness.gateway import Gateway
from harness.h2client import Http2Connection
from harness.origin import Origin, eventually
from harness.streams import DatagramClient, judge_datagram

METHOD = re.compile(r"[A-Z][A-Z-]*\Z")
POLL_SECONDS = 3.0
RELOAD_SECONDS = 10.0


@dataclasses.dataclass
class Stage:
    """What the cases of a scenario share, and the connections of the case that runs now."""

    gateway: Gateway
    origins: dict[str, Origin]
    variables: dict[str, str]
    substitute: Callable[[str], str]
    connections: dict[str, client.Connection | Http2Connection] = dataclasses.field(default_factory=dict)
    datagram_clients: dict[str, DatagramClient] = dataclasses.field(default_factory=dict)
    last: str = ""  # the connection that the next `expect` means
    anonymous: int = 0
    background: client.Background | None = None
    ran: subprocess.CompletedProcess | None = None
    marks: dict[str, int] = dataclasses.field(default_factory=dict)  # file sizes when the case began

    def begin(self) -> None:
        for origin in self.origins.values():
            origin.forget()
        self.marks = {path.name: path.stat().st_size for path in self.gateway.folder.iterdir() if path.is_file()}

    def end(self) -> None:
        if self.background is not None:
            self.background.stop()
            self.background = None
        for connection in self.connections.values():
            connection.close()
        for sender in self.datagram_clients.values():
            sender.close()
        self.datagram_clients.clear()
        self.connections.clear()
        self.last = ""


def run_case(stage: Stage, case: scn.Block) -> None:
    stage.begin()
    try:
        run_steps(stage, case.children())
    finally:
        stage.end()


def run_steps(stage: Stage, steps: list[scn.Block]) -> None:
    for step in steps:
        run_step(stage, step)


def run_step(stage: Stage, step: scn.Block) -> None:
    word = step.text.split()[0]
    act = STEPS.get(word) or (step_request if METHOD.match(word) else None)
    if act is None:
        raise scn.ScenarioError(f"line {step.line}: unknown step '{word}'")
    try:
        act(stage, step)
    except (match.Mismatch, wire.WireError, OSError, AssertionError, KeyError) as error:
        text = str(error) or type(error).__name__
        if not text.startswith("line "):
            text = f"line {step.line}: {step.text}\n      {text}"
        raise match.Mismatch(text) from None


def words_and_options(text: str) -> tuple[list[str], dict[str, str]]:
    """Splits `GET /x?a=b conn=k tls` at blanks; what looks like option=value after the second word is an option."""
    words: list[str] = []
    options: dict[str, str] = {}
    for word in text.split():
        name, equals, value = word.partition("=")
        if equals and name in OPTIONS and words:
            options[name] = value
        elif word in FLAGS and words:
            options[word] = ""
        else:
            words.append(word)
    return words, options


OPTIONS = ("conn", "to", "sni", "alpn", "body", "size", "chunks", "within", "request", "cert", "window", "version")
FLAGS = ("tls", "h2", "h2c", "nohost", "head")


def step_request(stage: Stage, step: scn.Block) -> None:
    """METHOD target [options] [=> status], with header lines, a blank line and a body below."""
    line, arrow, status = stage.substitute(step.text).partition(" => ")
    words, options = words_and_options(line)
    if len(words) != 2:
        raise scn.ScenarioError(f"line {step.line}: a request is 'METHOD /target [options]', got {words}")
    request = build_request(stage, words, options, step)
    connection(stage, options).request(request)
    if arrow:
        take_response(stage, status.strip(), {}, [])


def build_request(stage: Stage, words: list[str], options: dict[str, str], step: scn.Block) -> client.Request:
    lines = [stage.substitute(text) for text in step.lines()]
    blank = lines.index("") if "" in lines else len(lines)
    headers: list[tuple[str, str]] = []
    for line in lines[:blank]:
        name, colon, value = line.partition(":")
        if not colon:
            raise scn.ScenarioError(f"line {step.line}: '{line}' is not a header; a body follows a blank line")
        headers.append((name, value.strip()))
    body = "\n".join(lines[blank + 1 :]).encode()
    if "size" in options:
        body = b"x" * int(match.number(options["size"]))
    request = client.Request(words[0], words[1], headers, body)
    names = [name.lower() for name, _ in headers]
    if "host" not in names and "nohost" not in options:
        port = stage.gateway.ports.get(options.get("to", "proxy"), 0)
        host = "example.test" if options.get("to", "proxy") == "proxy" else f"127.0.0.1:{port}"
        request.headers.insert(0, ("Host", host))
    if "chunks" in options:
        request.chunk = int(options["chunks"])
        request.headers.append(("Transfer-Encoding", "chunked"))
        declared = [name.strip() for value in dict_values(headers, "trailer") for name in value.split(",")]
        request.trailers = [(name, f"value of {name}") for name in declared]
    elif body and "content-length" not in names and "transfer-encoding" not in names:
        request.headers.append(("Content-Length", str(len(body))))
    request.version = options.get("version", "HTTP/1.1")
    return request


def dict_values(headers: list[tuple[str, str]], name: str) -> list[str]:
    return [value for key, value in headers if key.lower() == name]


def connection(stage: Stage, options: dict[str, str]) -> client.Connection | Http2Connection:
    """The named connection, opened when it is new; a fresh one without a name."""
    name = options.get("conn", "")
    if not name:
        stage.anonymous += 1
        name = f"#{stage.anonymous}"
    stage.last = name
    if name in stage.connections:
        return stage.connections[name]
    secure = any(word in options for word in ("tls", "sni", "h2", "alpn", "cert"))
    where = options.get("to", "proxy_tls" if secure else "proxy")
    port = stage.gateway.ports[where] if where in stage.gateway.ports else int(where)
    tls = None
    if secure:
        alpn = ["h2"] if "h2" in options else [item for item in options.get("alpn", "").split(",") if item]
        pair = None
        if "cert" in options:
            pair = tuple(stage.substitute(f"${{path.{options['cert']}.{kind}}}") for kind in ("cert", "key"))
        tls = client.tls_context(alpn, pair)
    sni = options.get("sni", "example.test")
    if "h2" in options or "h2c" in options:
        opened: client.Connection | Http2Connection = Http2Connection(port, tls, sni)
    else:
        opened = client.Connection(port, tls=tls, sni=sni, receive_window=int(options.get("window", "0")))
    stage.connections[name] = opened
    return opened


def current(stage: Stage, options: dict[str, str]) -> client.Connection | Http2Connection:
    name = options.get("conn", stage.last)
    if name not in stage.connections:
        raise scn.ScenarioError(f"there is no connection '{name}' in this case")
    return stage.connections[name]


def step_send(stage: Stage, step: scn.Block) -> None:
    """Exact octets: each line ends with CRLF unless it ends with a backslash; a lone dot is an empty line."""
    _, options = words_and_options(stage.substitute(step.text))
    out = bytearray()
    for text in step.lines():
        text = stage.substitute("" if text == "." else text)
        if text.endswith("\\") and not text.endswith("\\\\"):
            out += scn.unescape(text[:-1])
        else:
            out += scn.unescape(text) + b"\r\n"
    link = connection(stage, options)
    assert isinstance(link, client.Connection)
    if bytes(out[:5]) == b"HEAD ":
        link.methods.append("HEAD")
    link.send(bytes(out))


def step_expect(stage: Stage, step: scn.Block) -> None:
    """expect STATUS [head] [conn=] [within=]; expect closed; expect nothing."""
    words, options = words_and_options(stage.substitute(step.text))
    link = current(stage, options)
    within = match.number(options["within"]) if "within" in options else client.DEFAULT_TIMEOUT
    if words[1:] == ["closed"]:
        if not link.is_closed(within):
            raise match.Mismatch("the connection is still open, or more octets came")
    elif words[1:] == ["reset"]:
        expect_reset(link, within)
    elif words[1:] == ["open"]:
        if link.is_closed(0.2):
            raise match.Mismatch("the connection was closed")
    elif words[1:] == ["nothing"]:
        expect_nothing(link, match.number(options.get("within", "300ms")))
    else:
        stage.last = options.get("conn", stage.last)
        take_response(stage, words[1] if len(words) > 1 else "", options, step.lines())


def expect_reset(link: client.Connection | Http2Connection, seconds: float) -> None:
    """Asks the socket itself: to the reader a reset is an end like any other."""
    link.sock.settimeout(seconds)
    try:
        octets = link.sock.recv(65536)
    except ConnectionResetError:
        return
    except TimeoutError:
        raise match.Mismatch("the connection is still open") from None
    raise match.Mismatch("octets came" if octets else "the connection was closed in order")


def expect_nothing(link: client.Connection | Http2Connection, seconds: float) -> None:
    try:
        response = link.response(seconds)
    except TimeoutError:
        return
    raise match.Mismatch(f"a response came: {response.status}")


def take_response(stage: Stage, statuses: str, options: dict[str, str], lines: list[str]) -> None:
    within = match.number(options["within"]) if "within" in options else client.DEFAULT_TIMEOUT
    link = current(stage, options)
    try:
        response = link.response(within, "head" in options)
    except TimeoutError:
        raise match.Mismatch(f"no response within {within} s") from None
    shown = match.shorten(response.body.decode("utf-8", "replace"))
    if str(response.status) not in statuses.split("|"):
        raise match.Mismatch(f"status {response.status} instead of {statuses}, body: {shown}")
    for line in lines:
        line = stage.substitute(line)
        if line.strip() and not line.startswith("#"):
            check_response_line(stage, response, link, line)


def check_response_line(stage: Stage, response: client.Response, link, line: str) -> None:
    words = line.split(" ")
    if words[0] == "closed":
        if not (response.ended_connection or link.is_closed(2.0)):
            raise match.Mismatch("the connection stays open after the response")
    elif words[0] == "open":
        if response.ended_connection or link.is_closed(0.1):
            raise match.Mismatch("the connection was closed after the response")
    elif words[0] == "capture":
        capture(stage, response, words)
    else:
        subject, argument, operator, wanted = split_expectation(line)
        check_response(response, subject, argument, operator, wanted)


def capture(stage: Stage, response: client.Response, words: list[str]) -> None:
    """capture NAME header X | json PATH | body"""
    name, source = words[1], words[2]
    if source == "header":
        values: list = response.message.values(words[3])
    elif source == "json":
        values = match.json_path(client.parse_json(response.body), words[3])
    else:
        values = [response.body.decode("utf-8", "replace")]
    if len(values) != 1:
        raise match.Mismatch(f"nothing to capture for {name}: {values}")
    stage.variables[name] = match.plain(values[0])


def step_upstream(stage: Stage, step: scn.Block) -> None:
    """upstream NAME [request=N] [within=]: what it received in this case."""
    words, options = words_and_options(stage.substitute(step.text))
    origin = stage.origins[words[1]]
    lines = [stage.substitute(line) for line in step.lines() if line.strip() and not line.startswith("#")]
    within = match.number(options.get("within", "1s"))
    poll(lambda: check_upstream(origin, int(options.get("request", "0")), lines), within)


def step_file(stage: Stage, step: scn.Block) -> None:
    """file NAME [within=]: what was added to a file of the scenario's folder since the case began."""
    words, options = words_and_options(stage.substitute(step.text))
    lines = [stage.substitute(line) for line in step.lines() if line.strip() and not line.startswith("#")]
    within = match.number(options["within"]) if "within" in options else POLL_SECONDS
    path = stage.gateway.folder / words[1]
    poll(lambda: check_file(path, stage.marks.get(words[1], 0), lines), within)


def step_write(stage: Stage, step: scn.Block) -> None:
    name = step.text.split()[1]
    temporary = stage.gateway.folder / (name + ".new")
    temporary.write_text(stage.substitute(step.raw()))
    os.replace(temporary, stage.gateway.folder / name)


def step_remove(stage: Stage, step: scn.Block) -> None:
    (stage.gateway.folder / step.text.split()[1]).unlink(missing_ok=True)


def step_rename(stage: Stage, step: scn.Block) -> None:
    _, old, new = step.text.split()
    os.replace(stage.gateway.folder / old, stage.gateway.folder / new)


def step_run(stage: Stage, step: scn.Block) -> None:
    """run [NAME=value ...] sluice ARGUMENTS"""
    words = shlex.split(stage.substitute(step.text))[1:]
    env = stage.gateway.env()
    while words and re.fullmatch(r"[A-Z][A-Z0-9_]*=.*", words[0]):
        name, _, value = words.pop(0).partition("=")
        env[name] = value
    if words[0] == "sluice":
        words[0] = str(stage.gateway.binary)
    try:
        stage.ran = subprocess.run(
            words, cwd=stage.gateway.folder, env=env, capture_output=True, timeout=15, check=False,
            input=step.raw().encode(),
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise match.Mismatch("still running after 15 s") from None


def step_exits(stage: Stage, step: scn.Block) -> None:
    """exits CODE: judges the last `run`."""
    if stage.ran is None:
        raise scn.ScenarioError(f"line {step.line}: 'exits' without a 'run' before it")
    out = stage.ran.stdout.decode("utf-8", "replace")
    err = stage.ran.stderr.decode("utf-8", "replace")
    code = step.text.split()[1]
    if str(stage.ran.returncode) != code:
        raise match.Mismatch(f"exit code {stage.ran.returncode}, output:\n{match.shorten(out + err)}")
    for line in step.lines():
        subject, argument, operator, wanted = split_expectation(stage.substitute(line))
        if subject == "json":
            values = match.json_path(client.parse_json(stage.ran.stdout), argument)
            match.check(f"json {argument}", values, operator, wanted, True)
        elif subject in ("stdout", "stderr", "output"):
            text = {"stdout": out, "stderr": err, "output": out + err}[subject]
            match.check(subject, [text], operator, wanted)
        elif subject:
            raise scn.ScenarioError(f"line {step.line}: unknown subject '{subject}' of 'exits'")


def step_signal(stage: Stage, step: scn.Block) -> None:
    stage.gateway.signal(step.text.split()[1])


def step_reload(stage: Stage, _: scn.Block) -> None:
    """SIGHUP, and what it brings is in force."""
    log = stage.gateway.folder / "error.log"

    def reloads() -> int:
        return log.read_bytes().count(b"config.reloaded") if log.exists() else 0

    before = reloads()
    stage.gateway.signal("HUP")
    if not eventually(lambda: reloads() > before, RELOAD_SECONDS):
        raise match.Mismatch(f"no reload within {RELOAD_SECONDS} s")


def step_server(stage: Stage, step: scn.Block) -> None:
    """server start | server exits CODE [within=] | server alive"""
    words, options = words_and_options(step.text)
    if words[1] == "start":
        stage.gateway.start()
    elif words[1] == "alive":
        if not stage.gateway.is_alive():
            raise match.Mismatch("the gateway is not running")
    elif words[1] == "exits":
        code = stage.gateway.wait_exit(match.number(options.get("within", "10s")))
        if str(code) != words[2]:
            raise match.Mismatch("still running" if code is None else f"exit code {code}")
    else:
        raise scn.ScenarioError(f"line {step.line}: 'server start', 'server alive' or 'server exits CODE'")


def step_wait(_: Stage, step: scn.Block) -> None:
    time.sleep(match.number(step.text.split()[1]))


def step_room(_: Stage, step: scn.Block) -> None:
    """room minute 10s: waits for the next minute when less than that is left of this one."""
    _, unit, needed = step.text.split()
    length = {"second": 1, "minute": 60}[unit]
    left = length - datetime.datetime.now(datetime.UTC).timestamp() % length
    if left < match.number(needed):
        time.sleep(left + 0.02)


def step_repeat(stage: Stage, step: scn.Block) -> None:
    for _ in range(int(step.text.split()[1])):
        run_steps(stage, step.children())


def step_eventually(stage: Stage, step: scn.Block) -> None:
    """eventually [SECONDS]: the steps below are repeated until all of them hold."""
    words = step.text.split()
    poll(lambda: run_steps(stage, step.children()), match.number(words[1]) if len(words) > 1 else POLL_SECONDS)


def step_background(stage: Stage, step: scn.Block) -> None:
    """background start GET /x ... background stop"""
    words, options = words_and_options(stage.substitute(step.text))
    if words[1] == "start":
        request = build_request(stage, words[2:], options, step)
        stage.background = client.Background(stage.gateway.ports["proxy"], request)
        if not eventually(lambda: stage.background.done > 0, 5):
            raise match.Mismatch("no answer to the background request")
        return
    assert stage.background is not None
    stage.background.stop()
    failures, done = stage.background.failures, stage.background.done
    stage.background = None
    if failures or not done:
        raise match.Mismatch(f"{len(failures)} of {done} background requests failed, first: {failures[:1]}")


def step_receive(stage: Stage, step: scn.Block) -> None:
    """receive [conn=] [within=]: raw octets, until the expectations below hold."""
    _, options = words_and_options(stage.substitute(step.text))
    link = current(stage, options)
    assert isinstance(link, client.Connection)
    lines = [stage.substitute(line) for line in step.lines() if line.strip()]

    def judge(octets: bytes) -> None:
        for line in lines:
            _, _, operator, wanted = split_expectation(line)
            match.check("octets", [octets.decode("latin-1")], operator, scn.unescape(wanted).decode("latin-1"))

    def enough(octets: bytes) -> bool:
        try:
            judge(octets)
        except match.Mismatch:
            return False
        return True

    judge(link.receive(enough, match.number(options.get("within", "3s"))))


def step_datagram(stage: Stage, step: scn.Block) -> None:
    """datagram CLIENT PORT [TEXT]: sends one from a socket of that name."""
    _, name, port, *text = stage.substitute(step.text).split(" ", 3)
    sender = stage.datagram_clients.get(name)
    if sender is None:
        number = stage.gateway.ports[port] if port in stage.gateway.ports else int(port)
        sender = stage.datagram_clients[name] = DatagramClient(number)
    sender.send(scn.unescape(text[0]) if text else b"")


def step_reply(stage: Stage, step: scn.Block) -> None:
    """reply CLIENT is TEXT | reply CLIENT nothing: the next datagram that its socket gets."""
    _, name, wanted = stage.substitute(step.text).split(" ", 2)
    judge_datagram(stage.datagram_clients[name].receive(0.3 if wanted == "nothing" else POLL_SECONDS), wanted)


def step_close(stage: Stage, step: scn.Block) -> None:
    _, options = words_and_options(step.text)
    name = options.get("conn", stage.last)
    current(stage, options).close()
    del stage.connections[name]


def step_half_close(stage: Stage, step: scn.Block) -> None:
    _, options = words_and_options(step.text)
    link = current(stage, options)
    assert isinstance(link, client.Connection)
    link.half_close()


def step_tls(stage: Stage, step: scn.Block) -> None:
    """tls: looks at the last TLS connection: `version is TLSv1.3`, `alpn is h2`, `certificate contains text`."""
    _, options = words_and_options(step.text)
    sock = current(stage, options).sock
    der = sock.getpeercert(True) or b""
    command = ["openssl", "x509", "-inform", "DER", "-noout", "-text"]
    shown = subprocess.run(command, input=der, capture_output=True, check=False)
    facts = {"version": sock.version() or "", "alpn": sock.selected_alpn_protocol() or "none"}
    facts |= {"cipher": (sock.cipher() or ("",))[0], "certificate": shown.stdout.decode("utf-8", "replace")}
    for line in step.lines():
        subject, _, operator, wanted = split_expectation(line)
        match.check(subject, [facts[subject]], operator, wanted)


STEPS: dict[str, Callable[[Stage, scn.Block], None]] = {
    "needs": lambda stage, step: None,
    "send": step_send,
    "expect": step_expect,
    "upstream": step_upstream,
    "file": step_file,
    "write": step_write,
    "remove": step_remove,
    "rename": step_rename,
    "run": step_run,
    "exits": step_exits,
    "signal": step_signal,
    "reload": step_reload,
    "server": step_server,
    "wait": step_wait,
    "room": step_room,
    "repeat": step_repeat,
    "eventually": step_eventually,
    "background": step_background,
    "receive": step_receive,
    "datagram": step_datagram,
    "reply": step_reply,
    "close": step_close,
    "half-close": step_half_close,
    "tls": step_tls,
}
