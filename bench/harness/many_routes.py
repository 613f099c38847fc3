# SPDX-License-Identifier: Apache-2.0
"""Configurations with many routes, and how to change one of them."""

import uuid

ROUTES_PER_SERVICE = 100
NAMESPACE = uuid.UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8")


def stable_id(name):
    return str(uuid.uuid5(NAMESPACE, name))


def path_of(number):
    """Two segments, as real configurations have them; neighbours share a prefix."""
    return f"/team-{number % 97}/service-{number // ROUTES_PER_SERVICE}/resource-{number}"


def service_of(number):
    return stable_id(f"service-{number // ROUTES_PER_SERVICE}")


def route(number, path=None):
    return {"id": stable_id(f"route-{number}"), "name": f"route-{number}", "paths": [path or path_of(number)],
            "strip_path": True, "service": {"id": service_of(number)}}


def config(lab, count):
    """`count` routes, a hundred to a service, in the flat form."""
    services = [{"id": service_of(first), "name": f"service-{first // ROUTES_PER_SERVICE}",
                 "url": f"http://127.0.0.1:{lab.upstream_port}"} for first in range(0, count, ROUTES_PER_SERVICE)]
    return {"_format_version": "3.0", "services": services,
            "routes": [{**route(number), "service": service_of(number)} for number in range(count)]}


def write_requests(file, count, different=10_000):
    """Requests that visit routes all over the table: a stride that shares no factor with the count."""
    stride = 7919
    file.write_text("".join(f"{path_of(i * stride % count)}/bytes/200\n" for i in range(min(count, different))))
    return file
