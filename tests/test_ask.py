"""`segments mcp` asked by a client of the SDK over stdio: forty questions with fixed answers, what must stay out of
reach, and segments.json."""

import hashlib
import json
import re
import shutil
import subprocess
import sys
from contextlib import asynccontextmanager
from functools import partial

import duckdb
import pytest
import yaml
from anyio.from_thread import start_blocking_portal
from mcp import ClientSession, StdioServerParameters, stdio_client

from asked_shop import AS_OF_DATE, SECRETS, SETTINGS, write_asked_shop
from ecommerce_segments.define.register import registered
from ecommerce_segments.define.trait_register import registered_columns
from ecommerce_segments.explore.traits import filled_in
from ecommerce_segments.publish import definitions, versions
from ecommerce_segments.settings import defaults
from project import PROJECT
from test_publishing import Runs, Shop

pytestmark = pytest.mark.xdist_group("ask")
ROWS = 30
MAIN = [sys.executable, "-m", "ecommerce_segments.cli", "mcp"]


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


GUEST = f"guest:{sha256('hal@example.com')}"
HIDDEN_GUEST, HIDDEN_GUS = f"guest:{sha256(GUEST)[:16]}", f"hidden:{sha256('gus@example.com')[:16]}"


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    directory = tmp_path_factory.mktemp("asked")
    write_asked_shop(directory / "raw")
    runs = Runs(tmp_path_factory.mktemp("runs"))
    shop = Shop(runs, directory)
    result = shop.run(AS_OF_DATE, variables=SETTINGS)
    runs.close()
    assert result["code"] == 0, result["stderr"]
    return shop


@asynccontextmanager
async def session_with(parameters: StdioServerParameters):
    async with stdio_client(parameters) as streams, ClientSession(*streams) as session:
        await session.initialize()
        yield session


@pytest.fixture(scope="module")
def ask(shop):
    """Asks the server, which is one process for all: the answer of a tool, or the sentence that says why there is none.
    """
    parameters = StdioServerParameters(
        command=MAIN[0],
        args=[*MAIN[1:], "--rows", str(ROWS), "--seconds", "2"],
        env=shop.environment | {"PYTHONPATH": str(PROJECT)},
        cwd=PROJECT,
    )
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(session_with(parameters)) as client,
    ):
        def asked(tool: str, **arguments):
            answer = portal.call(partial(client.call_tool, tool, arguments))
            text = answer.content[0].text
            if answer.is_error:
                return text.removeprefix(f"Error executing tool {tool}: ")
            return json.loads(text) if text.startswith("{") else text

        asked.client, asked.portal = client, portal
        yield asked


def table(answer: dict) -> list[list]:
    return answer["rows"]


def of_segment(name: str, field: str):
    return lambda answer: next(one[field] for one in answer["segments"] if one["segment"] == name)


def column(name: str, *fields: str):
    return lambda answer: [next(one for one in answer["columns"] if one["name"] == name)[field] for field in fields]


def lines(number: int):
    return lambda answer: answer.splitlines()[:number]


def part(text: str):
    return lambda answer: text in answer


def sql(query: str) -> tuple[str, dict, object]:
    return "query", {"sql": query}, table


# A tool, what it is asked, what is looked at, and the answer, worked out by hand from tests/asked_shop.py.
QUESTIONS = [
    ("list_segments", {}, lambda answer: answer["as_of_date"], "2026-06-30"),
    ("list_segments", {}, lambda answer: answer["customers"], 8),
    ("list_segments", {}, lambda answer: answer["buyers"], 6),
    ("list_segments", {}, lambda answer: answer["reporting_currency"], "EUR"),
    # c6, 10 days ago, and the guest, 60 days ago.
    ("list_segments", {}, of_segment("first_time_buyers", "customers"), 2),
    ("list_segments", {}, of_segment("subscribers_without_purchase", "share_of_customers"), 0.125),
    ("list_segments", {}, of_segment("multi_category_buyers", "customers"), 2),
    # c1 bought shoes twice; c2 shoes and hats.
    ("list_segments", {}, of_segment("category_repeat_buyers", "customers"), 1),
    ("list_segments", {}, of_segment("discount_buyers", "customers"), 1),
    ("describe_segment", {"segment": "loyal_buyers"}, lambda answer: answer["sql"].split("\n")[-4:],
     ["from customers", "where", "    recency_score >= 4", "    and frequency_score >= 4"]),
    ("describe_segment", {"segment": "multi_category_buyers"}, lambda answer: answer["net_revenue_365d"], 210),
    ("describe_segment", {"segment": "seg_first_time_buyers"}, lambda answer: answer["sizes"][0]["customers"], 2),
    ("describe_segment", {"segment": "loyal_buyer"}, str,
     "There is no segment loyal_buyer: did you mean loyal_buyers?"),
    ("list_traits", {"word": "points"}, lambda answer: [(one["name"], one["type"]) for one in answer["traits"]],
     [("points", "decimal(28,6)")]),
    ("list_traits", {"word": "nickname"}, lambda answer: answer["traits"], []),
    ("list_traits", {"word": "overdue_ratio"}, lambda answer: answer["traits"][0]["name"], "overdue_ratio"),
    ("preview", {"condition": "purchase_count >= 2"}, lines(2),
     ["purchase_count >= 2, as of 2026-06-30:", "2 customers, 25.0% of 8."]),
    ("preview", {"condition": "country_code = 'DE' and net_revenue > 50"}, lambda answer: answer.splitlines()[-3:],
     ["customer_id  country_code  net_revenue", "c1           DE            140.00",
      "c2           DE            70.00"]),
    ("preview", {"condition": "not has_ordered"}, part("  1 of them are in subscribers_without_purchase\n"), True),
    ("preview", {"condition": "country_code is null"}, lambda answer: answer.splitlines()[-1], HIDDEN_GUEST),
    ("preview", {"condition": "points > 10 or city = 'Lyon'"}, part("\n2 customers, 25.0% of 8.\n"), True),
    ("explain", {"customer": "c4"}, part("  subscribers_without_purchase\n    + is_subscribed"), True),
    ("explain", {"customer": "c1"},
     part("  multi_category_buyers\n    + categories_365d >= 2   (categories_365d is 2)"), True),
    ("explain", {"customer": "c3"},
     part("  multi_category_buyers\n    - categories_365d >= 2   (categories_365d is 0)"), True),
    ("explain", {"customer": GUEST}, lines(1), [f"{HIDDEN_GUEST} on 2026-06-30: + holds, - does not"]),
    ("explain", {"customer": "gus@example.com"}, lines(1), [f"{HIDDEN_GUS} on 2026-06-30: + holds, - does not"]),
    ("explain", {"customer": HIDDEN_GUEST},
     part("  first_time_buyers\n    + lifecycle_stage = 'new'   (lifecycle_stage is new)"), True),
    ("explain", {"customer": "nobody"}, str, "There is no customer and no account nobody."),
    (*sql("select sum(net_revenue), count(*) from purchases"), [[345, 9]]),
    (*sql("select country_code, count(*) from customers group by 1 order by 2 desc, 1"),
     [["DE", 3], ["ES", 2], ["FR", 2], [None, 1]]),
    (*sql("select sum(gross_margin) from marts.customer_value"), [[200]]),
    (*sql("with c1 as (from purchases where customer_id = 'c1') select avg(net_revenue), max(purchased_on) from c1"),
     [[140 / 3, "2026-06-15"]]),
    (*sql("select buyer_type, purchases, net_revenue from revenue_by_buyer_type where month = date '2026-06-01'"
          " order by 1"), [["new", 1, 15], ["returning", 2, 70]]),
    (*sql("select spend, new_buyers, acquisition_cost from acquisition_costs"
          " where channel = 'paid_search' and month = '2026-06-01'"), [[30, 1, 30]]),
    (*sql("select reason, occurrences, refunded_amount from reasons where month = '2025-12-01'"), [["size", 1, 50]]),
    (*sql("select customer_id, days_to_second_purchase from customers where days_to_second_purchase > 0 order by 1;"),
     [["c1", 59], ["c2", 182]]),
    (*sql("select customer_id from customers where is_guest or purchase_count = 1 order by 1"),
     [["c3"], ["c6"], [HIDDEN_GUEST], [HIDDEN_GUS]]),
    (*sql("select customer_id, net_revenue from customers order by net_revenue desc limit 1"), [["c1", 140]]),
    ("list_marts", {}, lambda answer: {one["mart"]: one["rows"] for one in answer["marts"]}["customers"], 8),
    ("describe_mart", {"mart": "customers"}, column("net_revenue", "type", "unit", "null"),
     ["decimal(18,2)", "reporting currency", None]),
    ("describe_mart", {"mart": "purchases"}, column("cost", "unit"), ["reporting currency"]),
    ("list_metrics", {}, lambda answer: "net_revenue" in [one["metric"] for one in answer["metrics"]], True),
    ("metrics", {"metrics": "net_revenue,purchases", "by": "metric_time__year"}, table,
     [[f"{year}-01-01T00:00:00", *figures] for year, *figures in [(2024, 50, 1), (2025, 70, 2), (2026, 225, 6)]]),
    ("metrics", {"metrics": "revenue"}, lambda answer: answer.partition("[")[0].partition(":")[0],
     "There is no metric 'revenue'"),
]


@pytest.mark.parametrize(
    "tool, arguments, looked_at, expected", QUESTIONS, ids=[f"{n}-{one[0]}" for n, one in enumerate(QUESTIONS, 1)]
)
def test_a_question_has_its_answer(ask, tool, arguments, looked_at, expected):
    answer = ask(tool, **arguments)
    assert looked_at(answer) == expected, answer


def test_there_are_forty_questions_to_tools_that_only_read(ask):
    tools = ask.portal.call(ask.client.list_tools).tools
    assert len(QUESTIONS) >= 40
    assert {tool.name for tool in tools} == {question[0] for question in QUESTIONS} | {"alerts"}
    assert all(tool.annotations.read_only_hint and tool.description for tool in tools)


def test_alerts_are_those_of_the_mart(ask, shop):
    with duckdb.connect(versions.current(shop.published) / versions.DATABASE, read_only=True) as connection:
        expected = connection.execute("select sentence from marts.alerts").fetchall()
    assert sorted(one["sentence"] for one in ask("alerts")["alerts"]) == sorted(sentence for (sentence,) in expected)


REFUSED = {
    # What is no SELECT, or not one.
    "One SELECT may be asked": [
        "insert into customers select * from customers", "delete from customers", "drop view customers",
        "create table t as select 1", "update customers set city = 'x'", "copy customers to '/tmp/x.csv'",
        "copy (select 1) to '/tmp/x.csv'", "attach '/tmp/x.duckdb' as x", "detach published", "install httpfs",
        "load httpfs", "pragma database_list", "call pragma_version()", "set memory_limit = '10GB'", "use published",
        "reset all", "export database '/tmp/x'", "checkpoint", "begin", "explain select 1", "vacuum",
        "prepare p as select 1", "select 1; select 2", "select 1; drop view customers", "", "-- nothing",
        "pivot customers on country_code using count(*)", "describe customers", "show tables", "show all tables",
        "summarize customers", "from (describe customers)", "from (show databases)",
        "create secret s (type s3)", "import database '/tmp'",
    ],
    # Files, and tables of the system.
    "Only marts may be read|The function .* may not be asked|There is no mart": [
        "from read_csv('/etc/passwd')", "from read_text('/etc/passwd')", "from read_blob('/etc/passwd')",
        "from glob('/*')", "from parquet_scan('x.parquet')", "from '/etc/passwd'", "from 'customers.parquet'",
        "from read_parquet('x.parquet')", "from read_json('x.json')", "from sniff_csv('/etc/passwd')",
        "from parquet_metadata('x.parquet')", "from duckdb_secrets()", "from duckdb_databases()",
        "from duckdb_settings()", "from duckdb_columns()", "from duckdb_tables", "from duckdb_views()",
        "from pragma_table_info('published.marts.customer_contacts')", "from pragma_database_size()",
        "from pragma_storage_info('customers')", "from sqlite_master", "from sqlite_schema", "from pg_catalog.pg_class",
        "from pg_tables", "from information_schema.tables", "from information_schema.columns",
        "from query('select 1')", "from query_table('published.marts.customer_contacts')",
        "from query_table(['customers'])", "from json_execute_serialized_sql(json_serialize_sql('select 1'))",
        "from which_secret('x', 's3')", "from duckdb_logs", "from arrow_scan(1, 2, 3)",
        "select getenv('HOME')", "select current_setting('temp_directory')", "select ('HOME').getenv()",
        "select getvariable('x')", "select pg_get_viewdef(1)", "select stats(customer_id) from customers",
        "select json_serialize_plan('select 1')", "select write_log('x')", "select sleep_ms(100)",
        "select current_query()", "select system.main.current_setting('threads')",
        "select (select list(path) from duckdb_databases())", "select 1 where exists (from duckdb_secrets())",
        "select * from customers, lateral (from duckdb_databases()) as x", "from repeat_row(1, num_rows = 2)",
        "from test_all_types()", "from force_download('x')",
    ],
    # Marts that are published, and hold contact data.
    "There is no mart|is a name of the system": [
        "from customer_contacts", "from marts.customer_contacts", "from published.marts.customer_contacts",
        "from published.marts.customers", "from memory.marts.customers", "from \"published\".marts.audiences",
        "from suppressions", "from audience_changes", "from sms_audiences", "from journey_events", "from audiences",
        "with customers as (from published.marts.customer_contacts) from customers",
        "with recursive x as (select 1 union all from customer_contacts) from x",
        "with x as (from duckdb_databases), duckdb_databases as (select 1) from x",
        "with duckdb_columns as (select 1) from duckdb_columns",
        "with customers as (from customer_contacts) from customers",
        "select (select max(email) from customer_contacts)", "from customers union all from customer_contacts",
        "from marts.x", "with x as (select 1) from marts.x", "from published.information_schema.tables",
        "select * from customers join customer_contacts using (customer_id)", "table customer_contacts",
    ],
    # Columns that are not there.
    'not found in FROM clause|Values list "customers" does not have|Column .* in EXCLUDE|does not have a column': [
        "select email from customers", "select nickname from customers", "select customers.nickname from customers",
        "select c.email_sha256 from customers as c", "select phone from customers", "select birth_date from customers",
        "select nickname as city from customers", "from customers as c(a, b) select nickname",
        "select * exclude (nickname) from customers", "select first_name from segment_customer_traits",
    ],
    "Stopped after 2 seconds": [
        "select count(*) from range(100000000) a, range(100000000) b where hash(a.range) = hash(b.range + 1)",
        "with recursive x(n) as (select 1 union all select n + 1 from x) select max(n) from x",
    ],
}  # fmt: skip


@pytest.mark.parametrize("sentence", REFUSED)
def test_what_is_refused(ask, shop, sentence):
    for query in REFUSED[sentence]:
        answer = ask("query", sql=query)
        assert isinstance(answer, str) and re.search(sentence, answer), (query, answer)
        assert str(shop.published) not in answer and ".duckdb" not in answer, answer
        assert not re.search("customer_contacts|published.marts", answer.replace(query.lower(), "")) or (
            "customer_contacts" in query
        ), answer


@pytest.mark.parametrize(
    "tool, arguments, sentence",
    [
        ("preview", {"condition": "recency_days <"}, "That is no condition"),
        ("preview", {"condition": "1 = 1) union select 1 from customer_contacts where (1 = 1"}, "is no filter|no cond"),
        ("preview", {"condition": "city in (select email from customer_contacts)"}, "no mart customer_contacts"),
        ("preview", {"condition": "exists (from read_text('/etc/passwd'))"}, "Only marts|no condition|function"),
        ("preview", {"condition": "getenv('HOME') = ''"}, "The function getenv may not be asked here"),
        ("preview", {"condition": "nickname = 'Nan the Great'"}, "not found"),
        ("describe_mart", {"mart": "customer_contacts"}, "There is no mart customer_contacts"),
        ("describe_segment", {"segment": "x' or 1 = 1"}, "There is no segment"),
        ("explain", {"customer": "ann@example.com"}, "There is no customer"),
        ("explain", {"customer": "' or 1 = 1 --"}, "There is no customer"),
        ("metrics", {"metrics": "net_revenue", "by": "x --where {{ 1 }}"}, "are no names"),
        ("metrics", {"metrics": "--help"}, "are no names"),
    ],
)
def test_what_other_tools_refuse(ask, tool, arguments, sentence):
    assert re.search(sentence, ask(tool, **arguments))


def test_no_answer_holds_contact_data(ask, shop):
    """It is published, and in no row of any mart that can be asked."""
    contact = versions.current(shop.published) / "customer_contacts.parquet"
    assert "ann@example.com" in str(duckdb.sql(f"from '{contact}'").fetchall())
    secrets = [*SECRETS, GUEST, *(sha256(f"{name}@example.com") for name in ("ann", "bob", "hal", "gus"))]
    marts = [one["mart"] for one in ask("list_marts")["marts"]]
    assert {"customers", "purchases", "segments", "seg_first_time_buyers"} <= set(marts)
    assert not {"customer_contacts", "audiences", "audience_changes", "sms_audiences", "suppressions"} & set(marts)
    for mart in marts:
        answer = ask("query", sql=f"from {mart}")
        described = [one["name"] for one in ask("describe_mart", mart=mart)["columns"]]
        assert answer["columns"] == described, mart
        for secret in secrets:
            assert secret not in json.dumps(answer), (mart, secret)


def test_what_is_cut_says_so(ask):
    answer = ask("query", sql="select n from range(1000) as numbers(n) order by n desc")
    assert answer["rows"][0] == [999] and len(answer["rows"]) == ROWS
    assert answer["note"] == "Cut: these are the first 30 rows, there are more. Ask for sums, or for fewer rows."
    assert ask("query", sql=f"select * from range({ROWS})").keys() == {"as_of_date", "columns", "rows"}
    assert len(ask("query", sql="from range(1000) order by 1 limit 500 -- all;")["rows"]) == ROWS
    assert ask("query", sql="select repeat('x', 5000)")["rows"][0][0] == "x" * 2000 + "..."
    assert len(json.dumps(ask("query", sql="select repeat('x', 1999), * from range(30), range(9)"))) < 110_000


def test_the_next_version_is_seen_at_once(ask, shop):
    version = versions.current(shop.published)
    following = version.with_name("2026-07-01_20260702T000000000000Z")
    shutil.copytree(version, following)
    with duckdb.connect(following / versions.DATABASE) as connection:
        connection.execute("update marts.shop_figures set customers = 9")
    manifest = json.loads((following / "manifest.json").read_text()) | {"as_of_date": "2026-07-01"}
    (following / "manifest.json").write_text(json.dumps(manifest))
    versions.lead_to(shop.published, following)
    try:
        answer = ask("list_segments")
        assert (answer["as_of_date"], answer["customers"]) == ("2026-07-01", 9)
    finally:
        versions.lead_to(shop.published, version)
        shutil.rmtree(following)
    assert ask("list_segments")["customers"] == 8


def test_without_the_package_a_sentence_says_how_to_install_it():
    blocked = "import sys; sys.modules['mcp'] = None; from ecommerce_segments.cli import main; sys.exit(main(['mcp']))"
    run = subprocess.run([sys.executable, "-c", blocked], cwd=PROJECT, capture_output=True, text=True)
    assert (run.returncode, run.stdout, run.stderr) == (
        2, "",
        "The package mcp is not installed: `make .venv/installed-mcp` does it, in the project's directory.\n",
    )  # fmt: skip


def test_segments_json_says_what_the_register_and_the_yaml_say(shop):
    content = json.loads((versions.current(shop.published) / definitions.FILE).read_text())
    for entry, told in zip(registered(), content["segments"], strict=True):
        assert told == {"mart": f"seg_{entry['name']}", **entry, "sql": told["sql"]}
        assert "{{" not in told["sql"] and re.search(r"\nfrom \w+", told["sql"])
    described = {}
    for file in [*(PROJECT / "models" / "marts").rglob("*.yml"), *(PROJECT / "models" / "estimates").rglob("*.yml")]:
        models = yaml.safe_load(file.read_text())
        for model in models.get("models", []) + [table for one in models.get("sources", []) for table in one["tables"]]:
            described[model["name"]] = model
    described["customers"]["columns"] += registered_columns(defaults() | SETTINGS)
    manifest = versions.manifest_of(versions.current(shop.published))
    assert content["marts"].keys() == manifest["rows"].keys()
    for mart, told in content["marts"].items():
        columns = {one["name"]: one for one in told["columns"]}
        if mart not in described or mart.startswith("seg_"):
            assert mart.startswith("seg_")
            continue
        assert told["description"] == filled_in(described[mart]["description"]).strip()
        texts = {one["name"]: filled_in(one["description"]).strip() for one in described[mart]["columns"]}
        assert {name: one["description"] for name, one in columns.items()} == texts
        for one in columns.values():
            known = " ".join(one["description"].split())
            assert one["null"] in (None, "Never.") or all(
                sentence in known for sentence in re.split(r"(?<=[.]) (?=[A-Z])", one["null"])
            )
            assert one["contact_data"] or mart not in definitions.contact_marts()
    customers = {one["name"]: one for one in content["marts"]["customers"]["columns"]}
    assert {name: (one["unit"], one["null"]) for name, one in customers.items() if name in EXPECTED} == EXPECTED
    assert [name for name, one in customers.items() if one["contact_data"]] == ["nickname"]


EXPECTED = {
    "customer_id": (None, "Never."),
    "is_guest": ("true or false", None),
    "country_code": (None, "Null for guests."),
    "average_order_value": ("reporting currency", "Null for leads."),
    "margin_known_share": ("share, 0 to 1", "Null for leads."),
    "first_purchased_on": ("date", "Null for leads."),
    "recency_score": ("score, 1 (worst) to 5 (best)", "Null outside it, like all scores."),
    "points": (None, None),
}


def test_segments_json_is_the_same_each_time(shop, tmp_path):
    with duckdb.connect(shop.warehouse, read_only=True) as connection:
        marts = list(versions.manifest_of(versions.current(shop.published))["rows"])
        again = definitions.definitions(versions.meanings(connection, marts), defaults() | SETTINGS)
    assert definitions.as_text(again) == (versions.current(shop.published) / definitions.FILE).read_text()
