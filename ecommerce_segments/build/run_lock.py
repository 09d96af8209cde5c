"""One run at a time: what writes a warehouse, or what is published of it, holds its lock meanwhile."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from ecommerce_segments import CannotDo
from ecommerce_segments.shop import shown


class AnotherRun(CannotDo):
    """Another run holds the lock, in a sentence."""


@contextmanager
def only_run() -> Iterator[None]:
    """Hold the lock of the warehouse that DUCKDB_PATH names. A process that is killed lets go of it.

    Raises AnotherRun, at once, where another process holds it.
    """
    warehouse = Path(os.environ["DUCKDB_PATH"])
    warehouse.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(warehouse.with_suffix(".lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise AnotherRun(
            f"Another run is writing {shown(warehouse)} now. This one stops and changes nothing: start it again later."
        ) from None
    try:
        yield
    finally:
        lock.release()
