# SPDX-License-Identifier: Apache-2.0
"""admin: durable single writes from 32 clients on SQLite and on PostgreSQL, the latter beside pgbench inserting one row
a transaction into the same server; reads by id. Our process has one core, the generator and the server the other."""

import importlib.util
import json
import re
import subprocess
from functools import partial
from pathlib import Path

from harness import proxies, report
from harness.admin import Admin
from harness.load import Generator, Scene
from harness.many_routes import stable_id

CLIENTS = 32
SECONDS = 5
READABLE = 1_000  # services that are read in turn
SCRIPTS = Path(__file__).resolve().parent.parent / "wrk"
POSTGRES = Path(__file__).resolve().parents[2] / "tests" / "harness" / "postgres.py"


def run(lab, options):
    seconds = 1 if options.smoke else SECONDS
    steps = {"writes_sqlite": writes_sqlite, "reads_by_id": reads_by_id, "writes_postgres": writes_postgres}
    rows, failures = options.measure({name: partial(step, lab, seconds) for name, step in steps.items()})
    report.print_table(["admin", "a second", "p50 ms", "p99 ms", "CPU us each", "pgbench", "ratio"],
                       [[row["case"], *(row["sluice"].get(key) for key in
                                        ("per_second", "p50_ms", "p99_ms", "cpu_us", "pgbench_per_second", "ratio"))]
                        for row in rows])
    return rows, failures


def writes_sqlite(lab, seconds):
    proxy = proxies.start_sluice(lab, None, "admin_sqlite", admin=True, database="sqlite")
    return writes(lab, proxy, seconds)


def writes_postgres(lab, seconds):
    with postgres_module().Postgres() as server:
        proxy = proxies.start_sluice(lab, None, "admin_postgres", admin=True, database="postgres",
                                     pg_host=server.folder)
        seen = writes(lab, proxy, seconds)
        theirs = pgbench(lab, server, seconds)
    return {**seen, "pgbench_per_second": theirs, "ratio": round(theirs / seen["per_second"], 2)}


def reads_by_id(lab, seconds):
    proxy = proxies.start_sluice(lab, None, "admin_reads", admin=True, database="sqlite")
    services = [{"id": stable_id(f"service-{n}"), "name": f"service-{n}", "host": "upstream.test"}
                for n in range(READABLE)]
    Admin(proxy.admin_port).batch({"services": services})
    paths = lab.folder / "reads.txt"
    paths.write_text("".join(f"/services/{service['id']}\n" for service in services))
    return load(lab, proxy, Scene("reads", requests=paths, connections=CLIENTS, seconds=seconds))


def writes(lab, proxy, seconds):
    seen = load(lab, proxy, Scene("writes", connections=CLIENTS, seconds=seconds, script=SCRIPTS / "creations.lua"))
    kept = Admin(proxy.admin_port).count("services")
    if kept < seen["answered"]:
        raise RuntimeError(f"{seen['answered']} writes were acknowledged, {kept} are there")
    return seen


def load(lab, proxy, scene):
    """The Admin API under a closed loop of clients. Every answer is 2xx, else RuntimeError."""
    proxy.process.await_port(proxy.admin_port)
    proxy.port = proxy.admin_port
    before = proxy.process.cpu_ns()
    generator = Generator(lab, proxy, scene)
    generator.start()
    sample = generator.finish()
    if sample.failed or not sample.requests:
        raise RuntimeError(f"{sample.failed} of {sample.requests} requests failed {sample.why}: {proxy.process.tail()}")
    spent = proxy.process.cpu_ns() - before
    return {"per_second": round(sample.requests / sample.seconds), "answered": round(sample.requests),
            "p50_ms": round(sample.p50_us / 1000, 2), "p99_ms": round(sample.p99_us / 1000, 2),
            "cpu_us": round(spent / 1000 / sample.requests, 1)}


def pgbench(lab, server, seconds):
    """Transactions a second of one insert each, from as many clients, of a row about as large as ours."""
    program = server.programs / "pgbench"
    if not program.exists():
        raise RuntimeError("pgbench is not installed: ./dev setup")
    connection = ["-h", str(server.folder), "-U", "kong"]
    subprocess.run([server.programs / "psql", *connection, "-q", "-c",
                    "CREATE TABLE bench (id uuid PRIMARY KEY, document text NOT NULL)", "kong"], check=True)
    script = lab.folder / "insert.sql"
    document = json.dumps({"name": "service-0", "host": "upstream.test", "padding": "x" * 400})
    script.write_text(f"INSERT INTO bench VALUES (gen_random_uuid(), '{document}');\n")
    ended = subprocess.run(["taskset", "-c", str(lab.load_cpu), program, *connection, "-n", "-f", script, "-c",
                            str(CLIENTS), "-T", str(seconds), "kong"], capture_output=True, text=True, check=False)
    found = re.search(r"tps = ([0-9.]+)", ended.stdout)
    if not found:
        raise RuntimeError(f"pgbench: {(ended.stderr or ended.stdout).strip()[-200:]}")
    return round(float(found.group(1)))


def postgres_module():
    """The tests' PostgreSQL server: their `harness` has the name of ours, hence by its path."""
    spec = importlib.util.spec_from_file_location("sluice_test_postgres", POSTGRES)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if module.programs() is None:
        raise RuntimeError("PostgreSQL is not installed: ./dev setup")
    return module
