# SPDX-License-Identifier: Apache-2.0
"""Changes to a running gateway through its Admin API, one after the other or at a steady pace."""

import http.client
import json
import threading
import time


class Admin:
    """One keep-alive connection to the Admin API."""

    def __init__(self, port):
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def ask(self, method, path, value=None):
        """The JSON of the answer; raises RuntimeError for a refusal."""
        body = None if value is None else json.dumps(value)
        self._connection.request(method, path, body, {"Content-Type": "application/json"})
        reply = self._connection.getresponse()
        text = reply.read()
        if reply.status // 100 != 2:
            raise RuntimeError(f"{method} {path} answers {reply.status}: {text[:300]!r}")
        return json.loads(text) if text else None

    def send(self, method, value):
        """Sends `value` to /config. Returns the seconds until the answer."""
        began = time.monotonic()
        self.ask(method, "/config", value)
        return time.monotonic() - began

    def upsert_route(self, route):
        return self.send("PATCH", {"upsert": {"routes": [route]}})

    def batch(self, upsert):
        """Makes entities, {"services": [...]}, in one transaction."""
        return self.ask("POST", "/batch", {"upsert": upsert})

    def count(self, collection):
        """How many entities there are."""
        found, path = 0, f"/{collection}?size=1000"
        while path:
            page = self.ask("GET", path)
            found, path = found + len(page["data"]), page.get("next")
        return found

    def close(self):
        self._connection.close()


class Changer:
    """Sends changes at a steady pace from a few connections, so that a slow answer does not slow the pace."""

    CONNECTIONS = 4

    def __init__(self, port, per_second, make_route):
        """`make_route(n)` gives the n-th change."""
        self._port, self._interval, self._make_route = port, 1 / per_second, make_route
        self._lock = threading.Lock()
        self._next = 0
        self._began = 0.0
        self._ended = threading.Event()
        self.problems = []
        self.answers = []  # seconds

    def __enter__(self):
        self._began = time.monotonic()
        self._threads = [threading.Thread(target=self._work) for _ in range(self.CONNECTIONS)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _work(self):
        admin = Admin(self._port)
        try:
            while True:
                with self._lock:
                    number = self._next
                    self._next += 1
                wait = self._began + number * self._interval - time.monotonic()
                if self._ended.wait(max(0.0, wait)):
                    return
                self.answers.append(admin.upsert_route(self._make_route(number)))
        except (RuntimeError, OSError, http.client.HTTPException) as problem:
            self.problems.append(str(problem))
        finally:
            admin.close()
