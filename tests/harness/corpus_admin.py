# SPDX-License-Identifier: Apache-2.0
"""Plays the cases of the admin area that write, or ask for what is kept: against a gateway with a store, workspaces and
tokens of both roles."""

from __future__ import annotations

import json
import pathlib
import subprocess
from collections.abc import Callable
from typing import NamedTuple

from harness import client, corpus_cases, process
from harness.certs import Certificates
from harness.corpus_stage import GatewayStage
from harness.gateway import Gateway
from harness.match import Mismatch
from harness.stored import SQLITE, ask
from harness.supervised import get, wait_for

REPLY_SECONDS = 16.0
# What may change when something is written.
KINDS = ("services", "routes", "plugins", "certificates", "consumers", "workspaces")
LINEAR_SECONDS = 1.0
PEOPLE = {"email": "corpus@example.test", "password": "several words are good"}
ACCOUNT = {f"admin_{name}": value for name, value in PEOPLE.items()}


class Session(NamedTuple):
    """Of somebody who has signed in at the platform API."""

    cookie: str  # "name=text"
    text: str
    csrf: str


class AdminStage(GatewayStage):
    """A gateway with a store, used by one case at a time."""

    def __init__(self, binary: pathlib.Path, folder: pathlib.Path, certificates: Certificates) -> None:
        self.folder = folder
        self.certificates = certificates
        self.gateway = Gateway(binary, self.folder, tls=False)
        platform = {"admin_gui_listen": f"127.0.0.1:{self.gateway.ports['platform']}"}
        self.gateway.write_settings(corpus_cases.SETTINGS | SQLITE | ACCOUNT | platform)
        self.gateway.start()
        self.words = self.furnish()

    def admin(self, method: str, path: str, body: object = None) -> tuple[int, dict]:
        return ask(self.gateway, method, path, body, corpus_cases.ADMIN_TOKEN)

    def make(self, path: str, body: dict) -> dict:
        status, made = self.admin("POST", path, body)
        if status != 201:
            raise Mismatch(f"POST {path}: {status} {made}")
        return made

    def furnish(self) -> dict[str, str]:
        """What the cases speak of: words in braces, and what stands for them."""
        wait_for("the Admin API", lambda: self.admin("GET", "/")[0] == 200, 10)
        for name in ("ws-a", "ws-b"):
            self.make("/workspaces", {"name": name})
        service = self.make("/ws-a/services", {"name": "of-a", "url": "http://x.test"})
        texts = {
            "certA": self.certificates.path("server", "cert").read_text(),
            "keyA": self.certificates.path("server", "key").read_text(),
            "keyB": self.certificates.path("other", "key").read_text(),
        }
        certificate = self.make("/certificates", {"cert": texts["certA"], "key": texts["keyA"]})
        self.session = self.sign_in()
        words = {"id-of-ws-a": service["id"], "id": certificate["id"], "readonly": self.reader_token()}
        words["valid"] = self.session.text
        return words | {name: json.dumps(text)[1:-1] for name, text in texts.items()}

    def platform(self, method: str, path: str, fields: dict[str, str], body: str) -> client.Response:
        link = client.Connection(self.gateway.ports["platform"])
        try:
            fields = {"Host": "localhost", "Content-Length": str(len(body)), **fields}
            link.request(client.Request(method, path, list(fields.items()), body.encode()))
            return link.response(REPLY_SECONDS)
        finally:
            link.close()

    def sign_in(self) -> Session:
        response = self.platform("POST", "/v3/session", {"Content-Type": "application/json"}, json.dumps(PEOPLE))
        if response.status != 201:
            raise Mismatch(f"no session: {response.status} {response.body[:300]!r}")
        cookie = response.message.first("set-cookie").partition(";")[0]
        return Session(cookie, cookie.partition("=")[2], json.loads(response.body)["csrf_token"])

    def reader_token(self) -> str:
        command = [self.gateway.binary, "token", "create", "--role", "read-only", "--name", "reader"]
        command += ["-c", f"{self.folder}/sluice.conf"]
        done = subprocess.run(command, env=self.gateway.env(), capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Mismatch(f"no token: {done.stderr}")
        token = done.stdout.strip()
        wait_for("the token opens", lambda: ask(self.gateway, "GET", "/services", token=token)[0] == 200, 5)
        return token

    def filled(self, case: dict) -> dict:
        """The case with the stage's words in it."""
        text = json.dumps({name: case[name] for name in ("path", "headers")})
        body = case["body"]
        for word, value in self.words.items():
            text = text.replace("{" + word + "}", value)
            body = body.replace("{" + word + "}", value)
        return case | json.loads(text) | {"body": body}

    def held(self) -> dict[str, list]:
        """All that is kept."""
        return {kind: self.admin("GET", f"/{kind}?size=1000")[1]["data"] for kind in KINDS}

    def play(self, case: dict) -> list[str]:
        """Sends the case; returns what did not hold."""
        before = self.held()
        link = client.Connection(self.gateway.ports["admin"])
        try:
            link.methods.append(case["method"])
            link.send(corpus_cases.structured(self.filled(case)))
            response = link.response(REPLY_SECONDS)
        finally:
            link.close()
        problems = []
        if str(response.status) not in case["expect"]:
            problems.append(f"wanted {' or '.join(case['expect'])}, got {response.status} {response.body[:300]!r}")
        if response.status >= 400 and not isinstance(json.loads(response.body).get("message"), str):
            problems.append(f"no message: {response.body[:300]!r}")
        if response.status >= 400 and self.held() != before:
            problems.append("it was refused, and changed something")
        further = FURTHER.get(case["id"])
        if further is not None and not problems:
            problems += further(self, response)
        if self.admin("GET", "/services")[0] != 200:
            problems.append("the Admin API does not answer any more")
        return problems


# What a case asks for besides its status
# ---------------------------------------------------------------------------------------------------------------------


def nor_at_the_door_that_takes_sessions(stage: AdminStage, _: client.Response) -> list[str]:
    planes = stage.platform("GET", "/v2/control-planes", {"Cookie": stage.session.cookie}, "")
    plane = json.loads(planes.body)["data"][0]["id"]
    path = f"/v2/control-planes/{plane}/core-entities/services"
    body = '{"name":"csrf","url":"http://x.test"}'
    foreign = {"Origin": "https://evil.test", "Content-Type": "text/plain", "Cookie": stage.session.cookie}
    own = {"Content-Type": "application/json", "Cookie": stage.session.cookie, "X-CSRF-Token": stage.session.csrf}
    problems = []
    status = stage.platform("POST", path, foreign, body).status
    if status not in (401, 403, 415):
        problems.append(f"a foreign page makes a service: {status}")
    status = stage.platform("POST", path, own, body).status
    return problems + ([] if status == 201 else [f"the control: the console gets {status}"])


def names_the_field(_: AdminStage, response: client.Response) -> list[str]:
    return [] if b'"nope"' in response.body else [f"the answer does not name the field: {response.body[:300]!r}"]


def its_own_workspace_has_it(stage: AdminStage, _: client.Response) -> list[str]:
    status, _ = stage.admin("GET", f"/ws-a/services/{stage.words['id-of-ws-a']}")
    return [] if status == 200 else [f"the control: in its own workspace it is answered with {status}"]


def without_line_breaks_it_is_taken(stage: AdminStage, _: client.Response) -> list[str]:
    config = {"add": {"headers": ["X-A:b"]}}
    status, made = stage.admin("POST", "/plugins", {"name": "response-transformer", "config": config})
    if status != 201:
        return [f"the control: a good header is answered with {status}"]
    stage.admin("DELETE", f"/plugins/{made['id']}")
    return []


def shows_no_key(stage: AdminStage, response: client.Response) -> list[str]:
    problems = ["a reader sees a private key"] if b"PRIVATE KEY" in response.body else []
    shown = stage.admin("GET", f"/certificates/{stage.words['id']}")[1]
    return problems + ([] if "PRIVATE KEY" in shown["key"] else ["the control: an administrator does not see it"])


def matches_in_linear_time(stage: AdminStage, response: client.Response) -> list[str]:
    if response.status != 201:
        return []
    pid = stage.gateway.process.pid
    before = process.cpu_seconds(pid)
    get(stage.gateway.ports["proxy"], "/" + "a" * 5000 + "!", timeout=30)
    took = process.cpu_seconds(pid) - before
    stage.admin("DELETE", f"/routes/{json.loads(response.body)['id']}")
    return [] if took < LINEAR_SECONDS else [f"the pattern takes {took:.1f} s of a core"]


def answer_to(port: int, path: str) -> tuple[int, bytes]:
    link = client.Connection(port)
    try:
        link.request(client.Request("GET", path, [("Host", "localhost")], b""))
        response = link.response(10)
        return response.status, response.body
    finally:
        link.close()


def is_never_contacted(stage: AdminStage, response: client.Response) -> list[str]:
    if response.status != 201:
        return []
    service = json.loads(response.body)["id"]
    route = stage.make("/routes", {"paths": ["/metadata"], "service": {"id": service}})
    status, answer = answer_to(stage.gateway.ports["proxy"], "/metadata")
    for path in (f"/routes/{route['id']}", f"/services/{service}"):
        stage.admin("DELETE", path)
    return [] if status == 503 and b"credentials" in answer else [f"a request through it: {status}: {answer!r}"]


FURTHER: dict[str, Callable[[AdminStage, client.Response], list[str]]] = {
    "ADM-CSRF-TEXT": nor_at_the_door_that_takes_sessions,
    "ADM-UNKNOWN-FIELD": names_the_field,
    "ADM-IDOR": its_own_workspace_has_it,
    "ADM-HEADER-CRLF": without_line_breaks_it_is_taken,
    "ADM-SECRET-READ": shows_no_key,
    "ADM-REDOS": matches_in_linear_time,
    "ADM-SSRF-METADATA": is_never_contacted,
}
