# SPDX-License-Identifier: Apache-2.0
"""What the kernel tells about a process and its children: memory, CPU, descriptors."""

from __future__ import annotations

import contextlib
import os
import pathlib
import resource


def children(pid: int) -> list[int]:
    try:
        return [int(word) for word in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def family(pid: int) -> list[int]:
    """The process and all below it: a supervisor's workers are found too."""
    return [pid] + [each for child in children(pid) for each in family(child)]


def resident(pid: int) -> int:
    """Resident octets of the family."""
    pages = 0
    for each in family(pid):
        with contextlib.suppress(OSError):
            pages += int(pathlib.Path(f"/proc/{each}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def peak(pid: int) -> int:
    """The most octets that each of the family ever had resident, added up."""
    kilobytes = 0
    for each in family(pid):
        with contextlib.suppress(OSError):
            lines = pathlib.Path(f"/proc/{each}/status").read_text().splitlines()
            kilobytes += sum(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
    return kilobytes * 1024


def cpu_seconds(pid: int) -> float:
    """CPU time that the family has used."""
    ticks = 0
    for each in family(pid):
        with contextlib.suppress(OSError):
            fields = pathlib.Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def descriptors(pid: int) -> int:
    """Open descriptors of the family."""
    count = 0
    for each in family(pid):
        with contextlib.suppress(OSError):
            count += len(os.listdir(f"/proc/{each}/fd"))
    return count


def limit_descriptors(pid: int, most: int) -> None:
    """From now on the family cannot have more descriptors open than that."""
    for each in family(pid):
        _, hard = resource.prlimit(each, resource.RLIMIT_NOFILE)
        resource.prlimit(each, resource.RLIMIT_NOFILE, (most, hard))


def put_first(pid: int) -> bool:
    """From now on the family runs before all others, so that a busy machine does not spoil what is measured. False
    where that is not permitted."""
    try:
        for each in family(pid):
            for thread in os.listdir(f"/proc/{each}/task"):
                os.sched_setscheduler(int(thread), os.SCHED_RR, os.sched_param(1))
    except PermissionError:
        return False
    return True
