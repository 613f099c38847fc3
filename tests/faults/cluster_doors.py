#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What a control plane's doors do for whom: an ingress controller with its certificate and with a stranger's, a data
plane that asks for a protocol that is switched off, and what Prometheus is told of the nodes and
their upstreams."""

from __future__ import annotations

import http.client
import json
import pathlib
import re
import ssl
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from harness import fault  # noqa: E402
from harness.fault import must  # noqa: E402
from harness.hybrid import Hybrid, converge  # noqa: E402
from harness.stored import add_route, ask  # noqa: E402
from harness.supervised import World, get, in_a_world, wait_for  # noqa: E402


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


CHECKS = (ingress_controller, no_protocol_2, metrics, upstream_health)

if __name__ == "__main__":
    sys.exit(fault.run(__doc__, *map(in_a_world, CHECKS)))
