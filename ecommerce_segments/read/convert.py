"""One file: how it is written, and its copy in the strict form."""

import json
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb

from ecommerce_segments import CannotDo
from ecommerce_segments.build.file_faults import file_fault
from ecommerce_segments.read.text import SEPARATORS, NoTable, Text, encoding_name, text_of, write_utf8
from ecommerce_segments.read.values import Column, Unclear, Written, counted, judge, kind_of, looked_at
from ecommerce_segments.settings import did_you_mean

# So many rows are looked at first; all of them only where these are not strict.
ROWS_OF_SAMPLE = 20_000
# What DuckDB raises where a file is no CSV, or no Parquet.
UNREADABLE = (duckdb.InvalidInputException, duckdb.IOException)
# A copy that was made by other rules is made anew.
RULES = 1


class FileError(CannotDo):
    """What keeps a file from being read, and what to do, in a sentence."""


@dataclass(frozen=True)
class FileOfTable:
    """A file, and what is said of it. declared: the types of columns, by name; settings: those of its table in `files`;
    names: those in `column_names`; entry: that of the connector which reads it, if one does."""

    path: Path
    table: str
    declared: Mapping[str, str]
    settings: Mapping[str, str]
    names: Mapping[str, str]
    entry: str | None = None

    @property
    def section(self) -> str:
        """Where segments.toml says how the file is written."""
        return f"connectors.{self.entry}.files.{self.table}" if self.entry else f"files.{self.table}"

    def declared_name(self, column: str) -> str:
        """The name of a column of the file as it is declared. Exports for people name theirs in words:
        lineitem_compare_at_price is `Lineitem compare-at price`."""
        plain = re.sub("[^a-z0-9_]+", "_", column)
        return plain if self.entry and column not in self.declared and plain in self.declared else column

    def stamp(self) -> str:
        """All that a copy of it depends on, as text."""
        about = self.path.stat()
        said = [dict(self.declared), dict(self.settings), dict(self.names)]
        return json.dumps([RULES, about.st_size, about.st_mtime_ns, *said], sort_keys=True)

    def sources(self, header: list[str]) -> dict[str, str]:
        """By the name of each column of the copy, that of the file's column. header: the file's columns, in lower case.

        Raises FileError where a column that a setting names is missing, and where one that is meant stands twice.
        """
        found = {}
        for name, named in self.names.items():
            source = named.strip().lower()
            if source in header:
                found[name] = source
            elif name not in header:
                raise FileError(
                    f"{self.path} has no column {named}, which column_names names for {name} of {self.table}"
                    + (did_you_mean(source, header) or f". Its columns are {', '.join(filter(None, header))}.")
                )
        for column in filter(None, header):
            if column in self.declared or column not in found.values():
                found.setdefault(self.declared_name(column), column)
        for name, source in found.items():
            if name in self.declared and header.count(source) > 1:
                raise FileError(f"The column {source} stands twice in the header of {self.path}.")
        return found


def said_of(copy: Path, file: FileOfTable) -> str | None:
    """How a file was found to be written when its copy was made, or None where there is none that still holds."""
    if not copy.exists():
        return None
    try:
        found = duckdb.execute(f"select key, value from parquet_kv_metadata({literal(copy)})").fetchall()
    except duckdb.Error:
        return None
    about = {bytes(key).decode(): bytes(value).decode() for key, value in found}
    return about.get("written") if about.get("stamp") == file.stamp() else None


def convert(file: FileOfTable, copy: Path | None, scratch: Path) -> str | None:
    """Look at a file, and write its copy where one is named. scratch: a directory for what is read on the way.

    Returns how the file is written, None where it is strict. A file that is no table at all counts as strict: the
    strict reader says what it is. Raises FileError where the file leaves open how it is written, or cannot be read so.
    """
    if file.path.suffix.lower() == ".parquet":
        return renamed(file, copy)
    known = {*file.declared, *(name.replace("_", " ") for name in file.declared if file.entry)}
    known |= {name.strip().lower() for name in file.names.values()}
    try:
        text = text_of(file.path, file.table, known, file.settings)
    except (OSError, EOFError, zlib.error):
        return None
    except NoTable as error:
        raise FileError(f"{file.path} {error}") from None
    if text is None:
        return None
    sources = file.sources(text.columns)
    columns = [
        Column(name, kind_of(name, file.declared[name]), text.columns.index(source))
        for name, source in sources.items()
        if name in file.declared and kind_of(name, file.declared[name]) != "other"
    ]
    # The reader of connectors' files knows the declared names itself.
    is_plain = text.is_strict and all(name in (source, file.declared_name(source)) for name, source in sources.items())
    if is_plain and is_strict(file, columns, text):
        return None
    read, plain = as_utf8(file, columns, text, scratch)
    try:
        with duckdb.connect() as connection:
            source = csv_sql(read, plain)
            written = judged(connection, file, columns, source, text)
            if is_plain and not written.sql:
                return None
            is_renamed = any(sources.get(name, name) != name for name in file.names)
            said = ", ".join(in_words(text, written, is_renamed))
            if copy:
                values = {column.name: written.sql[column.name] for column in columns if column.name in written.sql}
                selected = [
                    f"{values.get(name) or f'c{text.columns.index(source)}'} as {identifier(name)}"
                    for name, source in sources.items()
                ]
                query = f"select {', '.join(selected)} from {looked_at(columns, source)}"
                write(connection, query, copy, file.stamp(), said)
    except Unclear as error:
        say = f" Say {' or '.join(error.answers)} below [{file.section}] in segments.toml."
        raise FileError(f"{file.path}: {error}{say if error.answers else ''}") from None
    except UNREADABLE as error:
        sentence = file_fault(str(error), file.path.parent) or f"{read} cannot be read: {' '.join(str(error).split())}"
        raise FileError(sentence.replace(str(read), str(file.path))) from None
    return said


def is_strict(file: FileOfTable, columns: list[Column], text: Text) -> bool:
    """Whether the first rows of a file of strict text have strict values. One that cannot be split into columns is left
    to the strict reader, which says where."""
    with duckdb.connect() as connection:
        sample = f"(select * from {csv_sql(file.path, text)} limit {ROWS_OF_SAMPLE})"
        try:
            return not judged(connection, file, columns, sample, text).sql
        except Unclear:
            return False
        except UNREADABLE:
            return True


def as_utf8(file: FileOfTable, columns: list[Column], text: Text, scratch: Path) -> tuple[Path, Text]:
    """The file, or a copy of it in UTF-8 where DuckDB cannot read it itself, and how that is written."""
    if text.encoding == "utf-8" and text.sheet is None:
        return file.path, text
    copy = scratch / "text.csv"
    try:
        return copy, write_utf8(file.path, text, {text.columns[column.number]: column.kind for column in columns}, copy)
    except NoTable as error:
        raise FileError(f"{file.path} {error}") from None


def judged(
    connection: duckdb.DuckDBPyConnection, file: FileOfTable, columns: list[Column], source: str, text: Text
) -> Written:
    """How the columns of a source of rows are written. Raises Unclear where they leave it open."""
    if not columns:
        return Written()
    sql, names = counted(columns, source)
    values = iter(connection.execute(sql).fetchone() or ())
    found = [(column, {name: next(values) for name in of_one}) for column, of_one in zip(columns, names)]
    return judge(found, file.settings, text.separator)


def in_words(text: Text, written: Written, is_renamed: bool) -> list[str]:
    """All that is not strict in a file."""
    words = [f"Excel workbook, sheet {text.sheet}"] if text.sheet is not None else []
    words += [SEPARATORS[text.separator]] if text.separator in SEPARATORS else []
    words += written.said
    words += [encoding] if (encoding := encoding_name(text)) else []
    words += ["columns by column_names"] if is_renamed else []
    return words or ["a line sep= before the header"]


def renamed(file: FileOfTable, copy: Path | None) -> str | None:
    """A Parquet file with names of its own: only these change. Returns how it is written, None where it is strict."""
    if not file.names:
        return None
    source = f"read_parquet({literal(file.path)}, hive_partitioning = false, binary_as_string = true)"
    with duckdb.connect() as connection:
        try:
            delivered = {name.lower(): name for name, *_ in connection.execute(f"describe from {source}").fetchall()}
        except UNREADABLE:
            return None
        sources = file.sources(list(delivered))
        if all(name == source_name for name, source_name in sources.items()):
            return None
        if copy:
            columns = [f"{identifier(delivered[old])} as {identifier(new)}" for new, old in sources.items()]
            said = "columns by column_names"
            write(connection, f"select {', '.join(columns)} from {source}", copy, file.stamp(), said)
    return "columns by column_names"


def write(connection: duckdb.DuckDBPyConnection, query: str, copy: Path, stamp: str, said: str) -> None:
    """Write the rows of a query as a copy that is there whole or not at all."""
    copy.parent.mkdir(parents=True, exist_ok=True)
    unfinished = copy.with_name(f".{copy.name}.new")
    about = f"{{stamp: {text_literal(stamp)}, written: {text_literal(said)}}}"
    try:
        connection.execute(f"copy ({query}) to {text_literal(unfinished)} (format parquet, kv_metadata {about})")
        unfinished.replace(copy)
    finally:
        unfinished.unlink(missing_ok=True)


def csv_sql(path: Path, text: Text) -> str:
    """The SQL of a CSV file's rows, as text. The columns go by their places: c0, c1, ..."""
    columns = ", ".join(f"'c{number}': 'VARCHAR'" for number in range(len(text.columns)))
    compression = "gzip" if path.suffix.lower() == ".gz" else "none"
    return (
        f"read_csv({literal(path)}, auto_detect = false, header = true, skip = {text.skipped},"
        f" delim = '{text.separator}', quote = '\"', escape = '\"', hive_partitioning = false,"
        f" compression = '{compression}', columns = {{{columns}}})"
    )


def literal(path: Path) -> str:
    """A path as DuckDB's text, with the signs that it would take for a pattern made plain."""
    return text_literal(re.sub(r"([*?[])", r"[\1]", str(path)))


def text_literal(text: object) -> str:
    """A text in SQL."""
    return "'" + str(text).replace("'", "''") + "'"


def identifier(name: str) -> str:
    """A name in SQL."""
    return '"' + name.replace('"', '""') + '"'
