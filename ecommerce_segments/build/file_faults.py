"""What is wrong with a raw file that DuckDB could not read, in one sentence.

DuckDB's own message holds thirty lines of its parser's settings, and dbt's lines stand around them. The file is looked
into only when a run has failed: a good one pays nothing.
"""

import gzip
import re
import shlex
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

# How DuckDB names the file that it could not read.
NAMED_FILE = re.compile(
    r"^\s*file = (?P<csv>.+?)\s*$|GZIP stream: (?P<gzip>.+?)\s*$|file ['\"](?P<parquet>[^'\"\n]+[.]parquet)['\"]",
    re.MULTILINE | re.IGNORECASE,
)
CSV_LINE = re.compile(r"CSV Error on Line: (\d+)")
COLUMNS = re.compile(r"Expected Number of Columns: (\d+) Found: (\d+)")
CHUNK = 1 << 20

HOW_TO_SAVE = "save it as CSV in UTF-8, with commas"


def file_fault(message: str, directory: Path) -> str | None:
    """Say in one sentence what is wrong with the file that a failed run stumbled over, or None where the message names
    no file.

    message: what dbt or DuckDB said; directory: RAW_DIR, from which a relative path starts.
    """
    found = NAMED_FILE.search(message)
    if not found:
        return None
    file = Path(directory, next(filter(None, found.groups())))
    try:
        return fault_of(file, message)
    except OSError as error:
        return f"{file} cannot be read: {error.strerror or error}."


def fault_of(file: Path, message: str) -> str | None:
    """The sentence for an existing file. Raises OSError where it cannot be read at all."""
    with file.open("rb") as opened:
        kind = kind_of(file, opened.read(4096))
    if file.suffix.lower() == ".parquet":
        return parquet_fault(file, kind, message)
    if file.suffix.lower() == ".gz":
        if kind != "gzip":
            return (
                f"{file} is not compressed, though its name ends in .gz: rename it to {shlex.quote(file.stem)}, or"
                " export it again."
            )
        try:
            with open_csv(file) as opened:
                kind = kind_of(file, opened.read(4096))
        except EOFError:
            return f"{file} is cut short: copy or export it again."
        except gzip.BadGzipFile as error:
            return f"{file} is damaged ({error}): copy or export it again."
    if kind:
        return {
            "excel": f"{file} is an Excel workbook, whatever its name says: {HOW_TO_SAVE}.",
            "opendocument": f"{file} is an OpenDocument spreadsheet, whatever its name says: {HOW_TO_SAVE}.",
            "zip": f"{file} is a zip archive, whatever its name says: unpack it.",
            "gzip": f"{file} is compressed by gzip: its name must end in .csv.gz.",
            "parquet": f"{file} is a Parquet file: its name must end in .parquet.",
            "utf-16": f"{file} is text in UTF-16: {HOW_TO_SAVE}.",
        }[kind]
    return csv_fault(file, message)


def kind_of(file: Path, head: bytes) -> str | None:
    """What a file is by its first bytes, where that is no CSV."""
    if head.startswith(b"PK\x03\x04"):
        names = names_in(file)
        return (
            "excel"
            if any(name.startswith("xl/") for name in names)
            else "opendocument"
            if "content.xml" in names
            else "zip"
        )
    if head.startswith(b"\xd0\xcf\x11\xe0"):
        return "excel"
    if head.startswith(b"\x1f\x8b"):
        return "gzip"
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) or head.count(b"\0") > len(head) // 3:
        return "utf-16"
    return None


def names_in(archive: Path) -> list[str]:
    """The names of the files in a zip archive; none where it cannot be read."""
    try:
        with zipfile.ZipFile(archive) as opened:
            return opened.namelist()
    except (zipfile.BadZipFile, OSError):
        return []


def parquet_fault(file: Path, kind: str | None, message: str) -> str | None:
    """What is wrong with a file that should be Parquet, in a sentence."""
    if file.stat().st_size == 0:
        return f"{file} is empty: it holds nothing at all."
    if "Invalid string encoding" in message:
        value = re.search(r'value (".*?") is not valid', message)
        return (
            f"{file} holds text that is not UTF-8{f', such as {value[1]}' if value else ''}: export it with text in"
            " UTF-8."
        )
    if kind == "parquet":
        return f"{file} is damaged or cut short: copy or export it again."
    return (
        f"{file} is no Parquet file, whatever its name says: export it as Parquet, or as CSV with a name that ends in"
        " .csv."
    )


def csv_fault(file: Path, message: str) -> str | None:
    """What is wrong with a file of text, in a sentence. message: what dbt or DuckDB said."""
    if "unicode" in message or "not utf-8" in message:
        undecodable = first_undecodable(file)
        if undecodable:
            line, byte = undecodable
            return (
                f"{file}, line {line}: the byte 0x{byte:02X} is no UTF-8, so the file is probably in Windows-1252"
                " (Latin-1). `segments run` reads it, in a large file where segments.toml says encoding ="
                ' "windows-1252" of its table; or save it as CSV in UTF-8.'
            )
    if "invalid state" in message and mixes_line_ends(file):
        return f"{file} mixes the line ends of Windows and of Unix: write it with one of them."
    record = CSV_LINE.search(message)
    if not record:
        return (
            f"{file} cannot be read as CSV: commas between values, and double quotes around those that hold a comma, a"
            " quote or a line end."
        )
    place = f"{file}, line {line_of(file, int(record[1]))}"
    columns = COLUMNS.search(message)
    if columns:
        return (f"{place}: {count(int(columns[2]), 'value')} for {count(int(columns[1]), 'column')}."
                " A value that holds a comma or a line end needs double quotes around it.")
    if "quote" in message:
        return (
            f"{place}: a double quote is opened and not closed, or text follows a closed one. A quote within a quoted"
            " value is written twice."
        )
    return f"{place}: the line cannot be split into columns."


def count(number: int, thing: str) -> str:
    """A number with its thing, in the plural where there is not one of it."""
    return f"{number} {thing}{'' if number == 1 else 's'}"


def open_csv(file: Path) -> BinaryIO:
    """A file of text as bytes, unpacked where its name ends in .gz."""
    return cast(BinaryIO, gzip.open(file)) if file.suffix.lower() == ".gz" else file.open("rb")


def chunks(file: Path) -> Iterator[bytes]:
    """The bytes of a file, compressed or not, in parts that end with a line."""
    with open_csv(file) as opened:
        while part := opened.read(CHUNK):
            yield part + opened.readline()


def first_undecodable(file: Path) -> tuple[int, int] | None:
    """Line and value of the first byte that is no UTF-8, or None."""
    lines = 1
    for part in chunks(file):
        try:
            part.decode()
        except UnicodeDecodeError as error:
            return lines + part.count(b"\n", 0, error.start), part[error.start]
        lines += part.count(b"\n")
    return None


def line_of(file: Path, record: int) -> int:
    """The line on which a record begins. DuckDB counts records, and a quoted value may hold line ends."""
    records, line, is_open = 0, 0, False
    with open_csv(file) as opened:
        for line, text in enumerate(opened, start=1):
            records += not is_open
            if records == record:
                return line
            is_open ^= bool(text.count(b'"') % 2)
    return line


def mixes_line_ends(file: Path) -> bool:
    """Whether some lines of a file end as on Windows and others do not: DuckDB then guesses wrong."""
    windows = unix = 0
    for part in chunks(file):
        windows += part.count(b"\r\n")
        unix += part.count(b"\n")
        if 0 < windows < unix:
            return True
    return False
