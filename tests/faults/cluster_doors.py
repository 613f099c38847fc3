#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What a control plane's doors do for whom: data planes with the right certificate, with another one's and with one
that counts no longer, and those who keep others waiting; an ingress controller; a data plane that asks for a protocol
that is switched off; and what Prometheus is told of the nodes and their upstreams."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import pathlib
import re
import socket
import ssl
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from harness import fault  # noqa: E402
from harness.authority import Authority  # noqa: E402
from harness.fault import Crew, must  # noqa: E402
from harness.gateway import Gateway  # noqa: E402
from harness.hybrid import Hybrid, converge, is_ready, log_of, standing  # noqa: E402
from harness.stored import add_route, ask  # noqa: E402
from harness.supervised import World, get, in_a_world, wait_for, worker_of  # noqa: E402


def by_cluster(
    hybrid: Hybrid,
    certificate: dict[str, str],
    method: str,
    path: str,
    body: object = None,
    headers: dict[str, str] | None = None,
) -> tuple[int, dict]:
    """One request to the cluster listener, under a client certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.load_cert_chain(certificate["cluster_cert"], certificate["cluster_cert_key"])
    connection = http.client.HTTPSConnection("127.0.0.1", hybrid.control.ports["cluster"], timeout=10, context=context)
    try:
        content = json.dumps(body) if body is not None else None
        connection.request(method, path, content, {"Content-Type": "application/json", **(headers or {})})
        answer = connection.getresponse()
        octets = answer.read()
        is_json = answer.getheader("Content-Type", "").startswith("application/json")
        return answer.status, json.loads(octets) if octets and is_json else {}
    except (http.client.HTTPException, ssl.SSLError) as error:
        raise ConnectionError(str(error)) from error
    finally:
        connection.close()


# Which control plane, for whom
# ---------------------------------------------------------------------------------------------------------------------


class Below:
    """A cluster whose certificates come from an authority, with `default`, which has /live, and others."""

    def __init__(self, world: World) -> None:
        self.origin = world.origin()
        self.authority = Authority(world.folder)
        self.trust = {"cluster_mtls": "pki", "cluster_ca_cert": str(self.authority.certificate)}
        self.hybrid = Hybrid(world, {**self.trust, **self.authority.issue("control", dns="*.cp.test")})
        add_route(self.hybrid.control, "live", self.origin.port)
        self.certificate = self.authority.issue("node")

    def plane(self, name: str, **more: object) -> tuple[str, str]:
        """Another control plane, which has a route by its name: its id, and the name by which nodes ask for it."""
        status, plane = self.hybrid.platform("POST", "/v2/control-planes", {"name": name, **more})
        must(status == 201, f"{status}: {plane}")
        entities = f"/v2/control-planes/{plane['id']}/core-entities"
        service = {"name": "s", "url": f"http://127.0.0.1:{self.origin.port}"}
        must(self.hybrid.platform("POST", f"{entities}/services", service)[0] == 201, "no service")
        route = {"name": name, "paths": [f"/{name}"]}
        must(self.hybrid.platform("POST", f"{entities}/services/s/routes", route)[0] == 201, "no route")
        prefix = re.match("https://([0-9a-f]{10})", plane["config"]["control_plane_endpoint"])[1]
        return plane["id"], f"{prefix}.cp.test"

    def join(self, name: str) -> Gateway:
        return self.hybrid.join({**self.trust, **self.certificate, "cluster_server_name": name})

    def pin(self, plane: str, file: str) -> str:
        """The id of the certificate there."""
        path = f"/v2/control-planes/{plane}/dp-client-certificates"
        status, answer = self.hybrid.platform("POST", path, {"cert": pathlib.Path(file).read_text()})
        must(status == 201, f"{status}: {answer}")
        return f"{path}/{answer['item']['id']}"

    def wait_until_refused(self, node: Gateway, why: str) -> None:
        wait_for(f"refused: {why}", lambda: why in log_of(self.hybrid.control), 5)
        must(not is_ready(node) or get(node.ports["proxy"]) == 404, "it got what is another control plane's")


def connected(node: Gateway) -> bool:
    return standing(node)["control_plane"]["connected"]


def again(node: Gateway) -> None:
    must(not node.stop(), "it did not end well")
    node.start()


def asked_for_by_name(world: World) -> str:
    """a data plane gets the control plane that it asks for, with that one's certificates, or nothing at all"""
    below = Below(world)
    shop, name = below.plane("shop")
    node = below.join(name)
    below.wait_until_refused(node, "not pinned to the control plane that it asks for")
    pinned = below.pin(shop, below.certificate["cluster_cert"])
    again(node)
    wait_for("what the shop has", lambda: get(node.ports["proxy"], "/shop") == 200, 10)
    must(below.hybrid.platform("DELETE", pinned)[0] == 204, "not unpinned")
    ended = wait_for("the end of the link", lambda: not connected(node), 3)
    must("cluster.no_longer_admitted" in log_of(below.hybrid.control), "the log does not say why")
    below.pin(shop, below.certificate["cluster_cert"])
    again(node)
    wait_for("the link", lambda: connected(node), 10)
    must(below.hybrid.platform("DELETE", f"/v2/control-planes/{shop}")[0] == 204, "not deleted")
    wait_for("the end of the link", lambda: not connected(node), 3)
    again(node)
    below.wait_until_refused(node, "there is no control plane of the name")
    must(get(node.ports["proxy"], "/shop") == 200, "it does not serve what it had")
    stranger = below.join("0123456789.cp.test")
    below.wait_until_refused(stranger, "0123456789.cp.test")
    must(not below.hybrid.nodes(), "one of them came to the standard control plane")
    plain = below.join("plain.cp.test")
    wait_for("a plain name leads to the standard one", lambda: get(plain.ports["proxy"]) == 200, 10)
    return f"unpinned: gone after {ended * 1000:.0f} ms"


def issued_by_an_authority(world: World) -> str:
    """a control plane with authorities: before the first nobody comes in, after the last one's removal nobody stays"""
    below = Below(world)
    shop, name = below.plane("shop", auth_type="pki_client_certs")
    node = below.join(name)
    below.wait_until_refused(node, "no authority yet")
    uploaded = below.pin(shop, str(below.authority.certificate))
    again(node)
    wait_for("what the shop has", lambda: get(node.ports["proxy"], "/shop") == 200, 10)
    must(below.hybrid.platform("DELETE", uploaded)[0] == 204, "not removed")
    ended = wait_for("the end of the link", lambda: not connected(node), 3)
    below.pin(shop, str(below.authority.certificate))
    again(node)
    wait_for("the link", lambda: connected(node), 10)
    kind = {"auth_type": "pinned_client_certs"}
    must(below.hybrid.platform("PATCH", f"/v2/control-planes/{shop}", kind)[0] == 200, "not changed")
    wait_for("the end of the link", lambda: not connected(node), 3)
    must(get(node.ports["proxy"], "/shop") == 200, "it does not serve what it had")
    return f"removed: gone after {ended * 1000:.0f} ms"


def shared_by_several(world: World) -> str:
    """the cluster's own certificate opens the standard control plane, and another one only when that has pinned it"""
    hybrid = Hybrid(world)
    status, shop = hybrid.platform("POST", "/v2/control-planes", {"name": "shop"})
    must(status == 201, f"{status}: {shop}")
    name = re.match("https://([^:]*)", shop["config"]["control_plane_endpoint"])[1]
    own = {"cluster_mtls": "pki", "cluster_ca_cert": hybrid.certificate["cluster_cert"], "cluster_server_name": name}
    node = hybrid.join(own)
    wait_for("it is refused", lambda: "not pinned to the control plane" in log_of(hybrid.control), 5)
    text = pathlib.Path(hybrid.certificate["cluster_cert"]).read_text()
    pinned = f"/v2/control-planes/{shop['id']}/dp-client-certificates"
    must(hybrid.platform("POST", pinned, {"cert": text})[0] == 201, "not pinned")
    again(node)
    wait_for("the link", lambda: connected(node), 10)
    must(len(hybrid.nodes("shop")) == 1 and not hybrid.nodes(), "it came to another one")
    return "only where it is pinned"


def restarted_among_many(world: World) -> str:
    """a control plane among many is restarted: its data plane never comes to another one"""
    below = Below(world)
    for number in range(60 if world.full else 20):
        below.plane(f"other-{number}")
    shop, name = below.plane("shop")
    below.pin(shop, below.certificate["cluster_cert"])
    node = below.join(name)
    wait_for("what the shop has", lambda: get(node.ports["proxy"], "/shop") == 200, 10)
    slowest = 0.0
    for _ in range(5 if world.full else 2):
        must(not below.hybrid.control.stop(), "it did not end well")
        below.hybrid.restart_control()
        slowest = max(slowest, wait_for("the link", lambda: connected(node), 40))
        must(get(node.ports["proxy"], "/shop") == 200 and get(node.ports["proxy"]) == 404, "another configuration")
    must(not below.hybrid.nodes(), "it has been at the standard one")
    must("cluster.refused" not in log_of(below.hybrid.control), "it was refused")
    return f"back after {slowest:.1f} s at most"


# Those who keep others waiting
# ---------------------------------------------------------------------------------------------------------------------


class Crowd(Crew):
    """Connections to a port that say `octets` and nothing more; whoever is turned away comes again."""

    def __init__(self, port: int, octets: bytes, count: int) -> None:
        super().__init__(1)
        self.port, self.octets, self.count = port, octets, count

    def work(self, number: int) -> None:
        links: list[socket.socket] = []
        while not self.stopping.wait(0.02):
            links = [link for link in links if not ended(link)]
            with contextlib.suppress(OSError):
                while len(links) < self.count and not self.stopping.is_set():
                    links.append(socket.create_connection(("127.0.0.1", self.port), 1))
                    links[-1].sendall(self.octets)
                    links[-1].setblocking(False)
        for link in links:
            link.close()


def ended(link: socket.socket) -> bool:
    try:
        while octets := link.recv(65536):
            del octets
    except BlockingIOError:
        return False
    except OSError:
        pass
    link.close()
    return True


def client_hello() -> bytes:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with contextlib.suppress(ssl.SSLWantReadError):
        context.wrap_bio(incoming, outgoing).do_handshake()
    return outgoing.read()


def processor_seconds(pid: int) -> float:
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def others_who_wait(world: World) -> str:
    """clients without a certificate that say nothing, or half of it, or stop in the middle, keep no data plane out"""
    hybrid = Hybrid(world)
    add_route(hybrid.control, "live", world.origin().port)
    worker = worker_of(hybrid.control)
    hello = client_hello()
    told = []
    for what, octets, count in (("silent", b"", 600), ("half", hello[:60], 600), ("stopped", hello, 100)):
        with Crowd(hybrid.control.ports["cluster"], octets, count):
            time.sleep(1)
            before = processor_seconds(worker)
            time.sleep(2)
            busy = (processor_seconds(worker) - before) / 2
            hybrid.join()
            took = converge(hybrid, "/live", seconds=8)
        # Those who stop have made us begin a handshake.
        must(busy < (0.1 if what != "stopped" else 0.5), f"{what}: {busy * 100:.0f} % of a core")
        told.append(f"{what}: joined {took:.1f} s, {busy * 100:.0f} % of a core")
    return "; ".join(told)


# Others who come
# ---------------------------------------------------------------------------------------------------------------------


INGRESS = "CLUSTER_TYPE_K8S_INGRESS_CONTROLLER"


def controller(hybrid: Hybrid, name: str, kind: str = INGRESS) -> tuple[str, dict[str, str]]:
    """A control plane of that name, and the certificate that is pinned to it."""
    status, plane = hybrid.platform("POST", "/v2/control-planes", {"name": name, "cluster_type": kind})
    must(status == 201, f"{status}: {plane}")
    certificate = hybrid.new_certificate(name)
    text = pathlib.Path(certificate["cluster_cert"]).read_text()
    pinned = f"/v2/control-planes/{plane['id']}/dp-client-certificates"
    status, answer = hybrid.platform("POST", pinned, {"cert": text, "title": name})
    must(status == 201, f"{status}: {answer}")
    return plane["id"], certificate


def ingress_controller(world: World) -> str:
    """an ingress controller works on the control plane that its certificate is pinned to, and on no other"""
    hybrid = Hybrid(world, {"admin_auth": "off"})
    own, certificate = controller(hybrid, "cluster-a")
    other, _ = controller(hybrid, "cluster-b")
    plain, of_a_node = controller(hybrid, "edges", "CLUSTER_TYPE_CONTROL_PLANE")
    base = f"/kic/api/control-planes/{own}"
    status, answer = by_cluster(hybrid, certificate, "PUT", f"{base}/services/web", {"host": "web.test"})
    must(status == 200, f"{status}: {answer}")
    status, _ = hybrid.platform("GET", f"/v2/control-planes/{own}/core-entities/services/web")
    must(status == 200, "what it wrote is not there")
    node = {"hostname": "kic-0", "type": "ingress-controller", "last_ping": 1}
    must(by_cluster(hybrid, certificate, "POST", f"{base}/v1/kic-nodes", node)[0] == 201, "no node")
    must([each["hostname"] for each in hybrid.nodes("cluster-a")] == ["kic-0"], "the node is not listed")
    denied = [
        by_cluster(hybrid, certificate, "GET", f"/kic/api/control-planes/{other}/services")[0],
        by_cluster(hybrid, hybrid.certificate, "GET", f"{base}/services")[0],
        by_cluster(hybrid, certificate, "GET", f"/kic/api/control-planes/{own}/../{other}/services")[0],
        by_cluster(hybrid, certificate, "GET", f"/kic/api/control-planes/{own}/%2e%2e/{other}/services")[0],
        by_cluster(hybrid, certificate, "GET", "/v2/control-planes")[0],
        by_cluster(hybrid, of_a_node, "PUT", f"/kic/api/control-planes/{plain}/services/x", {"host": "x.test"})[0],
    ]
    must(denied == [403, 403, 404, 404, 404, 403], f"others: {denied}")
    try:
        answered = by_cluster(hybrid, hybrid.new_certificate("stranger"), "GET", f"{base}/services")[0]
    except OSError:
        answered = 0
    must(answered == 0, f"a stranger was answered {answered}")
    return "its own only"


def no_protocol_2(world: World) -> str:
    """with cluster_rpc=off the path of protocol 2 is not there, before anything is agreed upon"""
    hybrid = Hybrid(world, {"cluster_rpc": "off"})
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
        "Sec-WebSocket-Protocol": "kong.meta.v1",
    }
    status, _ = by_cluster(hybrid, hybrid.certificate, "GET", "/v2/outlet", headers=upgrade)
    must(status == 404, f"answered {status}")
    add_route(hybrid.control, "live", world.origin().port)
    hybrid.join()
    return f"joined by protocol 1 in {converge(hybrid, '/live'):.2f} s"


def metrics(world: World) -> str:
    """Prometheus is told of every data plane, on the status port and by the Admin API"""
    hybrid = Hybrid(world)
    add_route(hybrid.control, "live", world.origin().port)
    hybrid.join()
    converge(hybrid, "/live")
    wait_for("it is in sync", lambda: " 1" in series(hybrid, "status", "sluice_data_plane_in_sync"), 10)
    node = hybrid.nodes()[0]["id"]
    for door in ("status", "admin"):
        for name in ("last_seen", "config_hash", "version_compatible"):
            line = series(hybrid, door, f"kong_data_plane_{name}")
            must(f'node_id="{node}"' in line and 'ip="127.0.0.1"' in line, f"{door}: {line}")
        must('kong_version="' in series(hybrid, door, "kong_data_plane_version_compatible"), "no version")
    return series(hybrid, "status", "kong_data_plane_config_hash").rsplit(" ", 1)[1]


def upstream_health(world: World) -> str:
    """a data plane tells the health of its upstreams on its status port, and takes no orders there"""
    hybrid = Hybrid(world)
    port = world.origin().port
    entities = {
        "upstreams": [{"name": "pool.test"}],
        "targets": [{"upstream": "pool.test", "target": f"127.0.0.1:{port}"}],
        "services": [{"name": "s", "url": "http://pool.test"}],
        "routes": [{"name": "r", "paths": ["/pooled"], "service": "s"}],
    }
    status, answer = ask(hybrid.control, "POST", "/batch", {"create": entities})
    must(status == 200, f"{status}: {answer}")
    node = hybrid.join()
    converge(hybrid, "/pooled")
    connection = http.client.HTTPConnection("127.0.0.1", node.ports["status"], timeout=5)
    try:
        connection.request("GET", "/upstreams/pool.test/health")
        shown = json.loads(connection.getresponse().read())
        must([each["target"] for each in shown["data"]] == [f"127.0.0.1:{port}"], f"{shown}")
        connection.request("PUT", f"/upstreams/pool.test/targets/127.0.0.1:{port}/unhealthy")
        answer = connection.getresponse()
        answer.read()
        must(answer.status == 403, f"an order was answered {answer.status}")
    finally:
        connection.close()
    must(get(node.ports["proxy"], "/pooled") == 200, "it was taken out all the same")
    return shown["data"][0]["health"]


def series(hybrid: Hybrid, door: str, name: str) -> str:
    """The one line of that name, of the metrics at one of the control plane's ports."""
    connection = http.client.HTTPConnection("127.0.0.1", hybrid.control.ports[door], timeout=5)
    try:
        connection.request("GET", "/metrics")
        found = re.findall(rf"^{name}{{.*$", connection.getresponse().read().decode(), re.MULTILINE)
    finally:
        connection.close()
    must(len(found) == 1, f"{name}: {found}")
    return found[0]


CHECKS = (
    asked_for_by_name,
    issued_by_an_authority,
    shared_by_several,
    restarted_among_many,
    others_who_wait,
    ingress_controller,
    no_protocol_2,
    metrics,
    upstream_health,
)

if __name__ == "__main__":
    sys.exit(fault.run(__doc__, *map(in_a_world, CHECKS)))
