"""The mart `alerts` against the oracle over random courses of dates, planted faults, quiet shops, and what a run makes
of the warnings."""

import hashlib
import json
import random
import re
import socketserver
import subprocess
import sys
import threading
from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from math import ceil, floor

import duckdb
import pytest

import oracle_alerts
from ecommerce_segments.build import alerts as told
from ecommerce_segments.build.nightly import Nightly
from oracle_alerts import Figures, middle_and_spread
from project import PROJECT
from random_shops import random_shop, write_shop

# One worker runs them all, so that the SQL is rendered once.
pytestmark = pytest.mark.xdist_group("alerts")

DAY = date(2025, 3, 31)
SOURCES = {
    "orders": ("stg_orders", "ordered_on"),
    "sessions": ("stg_sessions", "started_on"),
    "web_events": ("stg_web_events", "occurred_on"),
    "email_events": ("stg_email_events", "occurred_on"),
}
KINDS = ["segment_size", "segment_emptied", "source_volume", "rejected_share", "contactable_share",
         "unknown_cost_share", "stale_rates"]  # fmt: skip
SEEDS = range(60)


@pytest.fixture(scope="module")
def sql(project, tmp_path_factory):
    """The rendered SQL of the mart, as of DAY."""
    directory = tmp_path_factory.mktemp("alerts")
    write_shop(random_shop(0, DAY), directory, "parquet")
    variables = {"as_of_date": str(DAY), "shop_timezone": "Europe/Berlin", "max_days_without_prices": 30}
    return project.compiled(directory, ("alerts",), **variables).models[0].sql


class Shop:
    """What the mart reads: the figures of DAY and of the dates built before, rows by source and date, and the ages of
    the newest rate and price."""

    def __init__(self, today: Figures, earlier: dict[date, Figures]):
        self.today, self.earlier = today, earlier
        self.rows: dict[str, Counter] = {source: Counter() for source in SOURCES}
        self.rate_age: int | None = None
        self.price_age: int | None = None

    def expected(self) -> dict:
        known = {("stale_rates", "exchange_rates"): (self.rate_age, 7)} if self.rate_age is not None else {}
        if self.price_age is not None:
            known["stale_prices", "products"] = (self.price_age, 30)
        earlier = [self.earlier[day] for day in sorted(self.earlier)]
        return oracle_alerts.alerts(self.today, earlier, DAY, self.rows, known)

    def found(self, sql: str) -> dict:
        with duckdb.connect() as connection:
            self.fill(connection)
            cursor = connection.execute(sql)
            names = [column[0] for column in cursor.description]
            rows = [dict(zip(names, row)) for row in cursor.fetchall()]
        assert len({(row["kind"], row["subject"]) for row in rows}) == len(rows)
        return {(row["kind"], row["subject"]): row for row in rows}

    def fill(self, connection) -> None:
        connection.execute("""
            attach ':memory:' as shop; use shop; create schema marts; create schema staging;
            create table marts.segment_sizes (as_of_date date, segment text, customers bigint, edition text);
            create table marts.built_figures
                (as_of_date date, figure text, subject text, share decimal(18, 8), formula text);
            create table staging.stg_exchange_rates (rated_on date);
            create table staging.stg_products (updated_at timestamp)
        """)
        for day, figures in (self.earlier | {DAY: self.today}).items():
            insert(connection, "marts.segment_sizes",
                   [(day, segment, size, figures.sales.get(segment)) for segment, size in figures.sizes.items()])
            insert(connection, "marts.built_figures",
                   [(day, *key, share, None) for key, share in figures.shares.items()]
                   + [(day, "segment_formula", segment, None, formula)
                      for segment, formula in figures.formulas.items() if formula is not None])
        for source, (table, column) in SOURCES.items():
            connection.execute(f"create table staging.{table} ({column} date)")
            for day, rows in self.rows[source].items():
                connection.execute(f"insert into staging.{table} select ? from range(?)", [day, rows])
        if self.rate_age is not None:
            insert(connection, "staging.stg_exchange_rates",
                   [(DAY - timedelta(days=self.rate_age),), (DAY - timedelta(days=100),), (DAY + timedelta(days=1),)])
        if self.price_age is not None:
            # A minute past midnight in Berlin, in UTC the day before.
            moment = datetime.combine(DAY - timedelta(days=self.price_age), time(0, 1)) - timedelta(hours=1)
            insert(connection, "staging.stg_products", [(moment,), (moment - timedelta(days=9),)])


def insert(connection, table: str, rows: list[tuple]) -> None:
    if rows:
        connection.executemany(f"insert into {table} values ({', '.join('?' * len(rows[0]))})", rows)


def near(rng: random.Random, limit) -> int:
    """A whole number at a limit, or next to it."""
    return max(0, rng.choice([floor(limit), ceil(limit)]) + rng.choice([-1, 0, 0, 1]))


def random_course(seed: int) -> Shop:
    """Dates built before, and an as-of date on which figures lie at their limits."""
    rng = random.Random(f"alerts {seed}")
    days = sorted(rng.sample([DAY - timedelta(days=ago) for ago in range(1, 40)], rng.choice([0, 3, 4, 5, 8, 9, 12])))
    earlier = {day: Figures() for day in days}
    today = Figures()
    for number in range(8):
        segment, usual = f"s{number}", rng.choice([0, 19, 20, 60, 100, 900])
        spread = rng.choice([0, 2, 30])
        seen = [day for day in days if rng.random() < 0.85]
        for day in seen:
            earlier[day].sizes[segment] = max(0, usual + rng.randint(-spread, spread))
            earlier[day].formulas[segment] = rng.choice([None, "a", "a", "a"])
            if rng.random() < 0.04:
                earlier[day].formulas[segment] = "b"
            if number < 2:
                earlier[day].sales[segment] = rng.choice(["spring"] * 30 + ["winter", None])
        today.formulas[segment], today.sales[segment] = "a", "spring" if number < 2 else None
        compared = [earlier[day].sizes[segment] for day in sorted(earlier)[-8:] if day in seen]
        middle, deviation = middle_and_spread(compared) if compared else (usual, 0)
        margin = max(20, middle / 5, 3 * oracle_alerts.NORMAL * deviation)
        today.sizes[segment] = rng.choice(
            [near(rng, middle - margin), near(rng, middle + margin), round(middle), 0, 1, near(rng, middle + 20)]
        )
    shares = [("rejected_share", "orders"), ("rejected_share", "refunds"), ("contactable_share", "customers"),
              ("unknown_cost_share", "purchases")]  # fmt: skip
    for key in shares:
        usual = Decimal(rng.choice(["0", "0.002", "0.00333333", "0.004", "0.4", "0.12345678"]))
        for day in days:
            if rng.random() < 0.9:
                earlier[day].shares[key] = usual + Decimal(rng.randint(0, 3)) / 10**8
        limit = {
            "rejected_share": max(Decimal("0.01"), 3 * usual), "contactable_share": usual - Decimal("0.05"),
            "unknown_cost_share": usual + Decimal("0.05"),
        }[key[0]]  # fmt: skip
        limit = rng.choice([limit, limit, Decimal("0.01")])
        today.shares[key] = min(Decimal(1), max(Decimal(0), limit + Decimal(rng.randint(-2, 6)) / 10**8))
    shop = Shop(today, earlier)
    for rows in shop.rows.values():
        first = DAY - timedelta(days=rng.choice([27, 28, 29, 34, 35, 55, 56, 57, 400, 0]))
        usual, spread = rng.choice([1, 10, 40]), rng.choice([0, 1, 5])
        for ago in range(1, 60):
            if DAY - timedelta(days=ago) >= first and rng.random() < 0.97:
                rows[DAY - timedelta(days=ago)] = max(0, usual + rng.randint(-spread, spread))
        rows[first] += 1
        rows[DAY + timedelta(days=1)] = 0
        weekdays = [DAY - timedelta(days=7 * weeks) for weeks in range(1, 9)]
        compared = [rows[day] for day in weekdays if day >= min(day for day in rows if rows[day])]
        if compared:
            middle, deviation = middle_and_spread(compared)
            rows[DAY] = near(rng, middle - max(middle / 2, 5 * oracle_alerts.NORMAL * deviation))
        for day in [day for day, count in rows.items() if not count]:
            del rows[day]
    shop.rate_age, shop.price_age = rng.choice([None, 0, 7, 8, 50]), rng.choice([None, 29, 30, 31])
    return shop


@pytest.mark.parametrize("seed", SEEDS)
def test_alerts_agree_with_the_oracle(sql, seed):
    shop = random_course(seed)
    expected, found = shop.expected(), shop.found(sql)
    assert {
        key: {column: row[column] for column in ("severity", "value", "usual_low", "usual_high")}
        for key, row in found.items()
    } == expected
    for (_, subject), row in found.items():
        assert row["as_of_date"] == DAY and len(row["sentence"]) > 20
        assert subject in row["sentence"] or subject == "customers"


def test_the_courses_hold_what_they_are_for():
    found = Counter(
        (kind, row["severity"]) for seed in SEEDS for (kind, _), row in random_course(seed).expected().items()
    )
    assert {kind for kind, _ in found} == {*KINDS, "stale_prices"}
    assert min(found.values()) >= 5, found
    assert found["segment_size", "note"] and found["segment_emptied", "note"]


def quiet_course(seed: int) -> Shop:
    """A shop on which nothing is wrong, after a year of daily builds: segments lose and win people by chance, days have
    more or fewer rows, and few rows are rejected."""
    rng = random.Random(f"quiet {seed}")
    days = [DAY - timedelta(days=ago) for ago in range(8, -1, -1)]
    figures = {day: Figures() for day in days}
    for number in range(10):
        usual = 10 ** rng.uniform(0.5, 4)
        # Each day every twentieth at most leaves, and as many come.
        leaving = rng.uniform(0.002, 0.05)
        size = round(usual)
        for day in days:
            size += poisson(rng, usual * leaving) - poisson(rng, size * leaving)
            figures[day].sizes[f"s{number}"] = max(0, size)
    customers, purchases = rng.randint(500, 20_000), rng.randint(100, 3_000)
    contactable, unknown = rng.uniform(0.2, 0.8), rng.uniform(0, 0.2)
    for day in days:
        for table, share in (("orders", rng.uniform(0, 0.002)), ("customers", rng.uniform(0, 0.002))):
            rows = 5_000
            figures[day].shares["rejected_share", table] = Decimal(poisson(rng, rows * share)) / rows
        contactable += rng.gauss(0, 3 / customers)
        unknown = max(0, unknown + rng.gauss(0, 0.5 / purchases**0.5) / 10)
        figures[day].shares["contactable_share", "customers"] = Decimal(str(round(contactable, 8)))
        figures[day].shares["unknown_cost_share", "purchases"] = Decimal(str(round(unknown, 8)))
    shop = Shop(figures.pop(DAY), figures)
    for source, least in (("orders", 10), ("sessions", 100), ("web_events", 200), ("email_events", 50)):
        usual, noise = least * 10 ** rng.uniform(0, 1.5), rng.uniform(0, 0.2)
        for ago in range(57):
            day = DAY - timedelta(days=ago)
            weekday = 1.3 if day.weekday() > 4 else 0.9
            shop.rows[source][day] = poisson(rng, usual * weekday * max(0.2, rng.gauss(1, noise)))
    shop.rate_age, shop.price_age = rng.randint(0, 3), rng.randint(0, 20)
    return shop


def poisson(rng: random.Random, mean: float) -> int:
    """A number of events of which so many are usual."""
    if mean > 50:
        return max(0, round(rng.gauss(mean, mean**0.5)))
    count, passed = 0, rng.expovariate(1)
    while passed < mean:
        count, passed = count + 1, passed + rng.expovariate(1)
    return count


def test_quiet_shops_are_seldom_warned_of():
    """At most 2 % of what is looked at, of each kind."""
    looked_at, warned = Counter(), Counter()
    for seed in range(300):
        shop = quiet_course(seed)
        looked_at += Counter({"segment_size": len(shop.today.sizes), "segment_emptied": len(shop.today.sizes),
                              "source_volume": len(SOURCES), "stale_rates": 1, "stale_prices": 1})
        looked_at += Counter(kind for kind, _ in shop.today.shares)
        warned += Counter(kind for kind, _ in shop.expected())
    assert looked_at.keys() == {*KINDS, "stale_prices"}
    shares = {kind: warned[kind] / count for kind, count in looked_at.items()}
    assert max(shares.values()) <= 0.02, shares


def planted(fault: str) -> Shop:
    """A quiet shop with one fault."""
    shop = next(shop for shop in map(quiet_course, range(99)) if not shop.expected() and shop.today.sizes["s0"] > 99)
    match fault:
        case "segment_size":
            shop.today.sizes["s0"] *= 2
        case "segment_emptied":
            shop.today.sizes["s0"] = 0
        case "source_volume":
            shop.rows["orders"][DAY] = 0
        case "rejected_share":
            shop.today.shares["rejected_share", "orders"] = Decimal("0.034")
        case "contactable_share":
            shop.today.shares["contactable_share", "customers"] -= Decimal("0.06")
        case "unknown_cost_share":
            shop.today.shares["unknown_cost_share", "purchases"] = Decimal("0.9")
        case "stale_rates":
            shop.rate_age = 8
        case "stale_prices":
            shop.price_age = 31
    return shop


SENTENCES = {
    "segment_size": r"s0 holds \d+ customers; \d+ to \d+ were usual on the dates built before\.",
    "segment_emptied": r"s0 is empty; \d+ customers were usual on the dates built before\.",
    "source_volume": r"orders has 0 rows of this date; at least \d+ were usual on this weekday\.",
    "rejected_share": r"3\.4 % of the rows of orders are rejected; up to 1\.0 % is usual\.",
    "contactable_share": r"[\d.]+ % of the customers may be mailed; at least [\d.]+ % is usual\.",
    "unknown_cost_share": (
        r"purchases of unknown cost are 90\.0 % of the net revenue of 90 days; up to [\d.]+ % is usual\."
    ),
    "stale_rates": r"The newest row of exchange_rates is 8 days old; up to 7 are usual\.",
    "stale_prices": r"The newest row of products is 31 days old; up to 30 are usual\.",
}


@pytest.mark.parametrize("fault", SENTENCES)
def test_a_planted_fault_is_found_and_told(sql, fault):
    found = planted(fault).found(sql)
    also = {"segment_size"} if fault == "segment_emptied" else set()
    assert {kind for kind, _ in found} == {fault} | also
    (row,) = [row for (kind, _), row in found.items() if kind == fault]
    assert re.fullmatch(SENTENCES[fault], row["sentence"]), row["sentence"]


def test_a_new_formula_and_a_new_sale_explain_a_size(sql):
    shop = planted("segment_size")
    days = sorted(shop.earlier)
    shop.today.formulas["s0"] = "new"
    for day in days:
        shop.earlier[day].formulas["s0"] = "old"
    shop.today.sizes["s1"], shop.today.sales["s1"] = 10 * shop.today.sizes["s1"] + 500, "summer"
    for day in days[:-1]:
        shop.earlier[day].sales["s1"] = "spring"
    shop.earlier[days[-1]].sales["s1"] = "summer"
    found = shop.found(sql)
    assert {subject: row["severity"] for (_, subject), row in found.items()} == {"s0": "note", "s1": "note"}
    assert found["segment_size", "s0"]["sentence"].endswith(f" Its formula has changed since {days[-1]}.")
    assert found["segment_size", "s1"]["sentence"].endswith(f" It asks for another sale than on {days[-2]}.")


def test_formulas_of_segments_are_remembered(project, tmp_path):
    """Each file as a hash of its own, so that another file has another one."""
    write_shop(random_shop(0, DAY), tmp_path, "parquet")
    (rendered,) = project.compiled(tmp_path, ("built_figures",), as_of_date=str(DAY)).models
    files = (PROJECT / "models" / "marts" / "segments").glob("seg_*.sql")
    assert dict(re.findall(r"when '(\w+)' then '([0-9a-f]{32})'", rendered.sql)) == {
        file.stem.removeprefix("seg_"): hashlib.md5(file.read_text().strip().encode()).hexdigest() for file in files
    }


@pytest.mark.parametrize("fail_from, severities, code", [
    ("never", ["error"], 0), ("error", ["warning", "note"], 0), ("error", ["error"], 3), ("warning", ["warning"], 3),
    ("warning", ["error"], 3), ("warning", ["note"], 0), ("warning", [], 0),
])  # fmt: skip
def test_the_exit_code_follows_the_setting(fail_from, severities, code):
    assert told.exit_code([{"severity": severity} for severity in severities], fail_from) == code


class Heard:
    """A teller that keeps what is told."""

    dbt_options = ()

    def __init__(self):
        self.said, self.faults = [], []

    def say(self, text: str) -> None:
        self.said += text.splitlines()

    def fault(self, sentence: str) -> None:
        self.faults.append(sentence)


def test_a_run_ends_with_its_warnings(monkeypatch, tmp_path):
    monkeypatch.setenv("RAW_DIR", str(tmp_path))
    rows = {told.ALERTS: [("source_volume", "orders", "error", Decimal(0), Decimal(30), None, "orders has 0 rows.")],
            told.BUILT_DATES: [(4,)]}
    monkeypatch.setattr(told, "rows_of", lambda _, query: rows[query])
    run = Nightly([], {"alerts_fail_from": "error"}, tmp_path, tell=Heard())
    run.parsed = object()
    assert run.tell_alerts() == 3
    assert run.tell.said[1:] == [
        "Warnings (docs/alerts.md); segments and shares are compared from the fifth date on, 4 dates are built:",
        "  error: orders has 0 rows.",
    ]  # fmt: skip
    assert run.tell.faults == ["Published, but with a warning that alerts_fail_from asks for: orders has 0 rows."]
    assert run.report.content["warnings"][0]["kind"] == "source_volume"
    rows |= {told.ALERTS: [], told.BUILT_DATES: [(5,)]}
    assert run.tell_alerts() == 0 and run.tell.said[-2:] == ["Warnings (docs/alerts.md):", "  none"]


RECIPES = re.findall(r"```python\n(.*?)```", (PROJECT / "docs" / "alerts.md").read_text(), re.DOTALL)


class Listener:
    """A server on this machine that keeps what it is sent, until it is left."""

    def __enter__(self) -> "Listener":
        self.bodies: list[str] = []
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                listener.bodies.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_) -> None:
        self.server.shutdown()
        self.server.server_close()


def report_of(directory, *severities: str) -> str:
    """The path of a report with warnings."""
    warnings = [{"severity": severity, "sentence": f"A {severity}."} for severity in severities]
    path = directory / "run_report.json"
    path.write_text(json.dumps({"warnings": warnings, "finished_at": datetime.now(UTC).isoformat()}))
    return str(path)


def test_the_recipe_for_a_webhook_sends_what_is_unusual(tmp_path):
    with Listener() as listener:
        address = f"http://127.0.0.1:{listener.server.server_port}/hook"
        for severities in (("error", "note"), ()):
            subprocess.run([sys.executable, "-c", RECIPES[0], report_of(tmp_path, *severities), address], check=True)
    assert [json.loads(body) for body in listener.bodies] == [{"text": "error: A error.\nnote: A note."}]


def test_the_recipe_for_a_mail_sends_what_is_unusual(tmp_path):
    """To a server that speaks as much SMTP as the recipe needs."""
    mails = []

    class Server(socketserver.StreamRequestHandler):
        def handle(self):
            self.wfile.write(b"220 here\r\n")
            while line := self.rfile.readline():
                if line.upper().startswith(b"DATA"):
                    self.wfile.write(b"354 go on\r\n")
                    mails.append(b"".join(iter(self.rfile.readline, b".\r\n")).decode())
                if line.upper().startswith(b"QUIT"):
                    return self.wfile.write(b"221 bye\r\n")
                self.wfile.write(b"250 fine\r\n")

    with socketserver.TCPServer(("127.0.0.1", 0), Server) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"127.0.0.1:{server.server_address[1]}"
        for severities in (("warning",), ()):
            subprocess.run(
                [sys.executable, "-c", RECIPES[1], report_of(tmp_path, *severities), address, "shop@example.com"],
                check=True,
            )
        server.shutdown()
    (mail,) = mails
    assert "To: shop@example.com" in mail and mail.rstrip().endswith("warning: A warning.")
