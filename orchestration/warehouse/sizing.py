"""Settings of the embedded server, sized from the machine (or from the container's share of it)."""

from __future__ import annotations

import os
from pathlib import Path

import psutil

_MIB = 1024 * 1024
_CGROUP_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


def server_settings() -> dict[str, str]:
    """Return what differs from Postgres's own defaults, as they are written into its configuration.

    The server shares the machine with Dagster, dbt and Great Expectations (about 1 GB together), so it takes an eighth
    of the memory for its cache and not the usual quarter.
    """
    memory = _memory_bytes() // _MIB
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return {
        # TCP on loopback and nothing else: a socket file would need a folder whose path is short enough.
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": "",
        "max_connections": "100",
        "shared_buffers": f"{_between(128, memory // 8, 4096)}MB",
        "effective_cache_size": f"{_between(256, memory // 2, 65536)}MB",
        # Few sessions, large aggregations: dbt runs two to four models at once.
        "work_mem": f"{_between(16, memory // 128, 256)}MB",
        "maintenance_work_mem": f"{_between(64, memory // 32, 1024)}MB",
        "max_parallel_workers": str(max(2, cpus)),
        "max_parallel_workers_per_gather": str(_between(1, cpus, 4)),
        "random_page_cost": "1.1",
        # No standby reads this log, so tables created and filled in one transaction need not be written twice.
        "wal_level": "minimal",
        "max_wal_senders": "0",
        "max_wal_size": "2GB",
        "checkpoint_timeout": "15min",
        # synchronous_commit stays on. Off would be consistent after a crash (the log is replayed up to a point, so a
        # watermark never survives its rows), but up to 0.6 s of what people were told was done would be gone; and a
        # flush costs 0.09 ms on an SSD, where a batch commits once.
        "synchronous_commit": "on",
        "timezone": "UTC",
        "log_timezone": "UTC",
        # The detail of a constraint error quotes the row, and rows are pupils.
        "log_error_verbosity": "terse",
        "log_line_prefix": "%m [%p] %q%d ",
    }


def _memory_bytes() -> int:
    limits: list[int] = [psutil.virtual_memory().total]
    for path in _CGROUP_LIMITS:
        text = path.read_text().strip() if path.is_file() else ""
        if text.isdigit():  # "max" where there is no limit
            limits.append(int(text))
    return min(limits)


def _between(low: int, value: int, high: int) -> int:
    return max(low, min(value, high))
