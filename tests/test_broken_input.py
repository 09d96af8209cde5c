"""Input that breaks the raw contract ends in the promised sentence or row."""

import gzip
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from project import DATABASE, PROJECT, messages

DAY = {"as_of_date": "2026-06-30", "max_days_without_orders": None}

# A shop of one customer with one order, as a user would write it by hand.
SMALL_SHOP = {
    "customers": [
        "customer_id,email,created_at,updated_at",
        "c1,ann@example.com,2026-01-01T10:00:00Z,2026-01-01T10:00:00Z",
    ],
    "products": ["product_id,category,unit_cost,updated_at", "p1,shoes,20,2026-01-01 00:00"],
    "orders": [
        "order_id,customer_id,ordered_at,status,currency,updated_at",
        "o1,c1,2026-06-01T10:00:00Z,paid,EUR,2026-06-01T10:00:00Z",
    ],
    "order_lines": [
        "order_line_id,order_id,product_id,quantity,unit_price,updated_at",
        "l1,o1,p1,2,29.95,2026-06-01T10:00:00Z",
    ],
}


@pytest.fixture
def shop(tmp_path):
    """Writes the small shop, with tables changed as the test asks; None leaves a table out. Returns its directory."""

    def write(**changes: list[str] | None) -> Path:
        write_tables(tmp_path, SMALL_SHOP | changes)
        return tmp_path

    return write


def write_tables(directory: Path, tables: dict[str, list[str] | None]) -> None:
    for table, lines in tables.items():
        if lines is not None:
            (directory / f"{table}.csv").write_text("\n".join(lines) + "\n")


@pytest.fixture(scope="module")
def sql(project, tmp_path_factory):
    directory = tmp_path_factory.mktemp("any")
    write_tables(directory, SMALL_SHOP)
    return project.compiled(directory, **DAY)


@pytest.fixture
def built(sql):
    """Builds a directory in memory; returns a function that queries what was built."""
    connections = []

    def build(raw_dir: Path):
        connections.append(sql.build(raw_dir))
        assert sql.failing_tests(connections[-1]) == []
        return lambda query: connections[-1].execute(query).fetchall()

    yield build
    for connection in connections:
        connection.close()


@pytest.fixture
def refusal(project):
    """What dbt says when it stops at the start of a run on a directory."""

    def start(raw_dir: Path, **variables) -> str:
        result = project.attempt("seed", raw_dir=raw_dir, **DAY | variables)
        assert not result.success
        return messages(result)

    return start


@pytest.fixture
def dbt_build(project, tmp_path_factory):
    """Runs dbt build on a fresh database; returns dbt's result and a function that queries what was built."""

    def run(raw_dir: Path, *arguments: str, **variables):
        database = tmp_path_factory.mktemp("built") / f"{DATABASE}.duckdb"
        result = project.attempt(
            "build",
            *arguments,
            "--exclude",
            "resource_type:unit_test",
            raw_dir=raw_dir,
            database=database,
            **DAY | variables,
        )

        def query(sql: str) -> list[tuple]:
            with duckdb.connect(database) as connection:
                return connection.execute(sql).fetchall()

        return result, query

    return run


def test_one_single_customer(shop, built):
    query = built(shop())
    assert query(
        "select customer_id, purchase_count, net_revenue::varchar, gross_margin::varchar, rfm_code, lifecycle_stage"
        " from marts.customers"
    ) == [("c1", 1, "59.90", "19.900000", "111", "new")]
    assert query("select segment from marts.segments where customers > 0") == [
        ("low_value_active",),
        ("first_time_buyers",),
    ]


def test_an_empty_shop_of_headers_only(shop, built):
    query = built(shop(**{table: lines[:1] for table, lines in SMALL_SHOP.items()}))
    assert query("select count(*) from marts.customers") == [(0,)]
    assert query("select count(*), sum(customers), max(share_of_customers) from marts.segments") == [(40, 0, 0)]


def test_a_missing_required_file(shop, refusal):
    raw_dir = shop(order_lines=None)
    assert (
        "The required table order_lines is missing: neither order_lines.parquet, order_lines.csv nor a folder"
        " order_lines/"
        f" of such files is in {raw_dir} (RAW_DIR)." in refusal(raw_dir)
    )


def test_a_missing_required_column(shop, refusal):
    raw_dir = shop(orders=["order_id,customer_id,status,currency,updated_at"])
    assert f"The required column ordered_at of the table orders is missing in {raw_dir}/orders.csv." in refusal(raw_dir)


def test_missing_columns_are_named_with_what_the_file_has(shop, refusal):
    raw_dir = shop(orders=["order_nr,customer_id,Order-Date,status,currency,updated_at,note"])
    assert (
        f"The required columns order_id, ordered_at of the table orders are missing in {raw_dir}/orders.csv. The"
        " columns there are order_nr,"
        " customer_id, order-date, status, currency, updated_at, note; did you mean order_nr for order_id, order-date"
        " for ordered_at?"
        in refusal(raw_dir)
    )


@pytest.mark.parametrize(("separator", "name"), [(";", "semicolons"), ("\t", "tabs"), ("|", "vertical bars")])
def test_another_separator_is_named(shop, refusal, separator, name):
    """Also in one file of a folder whose other files are right."""
    raw_dir = shop()
    (raw_dir / "reviews").mkdir()
    (raw_dir / "reviews" / "1.csv").write_text("review_id,customer_id,rating,reviewed_at\n")
    (raw_dir / "reviews" / "2.csv").write_text(
        '\ufeffreview_id;"customer_id";rating;"a,b";Reviewed_At\n'.replace(";", separator)
    )
    assert (
        f"{raw_dir}/reviews/2.csv separates its columns by {name} and not by commas: review_id, customer_id, rating,"
        " a,b, reviewed_at. dbt alone reads commas between values, and a point in numbers, such as 12.50;"
        " `segments run` reads this file." in refusal(raw_dir)
    )


def test_another_separator_is_named_where_no_column_is_known(shop, refusal):
    raw_dir = shop(orders=["Bestellung;Kunde"])
    assert f"{raw_dir}/orders.csv separates its columns by semicolons" in refusal(raw_dir)


def test_commas_are_told_from_other_signs_in_names(shop, built):
    header = SMALL_SHOP["orders"][0]
    query = built(shop(orders=[f"{header},a;b|c", *(f"{line},1;2" for line in SMALL_SHOP["orders"][1:])]))
    assert query("select count(*) from staging.stg_orders") == [(1,)]


def test_text_in_other_encodings_is_no_header(shop, refusal):
    raw_dir = shop()
    (raw_dir / "orders.csv").write_bytes(SMALL_SHOP["orders"][0].encode("utf-16-le"))
    assert (
        f"{raw_dir}/orders.csv is no text in UTF-8, but an Excel workbook, an archive or UTF-16: save it as CSV in"
        " UTF-8, with commas, or call `segments run`, which reads workbooks and UTF-16."
        in refusal(raw_dir)
    )


@pytest.mark.parametrize(("name", "hint"), [
    ("orders.xlsx", "orders.xlsx is not read: save it as orders.csv (CSV in UTF-8, with commas) or orders.parquet, or"
     " call `segments run`, which reads it"),
    ("orders.ods", "orders.ods is not read: save it as orders.csv (CSV in UTF-8, with commas) or orders.parquet"),
    ("Order.csv", "Order.csv is not read, as no table has this name: did you mean orders?"),
])
def test_a_file_that_is_not_read_is_named_where_its_table_is_missing(shop, refusal, project, name, hint):
    raw_dir = shop(orders=None)
    (raw_dir / name).write_text("PK")
    assert f"There, {hint}" in refusal(raw_dir)


def test_a_run_warns_of_files_that_are_not_read(shop, project):
    raw_dir = shop()
    for name in ("refunds.xlsx", "Refund.csv", "emailevents.csv", "order_items.csv", "readme.txt"):
        (raw_dir / name).write_text("x")
    project.dbt("seed", raw_dir=raw_dir, **DAY)
    told = [
        line.split("(RAW_DIR), ")[1].split(",")[0]
        for line in (project.directory / "logs" / "dbt.log").read_text().splitlines()
        if f"In {raw_dir} (RAW_DIR), " in line
    ]
    assert sorted(told) == [
        "emailevents.csv is not read",
        "refunds.xlsx is not read: save it as refunds.csv (CSV in UTF-8",
    ]


def test_a_table_delivered_twice(shop, refusal):
    raw_dir = shop()
    (raw_dir / "orders").mkdir()
    (raw_dir / "orders" / "part.csv").write_text("\n".join(SMALL_SHOP["orders"]))
    assert "The table orders is delivered more than once" in refusal(raw_dir)


def dbt_command(project, **environment):
    """`dbt build` of one small model, as a scheduler starts it."""
    return subprocess.run(
        [
            Path(sys.executable).parent / "dbt",
            "build",
            "--select",
            "+stg_sale_campaigns",
            "--indirect-selection",
            "cautious",
            "--target-path",
            project.directory / "cli",
            "--log-path",
            project.directory,
        ],
        cwd=PROJECT,
        env=os.environ | {name: str(value) for name, value in environment.items()},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_directory_that_does_not_exist_stops_dbt_with_exit_code_2(project):
    run = dbt_command(project, RAW_DIR="/no/such/shop", DUCKDB_PATH=project.directory / "cli.duckdb")
    assert run.returncode == 2
    assert "RAW_DIR names /no/such/shop, which does not exist or holds no files" in run.stdout


def test_unreadable_and_forbidden_values_are_rejected_with_their_reason(shop, built):
    orders = [
        *SMALL_SHOP["orders"],
        *(f"cancelled{number},c1,2026-06-01T10:00:00Z,cancelled,EUR,2026-06-01T10:00:00Z" for number in range(3)),
        "o2,c1,01.06.2026,paid,EUR,2026-06-01T10:00:00Z",
        "o3,c1,2026-06-01T10:00:00Z,paid,CHF,2026-06-01T10:00:00Z",
        "o4,c1,2026-06-01T10:00:00Z,shipped,EUR,2026-06-01T10:00:00Z",
        ",c1,2026-06-01T10:00:00Z,paid,EUR,2026-06-01T10:00:00Z",
    ]
    lines = [*SMALL_SHOP["order_lines"], "l2,o2,p1,1,10,2026-06-01T10:00:00Z", "l3,o1,p1,one,10,2026-06-01T10:00:00Z"]
    query = built(shop(orders=orders, order_lines=lines))
    assert query("select table_name, row_key, reason from staging.rejected_rows order by all") == [
        ("order_lines", "l2", "unknown or rejected order"),
        ("order_lines", "l3", "unreadable quantity"),
        ("orders", "o2", "unreadable ordered_at"),
        ("orders", "o3", "no exchange rate for the currency on the date"),
        ("orders", "o4", "unknown status"),
        ("orders", None, "missing order_id"),
    ]
    ((raw_values,),) = query("select raw_values from staging.rejected_rows where row_key = 'o2'")
    assert '"ordered_at":"01.06.2026"' in raw_values
    assert query("select net_revenue::varchar from marts.customers") == [("59.90",)]


def test_unreadable_descriptive_values_are_repaired_and_told(shop, built):
    customers = ["customer_id,email,phone,birth_date,created_at,updated_at",
                 "c1,ann@example.com,call me,31.12.1980,2026-01-01T10:00:00Z,2026-01-01T10:00:00Z"]
    query = built(shop(customers=customers))
    assert query("select row_key, column_name, raw_value, row_status from staging.repaired_values order by all") == [
        ("c1", "birth_date", "31.12.1980", "kept"), ("c1", "phone", "call me", "kept")]
    assert query("select phone, birth_date from marts.customer_contacts") == [(None, None)]


@pytest.mark.parametrize(
    "line", ["o2,c1,2026-06-01T10:00:00Z,paid,EUR,2026-06-01T10:00:00Z,one,more", "o2,c1", 'o2,"c1']
)
def test_a_malformed_csv_line_stops_the_build_with_file_and_line(shop, dbt_build, line):
    raw_dir = shop(orders=[*SMALL_SHOP["orders"], line])
    result, _ = dbt_build(raw_dir, "--select", "+base_orders")
    assert "CSV Error on Line: 3" in messages(result)
    assert str(raw_dir / "orders.csv") in messages(result)


def many_lines(bad: int, of: int) -> list[str]:
    header, line = SMALL_SHOP["order_lines"]
    return [header, *(line.replace("l1", f"l{n}").replace(",2,", ",-2," if n < bad else ",2,") for n in range(of))]


def test_ten_percent_bad_rows_stop_the_build_with_a_sentence(shop, dbt_build):
    result, query = dbt_build(shop(order_lines=many_lines(1_000, 10_000)))
    assert "Of the 10000 rows of order_lines, 1000 are rejected: more than max_rejected_share (0.05) and" \
        " max_rejected_rows (100) allow, or more than half of the table. Most often: negative quantity (1000 rows)," \
        " as in a table with turned signs. staging.rejected_rows gives all reasons." in messages(result)
    assert query("select reason, count(*) from staging.rejected_rows group by reason") == [("negative quantity", 1_000)]
    assert query(
        "select count(*) from information_schema.tables where table_name = 'customers' and table_schema = 'marts'"
    ) == [(0,)]


@pytest.mark.parametrize(("bad", "of"), [(100, 1_000), (500, 10_000)])
def test_up_to_either_limit_the_build_goes_on(shop, dbt_build, bad, of):
    result, _ = dbt_build(
        shop(order_lines=many_lines(bad, of)), "--select", "+stg_order_lines", "--indirect-selection", "cautious"
    )
    assert result.success, messages(result)


def test_one_row_above_both_limits_stops_the_build(shop, dbt_build):
    result, _ = dbt_build(shop(order_lines=many_lines(101, 1_000)), "--select", "+stg_order_lines")
    assert "101 are rejected" in messages(result)


@pytest.mark.parametrize(("bad", "of", "stops"), [(3, 5, True), (5, 10, False), (6, 10, True), (4, 4, False)])
def test_a_table_that_is_wrong_as_a_whole_stops_the_build(shop, sql, bad, of, stops):
    refunds = [
        "refund_id,order_id,refunded_at,amount,updated_at",
        *(
            f"r{number},o1,2026-06-02T10:00:00Z,{-5 if number < bad else 1},2026-06-02T10:00:00Z"
            for number in range(of)
        ),
    ]
    (guard,) = (test for test in sql.tests if test.name.startswith("few_rows_rejected_stg_refunds"))
    with sql.build(shop(refunds=refunds)) as connection:
        assert sql.failing_tests(connection) == ([guard.name] if stops else [])
        if stops:
            with pytest.raises(
                duckdb.Error, match=f"Most often: negative amount [(]{bad} rows[)], as in a table with turned signs"
            ):
                connection.execute(guard.sql).fetchall()


def test_an_order_of_an_account_that_a_spreadsheet_wrote_as_a_number_is_kept_and_told(shop, built):
    orders = [*SMALL_SHOP["orders"], "o2,17.0,2026-06-01T10:00:00Z,paid,EUR,2026-06-01T10:00:00Z"]
    customers = [*SMALL_SHOP["customers"], "17,,2026-01-01T10:00:00Z,2026-01-01T10:00:00Z"]
    query = built(shop(orders=orders, customers=customers))
    assert query("from staging.unknown_accounts") == [("17.0", 1, "17")]
    assert query("select kept_rows from staging.row_counts where table_name = 'orders'") == [(2,)]


@pytest.mark.parametrize(("variables", "sentence"), [
    ({"as_of_date": "30.06.2026"}, "as_of_date is '30.06.2026', but must be a date of the form YYYY-MM-DD."),
    ({"as_of_date": "2026-02-29"}, "as_of_date is '2026-02-29', but must be a date of the form YYYY-MM-DD."),
    ({"shop_timezone": "Berlin"}, "shop_timezone is 'Berlin', which is no IANA time zone: did you mean Europe/Berlin?"),
    ({"rfm_method": "deciles"}, "rfm_method is 'deciles', but must be quintiles or cut_points."),
    ({"message_plan": "sales"},
     "message_plan is 'sales', but must be a plan that the priority of a segment names: default, sale."),
    ({"segments": [{"name": "loyal_buyers", "priority": {"default": 1.5}}]},
     "The segment loyal_buyers has the priority '1.5', but must have a whole number from 1 on, or a map of plans"),
])
def test_a_wrong_var_is_named(shop, refusal, variables, sentence):
    assert sentence in refusal(shop(), **variables)


def test_large_amounts_are_added_up_and_absurd_ones_rejected(shop, built):
    header, line = SMALL_SHOP["order_lines"]
    lines = [
        header,
        line.replace(",2,29.95,", ",1500,1000000,"),
        line.replace("l1", "l2").replace(",2,29.95,", ",999999999,999999999,"),
    ]
    query = built(shop(order_lines=lines))
    assert query(
        "select net_revenue::varchar, monetary_value::varchar, gross_margin::varchar from marts.customers"
    ) == [("1500000000.00", "1500000000.000000", "1499970000.000000")]
    assert query("select row_key, reason from staging.rejected_rows") == [("l2", "quantity x unit_price too large")]


def test_parquet_files_of_a_folder_may_differ_in_type(shop, built):
    raw_dir = shop(customers=None)
    (raw_dir / "customers" / "year=2026").mkdir(parents=True)
    moment = datetime(2026, 1, 1, 10, tzinfo=UTC)
    pq.write_table(
        pa.table(
            {
                "customer_id": pa.array([7.0, 8.0]),
                "created_at": [moment, moment],
                "updated_at": [moment, moment],
                "is_test": pa.array([0.0, float("nan")]),
            }
        ),
        raw_dir / "customers" / "1.parquet",
    )
    pq.write_table(
        pa.table(
            {"customer_id": ["7", "c1"], "created_at": ["2026-01-01 10:00"] * 2, "updated_at": ["2026-01-02 10:00"] * 2}
        ),
        raw_dir / "customers" / "year=2026" / "2.parquet",
    )
    query = built(raw_dir)
    assert query("select customer_id, created_on::varchar from marts.customers order by all") == [
        ("7", "2026-01-01"), ("c1", "2026-01-01")]
    assert query("select row_key, reason from staging.rejected_rows") == [("8", "unreadable is_test")]


def test_the_warehouse_may_be_named_raw(shop, project, tmp_path):
    run = dbt_command(project, RAW_DIR=shop(), DUCKDB_PATH=tmp_path / "raw.duckdb")
    assert run.returncode == 0, run.stdout


def test_an_empty_file_is_said_to_be_empty(shop, refusal):
    raw_dir = shop()
    (raw_dir / "orders.csv").write_text("")
    assert (
        f"The required table orders is empty: {raw_dir}/orders.csv holds nothing, not even the names of columns."
        in refusal(raw_dir)
    )
    (raw_dir / "orders.csv").write_text("\n")
    assert f"are missing in {raw_dir}/orders.csv, whose first line names no columns." in refusal(raw_dir)


def test_an_empty_file_of_an_optional_table_is_an_empty_table(shop, built):
    raw_dir = shop()
    (raw_dir / "refunds.csv").write_text("")
    assert built(raw_dir)("select count(*) from staging.stg_refunds") == [(0,)]


def test_odd_but_legal_files(shop, built):
    """A folder whose name holds signs of patterns and quotes, file names in capitals, gzip, a byte-order mark, quoted
    values with line ends and commas, capital headers with spaces, columns that nobody asked for, Windows line ends."""
    plain = shop()
    raw_dir = plain / "it's [my] *shop?"
    raw_dir.mkdir()
    (raw_dir / "Customers.csv").write_bytes(
        b'\xef\xbb\xbf"Customer_ID", CITY ,email,created_at,updated_at,"a,b"\r\n'
        b'c1,"Frankfurt,\r\n Main",ann@example.com,2026-01-01T10:00:00Z,2026-01-01T10:00:00Z,x\r\n')
    (raw_dir / "orders").mkdir()
    (raw_dir / "orders" / "1.csv.gz").write_bytes(gzip.compress((plain / "orders.csv").read_bytes()))
    (raw_dir / "orders" / "2.csv").write_text("updated_at,currency,status,ordered_at,order_id,customer_id\n"
                                              "2026-06-02T00:00Z,EUR,paid,2026-06-02 00:00,o2,c1\n")
    for name in ("products.csv", "order_lines.csv"):
        (plain / name).rename(raw_dir / name)
    query = built(raw_dir)
    assert query("select customer_id, city, purchase_count from marts.customers") == [("c1", "Frankfurt,\r\n Main", 1)]
    assert query("select count(*) from staging.stg_orders") == [(2,)]
