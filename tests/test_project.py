"""The project itself: its documentation, its register of segments, and that its SQL is no single engine's."""

import re
from contextlib import chdir
from datetime import date

import pytest
import yaml
from dbt.artifacts.resources import ColumnInfo

from ecommerce_segments.define import document, register
from ecommerce_segments.settings import defaults
from project import PROJECT, Project, environment, messages
from random_shops import random_shop, write_shop

MARTS = [path.stem for path in (PROJECT / "models" / "marts").rglob("*.sql")]

# What PostgreSQL or Spark do not understand: it belongs into macros/engines.
FOREIGN_WORDS = re.compile(
    r"\b(qualify|group by all|order by"
    r" all|arg_max|arg_min|max_by|try_cast|strftime|strptime|date_diff|datediff|struct_pack|list_agg"
    r"|regexp_matches|regexp_full_match|exclude|distinct"
    r" on|epoch|unnest|read_csv|read_parquet|sha256|now\(|current_date"
    r"|current_timestamp|ifnull|iff|nvl|pivot)\b|::|//(?!.*')"
)


@pytest.fixture(scope="module")
def built(project, tmp_path_factory):
    """A small built shop, to ask for the columns that the marts really have."""
    directory = tmp_path_factory.mktemp("small")
    write_shop(random_shop(3, date(2025, 3, 31)), directory, "parquet")
    compiled = project.compiled(directory, as_of_date="2025-03-31")
    with chdir(PROJECT):
        document.describe_traits(project.manifest, defaults())
        # A segment of one's own has its YAML once `segments docs` was run.
        for told in yaml.safe_load(document.segments_yaml())["models"]:
            segment = models(project)[told["name"]]
            segment.description = told["description"]
            segment.columns = {column["name"]: ColumnInfo(**column) for column in told["columns"]}
    return compiled.build(directory)


def models(project):
    return {node.name: node for node in project.manifest.nodes.values() if node.resource_type == "model"}


def columns(built, mart: str) -> dict[str, str]:
    """Name and type of each column of a built mart."""
    return dict(
        built.execute(
            "select column_name, data_type from information_schema.columns where table_schema = 'marts' and table_name"
            " = ?",
            [mart],
        ).fetchall()
    )


def test_every_model_has_a_description_that_opens_with_its_grain(project, built):
    wrong = [name for name, node in models(project).items() if not re.match(r"One row (per|with) ", node.description)]
    assert wrong == []


def test_every_mart_column_is_documented_and_no_other(project, built):
    for name in MARTS:
        documented = {column.name for column in models(project)[name].columns.values() if column.description}
        assert columns(built, name).keys() == documented, name


def test_the_guide_names_columns_that_there_are(built):
    sources = re.findall(
        r"(?m)^\| ((?:int|stg)_\w+) \| .* \| (.*) \|$", (PROJECT / "docs" / "first_segment.md").read_text()
    )
    assert len(sources) > 5
    for model, named in sources:
        there = {
            name
            for name, *_ in built.execute(
                f"describe {'intermediate' if model.startswith('int_') else 'staging'}.{model}"
            ).fetchall()
        }
        assert set(named.split(", ")) <= there, model


def test_every_shared_mart_has_an_enforced_contract(project):
    shared = {name for name in MARTS if not name.startswith("seg_")}
    assert {name for name in shared if models(project)[name].config.contract.enforced} == shared


def test_the_columns_of_segments_are_those_of_customers(project, built):
    """In name, type and description; no YAML of their own is needed."""
    for segment in register_entries():
        name = f"seg_{segment['name']}"
        assert (
            columns(built, name).items()
            <= (columns(built, "customer_categories") | columns(built, "customers")).items()
        ), name
        described = models(project)["customer_categories"].columns | models(project)["customers"].columns
        for column in models(project)[name].columns.values():
            assert column.description == described[column.name].description, name


def test_contact_data_stands_in_one_mart_alone(project):
    contact_columns = {"email", "normalized_email", "phone", "first_name", "last_name", "postal_code", "birth_date"}
    with_contact_data = {name for name in MARTS if contact_columns & set(models(project)[name].columns)}
    assert with_contact_data == {"customer_contacts"}


def test_marts_with_contact_data_or_its_hashes_are_tagged_and_granted_to_who_sends_alone(tmp_path):
    contact = "email|phone|first_name|last_name|postal_code|birth_date"
    personal = re.compile(rf"(compared_|google_|tiktok_)?({contact})(_sha256)?")
    with environment(BI_ROLE="reporter", CONTACTS_ROLE="sender"):
        marts = {name: node for name, node in models(Project(tmp_path, has_roles=True)).items() if name in MARTS}
    tagged = {name for name, node in marts.items() if "contact_data" in node.tags}
    # The due dates of journeys tell birthdays.
    personal_marts = {name for name, node in marts.items() if any(map(personal.fullmatch, node.columns))}
    assert tagged == personal_marts | {"journey_events"}
    assert personal_marts == {"customer_contacts", "audiences", "audience_changes", "sms_audiences", "suppressions"}
    for name, node in marts.items():
        assert node.config.grants == {"select": ["sender" if name in tagged else "reporter"]}, name


def test_members_show_the_segments_texts_and_customers_columns(project, built):
    texts = built.execute(
        "select distinct segment, segment_title, segment_group from marts.segment_customer_traits"
    ).fetchall()
    assert len(texts) > 20 and set(texts) <= {
        (entry["name"], entry["title"], entry.get("group", "Our own")) for entry in register_entries()
    }
    shown, customers = models(project)["segment_customer_traits"].columns, models(project)["customers"].columns
    own = {"segment", "segment_title", "segment_group"}
    assert {
        name: (column.data_type, column.description)
        for name, column in shown.items()
        if name not in own | {"customer_id"}
    } == {
        name: (column.data_type, column.description)
        for name, column in customers.items()
        if name in shown.keys() - {"customer_id"}
    }
    assert columns(built, "segment_customer_traits").items() - columns(built, "customers").items() == {
        (name, "VARCHAR") for name in own
    }


def test_no_model_speaks_a_dialect_or_reads_the_clock():
    for path in [*(PROJECT / "models").rglob("*.sql"), *(PROJECT / "tests").rglob("*.sql")]:
        sql = re.sub(r"--.*|\{#.*?#\}", "", path.read_text(), flags=re.DOTALL if "{#" in path.read_text() else 0)
        assert not (found := FOREIGN_WORDS.search(sql)), f"{path}: {found.group()}"
        assert "target.type" not in sql and "run_started_at" not in sql, path


def test_unit_tests_have_names_that_postgresql_takes():
    """dbt makes a table of a unit test's name, and PostgreSQL's names end after 63 characters."""
    files = (PROJECT / "models").rglob("_unit_tests.yml")
    names = [test["name"] for file in files for test in yaml.safe_load(file.read_text())["unit_tests"]]
    assert names and [name for name in names if len(name) > 63] == []


def segment_sql(name: str) -> str:
    """A segment's file without comments.

    Whether someone is in another segment is a condition like others: it is read as one word.
    """
    sql = re.sub(r"--.*", "", (PROJECT / register.file_of(name)).read_text())
    return re.sub(r"\(select customer_id from \{\{ ref\('seg_\w+'\) \}\}\)", "''", sql)


def test_unit_tests_know_the_raw_contract_as_it_is():
    """dbt gives unit tests no graph to read _raw_sources.yml from."""
    staging = PROJECT / "models" / "staging"
    sources = yaml.safe_load((staging / "_raw_sources.yml").read_text())["sources"]
    tables = {table["name"]: table for source in sources if source["name"] == "raw" for table in source["tables"]}
    told = [
        test["overrides"]["macros"]["raw_contract"]
        for test in yaml.safe_load((staging / "_unit_tests.yml").read_text())["unit_tests"]
        if test["model"].startswith("base_")
    ]
    assert told
    for contract in told:
        table = tables[contract["name"]]
        marks = {
            column["name"]: {"text"} & {column["data_type"]} | column.get("config", {}).get("meta", {}).keys()
            for column in table["columns"]
        }
        assert contract == {
            "name": table["name"],
            "key": table["config"]["meta"]["key"],
            "columns": [name for name in marks if name != "loaded_at"],
            "texts": [name for name in marks if "text" in marks[name]],
            "required": [name for name in marks if "required" in marks[name]],
            "castable": [name for name in marks if not {"text", "descriptive"} & marks[name]],
            "descriptive": [name for name in marks if "descriptive" in marks[name]],
        }


def test_segments_are_bare_filters():
    for segment in register_entries():
        sql = segment_sql(segment["name"])
        assert sql.count("select") == 1 and not re.search(r"\b(join|union|group by|over)\b", sql), segment["name"]
        # The date of a run may be another one than that of `customers`: the build refuses that, and ours need no such
        # care.
        dates = set() if segment["name"] in shipped() else {"as_of_date", "days_ago", "months_ago"}
        assert set(re.findall(r"\{\{\s*(\w+)", sql)) <= {"ref", "var"} | dates, segment["name"]


def register_entries() -> list[dict]:
    return yaml.safe_load((PROJECT / "dbt_project.yml").read_text())["vars"]["segments"]


def shipped() -> set[str]:
    """The segments that come with the project.

    Others are the shop's own: of them no more is asked than docs/first_segment.md says.
    """
    return set(re.findall(r"(?m)^\| ([a-z_]+) \| .* \|$", (PROJECT / "README.md").read_text())) & {
        entry["name"] for entry in register_entries()
    }


def test_each_segment_is_registered_with_its_texts():
    files = {path.stem for path in (PROJECT / "models" / "marts" / "segments").glob("*.sql")}
    assert {f"seg_{segment['name']}" for segment in register_entries()} == files
    texts = dict.fromkeys(shipped(), ("title", "definition", "goal", "example", "watch_out", "source", "group"))
    assert len(texts) > 20
    for segment in register_entries():
        needed = texts.get(segment["name"], ("title", "definition", "goal"))
        assert [text for text in needed if not segment.get(text)] == [], segment["name"]


def test_segments_show_what_their_filter_asks():
    """So that a reader of the segment sees why someone is in it."""
    for segment in register_entries():
        select, _, where = segment_sql(segment["name"]).partition("\nfrom ")
        asked = set(
            re.findall(r"\b[a-z_]+_?[0-9a-z]*\b", re.sub(r"'.*?'|\{\{.*?\}\}", "", where.partition("where")[2]))
        ) - {"customer_id"}
        shown = set(re.findall(r"\w+", select))
        assert asked - shown <= {"and", "or", "not", "in", "is", "null", "between"}, segment["name"]


def test_the_page_of_segments_is_up_to_date(monkeypatch):
    monkeypatch.chdir(PROJECT)
    ours = [segment for segment in register_entries() if segment["name"] in shipped()]
    assert document.PAGE.read_text() in (document.page(), document.page(ours)), "run segments docs"
    assert document.YAML.read_text() in (document.segments_yaml(), document.segments_yaml(ours)), "run segments docs"


def test_models_lean_on_segments_by_ref():
    """By its name as text, a model would be built without a segment that was removed, and say nothing."""
    names = "|".join(segment["name"] for segment in register_entries())
    for path in [*(PROJECT / "models").rglob("*.sql"), *(PROJECT / "macros").rglob("*.sql")]:
        sql = re.sub(r"--.*|\{#.*?#\}", "", path.read_text(), flags=re.DOTALL if "{#" in path.read_text() else 0)
        assert set(re.findall(rf"['\"]({names})['\"]", sql)) <= set(re.findall(r"ref\('seg_(\w+)'\)", sql)), path


def register_without(project, name: str) -> list[dict]:
    return [segment for segment in register_entries() if segment["name"] != name]


@pytest.mark.parametrize(
    "raw_tables, sentence",
    [
        ({"oders": {"schema": "sales"}}, "raw_tables names 'oders', which is no raw table: did you mean orders?"),
        (
            {"orders": {"shema": "sales"}},
            "raw_tables names 'shema' for orders, which is none of database, schema, identifier, model: did you mean"
            " schema?",
        ),
    ],
)
def test_a_raw_table_that_is_misspelt_stops_the_build(project, tmp_path, raw_tables, sentence):
    assert sentence in messages(project.attempt("seed", raw_dir=tmp_path, raw_tables=raw_tables))


BREAKS = [
    (
        "memberships_keep_their_rules",
        "update marts.segments set as_of_date = '2025-03-30' where segment = 'non_target'",
        ("segments", "segments are of the as of date", 1),
    ),
    (
        "memberships_keep_their_rules",
        "insert into marts.segments from marts.segments where segment = 'loyal_buyers'",
        ("segments", "one row per segment", 2),
    ),
    (
        "memberships_keep_their_rules",
        "update marts.segment_memberships set customer_id = 'nobody' where segment = 'non_target' and customer_id = ("
        "select min(customer_id) from marts.segment_memberships where segment = 'non_target')",
        ("segment_memberships", "each customer_id is one of customers", 1),
    ),
    (
        "finance_keeps_its_rules",
        "update marts.purchases set order_id = null where order_id = (select min(order_id) from marts.purchases)",
        ("purchases", "order_id is never missing", 1),
    ),
    (
        "finance_keeps_its_rules",
        "update marts.purchases set purchase_number = 1 where purchase_number = 2 and customer_id = ("
        "select min(customer_id) from marts.purchases where purchase_number = 2)",
        ("purchases", "one row per coalesce(customer_id, order_id), purchase_number", 2),
    ),
    (
        "finance_keeps_its_rules",
        "update marts.churn_monthly set tenure_band = 'ancient' where tenure_band = 'long' and month = ("
        "select min(month) from marts.churn_monthly)",
        ("churn_monthly", "tenure_band is one of new, first_time, short, mid, long", 1),
    ),
    (
        "staging_keeps_its_rules",
        "update staging.row_counts set received_rows = received_rows + 1 where table_name = 'orders'",
        ("row_counts", "received rows are all counted", 1),
    ),
    (
        "staging_keeps_its_rules",
        "insert into staging.base_sessions (session_id, row_status) values ('s', 'kept'), ('s', 'kept'), ('t', 'kept'),"
        " ('t', 'duplicate')",
        ("base_sessions", "one row per session_id", 2),
    ),
    (
        "intermediate_keeps_its_rules",
        "insert into intermediate.int_refunds from intermediate.int_refunds limit 1",
        ("int_refunds", "one row per order_id, order_line_id", 2),
    ),
]


def test_a_broken_rule_comes_with_its_table_and_the_query_of_its_rows(project, tmp_path):
    write_shop(random_shop(3, date(2025, 3, 31)), tmp_path, "parquet")
    compiled = project.compiled(tmp_path, as_of_date="2025-03-31")
    tests = {test.name: test.sql for test in compiled.tests}
    with compiled.build(tmp_path) as shop:
        for test, change, broken in BREAKS:
            assert shop.execute(tests[test]).fetchall() == []
            shop.execute("begin")
            shop.execute(change)
            found = {(table, rule, rows): query for table, rule, rows, query in shop.execute(tests[test]).fetchall()}
            assert broken in found, (broken, found)
            assert shop.execute(found[broken]).fetchall(), broken
            shop.execute("rollback")


def test_an_unregistered_segment_file_stops_the_build(project, tmp_path):
    result = project.attempt("seed", raw_dir=tmp_path, segments=register_without(project, "loyal_buyers"))
    assert (
        "models/marts/segments/seg_loyal_buyers.sql is not registered: add an entry with name loyal_buyers"
        in messages(result)
    )


def test_a_registered_segment_without_texts_stops_the_build(project, tmp_path):
    segments = [*register_without(project, "loyal_buyers"), {"name": "loyal_buyers", "title": "x", "definition": "y"}]
    result = project.attempt("seed", raw_dir=tmp_path, segments=segments)
    assert "The segment loyal_buyers has no goal" in messages(result)


POINTS = {"name": "points", "type": "number", "description": "Points."}


@pytest.mark.parametrize(
    "register, sentence",
    [
        (
            {"traits": []},
            "models/traits/trait_average_days_between_sessions.sql is not registered: add an entry with name"
            " average_days_between_sessions",
        ),
        ({"own_traits": [{"name": "points"}]}, "The trait points has no columns: complete its entry"),
        (
            {"own_traits": [{"name": "of_shop", "columns": [POINTS | {"description": None}]}]},
            "The column points of the trait of_shop has no description",
        ),
        (
            {"own_traits": [{"name": "of_shop", "columns": [POINTS | {"type": "money"}]}]},
            "has the type money, but must have text, integer, number",
        ),
        (
            {"own_traits": [{"name": "of_shop", "columns": [POINTS | {"name": "Loyalty points"}]}]},
            "has no name for a column",
        ),
        (
            {"own_traits": [{"name": "of_shop", "columns": [POINTS | {"name": "net_revenue"}]}]},
            "has the name of another column of customers",
        ),
        (
            {"own_traits": [{"name": "of_shop", "columns": [POINTS]}], "custom_traits": [POINTS]},
            "The entry points of custom_traits has the name of another column of customers",
        ),
        (
            {"custom_traits": [POINTS | {"type": "integer"}]},
            "The entry points of custom_traits has the type integer, but must have text, number",
        ),
        ({"custom_traits": [POINTS | {"description": None}]}, "The entry points of custom_traits has no description"),
    ],
)
def test_a_wrong_register_of_traits_stops_the_build(project, tmp_path, register, sentence):
    assert sentence in messages(project.attempt("seed", raw_dir=tmp_path, **register))


def test_each_trait_is_registered():
    assert {f"trait_{trait['name']}" for trait in defaults()["traits"]} == {
        path.stem for path in (PROJECT / "models" / "traits").glob("*.sql")
    }
