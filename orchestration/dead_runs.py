"""Runs whose process is gone: they are ended, and give back the pool slots they hold.

A run that is killed cannot say so. Dagster goes on showing it as running, and its slot in a pool keeps every later run
waiting: after a ``kill -9`` in a dbt stage the next run waited for ever.
"""

from __future__ import annotations

import json
import os
import socket
from urllib.parse import quote

import dagster as dg
import psutil

#: Says which process executes a run: host, pid, and when the process began, because pids are used again.
PROCESS_TAG = "mis/process"
#: Dagster's own: where the code server listens that was asked to execute the run.
_LAUNCHER_TAG = ".dagster/grpc_info"
_UNFINISHED = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]


def this_process() -> str:
    """The value of :data:`PROCESS_TAG` for runs that this process executes."""
    return _process(os.getpid())


def end_dead_runs(instance: dg.DagsterInstance) -> list[str]:
    """End the runs whose executing process is gone, as far as that can be seen from this host; returns their ids.

    The slots of all runs that have ended are freed: a run that was cancelled while a thread of it was still at work has
    been seen to claim its next slot afterwards. Their places in the queue are too: one that has been promised the slot,
    and never comes to claim it, keeps everybody else waiting.
    """
    ended = []
    for run in instance.get_runs(filters=dg.RunsFilter(statuses=_UNFINISHED)):
        process, launcher = run.tags.get(PROCESS_TAG), run.tags.get(_LAUNCHER_TAG)
        if (process is not None and _is_gone(process)) or (launcher is not None and _is_closed(launcher)):
            instance.report_run_failed(run, "The process that executed this run is gone; the next run ended it.")
            ended.append(run.run_id)
    _free_slots_of_ended_runs(instance)
    return ended


def end_own_runs(instance: dg.DagsterInstance) -> None:
    """Mark the runs that this process executes as cancelled: it is about to leave them."""
    for run in instance.get_runs(filters=dg.RunsFilter(statuses=_UNFINISHED, tags={PROCESS_TAG: this_process()})):
        instance.report_run_canceled(run)


def _free_slots_of_ended_runs(instance: dg.DagsterInstance) -> None:
    storage = instance.event_log_storage
    for pool in storage.get_concurrency_keys():
        found = storage.get_concurrency_info(pool)
        waiting = {step.run_id for step in found.pending_steps}
        for run_id in {slot.run_id for slot in found.claimed_slots} | waiting:
            run = instance.get_run_by_id(run_id)
            if run is None or run.is_finished:
                storage.free_concurrency_slots_for_run(run_id)


def _process(pid: int) -> str:
    return f"{quote(socket.gethostname(), safe='')}:{pid}:{psutil.Process(pid).create_time():.2f}"


def _is_gone(process: str) -> bool:
    host, pid, _began = process.split(":")
    if host != quote(socket.gethostname(), safe=""):
        return False
    try:
        return _process(int(pid)) != process
    except psutil.NoSuchProcess:
        return True


def _is_closed(launcher: str) -> bool:
    """Whether nobody listens any more on the local socket of the code server that executed a run."""
    path = json.loads(launcher).get("socket")
    if path is None:
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(path)
        except OSError:
            return True
    return False
