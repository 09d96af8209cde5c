"""A raw file that cannot be read ends in one sentence: with its name, its line, and what to do."""

import gzip
import io
import itertools
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ecommerce_segments import CannotDo
from ecommerce_segments.build.file_faults import file_fault
from ecommerce_segments.engines.raw_tables import load_files
from project import environment, messages
from test_broken_input import DAY, SMALL_SHOP, write_tables

HEADER = "review_id,customer_id,rating,topic,reviewed_at\n"
ROW = "r{},c1,5,x,2026-06-01 10:00\n"
MANY_ROWS = "".join(ROW.format(number) for number in range(300_000))


@pytest.fixture
def fault(project, tmp_path):
    """What `file_fault` makes of what dbt says where these bytes are the file of reviews; `PATH` stands for the file's
    path."""
    write_tables(tmp_path, SMALL_SHOP)

    def sentence(name: str, content: bytes) -> str | None:
        file = tmp_path / name
        file.write_bytes(content)
        result = project.attempt("run", "--select", "base_reviews", raw_dir=tmp_path, **DAY)
        assert not result.success
        found = file_fault(messages(result), tmp_path)
        file.unlink()
        return found and found.replace(str(file), "PATH")

    return sentence


def archive(*names: str) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as opened:
        for name in names:
            opened.writestr(name, "some text in a file " * 100)
    return written.getvalue()


def parquet(table: pa.Table) -> bytes:
    written = io.BytesIO()
    pq.write_table(table, written)
    return written.getvalue()


REVIEWS = pa.table(
    {
        "review_id": ["r1"],
        "customer_id": ["c1"],
        "rating": [5],
        "topic": [b"M\xfcller"],
        "reviewed_at": ["2026-06-01 10:00"],
    }
)
LATIN = HEADER + ROW.format(0) + 'r1,c1,5,"two\nlines",2026-06-01 10:00\nr2,c1,5,Stra\xdfe,2026-06-01 10:00\n'
NO_UTF8 = (
    "is no UTF-8, so the file is probably in Windows-1252 (Latin-1). `segments run` reads it, in a large file where"
    ' segments.toml says encoding = "windows-1252" of its table; or save it as CSV in UTF-8.'
)


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        (
            "reviews.csv",
            LATIN.encode("cp1252"),
            f"PATH, line 5: the byte 0xDF {NO_UTF8}",
        ),
        (
            "reviews.csv.gz",
            gzip.compress(LATIN.encode("cp1252")),
            f"PATH, line 5: the byte 0xDF {NO_UTF8}",
        ),
        (
            "reviews.csv",
            (HEADER + MANY_ROWS + "r,c1,5,\u20ac,2026-06-01 10:00\n" + MANY_ROWS).encode("cp1252"),
            f"PATH, line 300002: the byte 0x80 {NO_UTF8}",
        ),
        (
            "reviews.csv",
            (HEADER + ROW.format(1)).replace("topic", "Gr\xf6\xdfe").encode("cp1252"),
            f"PATH, line 1: the byte 0xF6 {NO_UTF8}",
        ),
        (
            "reviews.csv",
            (HEADER + ROW.format(1)).encode("utf-16"),
            "PATH is text in UTF-16: save it as CSV in UTF-8, with commas.",
        ),
        (
            "reviews.csv",
            archive("[Content_Types].xml", "xl/workbook.xml"),
            "PATH is an Excel workbook, whatever its name says: save it as CSV in UTF-8, with commas.",
        ),
        (
            "reviews.csv",
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600),
            "PATH is an Excel workbook, whatever its name says: save it as CSV in UTF-8, with commas.",
        ),
        (
            "reviews.csv",
            archive("mimetype", "content.xml"),
            "PATH is an OpenDocument spreadsheet, whatever its name says: save it as CSV in UTF-8, with commas.",
        ),
        ("reviews.csv", archive("reviews.csv"), "PATH is a zip archive, whatever its name says: unpack it."),
        (
            "reviews.csv",
            gzip.compress((HEADER + MANY_ROWS).encode()),
            "PATH is compressed by gzip: its name must end in .csv.gz.",
        ),
        (
            "reviews.csv.gz",
            (HEADER + ROW.format(1)).encode(),
            "PATH is not compressed, though its name ends in .gz: rename it to reviews.csv, or export it again.",
        ),
        ("reviews.csv", parquet(REVIEWS), "PATH is a Parquet file: its name must end in .parquet."),
        (
            "reviews.parquet",
            parquet(REVIEWS),
            'PATH holds text that is not UTF-8, such as "M\\xFCller": export it with text in UTF-8.',
        ),
        ("reviews.parquet", parquet(REVIEWS)[:200], "PATH is damaged or cut short: copy or export it again."),
        ("reviews.parquet", b"", "PATH is empty: it holds nothing at all."),
        (
            "reviews.parquet",
            (HEADER + ROW.format(1)).encode(),
            "PATH is no Parquet file, whatever its name says: export it as Parquet, or as CSV with a name that ends in"
            " .csv.",
        ),
        (
            "reviews.csv",
            (HEADER + ROW.format(1) + 'r2,c1,5,"a\nb",2026-06-01 10:00\nr3,c1\n').encode(),
            "PATH, line 5: 2 values for 5 columns. A value that holds a comma or a line end needs double quotes around"
            " it.",
        ),
        (
            "reviews.csv",
            (HEADER + MANY_ROWS + "one\n" + MANY_ROWS).encode(),
            "PATH, line 300002: 1 value for 5 columns. A value that holds a comma or a line end needs double quotes"
            " around it.",
        ),
        (
            "reviews.csv",
            (HEADER + 'r1,c1,5,"x" y,2026-06-01 10:00\n').encode(),
            "PATH, line 2: a double quote is opened and not closed, or text follows a closed one. A quote within a"
            " quoted value is written twice.",
        ),
        (
            "reviews.csv",
            (HEADER + ROW.format(1)).replace("\n", "\r\n").encode() + ROW.format(2).encode(),
            "PATH mixes the line ends of Windows and of Unix: write it with one of them.",
        ),
    ],
    ids=itertools.count(),
)
def test_the_sentence_of_a_file_that_cannot_be_read(fault, name, content, sentence):
    assert fault(name, content) == sentence


@pytest.mark.parametrize("message", [
    "Compilation Error\n  The required table orders is missing.",
    'IO Error: Could not set lock on file "/srv/warehouse.duckdb": Conflicting lock is held',
    "Database Error in model customers\n  Binder Error: Referenced column \"x\" not found",
])
def test_other_failures_are_no_business_of_files(message, tmp_path):
    assert file_fault(message, tmp_path) is None


def test_a_file_that_is_gone_is_named(tmp_path):
    assert (
        file_fault("CSV Error on Line: 3\n  file = orders.csv\n", tmp_path)
        == f"{tmp_path}/orders.csv cannot be read: No such file or directory."
    )


def test_a_loader_says_it_too_and_commits_nothing(tmp_path):
    write_tables(tmp_path, SMALL_SHOP | {"orders": [*SMALL_SHOP["orders"], "o2,c1"]})
    with (
        environment(RAW_DIR=tmp_path, DUCKDB_PATH=""),
        pytest.raises(CannotDo, match=f"{tmp_path}/orders.csv, line 3: 2 values for 6 columns."),
    ):
        load_files({}, lambda files: map(str, files.execute("from raw.orders").fetchall()))
