"""Copies in the strict form of the files that spreadsheets and admin pages write otherwise, for dbt to read.

A file that is strict is read in place, and nothing is written. A copy is Parquet, with all values as text; it stands in
a directory beside the warehouse, below the path of its original, and is made anew when that, or a setting, changes.
"""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ecommerce_segments.read import VARIABLE
from ecommerce_segments.read.convert import FileOfTable, convert, said_of

KINDS_OF_FILES = re.compile(r"[.](parquet|csv|csv[.]gz|xlsx)$")
# Files of one table that are written alike are told together from so many on.
TOLD_ALONE = 3

Tables = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Odd:
    """A file that is not strict. name: from the directory of the files; written: how, in words; copy: the strict one,
    if it was asked for."""

    table: str
    name: str
    written: str
    copy: Path | None


def files_of(directory: Path, tables: Tables) -> Iterator[tuple[str, Path]]:
    """The files in a directory that are named after a table, or whose folder is, each with its table."""
    for file in sorted(directory.rglob("*")):
        delivery = file.relative_to(directory).parts[0].lower()
        table = KINDS_OF_FILES.sub("", delivery)
        if table in tables and KINDS_OF_FILES.search(file.name.lower()) and file.is_file():
            yield table, file


def prepare(
    directory: Path,
    tables: Tables,
    into: Path | None,
    files: Mapping[str, Mapping[str, str]] | None = None,
    column_names: Mapping[str, Mapping[str, str]] | None = None,
    entry: str | None = None,
) -> list[Odd]:
    """Look at the files of tables, write strict copies of those that are not strict, and say which these are.

    directory: of the files, an absolute path. tables: the type of each declared column, by table; other columns are
    text. into: where copies go; None writes none. files, column_names: the settings of these names, by table; entry: of
    the connector whose files they are. Raises FileError where a file leaves open how it is written, or cannot be read
    so.
    """
    found = []
    with scratch_in(into) as scratch:
        for table, path in files_of(directory, tables):
            settings, names = (said.get(table, {}) for said in (files or {}, column_names or {}))
            file = FileOfTable(path, table, tables[table], settings, names, entry)
            copy = copy_of(path, into) if into else None
            written = (said_of(copy, file) if copy else None) or convert(file, copy, scratch)
            if written:
                found.append(Odd(table, str(path.relative_to(directory)), written, copy))
    return found


def remove_former(into: Path, found: list[Odd]) -> None:
    """Remove the copies of originals that are gone, or strict by now. found: in all directories whose copies stand
    there."""
    kept = {odd.copy for odd in found}
    for copy in into.rglob("*.parquet"):
        if copy not in kept:
            copy.unlink()
    if into.is_dir():
        remove_empty(into)


@contextmanager
def scratch_in(into: Path | None) -> Iterator[Path]:
    """A directory for what is read on the way, which only this user may enter."""
    if into:
        into.mkdir(parents=True, exist_ok=True)
        for left in into.glob(".unfinished*"):
            shutil.rmtree(left)
    try:
        with tempfile.TemporaryDirectory(prefix=".unfinished", dir=into) as scratch:
            yield Path(scratch)
    finally:
        if into:
            remove_empty(into)


@contextmanager
def converted(into: Path) -> Iterator[None]:
    """While this lasts, dbt reads the copies in a directory in place of their originals."""
    former = os.environ.get(VARIABLE, "")
    os.environ[VARIABLE] = str(into)
    try:
        yield
    finally:
        os.environ[VARIABLE] = former


def told(found: list[Odd]) -> list[str]:
    """A line for each file that is not strict; files of one table that are written alike share one."""
    alike: dict[tuple[str, str], list[str]] = {}
    for odd in found:
        alike.setdefault((odd.table, odd.written), []).append(odd.name)
    return [
        f"{name}{f' and {len(names) - 1} more' if len(names) > TOLD_ALONE else ''}: {written}"
        for (_, written), names in alike.items()
        for name in (names[:1] if len(names) > TOLD_ALONE else names)
    ]


def remove_empty(directory: Path) -> None:
    """Remove what holds no files: a directory, and those in it."""
    for below in directory.iterdir():
        if below.is_dir():
            remove_empty(below)
    if not any(directory.iterdir()):
        directory.rmdir()


def copy_of(file: Path, into: Path) -> Path:
    """Where the copy of a file stands. The macro `converted_file` knows it too."""
    return Path(f"{into}{file}.parquet")
