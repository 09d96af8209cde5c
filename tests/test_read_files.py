"""Files as spreadsheets and admin pages write them are read as the strict ones that they stand for; strict files are
read in place; and what is open is asked."""

import gzip
import io
import json
import os
import random
import subprocess
import sys
import zipfile
from datetime import date, datetime, timedelta
from pathlib import Path
from xml.sax.saxutils import escape

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ecommerce_segments.connectors import prepare_all
from ecommerce_segments.engines.raw_tables import load_files
from ecommerce_segments.read.convert import FileError
from ecommerce_segments.read.files import copy_of, prepare, remove_former, told
from project import PROJECT, environment
from test_broken_input import SMALL_SHOP, write_tables

TABLES = {
    "orders": {
        "order_id": "text",
        "phone": "text",
        "ordered_on": "date",
        "ordered_at": "timestamp",
        "amount": "decimal(18,6)",
        "is_test": "boolean",
        "note": "text",
    }
}


@pytest.fixture
def read(tmp_path):
    """Writes a file, has it looked at, and returns what was said of it and its copy's columns, by name; None for the
    columns where there is no copy."""
    raw_dir, into = tmp_path / "raw", tmp_path / "shop.files"
    raw_dir.mkdir()

    def one(content: bytes | str, name: str = "orders.csv", encoding: str = "utf-8", **settings):
        file = raw_dir / name
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        found = prepare(raw_dir, TABLES, into, **settings)
        remove_former(into, found)
        lines = told(found)
        copy = copy_of(file, into)
        columns = duckdb.sql(f"from '{copy}'").to_arrow_table().to_pydict() if copy.exists() else None
        return lines, columns

    return one


def quoted(values: list[str]) -> str:
    return "".join(f'"{value}"\n' for value in values)


def workbook(sheets: dict[str, list[list]]) -> bytes:
    """A workbook as Excel writes it: texts, numbers, true and false, and dates as numbers with a style."""
    def cell(value) -> str:
        if value is None:
            return "<c/>"
        if isinstance(value, bool):
            return f'<c t="b"><v>{int(value)}</v></c>'
        if isinstance(value, int | float):
            return f"<c><v>{value!r}</v></c>"
        if isinstance(value, datetime):
            return f'<c s="2"><v>{(value - datetime(1899, 12, 30)) / timedelta(days=1)!r}</v></c>'
        if isinstance(value, date):
            return f'<c s="1"><v>{(value - date(1899, 12, 30)).days}</v></c>'
        return f'<c t="inlineStr"><is><t xml:space="preserve">{escape(value)}</t></is></c>'

    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    packages = "http://schemas.openxmlformats.org/package/2006"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{packages}/content-types"><Default Extension="xml"'
        ' ContentType="application/xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{packages}/relationships"><Relationship Id="r1"'
        f' Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets>'
        + "".join(
            f'<sheet name="{name}" sheetId="{number}" r:id="s{number}"/>' for number, name in enumerate(sheets, start=1)
        )
        + "</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{packages}/relationships">'
        + "".join(
            f'<Relationship Id="s{number}" Type="{office}/worksheet" Target="worksheets/sheet{number}.xml"/>'
            for number in range(1, len(sheets) + 1)
        )
        + f'<Relationship Id="st" Type="{office}/styles" Target="styles.xml"/></Relationships>',
        "xl/styles.xml": f'<styleSheet xmlns="{main}"><fonts count="1"><font/></fonts><fills count="1"><fill/></fills>'
        '<borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="3"><xf/>'
        '<xf numFmtId="14" applyNumberFormat="1"/><xf numFmtId="22" applyNumberFormat="1"/></cellXfs></styleSheet>',
    }
    for number, rows in enumerate(sheets.values(), start=1):
        data = "".join(f"<row>{''.join(map(cell, row))}</row>" for row in rows)
        sheet = f'<worksheet xmlns="{main}"><sheetData>{data}</sheetData></worksheet>'
        parts[f"xl/worksheets/sheet{number}.xml"] = sheet
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, content in parts.items():
            opened.writestr(name, content)
    return written.getvalue()


@pytest.mark.parametrize(
    ("written", "strict", "said"),
    [
        (["12,50", "0,99", "1.258,54", "7"], ["12.50", "0.99", "1258.54", "7"], "decimal comma, thousands separators"),
        (["$1,258.54", "$0.99", "-$5.00", "$7"], ["1258.54", "0.99", "-5.00", "7"],
         "thousands separators, currency signs"),
        (["12,50 €", "1 258,54 €", "-3,10 €"], ["12.50", "1258.54", "-3.10"],
         "decimal comma, thousands separators, currency signs"),
        (["EUR 12,50", "EUR 3"], ["12.50", "3"], "decimal comma, currency signs"),
        (["1\u202f258,54", "1\u00a0000,00"], ["1258.54", "1000.00"], "decimal comma, thousands separators"),
        (["Rs.1,23,456.78", "Rs. 12,345.00"], ["123456.78", "12345.00"], "thousands separators, currency signs"),
        (["1,23,456", "12,34,567"], ["123456", "1234567"], "thousands separators"),
        (["1'258.54", "CHF 1’000.00"], ["1258.54", "1000.00"], "thousands separators, currency signs"),
        (["(12.50)", "($3.00)", "(4)"], ["-12.50", "-3.00", "-4"], "currency signs, negatives as (5) or 5-"),
        (["12,50-", "\u221212,50"], ["-12.50", "-12.50"], "decimal comma, negatives as (5) or 5-"),
        (["1,250", "2,5"], ["1.250", "2.5"], "decimal comma"),
        (["1,250", "1,250.5"], ["1250", "1250.5"], "thousands separators"),
        (["0,125", "0,250"], ["0.125", "0.250"], "decimal comma"),
        (["12,50", "free", "9,00"], ["12.50", "free", "9.00"], "decimal comma"),
    ],
)  # fmt: skip
def test_numbers(read, written, strict, said):
    lines, columns = read("amount\n" + quoted(written))
    assert columns == {"amount": strict}
    assert lines == [f"orders.csv: {said}"]


@pytest.mark.parametrize(
    ("written", "strict", "said"),
    [
        (["30.06.2026 14:05", "1.6.2026 2:20:51"], ["2026-06-30 14:05", "2026-06-01 02:20:51"], "dates day/month/year"),
        (["30/06/2026", "01/06/2026"], ["2026-06-30 00:00", "2026-06-01 00:00"], "dates day/month/year"),
        (["6/30/2026 2:05 PM", "6/1/2026 12:20:51 AM"], ["2026-06-30 14:05", "2026-06-01 00:20:51"],
         "dates month/day/year"),
        (["06-30-2026, 12:05 p.m.", "06-01-2026, 9:05\u202fa.m."], ["2026-06-30 12:05", "2026-06-01 09:05"],
         "dates month/day/year"),
        (["2026/06/30 14:05", "2026/6/1 14:05"], ["2026-06-30 14:05", "2026-06-01 14:05"],
         "dates not as 2026-06-30 14:05"),
        (["2026-06-30", "2026-06-01"], ["2026-06-30 00:00", "2026-06-01 00:00"],
         "dates not as 2026-06-30 14:05"),
        # Hours of two digits say nothing: those below 10 do.
        (["2026-06-30 14:05", "2026-06-30 15:05", "2026-06-30 2:20:51"],
         ["2026-06-30 14:05", "2026-06-30 15:05", "2026-06-30 02:20:51"], "dates not as 2026-06-30 14:05"),
        (["30/06/2026 14:05:00.250 +0200", "30/06/2026 14:05 UTC"],
         ["2026-06-30 14:05:00.250 +0200", "2026-06-30 14:05 UTC"], "dates day/month/year"),
        (["05/05/2026 10:00"], ["2026-05-05 10:00"], "dates day/month/year"),
        (["30/06/2026 25:00", "30/06/2026 10:00", "soon", "31/02/2026 10:00", "29/06/2026 10:00"],
         ["30/06/2026 25:00", "2026-06-30 10:00", "soon", "31/02/2026 10:00", "2026-06-29 10:00"],
         "dates day/month/year"),
    ],
)  # fmt: skip
def test_timestamps(read, written, strict, said):
    lines, columns = read("ordered_at\n" + quoted(written))
    assert columns == {"ordered_at": strict}
    assert lines == [f"orders.csv: {said}"]


def test_of_a_time_in_a_column_of_dates_the_date_is_taken(read):
    assert read("ordered_on\n1980-12-31 00:00:00\n")[1] == {"ordered_on": ["1980-12-31"]}
    assert read("ordered_on\n12/31/1980 0:00\n")[1] == {"ordered_on": ["1980-12-31"]}


def test_dates_that_may_be_both_are_asked_and_a_setting_answers(read, tmp_path):
    content = "ordered_at\n03/04/2026 10:00\n05/05/2026 10:00\n"
    with pytest.raises(FileError) as error:
        read(content)
    assert str(error.value) == (
        f"{tmp_path}/raw/orders.csv: ordered_at holds dates such as 03/04/2026 10:00, and none of a day after the 12th:"
        ' does the day come first, or the month? Say dates = "day/month/year" or dates = "month/day/year" below'
        " [files.orders] in segments.toml."
    )
    assert not (tmp_path / "shop.files").exists()
    for order, day in (("day/month/year", "2026-04-03"), ("month/day/year", "2026-03-04")):
        _, columns = read(content, files={"orders": {"dates": order}})
        assert columns == {"ordered_at": [f"{day} 10:00", "2026-05-05 10:00"]}


def test_dates_of_both_orders_are_asked_unless_one_is_rare(read):
    with pytest.raises(FileError, match="some with the day first and some with the month: which of them are right"):
        read("ordered_at\n" + "30/06/2026 10:00\n" * 19 + "06/30/2026 10:00\n")
    _, columns = read("ordered_at\n" + "30/06/2026 10:00\n" * 20 + "06/30/2026 10:00\n")
    assert columns["ordered_at"] == ["2026-06-30 10:00"] * 20 + ["06/30/2026 10:00"]


def test_a_comma_that_may_be_both_is_asked_and_a_setting_or_the_file_answers(read):
    question = 'amount holds numbers such as 1,250: does .* Say decimal = "." or decimal = ","'
    with pytest.raises(FileError, match=question):
        read('amount\n"1,250"\n"2,500"\n')
    assert read('amount\n"1,250"\n', files={"orders": {"decimal": "."}})[1] == {"amount": ["1250"]}
    assert read('amount\n"1,250"\n', files={"orders": {"decimal": ","}})[1] == {"amount": ["1.250"]}
    assert read("amount;note\n1,250;\n")[1]["amount"] == ["1.250"]


def test_semicolons_tell_that_a_comma_parts_decimals(read):
    """Most of these numbers are whole, and say nothing by themselves."""
    assert read("amount;note\n1;\n2;\n3;\n4,5;\n")[1]["amount"] == ["1", "2", "3", "4.5"]
    assert read("amount;note\n1.5;\n2.5;\n3;\n4,5;\n")[1]["amount"] == ["1.5", "2.5", "3", "4,5"]


def test_points_are_thousands_where_the_setting_says_that_a_comma_parts_decimals(read):
    content = "amount;note\n1.258;\n12;\n"
    assert read(content)[1]["amount"] == ["1.258", "12"]
    assert read(content, files={"orders": {"decimal": ","}})[1]["amount"] == ["1258", "12"]


@pytest.mark.parametrize(
    ("column", "written", "strict"),
    [
        ("order_id", ["17.0", "18.0", ""], ["17", "18", None]),
        ("order_id", ["17.0", "c18"], None),
        ("order_id", ["'0017", "'A-5"], ["0017", "A-5"]),
        ("phone", ["'+34600111222", "+34600111223"], ["+34600111222", "+34600111223"]),
        ("note", ["'t Hooft", "'80s"], None),
        ("note", ["17.0"], None),
    ],
)
def test_ids_and_phones(read, column, written, strict):
    lines, columns = read(f"{column},note2\n" + "".join(f"{value},x\n" for value in written))
    assert (columns and columns[column]) == strict
    assert len(lines) == (strict is not None)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("orders.csv", "order_id\n1001\n1.23E+12\n"),
        # Excel keeps fifteen digits.
        ("orders.xlsx", workbook({"orders": [["order_id"], [1001], [1234567890123456]]})),
    ],
    # A workbook knows when it was written, so that parallel workers would name the test by different bytes.
    ids=["text", "workbook"],
)
def test_ids_in_scientific_notation_are_refused(read, name, content):
    with pytest.raises(FileError, match="order_id holds ids in scientific notation, such as 1.23.*, whose last digits"):
        read(content, name)


@pytest.mark.parametrize(
    ("encoding", "said"),
    [
        ("cp1252", "semicolons, decimal comma, Windows-1252"),
        ("utf-16", "semicolons, decimal comma, UTF-16"),
        ("utf-16-le", "semicolons, decimal comma, UTF-16"),
        ("utf-16-be", "semicolons, decimal comma, UTF-16"),
        ("utf-8-sig", "semicolons, decimal comma"),
    ],
)
@pytest.mark.parametrize("is_packed", [False, True])
def test_encodings(read, encoding, said, is_packed):
    content = "order_id;amount;note\r\n1;12,50;Müller – Söhne\r\n2;3,00;\"a;b\"\r\n".encode(encoding)
    name = "orders.csv.gz" if is_packed else "orders.csv"
    lines, columns = read(gzip.compress(content) if is_packed else content, name)
    assert columns == {"order_id": ["1", "2"], "amount": ["12.50", "3.00"], "note": ["Müller – Söhne", "a;b"]}
    assert lines == [f"{name}: {said}"]


def test_an_encoding_that_is_said(read):
    lines, columns = read("note\nŁódź\n", encoding="cp1250", files={"orders": {"encoding": "windows-1250"}})
    assert (lines, columns) == (["orders.csv: cp1250"], {"note": ["Łódź"]})
    with pytest.raises(FileError, match="orders.csv is no text in utf-8"):
        read("note\nŁódź\n", encoding="cp1250", files={"orders": {"encoding": "utf-8-sig"}})


@pytest.mark.parametrize(("separator", "said"), [(";", "semicolons"), ("\t", "tabs"), ("|", "vertical bars")])
def test_separators(read, separator, said):
    lines, columns = read(f"Order_ID{separator}note\n1{separator}a,b\n")
    assert (lines, columns) == ([f"orders.csv: {said}"], {"order_id": ["1"], "note": ["a,b"]})


def test_the_line_of_excel_that_says_what_parts_values(read):
    lines, columns = read("sep=;\norder_id;note\n1;a\n")
    assert (lines, columns) == (["orders.csv: semicolons"], {"order_id": ["1"], "note": ["a"]})


def test_a_workbook(read):
    """Midnight is a date to Excel; numbers that stand for text have no point; a column that nobody declared is kept."""
    rows = [
        ["Order_ID", "ordered_on", "ordered_at", "amount", "is_test", "note", "own"],
        [1001, date(2026, 6, 30), datetime(2026, 6, 30, 14, 5, 30), 12.5, True, "Müller", 7],
        ["A-2", datetime(2026, 6, 30), date(2026, 7, 1), "12,50 €", False, None, 0.1],
        [None] * 7,
    ]
    lines, columns = read(workbook({"Notes": [["x"]], "Orders": rows}), "orders.xlsx")
    assert lines == ["orders.xlsx: Excel workbook, sheet Orders"]
    assert columns == {
        "order_id": ["1001", "A-2"],
        "ordered_on": ["2026-06-30", "2026-06-30"],
        "ordered_at": ["2026-06-30 14:05:30", "2026-07-01 00:00"],
        "amount": ["12.5", "12,50 €"],
        "is_test": ["true", "false"],
        "note": ["Müller", None],
        "own": ["7", "0.1"],
    }


def test_the_sheet_of_a_workbook(read):
    content = workbook({"First": [["order_id"], [1]], "Second": [["order_id"], [2]]})
    assert read(content, "orders.xlsx")[1] == {"order_id": ["1"]}
    assert read(content, "orders.xlsx", files={"orders": {"sheet": "second"}})[1] == {"order_id": ["2"]}
    with pytest.raises(FileError, match="orders.xlsx has no sheet Secund: did you mean Second[?]"):
        read(content, "orders.xlsx", files={"orders": {"sheet": "Secund"}})
    with pytest.raises(FileError, match="orders.xlsx cannot be read as an Excel workbook"):
        read(content[:300], "orders.xlsx")


def test_a_workbook_whose_name_says_csv(read):
    assert read(workbook({"x": [["order_id"], [1]]}))[1] == {"order_id": ["1"]}


STRICT = (
    "\ufefforder_id,phone,ordered_on,ordered_at,amount,is_test,note\n"
    '1,+34600111222,1980-12-31,2026-06-30T14:05:59Z,12.50,true,"a,b"\n'
    "2,,,2026-06-30 04:05 +0200,.5,0,\n"
)


@pytest.mark.parametrize(
    "odd",
    [
        "",
        "3,x,31.12.1980,30.06.2026 10:00,\"1.258,54\",maybe,\n",
        '3,x,12/31/1980,06/30/2026 10:00 PM,"$1,258.54",,\n',
        '3,x,1980-12-31 00:00,2026-06-30,"12,50",,\n',
    ],
)
def test_a_strict_file_is_read_in_place_also_with_single_odd_values(read, tmp_path, odd):
    assert read(STRICT + odd) == ([], None)
    assert not (tmp_path / "shop.files").exists()


def test_files_that_are_no_table_are_left_to_the_strict_reader(read):
    for content in (b"", b"\n", b"PAR1 and so on", gzip.compress(b"order_id\n1\n"), b"order_id\n1,2,3\n"):
        assert read(content) == ([], None)
    assert read(b"no gzip", "orders.csv.gz") == ([], None)


def test_a_line_that_cannot_be_split_is_named_with_the_users_file(read, tmp_path):
    with pytest.raises(FileError) as error:
        read("order_id;note\n1;ü\n2;x;y\n", encoding="cp1252")
    assert str(error.value).startswith(f"{tmp_path}/raw/orders.csv, line 3: 3 values for 2 columns.")


def test_copies_follow_their_originals(read, tmp_path):
    """A copy that still holds is not made again; one whose original is gone, or strict by now, goes."""
    read("amount;note\n1,5;\n")
    copy = copy_of(tmp_path / "raw" / "orders.csv", tmp_path / "shop.files")
    made = copy.stat().st_mtime_ns
    assert read("amount;note\n1,5;\n", "orders/1.csv")[0] == [
        "orders/1.csv: semicolons, decimal comma",
        "orders.csv: semicolons, decimal comma",
    ]
    assert copy.stat().st_mtime_ns == made
    assert read("amount;note\n1,75;\n")[1]["amount"] == ["1.75"]
    assert read("amount;note\n1.75;\n", files={"orders": {"separator": ";"}})[1]["amount"] == ["1.75"]
    assert read("amount\n1.75\n") == (["orders/1.csv: semicolons, decimal comma"], None)
    (tmp_path / "raw" / "orders" / "1.csv").unlink()
    assert read("amount\n1.75\n") == ([], None)
    assert not (tmp_path / "shop.files").exists()


def test_looking_writes_nothing(tmp_path):
    (tmp_path / "orders.csv").write_text("amount;note\n1,5;\n", encoding="cp1252")
    assert told(prepare(tmp_path, TABLES, None)) == ["orders.csv: semicolons, decimal comma"]
    assert [path.name for path in tmp_path.rglob("*")] == ["orders.csv"]


def test_many_files_that_are_written_alike_share_a_line(tmp_path):
    (tmp_path / "orders").mkdir()
    for number in range(5):
        (tmp_path / "orders" / f"{number}.csv").write_text("amount;note\n1,5;\n")
    assert told(prepare(tmp_path, TABLES, None)) == ["orders/0.csv and 4 more: semicolons, decimal comma"]


def test_columns_of_other_names(read, tmp_path):
    """One column may stand for two; without case; the contract's own names go on being read."""
    names = {"orders": {"order_id": "ORDER no", "ordered_at": "Created at", "note": "note"}}
    lines, columns = read("Order No,Created At,Note,Other\n1,2026-06-30 10:00,a,b\n", column_names=names)
    assert lines == ["orders.csv: columns by column_names"]
    assert columns == {"order_id": ["1"], "ordered_at": ["2026-06-30 10:00"], "note": ["a"], "other": ["b"]}
    assert read("order_id,ordered_at,note\n1,2026-06-30 10:00,a\n", column_names=names) == ([], None)
    with pytest.raises(FileError) as error:
        read("Order Nr,Created At,Note\n", column_names=names)
    assert str(error.value) == (
        f"{tmp_path}/raw/orders.csv has no column ORDER no, which column_names names for order_id of orders: did you"
        " mean order nr?"
    )
    with pytest.raises(FileError, match="The column order no stands twice in the header of .*orders.csv"):
        read("Order No,Order no,Created At,Note\n", column_names=names)


def test_columns_of_other_names_in_parquet_keep_their_types(tmp_path):
    names = {"orders": {"order_id": "Order No"}}
    pq.write_table(pa.table({"Order No": [1], "Amount": [1.5]}), tmp_path / "orders.parquet")
    assert told(prepare(tmp_path, TABLES, tmp_path / "into", column_names=names)) == [
        "orders.parquet: columns by column_names"
    ]
    copy = copy_of(tmp_path / "orders.parquet", tmp_path / "into")
    assert duckdb.sql(f"describe from '{copy}'").fetchall()[0][:2] == ("order_id", "BIGINT")
    found = prepare(tmp_path, TABLES, tmp_path / "into")
    remove_former(tmp_path / "into", found)
    assert found == [] and not copy.exists()


def test_copies_of_connectors_and_of_the_shops_own_files_stand_side_by_side(tmp_path):
    """The shop's own files may lie in a connector's directory, and a connector's in that of the shop's own."""
    raw_dir, into = tmp_path / "ads" / "raw", tmp_path / "shop.files"
    (raw_dir / "klaviyo").mkdir(parents=True)
    (tmp_path / "ads" / "basic_ad.csv").write_text("account_id;date;spend\n1;2026-05-01;1,5\n")
    (raw_dir / "reviews.csv").write_text("review_id;rating\n1;4,5\n")
    (raw_dir / "klaviyo" / "person.csv").write_text("id;email\n1;ann@shop.example\n")
    settings = {"connectors": {"ad_reporting": {"directory": str(tmp_path / "ads")}, "klaviyo": {}}}
    copies = [{odd.copy: odd.copy.stat().st_mtime_ns for odd in prepare_all(settings, raw_dir, into)} for _ in range(2)]
    assert len(copies[0]) == 3 and copies[0] == copies[1]
    assert [odd.name for odd in prepare_all({}, raw_dir, into)] == ["reviews.csv"]
    assert [copy.name for copy in into.rglob("*.parquet")] == ["reviews.csv.parquet"]


# -- Random disguises -------------------------------------------------------------------------------------------------


def random_rows(rng: random.Random) -> list[dict[str, str]]:
    """Rows in the strict form. The first one has a day after the 12th and decimals, so that nothing is open."""
    rows = []
    for number in range(rng.randrange(1, 30)):
        moment = datetime(2026, 1, 1) + timedelta(minutes=rng.randrange(500_000))
        rows.append({
            "order_id": str(1000 + number),
            "phone": f"+34{rng.randrange(10**8, 10**9)}",
            "ordered_on": f"{moment:%Y-%m-%d}",
            "ordered_at": f"{moment:%Y-%m-%d %H:%M:%S}",
            "amount": rng.choice(["0", "17", "12.50", "-3.25", "1258.54", "1234567.89", "0.999", ""]),
            "is_test": rng.choice(["true", "false", ""]),
            "note": rng.choice(["", "Müller", "a;b", 'so "x"', "1.5", "two\nlines", "|", "\t"]).strip(),
        })
    rows[0] |= {"ordered_on": "1980-12-31", "ordered_at": "2026-06-30 03:05:09", "amount": "2345.5"}
    return rows


def amounts(sign: str, group: str, currency: str):
    """Writes an amount with a decimal sign, a thousands separator and a currency sign."""
    def written(value: str) -> str:
        if not value:
            return value
        whole, _, decimals = value.lstrip("-").partition(".")
        grouped = f"{int(whole):,}".replace(",", group) + (sign + decimals if decimals else "")
        return ("-" if value.startswith("-") else "") + currency.format(grouped)

    return written


def moments(form: str, clock: str):
    """Writes a date, or a date and a time, with a form of each; without zeros in front where the form says so."""
    def written(value: str) -> str:
        moment = datetime.fromisoformat(value)
        parts = {"d": moment.day, "m": moment.month, "y": moment.year, "h": moment.hour, "i": moment.hour % 12 or 12,
                 "M": f"{moment:%M}", "S": f"{moment:%S}", "p": f"{moment:%p}"}
        return (form if len(value) == 10 else f"{form} {clock}").format(**parts)

    return written


DISGUISES = {
    "amount": [amounts(*form) for form in [(".", "", "{}"), (",", "", "{}"), (",", ".", "{} €"), (".", ",", "${}"),
                                           (",", " ", "EUR {}"), (".", "'", "{}"), (",", "\u00a0", "{}")]],
    "moment": [moments(form, clock)
               for form in ("{y}-{m:02}-{d:02}", "{d:02}.{m:02}.{y}", "{d}/{m}/{y}", "{m}/{d}/{y}", "{m:02}-{d:02}-{y}")
               for clock in ("{h:02}:{M}:{S}", "{h}:{M}:{S}", "{i}:{M}:{S} {p}")],
    "order_id": [lambda value: value, lambda value: f"{value}.0", lambda value: f"'{value}"],
    "phone": [lambda value: value, lambda value: f"'{value}"],
    "is_test": [lambda value: value, str.upper, str.title],
}  # fmt: skip


def disguised(rows: list[dict[str, str]], rng: random.Random) -> list[list[str]]:
    """The same rows as a spreadsheet may write them, with their header. A column of numbers most of which no form
    changes would not be guessed at."""
    forms = {name: rng.choice(choices) for name, choices in DISGUISES.items()}
    numbers = [row["amount"] for row in rows if row["amount"]]
    if 2 * sum(forms["amount"](value) != value for value in numbers) <= len(numbers):
        forms["amount"] = str
    forms |= {"ordered_on": forms["moment"], "ordered_at": forms["moment"]}
    return [
        [rng.choice([str.upper, str.title, str])(name) for name in rows[0]],
        *([forms.get(name, str)(value) if value else "" for name, value in row.items()] for row in rows),
    ]


def as_file(lines: list[list[str]], rng: random.Random) -> tuple[str, bytes]:
    """The name and the bytes of a file with these lines."""
    kind = rng.choice(["csv", "csv", "csv.gz", "xlsx"])
    if kind == "xlsx":
        return "orders.xlsx", workbook({"any": [[value or None for value in line] for line in lines]})
    separator = rng.choice(",;\t|")
    text = "".join(
        separator.join('"' + value.replace('"', '""') + '"' if value else "" for value in line) + "\r\n"
        for line in lines
    )
    content = text.encode(rng.choice(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"]))
    return f"orders.{kind}", gzip.compress(content) if kind == "csv.gz" else content


# The strict form has one more way to write a time: the views read both.
READ = (
    "select order_id, phone, cast(ordered_on as date), cast(ordered_at as timestamp), cast(amount as decimal(18,6)),"
    " cast(is_test as boolean), nullif(trim(note), '') from {source} order by order_id"
)


@pytest.mark.parametrize("seed", range(40))
def test_a_table_in_any_disguise_is_the_same_table(tmp_path, seed):
    rng = random.Random(seed)
    rows = random_rows(rng)
    name, content = as_file(disguised(rows, rng), rng)
    (tmp_path / name).write_bytes(content)
    said = told(prepare(tmp_path, TABLES, tmp_path / "into"))
    copy = copy_of(tmp_path / name, tmp_path / "into")
    strict = pa.Table.from_pylist([{column: value or None for column, value in row.items()} for row in rows])
    with duckdb.connect() as connection:
        connection.register("strict", strict)
        expected = connection.execute(READ.format(source="strict")).fetchall()
        source = f"'{copy}'" if said else f"read_csv('{tmp_path / name}', all_varchar = true)"
        assert connection.execute(READ.format(source=source)).fetchall() == expected, said


# -- Through the command ----------------------------------------------------------------------------------------------


def excel_shop(directory: Path) -> Path:
    """Ten orders of five accounts in a German Excel's files, one of them a workbook, and names of the shop's own."""
    days = [datetime.now().replace(microsecond=0) - timedelta(days=2 + 9 * number) for number in range(10)]
    directory.mkdir(parents=True)
    (directory / "customers.csv").write_text(
        "customer_id;email;phone;city;birth_date;created_at;updated_at\n"
        + "".join(
            f"{number};c{number}@example.com;'+4930123456{number};Köln;3{number % 2}.12.1980;13.01.2025 9:05;"
            "13.01.2025 9:05\n"
            for number in range(1, 6)
        ),
        encoding="cp1252",
    )
    (directory / "products.csv").write_bytes(
        "product_id\tcategory\tunit_cost\tupdated_at\np1\tSchuhe\t20,5\t31.12.2024 0:00\n".encode("utf-16")
    )
    orders = [["Order No", "customer_id", "Created", "status", "currency", "Changed"]]
    orders += [[1000 + n, 1 + n % 5, day, "paid", "EUR", day.date()] for n, day in enumerate(days)]
    (directory / "orders.xlsx").write_bytes(workbook({"Notes": [["read me"]], "Orders": orders}))
    (directory / "order_lines.csv.gz").write_bytes(gzip.compress((
        "order_line_id;order_id;product_id;quantity;unit_price;updated_at\n"
        + "".join(f"{n};{1000 + n}.0;p1;2;1.258,54 €;28.02.2025 10:00\n" for n in range(10))
    ).encode()))
    return directory


def segments(tmp_path: Path, *words: str) -> subprocess.CompletedProcess:
    """The command, on the shop of a directory."""
    of_others = ("RAW_DIR", "DATASET", "DUCKDB_PATH", "PUBLISHED_DIR", "VARS", "TARGET", "DBT_TARGET", "SHOP_DIR")
    return subprocess.run(
        [sys.executable, "-m", "ecommerce_segments.cli", *words, "--shop", tmp_path / "shop"],
        env={name: value for name, value in os.environ.items() if name not in of_others}
        | {"DBT_TARGET_PATH": str(tmp_path / "target"), "DBT_LOG_PATH": str(tmp_path / "logs")},
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_shop_of_excels_files_is_built_and_what_was_found_is_told(tmp_path):
    excel_shop(tmp_path / "shop" / "raw")
    (tmp_path / "shop" / "segments.toml").write_text(
        'raw_dir = "raw"\nmax_days_without_orders = 100\n[column_names.orders]\norder_id = "Order No"\n'
        'ordered_at = "created"\nupdated_at = "Changed"\n'
    )
    told_of = [
        "customers.csv: semicolons, apostrophes before phone, dates day/month/year, Windows-1252",
        "order_lines.csv.gz: semicolons, decimal comma, thousands separators, currency signs, order_id as 17.0 for 17,"
        " dates day/month/year",
        "orders.xlsx: Excel workbook, sheet Orders, columns by column_names",
        "products.csv: tabs, decimal comma, dates day/month/year, UTF-16",
    ]
    looked = segments(tmp_path, "doctor")
    assert looked.returncode == 0, looked.stderr
    assert all(f"  not strict, read by a copy: {line}\n" in looked.stdout for line in told_of)
    assert sorted(path.name for path in (tmp_path / "shop").iterdir()) == ["raw", "segments.toml"]

    run = segments(tmp_path, "nightly")
    assert (run.returncode, run.stderr) == (0, ""), run.stdout
    assert all(f"  {line}\n" in run.stdout for line in told_of)
    report = json.loads((tmp_path / "shop" / "published" / "shop" / "run_report.json").read_text())
    assert [f"{file['file']}: {file['written']}" for file in report["files"]] == told_of
    with duckdb.connect(tmp_path / "shop" / "warehouse" / "shop.duckdb") as warehouse:
        assert warehouse.sql(
            "select count(*), sum(purchase_count), sum(net_revenue)::varchar from marts.customers"
        ).fetchall() == [(5, 10, "25170.80")]
        assert warehouse.sql("from staging.rejected_rows").fetchall() == []
        assert warehouse.sql("select phone, birth_date::varchar from marts.customer_contacts where customer_id = '1'"
                             ).fetchall() == [("+49301234561", "1980-12-31")]
    # Whoever asks the last build reads the same copies.
    assert segments(tmp_path, "explain", "1").stdout.startswith("1 on ")


def test_a_loader_reads_the_same_files_and_leaves_no_copies(tmp_path, capsys):
    write_tables(tmp_path, SMALL_SHOP | {"order_lines": None})
    (tmp_path / "order_lines.csv").write_text(
        "order_line_id;order_id;product_id;quantity;unit_price;updated_at\nl1;o1;p1;2;29,95;13.06.2026 10:00\n"
    )
    query = "select unit_price, updated_at from raw.order_lines"
    with environment(RAW_DIR=tmp_path, DUCKDB_PATH=""):
        load_files({}, lambda files: [str(files.execute(query).fetchone())])
    assert capsys.readouterr().out.splitlines()[-2:] == [
        "order_lines.csv: semicolons, decimal comma, dates day/month/year",
        "(Decimal('29.950000'), datetime.datetime(2026, 6, 13, 10, 0))",
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{table}.csv" for table in sorted(SMALL_SHOP)]
