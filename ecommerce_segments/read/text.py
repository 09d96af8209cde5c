"""The text of a file, whatever it is written in: its encoding, its separator, the names of its columns, and a copy in
UTF-8 with commas where DuckDB cannot read it itself."""

import codecs
import csv
import datetime
import io
import re
import shutil
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook

from ecommerce_segments import CannotDo
from ecommerce_segments.build.file_faults import kind_of, open_csv

# So much of a file tells its encoding and, where it may be strict, how its columns are written.
SAMPLE = 32 << 20
SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}
NAMES = {"utf-16-le": "UTF-16", "utf-16-be": "UTF-16", "utf-16": "UTF-16", "cp1252": "Windows-1252"}
# From here on Excel does not keep every digit of a whole number.
DIGITS_OF_EXCEL = 10**15


class NoTable(CannotDo):
    """Why a file cannot be read as a table, in a sentence that follows the file's name."""


@dataclass(frozen=True)
class Text:
    """How the text of a file is written. columns: the names in its header, in lower case; skipped: lines before it;
    sheet: of a workbook."""

    encoding: str
    separator: str
    columns: list[str]
    skipped: int = 0
    sheet: str | None = None

    @property
    def is_strict(self) -> bool:
        """Whether DuckDB reads the file as the contract's own CSV."""
        return self.encoding == "utf-8" and self.separator == "," and not self.skipped and self.sheet is None


def text_of(file: Path, table: str, known: Collection[str], settings: Mapping[str, str]) -> Text | None:
    """How a file is written; None where it is empty or no text, so that the strict reader says what it is.

    known: the columns that it may have, in lower case. settings: encoding, separator and sheet, where they are said.
    Raises NoTable, and OSError, EOFError or zlib.error where the file cannot be read.
    """
    with file.open("rb") as opened:
        kind = kind_of(file, opened.read(4096))
    if kind == "excel" or file.suffix.lower() == ".xlsx":
        return sheet_of(file, table, settings.get("sheet"))
    if kind in ("zip", "opendocument", "parquet") or (kind == "gzip") != (file.suffix.lower() == ".gz"):
        return None
    with open_csv(file) as unpacked:
        head = unpacked.read(SAMPLE)
    encoding = settings.get("encoding") or encoding_of(head)
    # The last sign may be cut.
    text = head.decode(encoding, errors="ignore").removeprefix("\ufeff")
    first, second = (text.split("\n", 2) + ["", ""])[:2]
    skipped = 0
    separator = settings.get("separator")
    # Excel's own line says what parts the values.
    if re.fullmatch(r"sep=[,;|\t]\r?", first, re.IGNORECASE):
        separator, first, skipped = separator or first[4], second, 1
    if any(sign < " " and sign not in "\t\r" for sign in first):
        return None
    separator = separator or separator_of(first, known)
    columns = header(first, separator)
    return Text(codecs.lookup(encoding).name, separator, columns, skipped) if any(columns) else None


def encoding_of(head: bytes) -> str:
    """The encoding of a text, by its first bytes: what is neither Unicode nor said otherwise is Windows-1252."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    start = head[:4096]
    if start.count(0) > len(start) // 3:
        return "utf-16-le" if start[1::2].count(0) > start[::2].count(0) else "utf-16-be"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
        return "utf-8"
    except UnicodeDecodeError:
        return "windows-1252"


def header(line: str, separator: str) -> list[str]:
    """The names in a header, in lower case."""
    return [name.strip().lower() for name in next(csv.reader([line.strip("\r\n")], delimiter=separator), [])]


def separator_of(line: str, known: Collection[str]) -> str:
    """The sign that parts a header into the most names that are known; where none is, the first that parts it."""
    found = {sign: header(line, sign) for sign in (",", *SEPARATORS)}
    best = max(found, key=lambda sign: sum(name in known for name in found[sign]))
    if any(name in known for name in found[best]):
        return best
    return next((sign for sign, names in found.items() if len(names) > 1), ",")


def sheet_of(file: Path, table: str, said: str | None) -> Text:
    """A sheet of a workbook: the one that is said, that of the table's name, or the first."""
    sheets = workbook(file).sheet_names
    by_name = {name.lower(): name for name in reversed(sheets)}
    if said and said.lower() not in by_name:
        near = get_close_matches(said.lower(), by_name, n=1, cutoff=0.6)
        meant = f": did you mean {by_name[near[0]]}?" if near else f", but {', '.join(sheets)}."
        raise NoTable(f"has no sheet {said}{meant}")
    sheet = by_name[said.lower()] if said else by_name.get(table.lower(), sheets[0])
    first = next(rows_of(file, sheet), [])
    return Text("utf-8", ",", [name.strip().lower() for name in first], sheet=sheet)


def workbook(file: Path) -> CalamineWorkbook:
    """An open workbook. Raises NoTable where it is none that can be read."""
    try:
        return CalamineWorkbook.from_path(str(file))
    except CalamineError as error:
        sentence = f"cannot be read as an Excel workbook ({error}): save it again as .xlsx, without a password."
        raise NoTable(sentence) from None


def rows_of(file: Path, sheet: str, kinds: Mapping[str, str] | None = None) -> Iterator[list[str]]:
    """The rows of a sheet as text in the strict form, from its header on; those that are empty are none. kinds: by the
    names in the header, in lower case, what columns hold."""
    of_columns: list[str | None] | None = None
    try:
        for row in workbook(file).get_sheet_by_name(sheet).iter_rows():
            texts = [text_of_cell(cell, kind) for cell, kind in zip(row, of_columns or [None] * len(row))]
            if of_columns is None and any(texts):
                of_columns = [(kinds or {}).get(text.strip().lower()) for text in texts]
            if any(texts):
                yield texts
    except CalamineError as error:
        raise NoTable(f"has a sheet {sheet} that cannot be read: {error}.") from None


def text_of_cell(cell: Any, kind: str | None = None) -> str:
    """What a cell holds, as CSV has it. A number whose digits Excel has not kept stands in scientific notation. kind:
    date or timestamp, where the column is to hold these: to Excel both are one, and midnight is a date."""
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, int | float):
        if abs(cell) >= DIGITS_OF_EXCEL:
            return f"{cell:e}"
        return str(int(cell)) if cell == int(cell) else f"{cell:.15f}".rstrip("0") if abs(cell) < 1e-4 else repr(cell)
    if isinstance(cell, datetime.datetime):
        return str(cell.date()) if kind == "date" else str(cell)
    if isinstance(cell, datetime.date):
        return f"{cell} 00:00" if kind == "timestamp" else str(cell)
    return str(cell)


def write_utf8(file: Path, text: Text, kinds: Mapping[str, str], copy: Path) -> Text:
    """Write a file's text in UTF-8, and return how the copy is written. kinds: as `rows_of` takes them.

    Raises NoTable and OSError.
    """
    if text.sheet is not None:
        with copy.open("w", encoding="utf-8", newline="") as written:
            csv.writer(written).writerows(rows_of(file, text.sheet, kinds))
        return Text("utf-8", ",", text.columns)
    with io.TextIOWrapper(open_csv(file), text.encoding, errors="not_in_1252", newline="") as opened:
        with copy.open("w", encoding="utf-8", newline="") as written:
            try:
                shutil.copyfileobj(opened, written, 1 << 20)
            except UnicodeDecodeError as error:
                raise NoTable(f"is no text in {text.encoding}: {error.reason}.") from None
    return Text("utf-8", text.separator, text.columns, text.skipped)


def same_number(error: UnicodeError) -> tuple[str, int]:
    """Read the five bytes that Windows-1252 leaves out as browsers do, as the signs of the same numbers."""
    if isinstance(error, UnicodeDecodeError) and error.encoding == "charmap":
        return "".join(map(chr, error.object[error.start : error.end])), error.end
    raise error


codecs.register_error("not_in_1252", same_number)


def encoding_name(text: Text) -> str | None:
    """The encoding for people, where it is not UTF-8."""
    return None if text.encoding == "utf-8" else NAMES.get(text.encoding, text.encoding)
