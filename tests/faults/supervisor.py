#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Deaths of workers and supervisors: listeners stay, a new worker is there within a second, nothing served is lost."""

from __future__ import annotations

import http.client
import os
import pathlib
import pwd
import shutil
import socket
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from harness import fault  # noqa: E402
from harness.gateway import Gateway, features_of, read_lines  # noqa: E402
from harness.supervised import SERVICE, Load, World, get, gone, in_a_world, kill, wait_for, worker_of  # noqa: E402

BACK_SECONDS = 1.0
SANITIZED = 4.0  # a sanitizer makes starting slower


def back_seconds(world):
    done = subprocess.run(["nm", "-C", str(world.binary)], capture_output=True, text=True, check=False)
    return BACK_SECONDS * (SANITIZED if "__asan_init" in done.stdout or "__tsan_init" in done.stdout else 1)


def log_text(gateway):
    return "\n".join(read_lines(gateway.folder / "error.log") + read_lines(gateway.folder / "output.log"))


def status_of(pid):
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def post_config(port, text):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("POST", "/config", text, {"Content-Type": "text/yaml"})
    status = connection.getresponse().status
    connection.close()
    return status


def worker_killed_under_load(world: World) -> str | None:
    """kill -9 at random moments: no connection is ever refused, and the next worker serves within a second."""
    gateway = world.gateway()
    times = []
    with Load(gateway.ports["proxy"]) as load:
        for _ in range(8 if world.full else 3):
            # A worker that lived for ten seconds counts as well: then the next one starts without a pause.
            time.sleep(10.2 if world.full else world.random.uniform(0.2, 1.0))
            old = worker_of(gateway)
            kill(old)
            wait_for("the old worker's end", lambda: gone(old), 2)
            times.append(wait_for("service again", lambda: get(gateway.ports["proxy"]) == 200, 10))
    limit = back_seconds(world)
    assert max(times) < limit, f"back after {max(times):.2f} s, {limit} s are allowed"
    assert load.refused == 0, str(load)
    assert load.other == 0, str(load)
    assert load.good > 10, str(load)
    assert "supervisor.worker_died" in log_text(gateway)
    return f"back after at most {max(times) * 1000:.0f} ms; {load}"


STUCK = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <unistd.h>
int epoll_wait(int fd, struct epoll_event* events, int size, int timeout) {
  static int (*real)(int, struct epoll_event*, int, int);
  if (!real) real = (int (*)(int, struct epoll_event*, int, int))dlsym(RTLD_NEXT, "epoll_wait");
  int ready = real(fd, events, size, timeout);
  char name[17] = {0};
  prctl(PR_GET_NAME, name);
  const char* file = getenv("STUCK_FILE");
  int saved = errno;
  if (file && strcmp(name, "shard-0") == 0 && unlink(file) == 0) for (;;) __asm__ volatile("" ::: "memory");
  errno = saved;
  return ready;
}
"""


def stuck_library(world):
    """A library that lets shard 0 spin for ever once, when a file appears."""
    compiler = shutil.which("clang-19") or shutil.which("clang") or shutil.which("cc")
    if not compiler:
        raise AssertionError("no C compiler")
    world.folder.mkdir(parents=True, exist_ok=True)
    source, library = world.folder / "stuck.c", world.folder / "stuck.so"
    source.write_text(STUCK)
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True)
    return library


def stuck_shard(world: World) -> str | None:
    """A shard that spins: its stack is logged, the worker aborted under 5 s, and replaced."""
    trigger = world.folder / "gateway0" / "stuck.now"
    environment = {"LD_PRELOAD": str(stuck_library(world)), "STUCK_FILE": str(trigger)}
    gateway = world.gateway({"nginx_worker_processes": "2"}, environment)
    old = worker_of(gateway)
    trigger.write_text("")
    for _ in range(20):  # some of these connections fall to shard 0
        try:
            get(gateway.ports["proxy"], timeout=0.2)
        except OSError:
            pass
    took = wait_for("the stuck worker's end", lambda: gone(old), 8)
    back = wait_for("service again", lambda: get(gateway.ports["proxy"], timeout=1) == 200, 5)
    assert took < 5 * (back_seconds(world) / BACK_SECONDS), f"aborted after {took:.1f} s"
    text = log_text(gateway)
    assert "watchdog.stuck" in text and "shard-0" in text, "no line about the stuck shard"
    line = next(line for line in text.splitlines() if "watchdog.stuck" in line)
    assert "epoll_wait" in line or "stuck.so" in line, f"no stack: {line}"
    return f"aborted after {took:.1f} s, back after {back * 1000:.0f} ms"


def worker_stopped(world: World) -> str | None:
    """SIGSTOP: nobody inside can notice, so the supervisor does."""
    gateway = world.gateway({"watchdog_timeout": "500ms"})
    old = worker_of(gateway)
    kill(old, "STOP")
    took = wait_for("the stopped worker's end", lambda: gone(old), 8)
    wait_for("service again", lambda: get(gateway.ports["proxy"]) == 200, 5)
    assert "supervisor.worker_silent" in log_text(gateway)
    return f"replaced after {took:.1f} s"


def supervisor_killed(world: World) -> str | None:
    """kill -9 of the supervisor: the worker finishes what it has and ends; the ports are free for the next start."""
    gateway = world.gateway()
    worker = worker_of(gateway)
    gateway.signal("KILL")
    gateway.wait_exit(5)
    wait_for("the orphan's end", lambda: gone(worker), 10)
    gateway.start()
    assert get(gateway.ports["proxy"]) == 200


def crash_loop(world: World) -> str | None:
    """A worker that dies again and again: restarts come slower, each with a line in the log, the supervisor lives."""
    gateway = world.gateway()
    deaths = 6 if world.full else 4
    for _ in range(deaths):
        kill(worker_of(gateway))
        wait_for("service again", lambda: get(gateway.ports["proxy"]) == 200, 10)
    lines = [line for line in log_text(gateway).splitlines() if "supervisor.worker_died" in line]
    assert len(lines) == deaths, f"{len(lines)} lines for {deaths} deaths"
    assert '"restart_in_ms":0' in lines[0] and '"restart_in_ms":200' in lines[2], lines
    assert gateway.is_alive()


def posted_configuration_survives(world: World) -> str | None:
    """What came by POST /config and stands in no file is served by the next worker too."""
    gateway = world.gateway()
    posted = SERVICE % (world.origin().port, "posted", "posted")
    assert post_config(gateway.ports["admin"], posted) in (200, 201)
    wait_for("the posted route", lambda: get(gateway.ports["proxy"], "/posted") == 200, 5)
    time.sleep(1.5)  # the copy is made within a second
    kill(worker_of(gateway))
    wait_for("the posted route again", lambda: get(gateway.ports["proxy"], "/posted") == 200, 5)
    assert get(gateway.ports["proxy"], "/live") == 404


def broken_file_at_restart(world: World) -> str | None:
    """Somebody breaks the declarative file and the settings, a reload refuses them, the worker dies: served on."""
    gateway = world.gateway()
    (gateway.folder / "config.yaml").write_text("services: [{nope: 1}]\n")
    with (gateway.folder / "sluice.conf").open("a") as settings:
        settings.write("no_such_setting = 1\n")
    gateway.process.send_signal(1)
    wait_for("the refusal", lambda: "config.reload_failed" in log_text(gateway), 5)
    (gateway.folder / "sluice.conf").write_text((gateway.folder / "sluice.conf").read_text().replace("no_such", "#"))
    gateway.process.send_signal(1)
    wait_for("the second refusal", lambda: log_text(gateway).count("config.reload_failed") == 2, 5)
    time.sleep(1.5)
    with (gateway.folder / "sluice.conf").open("a") as settings:
        settings.write("no_such_setting = 1\n")
    kill(worker_of(gateway))
    wait_for("service again", lambda: get(gateway.ports["proxy"]) == 200, 5)


def settings_and_file_edited_but_not_reloaded(world: World) -> str | None:
    """Half-edited files that nobody reloaded are not what the next worker serves, nor is a broken one its end."""
    gateway = world.gateway()
    (gateway.folder / "config.yaml").write_text("services: [{half")
    with (gateway.folder / "sluice.conf").open("a") as settings:
        settings.write("headers = off\nssl_cert = /missing.crt\nssl_cert_key = /missing.key\n")
    kill(worker_of(gateway))
    wait_for("service again", lambda: get(gateway.ports["proxy"]) == 200, 5)


def reloaded_settings_survive(world: World) -> str | None:
    """What a SIGHUP took over is what the next worker starts with, though the files have changed since."""
    gateway = world.gateway({"proxy_access_log": f"{world.folder}/first.log"})
    text = (gateway.folder / "sluice.conf").read_text()
    (gateway.folder / "sluice.conf").write_text(text.replace("first.log", "second.log"))
    gateway.signal("HUP")
    wait_for("the reload", lambda: "config.reloaded" in log_text(gateway), 5)
    (gateway.folder / "sluice.conf").write_bytes(text.replace("first.log", "third.log").encode() + b"# \xff\n")
    time.sleep(1.5)  # the copy is made within a second
    kill(worker_of(gateway))
    wait_for("service again", lambda: get(gateway.ports["proxy"], "/live?again") == 200, 5)
    wait_for("the line", lambda: "/live?again" in (world.folder / "second.log").read_text(), 5)
    assert not (world.folder / "third.log").exists()


def large_reload(world: World) -> str | None:
    """A configuration that takes longer to read than the watchdog waits: the worker lives, and serves meanwhile."""
    gateway = world.gateway({"watchdog_timeout": "500ms"})
    worker = worker_of(gateway)
    number = 300_000 if world.full else 150_000
    consumers = "".join(f"- {{username: consumer-{i}}}\n" for i in range(number))
    text = (gateway.folder / "config.yaml").read_text()
    (gateway.folder / "config.yaml").write_text(text + "consumers:\n" + consumers)
    gateway.signal("HUP")
    took = wait_for("the reload", lambda: "config.reloaded" in log_text(gateway), 60)
    assert worker_of(gateway) == worker, "the worker was replaced"
    assert get(gateway.ports["proxy"]) == 200
    return f"{number} consumers in {took:.1f} s"


def as_nobody(world: World, settings: dict[str, str]) -> Gateway:
    """A gateway whose worker is `nobody`, with its files where that user may look."""
    folder = world.folder / "gateway0"
    folder.mkdir(parents=True)
    for path in (world.folder, folder):
        path.chmod(0o755)
    return world.gateway(settings | {"nginx_user": "nobody", "proxy_access_log": "logs/access.log"})


def hijacked_worker_writes_no_root_file(world: World) -> str | None:
    """What a worker's user can plant in the prefix does not lead root, who starts the next one, to another file."""
    if os.geteuid() != 0:
        return "skipped: only root can start it"
    gateway = as_nobody(world, {"proxy_error_log": "logs/error.log"})
    prefix = gateway.folder / "prefix"
    precious = world.folder / "precious"
    precious.write_text("as it was")
    nobody = pwd.getpwnam("nobody").pw_uid
    own = {path.name for path in [prefix, *prefix.rglob("*")] if path.stat().st_uid == nobody}
    assert own <= {"logs", "access.log", "error.log", "admin_access.log"}, f"the user's: {own}"
    (prefix / "logs" / "error.log").unlink()
    (prefix / "logs" / "error.log").symlink_to(precious)
    gateway.signal("USR1")
    kill(worker_of(gateway))
    time.sleep(1)
    assert precious.read_text() == "as it was"
    (prefix / "logs" / "error.log").unlink()
    wait_for("service again", lambda: get(gateway.ports["proxy"]) == 200, 10)


def files_of_root_alone(world: World) -> str | None:
    """Keys that only root may read, and a declarative file that only its owner may: a start and a SIGHUP succeed."""
    if os.geteuid() != 0:
        return "skipped: only root can start it"
    (world.folder / "error.html").write_text("<p>%s</p>")
    (world.folder / "error.html").chmod(0o600)
    gateway = as_nobody(world, {"error_template_html": f"{world.folder}/error.html", "headers": "off"})
    conf = gateway.folder / "sluice.conf"
    conf.write_text(conf.read_text().replace("headers = off", "headers = server_tokens"))
    gateway.signal("HUP")
    wait_for("the reload", lambda: "config.reloaded" in log_text(gateway), 5)
    assert "config.file_kept" in log_text(gateway)


def file_of_another_user(world: World) -> str | None:
    """Root may read what belongs to others; a worker that gave that right up has read it before."""
    if os.geteuid() != 0:
        return "skipped: only root can start it"
    declarative = world.folder / "owned.yaml"
    declarative.write_text(SERVICE % (world.origin().port, "live", "live"))
    declarative.chmod(0o600)
    os.chown(declarative, pwd.getpwnam("nobody").pw_uid, -1)
    world.gateway({"declarative_config": str(declarative)})


def service_manager_hears_of_one_process(world: World) -> str | None:
    """supervisor = off: the process that serves says so itself."""
    path = world.folder / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(path))
        listener.settimeout(10)
        gateway = world.gateway({"supervisor": "off"}, {"NOTIFY_SOCKET": str(path)})
        assert listener.recv(100) == b"READY=1"
        gateway.signal("TERM")
        assert listener.recv(100) == b"STOPPING=1"
        gateway.wait_exit(10)


def worker_gives_up_its_rights(world: World) -> str | None:
    """Read back from the kernel: what a hijacked worker could not do."""
    # As root only: does the worker become somebody else, and can it still serve?
    settings = {}
    if os.geteuid() == 0:
        try:
            pwd.getpwnam("nobody")
            settings["nginx_user"] = "nobody"
        except KeyError:
            pass
    folder = world.folder / "gateway0"
    folder.mkdir(parents=True)
    for path in (world.folder, folder):
        path.chmod(0o755)
    folder.chmod(0o777)
    gateway = world.gateway(settings)
    assert get(gateway.ports["proxy"]) == 200
    worker = status_of(worker_of(gateway))
    if settings:
        nobody = str(pwd.getpwnam("nobody").pw_uid)
        assert set(worker["Uid"].split()) == {nobody}, worker["Uid"]
    assert worker["NoNewPrivs"] == "1"
    assert {int(worker[name], 16) for name in ("CapEff", "CapPrm", "CapInh", "CapAmb")} == {0}
    done = subprocess.run(["nm", "-C", str(world.binary)], capture_output=True, text=True, check=False)
    if "__asan_init" not in done.stdout and "__tsan_init" not in done.stdout:
        assert worker["Seccomp"] == "2", f"no filter: {worker['Seccomp']}"
    supervisor = status_of(gateway.process.pid)
    own = int(supervisor["RssAnon"].split()[0])
    assert "supervisor" in features_of(world.binary)
    return f"supervisor: {own} kB of its own"


CHECKS = (
    worker_killed_under_load,
    stuck_shard,
    worker_stopped,
    supervisor_killed,
    crash_loop,
    posted_configuration_survives,
    broken_file_at_restart,
    settings_and_file_edited_but_not_reloaded,
    reloaded_settings_survive,
    large_reload,
    hijacked_worker_writes_no_root_file,
    files_of_root_alone,
    file_of_another_user,
    service_manager_hears_of_one_process,
    worker_gives_up_its_rights,
)

if __name__ == "__main__":
    sys.exit(fault.run(__doc__, *(in_a_world(check) for check in CHECKS)))
