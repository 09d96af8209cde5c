"""Runs of ecommerce_segments/build/nightly.py in forked processes that may be killed: the project is parsed once, each
run takes seconds.

Usage: python tests/forked_runs.py, in the directory of the project. Each line on stdin is a JSON object:

    environment       RAW_DIR, DUCKDB_PATH and PUBLISHED_DIR, by name
    publish_only      leave the build out
    variables         dbt's vars
    arguments         dbt's other arguments
    kill_after        seconds after which the process is killed
    kill_before       the how-manieth line that ecommerce_segments/publish/versions.py executes is not executed: the
    process is killed together          how many such runs start at once file_size_limit   bytes that the process may
    write into one file obeys_permissions whether root is bound by file permissions as other users are

and is answered with one: for each run its exit code (negative: killed), its seconds, its stderr, and when it executed
each line of publish.py for the first time, as the how-manieth line.
"""

import ctypes
import gc
import json
import os
import resource
import signal
import sys
import tempfile
import time
from pathlib import Path

import yaml

from ecommerce_segments.build import nightly
from ecommerce_segments.publish import versions as publish
from ecommerce_segments.settings import defaults
from project import Project

# CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH of Linux.
CAPABILITIES_OVER_PERMISSIONS = (1, 2)


def main() -> None:
    settings = defaults()
    manifest = Project(Path(os.environ["DBT_TARGET_PATH"]).parent, Path.cwd()).manifest
    # The parsed project stays as it is: no run needs to look through it for what may go.
    gc.freeze()
    gc.set_threshold(200_000, 20, 100)
    print("ready", flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        runs = [start(order, settings, manifest) for _ in range(order.get("together", 1))]
        if "kill_after" in order:
            time.sleep(order["kill_after"])
            for process, *_ in runs:
                os.kill(process, signal.SIGKILL)
        print(json.dumps([end(*run) for run in runs]), flush=True)


def start(order: dict, settings: dict, manifest) -> tuple:
    errors, lines = tempfile.TemporaryFile(), tempfile.NamedTemporaryFile()
    process = os.fork()
    if process == 0:
        code = 70
        try:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            os.dup2(errors.fileno(), 2)
            sys.stderr = os.fdopen(2, "w", buffering=1, closefd=False)
            code = run(order, settings, manifest, lines)
        finally:
            os._exit(code)
    return process, time.monotonic(), errors, lines


def end(process: int, began: float, errors, lines) -> dict:
    _, status = os.waitpid(process, 0)
    seconds = time.monotonic() - began
    errors.seek(0)
    return {
        "code": os.waitstatus_to_exitcode(status),
        "seconds": seconds,
        "steps": list(map(int, Path(lines.name).read_text().split())),
        "stderr": errors.read().decode(),
    }


def run(order: dict, settings: dict, manifest, lines) -> int:
    if "file_size_limit" in order:
        resource.setrlimit(resource.RLIMIT_FSIZE, (order["file_size_limit"],) * 2)
    if order.get("obeys_permissions"):
        become_bound_by_permissions()
    os.environ.update(order["environment"])
    variables = order.get("variables", {})
    if order.get("publish_only"):
        nightly.dbtRunner = NothingToBuild
        nightly.Nightly.estimated, nightly.Nightly.tell_left_out = lambda *_: [], lambda *_: None
    kill_before(order.get("kill_before"), lines)
    arguments = ["--vars", yaml.safe_dump(variables, sort_keys=False)]
    return nightly.run(
        arguments + order.get("arguments", []), settings | variables, Path(os.environ["PUBLISHED_DIR"]), manifest
    )


class NothingToBuild:
    """Stands for dbt where the warehouse is built already."""

    success, exception, result = True, None, None

    def __init__(self, manifest, callbacks=()):
        pass

    def invoke(self, arguments: list[str]):
        return self


def kill_before(number: int | None, steps) -> None:
    """Kill this process before it executes the numbered line of publish.py, and note when each line was first executed.
    """
    count, seen = 0, set()

    def trace(frame, event, _):
        nonlocal count
        if frame.f_code.co_filename != publish.__file__:
            return None
        if event == "line":
            count += 1
            if count == number:
                os.kill(os.getpid(), signal.SIGKILL)
            if frame.f_lineno not in seen:
                seen.add(frame.f_lineno)
                os.write(steps.fileno(), f"{count} ".encode())
        return trace

    sys.settrace(trace)


def become_bound_by_permissions() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    sets = (ctypes.c_uint32 * 6)()
    libc.capget(header, sets)
    for capability in CAPABILITIES_OVER_PERMISSIONS:
        sets[0] &= ~(1 << capability)
        sets[1] &= ~(1 << capability)
    if libc.capset(header, sets):
        raise OSError(ctypes.get_errno(), "capset")


if __name__ == "__main__":
    main()
