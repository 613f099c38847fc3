#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The journey of README.md through a control plane and two data planes, as it stands there, word for word."""

from __future__ import annotations

import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from harness import fault, own_network  # noqa: E402
from harness.fault import Fault, must  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
SECONDS = 60
# Each curl says how it went. Those to a data plane wait until it serves: how soon a change is there is measured
# elsewhere.
PRELUDE = """
curl() {
  case "$*" in *:80[12]0/*)
    for _ in {1..50}; do
      command curl -sf -o /dev/null "$@" && break
      sleep 0.1
    done
  esac
  command curl -sS -w '\\n<%{http_code} %{method} %{url_effective}>\\n' "$@"
}
trap 'kill $(jobs -p) 2> /dev/null; wait' EXIT
set -u
"""


def journey() -> str:
    section = (ROOT / "README.md").read_text().partition("## One control plane, many data planes")[2]
    block = re.search(r"^```\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    must(block, "README.md has no such block")
    return block[1]


def run_in(folder: pathlib.Path, binary: pathlib.Path) -> str:
    (folder / "bin").mkdir()
    (folder / "bin/sluice").symlink_to(binary.resolve())
    settings = {name: value for name, value in os.environ.items() if not name.startswith(("SLUICE_", "KONG_"))}
    settings["PATH"] = f"{folder}/bin:{settings['PATH']}"
    echo = subprocess.Popen([binary, "echo", "--listen", "127.0.0.1:9000"], stdout=subprocess.DEVNULL)
    shell = subprocess.Popen(["bash", "-c", PRELUDE + journey()], cwd=folder, env=settings, text=True,
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             start_new_session=True)  # fmt: skip
    try:
        return shell.communicate(timeout=SECONDS)[0]
    except subprocess.TimeoutExpired:
        os.killpg(shell.pid, signal.SIGKILL)
        raise AssertionError(f"not done after {SECONDS} s:\n{shell.communicate()[0]}") from None
    finally:
        echo.kill()
        echo.wait()


def as_written(fault: Fault) -> str:
    """the commands of README.md: live on both, the control plane goes, a data plane restarts, traffic stays"""
    with tempfile.TemporaryDirectory(prefix="sluice-readme-") as folder:
        said = run_in(pathlib.Path(folder), fault.binary)
    calls = re.findall(r"^<(\d+) (\w+) (\S+)>$", said, re.MULTILINE)
    waits = ("/status/ready", "/v2/control-planes")  # until they succeed
    bad = [call for call in calls if not call[0].startswith("2") and not (call[1] == "GET" and call[2].endswith(waits))]
    must(not bad, f"{bad} in:\n{said}")
    proxied = [url for _, _, url in calls if re.search(r":80[12]0/", url)]
    must(len(proxied) == 6 and {"/echo", "/hello"} == {"/" + url.rpartition("/")[2] for url in proxied}, said)
    must("2 data planes" in said, said)
    return f"{len(calls)} calls, {len(proxied)} of them through data planes"


if __name__ == "__main__":
    if not own_network.enter():
        print("skip the ports of README.md: no network namespace on this machine")
        print("0 passed, 0 failed, 1 skipped")
        sys.exit(0)
    sys.exit(fault.run(__doc__, as_written))
