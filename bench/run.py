#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""./dev bench: measures the release build beside nginx and HAProxy, which this run starts itself.

bench/README.md says how, why, and what makes it fair.
"""

import argparse
import http.client
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from cases import admin, cluster, consumers, policies, protocols, proxy, reload, routes, start, sync
from harness import report
from harness.processes import Lab

ROOT = Path(__file__).resolve().parent.parent
CASES = {
    "proxy": proxy.run,
    "proxy-logged": proxy.run_logged,
    "protocols": protocols.run,
    "policies": policies.run,
    "routes": routes.run,
    "consumers": consumers.run,
    "reload": reload.run,
    "start": start.run,
    "admin": admin.run,
    "sync": sync.run,
    "cluster": cluster.run,
}
# These measure what only our own program does.
OWN_ONLY = {"routes", "consumers", "reload", "admin", "sync", "cluster"}
NEEDED = ["wrk", "h2load", "nghttpd", "openssl", "taskset"]


class Options:
    """What a case may ask about the run."""

    def __init__(self, args):
        self.smoke = args.smoke
        self.subject = args.subject
        self._only = args.only
        self._began = time.monotonic()

    def select(self, scenes):
        return [scene for scene in scenes if not self._only or any(text in scene.name for text in self._only)]

    def wants(self, name):
        return not self._only or any(text in name for text in self._only)

    def measure(self, steps):
        """Carries out the wanted of `steps`, {name: function without arguments}; returns (rows, failures)."""
        rows, failures = [], []
        for name, step in steps.items():
            if not self.wants(name):
                continue
            self.progress(name)
            try:
                rows.append({"case": name, "sluice": step()})
            except (RuntimeError, OSError, http.client.HTTPException) as problem:
                failures.append(f"{name}: {problem}")
        return rows, failures

    def progress(self, what):
        print(f"  [{time.monotonic() - self._began:4.0f} s] {what}", flush=True)


def arguments():
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"of: {', '.join(CASES)} (default: all)")
    parser.add_argument("--smoke", action="store_true", help="everything once, briefly; judges only that it works")
    parser.add_argument("--only", action="append", help="only rows whose name contains this; may be repeated")
    parser.add_argument("--build", type=Path, default=ROOT / "build/release", help="build folder of the binaries")
    parser.add_argument("--subject", default="sluice", choices=["sluice", "nginx", "haproxy"],
                        help="what is compared with the peers; a peer itself calibrates the method (ratio 1)")
    parser.add_argument("--check-arguments", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    for name in args.names:
        if name not in CASES:
            parser.error(f"there is no benchmark '{name}'; benchmarks are: {', '.join(CASES)}")
    return args


def missing(args):
    """What prevents the run, or an empty string."""
    programs = [name for name in NEEDED if not shutil.which(name)]
    files = [args.build / "bench" / name for name in ("bench_upstream", "bench_echo", "bench_cluster")]
    files += [args.build / "sluice"] if args.subject == "sluice" else []
    absent = programs + [os.path.relpath(path, ROOT) for path in files if not path.exists()]
    return f"missing: {', '.join(absent)}" if absent else ""


def facts():
    """What somebody who reads the figures later wants to know."""
    def first_line(*command):
        try:
            ended = subprocess.run(command, capture_output=True, text=True, check=False)
        except FileNotFoundError:
            return None
        return ((ended.stdout or ended.stderr).strip().splitlines() or [""])[0]
    path = "/usr/sbin:/sbin:" + os.environ.get("PATH", "")
    os.environ["PATH"] = path
    model = next((line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), "")
    return {"date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "cpu": model, "cpus": os.cpu_count(),
            "kernel": platform.release(), "load_before": os.getloadavg()[0], "nginx_version": first_line("nginx", "-v"),
            "haproxy_version": first_line("haproxy", "-v"), "ratio": "CPU per request, median of paired rounds"}


def run_case(name, args):
    """Runs one benchmark; returns (rows, failures)."""
    options = Options(args)
    print(f"\n{name}{' (smoke)' if args.smoke else ''}", flush=True)
    about = facts()
    with tempfile.TemporaryDirectory(prefix="sluice-bench-") as folder:
        os.chmod(folder, 0o755)  # workers of a peer may run as another user
        try:
            with Lab(args.build, folder) as lab:
                rows, failures = CASES[name](lab, options)
        except (RuntimeError, OSError, subprocess.SubprocessError) as problem:
            rows, failures = [], [f"{name}: {problem}"]
    for failure in failures:
        print(f"  FAILED {failure}")
    if not args.smoke and rows:
        path = report.write_json(ROOT / "build" / "bench", name, rows, about)
        print(f"  written to {os.path.relpath(path)}", flush=True)
    return rows, failures


def main():
    args = arguments()
    if args.check_arguments:
        return 0
    os.chdir(ROOT)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65536), hard))
    why_not = missing(args)
    if why_not:
        print(f"skipped: {why_not} (./dev build release)")
        print("0 passed, 0 failed, 1 skipped")
        return 0 if args.smoke else 1
    passed = failed = skipped = 0
    for name in args.names or CASES:
        if args.subject != "sluice" and name in OWN_ONLY:
            skipped += 1
            continue
        rows, failures = run_case(name, args)
        passed += len(rows)
        failed += len(failures)
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
