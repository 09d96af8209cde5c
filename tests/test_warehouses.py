"""Our SQL for Snowflake, BigQuery and Redshift: rendered by the real adapters and read, never executed. Run by `make
warehouses`.

A connection that records what it is asked, and answers from a few made-up rows, stands for the warehouse. Each
statement must parse in its dialect, and use only functions and types that the vendor documents: the lists below, which
name no more than we use.
"""

import importlib
import re
from contextlib import ExitStack
from unittest import mock

import pytest

from project import PROJECT, Project, environment, messages

pytestmark = pytest.mark.warehouses
sqlglot = pytest.importorskip("sqlglot")

WAREHOUSES = ["snowflake", "bigquery", "redshift"]
# What profiles.yml asks for.
VARIABLES = [
    "SNOWFLAKE_ACCOUNT",
    "SNOWFLAKE_USER",
    "SNOWFLAKE_PASSWORD",
    "SNOWFLAKE_WAREHOUSE",
    "SNOWFLAKE_DATABASE",
    "GOOGLE_CLOUD_PROJECT",
    "REDSHIFT_HOST",
    "REDSHIFT_USER",
    "REDSHIFT_PASSWORD",
]


# What all three document under the same name and meaning.
COMMON = {
    "abs",
    "avg",
    "cast",
    "coalesce",
    "concat",
    "count",
    "floor",
    "greatest",
    "least",
    "lower",
    "max",
    "min",
    "mod",
    "nullif",
    "round",
    "ntile",
    "power",
    "sqrt",
    "substr",
    "sum",
    "trim",
    "extract",
    "dense_rank",
    "first_value",
    "lag",
    "lead",
    "rank",
    "replace",
    "row_number",
    "var_samp",
}
FUNCTIONS = {
    "snowflake": COMMON
    | {
        "boolor_agg",
        "convert_timezone",
        "current_timestamp",
        "length",
        "regexp_replace",
        "substring",
        "translate",
        "dateadd",
        "datediff",
        "date_trunc",
        "hash",
        "last_day",
        "object_construct_keep_null",
        "percentile_cont",
        "regexp_instr",
        "sha2",
        "split_part",
        "to_json",
        "to_number",
        "to_timestamp",
    },
    "bigquery": COMMON
    | {
        "array_agg",
        "array_length",
        "generate_array",
        "length",
        "md5",
        "regexp_replace",
        "string_agg",
        "substring",
        "timestamp",
        "timestamp_micros",
        "translate",
        "unnest",
        "current_timestamp",
        "date",
        "date_add",
        "date_diff",
        "date_trunc",
        "datetime",
        "datetime_add",
        "datetime_diff",
        "div",
        "error",
        "farm_fingerprint",
        "logical_or",
        "regexp_contains",
        "safe_offset",
        "sha256",
        "sign",
        "split",
        "struct",
        "timestamp_add",
        "timestamp_trunc",
        "to_hex",
        "to_json_string",
    },
    "redshift": COMMON
    | {
        "bool_or",
        "length",
        "regexp_replace",
        "translate",
        "convert_timezone",
        "dateadd",
        "datediff",
        "date_trunc",
        "farmfingerprint64",
        "getdate",
        "json_serialize",
        "object",
        "format_type",
        "percentile_cont",
        "sha2",
        "split_part",
        "strtol",
        "substring",
    },
}
COMMON_TYPES = {"boolean", "date", "bigint", "integer", "timestamp"}
TYPES = {
    "snowflake": COMMON_TYPES | {"decimal", "double precision", "text", "varchar", "timestamp_ntz"},
    # Aliases of int64, and no digits and places: "Parameterized types are not allowed in CAST expressions".
    "bigquery": COMMON_TYPES | {"bignumeric", "bool", "datetime", "float64", "int64", "numeric", "string"},
    "redshift": COMMON_TYPES | {"decimal", "double precision", "text", "varchar"},
}
# Words before a parenthesis that are no functions.
KEYWORDS = {
    "all",
    "and",
    "as",
    "between",
    "by",
    "case",
    "else",
    "exists",
    "filter",
    "from",
    "group",
    "in",
    "insert",
    "into",
    "join",
    "like",
    "not",
    "on",
    "options",
    "or",
    "over",
    "select",
    "then",
    "union",
    "using",
    "values",
    "when",
    "where",
    "with",
    "within group",
    "having",
    "distinct",
    "end",
}
# Names that the dialect would not take as those of columns, common tables and aliases, from the vendors' lists of
# reserved words. (`oid` names a column of the system tables.)
SNOWFLAKE_RESERVED = set(
    """account all alter and any as between by case cast check column connect connection constraint create cross current
    current_date current_time current_timestamp current_user database delete distinct drop else exists false following for from full grant
    group gscluster having ilike in increment inner insert intersect into is issue join lateral left like localtime localtimestamp minus
    natural not null of on or order organization qualify regexp revoke right rlike row rows sample schema select set some start table
    tablesample then to trigger true try_cast union unique update using values view when whenever where with""".split()  # noqa: E501
)


class Warehouse:
    """Takes the place of a connection. `asked`: the statements, in order."""

    # The first pattern that a question fits gives its answer; any other question finds nothing.
    ANSWERS = [
        (r"information_schema\.columns|pg_attribute", []),
        (r"schemata|pg_namespace", [["published_20260101_000000_000000"], ["published_20260102_000000_000000"]]),
        (r"lower\(table_name\)", [["manifest"], ["customers"]]),
        (r"count\(\*\) from .*forgotten_customers", [[1]]),
        (r"^\s*select version from", [["published_20260102_000000_000000"]]),
    ]

    def __init__(self):
        self.asked = []

    def execute(self, sql, *_, **__):
        import agate
        from dbt.adapters.contracts.connection import AdapterResponse

        self.asked.append(sql)
        rows = next((rows for pattern, rows in self.ANSWERS if re.search(pattern, sql, re.I | re.S)), [])
        return AdapterResponse("OK"), agate.Table(rows, [f"column_{n}" for n in range(len(rows[0]) if rows else 1)])


@pytest.fixture(scope="module", params=WAREHOUSES)
def target(request):
    return request.param


@pytest.fixture(scope="module")
def warehouse(target):
    """The adapter of the target without its network: whoever opens a connection gets none, and is answered all the
    same."""
    module = importlib.import_module(f"dbt.adapters.{target}")
    adapter = module.Plugin.adapter
    manager = adapter.ConnectionManager
    answering = Warehouse()

    def opened(*arguments):
        # A method of the class on some, of the connection manager on others.
        connection = arguments[-1]
        connection.state, connection.handle = "open", mock.MagicMock()
        return connection

    patches = {
        manager: {
            "open": opened,
            "execute": lambda self, *a, **k: answering.execute(*a, **k),
            "begin": lambda self: None,
            "commit": lambda self: None,
            "add_query": lambda self, sql, *a, **k: (None, answering.execute(sql)),
            "commit_if_has_connection": lambda self: None,
            "add_begin_query": lambda self: None,
            "add_commit_query": lambda self: None,
        },
        adapter: {
            "list_relations_without_caching": lambda self, *a, **k: [],
            "list_schemas": lambda self, *a: ["published_20260101_000000_000000"],
            "_link_cached_relations": lambda self, *a: None,
            "create_schema": lambda self, *a: None,
            "drop_schema": lambda self, *a: None,
            "get_columns_in_relation": lambda self, relation: [adapter.Column("customer_id", "string")],
        },
    }
    with ExitStack() as stack:
        for owner, replaced in patches.items():
            for name, function in replaced.items():
                if hasattr(owner, name):
                    stack.enter_context(mock.patch.object(owner, name, function))
        yield answering


@pytest.fixture(scope="module")
def on_warehouse(target, warehouse, tmp_path_factory):
    with environment(**dict.fromkeys(VARIABLES, "shop")):
        yield Project(tmp_path_factory.mktemp(target), target=target)


@pytest.fixture(scope="module", params=["quintiles", "cut_points"])
def statements(request, on_warehouse):
    """The SQL of all models, tests and analyses, by name."""
    results = on_warehouse.dbt(
        "compile",
        "--select",
        "resource_type:model",
        "resource_type:test",
        "resource_type:analysis",
        as_of_date="2026-06-30",
        shop_timezone="Europe/Berlin",
        rfm_method=request.param,
    ).result
    compiled = {result.node.unique_id: result.node.compiled_code for result in results.results}
    shipped = [path for path in (PROJECT / "models").rglob("*.sql") if "connectors" not in path.parts]
    assert sum(name.startswith("model.") for name in compiled) == len(shipped) + len(["left_out_rows"])
    return compiled


def written_functions(tokens) -> set[str]:
    """The names before a parenthesis, in lower case, as they are written: a parser would translate them."""
    # What stands behind a point is the table of a `create table`; types and keywords have parentheses too.
    return (
        {
            first.text.lower()
            for before, first, second in zip([None, *tokens], tokens, tokens[1:])
            if second.text == "("
            and re.fullmatch(r"[A-Za-z_]\w*( group)?", first.text)
            and first.token_type.name not in ("STRING", "RAW_STRING")
            and not (before and before.text == ".")
        }
        - KEYWORDS
        - {"decimal", "numeric", "varchar"}
    )


def written_types(tokens) -> set[tuple[str, bool]]:
    """The types that casts name, and whether with digits and places."""
    found = set()
    for start, token in enumerate(tokens[:-1]):
        if token.text.lower() == "cast" and tokens[start + 1].text == "(":
            depth, name = 0, None
            for inner in tokens[start + 1:]:
                depth += {"(": 1, ")": -1}.get(inner.text, 0)
                if depth == 0:
                    break
                if depth == 1 and inner.text.lower() == "as":
                    name = []
                elif name is not None and depth == 1 and inner.text != ")":
                    name.append(inner.text.lower())
                elif name is not None and inner.text == "(":
                    name.append("(")
            if name:
                found.add((" ".join(part for part in name if part != "("), "(" in name))
    return found


def faults(sql: str, target: str) -> list[str]:
    """What the dialect does not know in a statement, in words."""
    from sqlglot import exp

    dialect = sqlglot.Dialect.get_or_raise(target)
    try:
        parsed = [tree for tree in sqlglot.parse(sql, read=target, error_level=sqlglot.ErrorLevel.RAISE) if tree]
    except sqlglot.errors.SqlglotError as error:
        return [f"does not parse: {str(error)[:200]}"]
    tokens = dialect.tokenize(sql)
    said = [f"function {name}" for name in sorted(written_functions(tokens) - FUNCTIONS[target])]
    for name, has_digits in written_types(tokens):
        if name not in TYPES[target] or (target == "bigquery" and has_digits):
            said.append(f"cast to {name}{'(...)' if has_digits else ''}")
    operators = {"::": WAREHOUSES, "%": ["bigquery"], "~": ["snowflake", "bigquery"], "//": WAREHOUSES}
    said += [
        f"operator {token.text}"
        for token in tokens
        if target in operators.get(token.text, []) and token.token_type.name != "STRING"
    ]
    reserved = {
        "snowflake": SNOWFLAKE_RESERVED,
        **{
            name: {word.lower() for word in sqlglot.Dialect.get_or_raise(name).generator_class.RESERVED_KEYWORDS}
            for name in ("bigquery", "redshift")
        },
    }[target] - {"oid"}
    for tree in parsed:
        if isinstance(tree, exp.Command):
            said.append(f"is not understood: {sql[:60]}")
        said += [type(node).__name__ for node in tree.find_all(exp.Filter, exp.Collate, exp.Qualify)]
        said += ["distinct on" for node in tree.find_all(exp.Distinct) if node.args.get("on")]
        if target == "bigquery":
            said += ["within group" for _ in tree.find_all(exp.WithinGroup)]
        if target == "redshift":
            # Only functions that rank go without.
            said += [
                f"a frame is missing: {window.sql()}"
                for window in tree.find_all(exp.Window)
                if window.args.get("order")
                and not window.args.get("spec")
                and isinstance(window.this, exp.AggFunc)
                and not isinstance(window.this, (exp.RowNumber, exp.Lead, exp.Lag, exp.Rank, exp.DenseRank, exp.Ntile))
            ]
        for node in tree.find_all(exp.Identifier):
            if (
                not node.quoted
                and node.name.lower() in reserved
                and not isinstance(node.parent, (exp.DataType, exp.Anonymous))
            ):
                said.append(f"reserved word {node.name}")
    return said


def test_models_and_tests_use_what_the_dialect_knows(target, statements):
    found = {}
    for name, sql in statements.items():
        for fault in faults(sql, target):
            found.setdefault(fault, []).append(name)
    assert not found, "\n".join(f"{fault}: {len(names)}, such as {names[0]}" for fault, names in sorted(found.items()))


def test_connectors_use_what_the_dialect_knows(target, warehouse, tmp_path):
    """On tables of loaders that hold all their columns. What Google Analytics exports, it exports to BigQuery."""
    connectors = ["shopify", "shopify_csv", "woocommerce", "prestashop", "klaviyo", "ad_reporting"]
    connectors += ["ga4"] if target == "bigquery" else []
    adapter = importlib.import_module(f"dbt.adapters.{target}").Plugin.adapter

    def landed(_, database, schema, identifier):
        return adapter.Relation.create(database=database, schema=schema, identifier=identifier)

    def columns(_, relation):
        declared = [
            table for table in project.manifest.sources.values()
            if relation.identifier == table.config.meta.get("table_prefix", "") + table.name
        ]
        return [
            adapter.Column(name, "string" if column.data_type in ("text", "nested") else column.data_type)
            for table in declared[:1]
            for column in table.columns.values()
            for name in (column.name, *column.config.meta.get("also", []))
        ]

    replaced = {"get_relation": landed, "get_columns_in_relation": columns}
    with environment(**dict.fromkeys(VARIABLES, "shop")), mock.patch.multiple(adapter, **replaced):
        project = Project(tmp_path, target=target, connectors=connectors)
        chosen = ("--select", "path:models/connectors")
        results = project.dbt("compile", *chosen, connectors=connectors, shop_timezone="Europe/Berlin").result
    found = {}
    for result in results.results:
        for fault in faults(result.node.compiled_code, target):
            found.setdefault(fault, []).append(result.node.name)
    assert not found, "\n".join(f"{fault}: {len(names)}, such as {names[0]}" for fault, names in sorted(found.items()))


@pytest.mark.parametrize("operation", [
    ["create_raw_tables"], ["publish", "--args", "{marts: [customers, segments], kept: 1}"], ["rollback"]])
def test_operations_use_what_the_dialect_knows(target, on_warehouse, warehouse, operation):
    warehouse.asked.clear()
    on_warehouse.dbt("run-operation", *operation, as_of_date="2026-06-30")
    assert warehouse.asked
    found = [f"{fault}: {sql[:200]}" for sql in warehouse.asked for fault in faults(sql, target)]
    assert not found, "\n".join(found)


def test_missing_raw_tables_stop_the_build_with_a_sentence(on_warehouse):
    said = messages(on_warehouse.attempt("seed"))
    assert "customers is missing" in said and "docs/warehouses.md" in said


@pytest.mark.parametrize("target, sql, expected", [
    ("snowflake", "select bool_or(a) from t", "function bool_or"),
    ("snowflake", "select count(*) filter (where a) from t", "Filter"),
    ("bigquery", "select cast(a as decimal(18, 2)) from t", "cast to decimal(...)"),
    ("bigquery", "select cast(a as text) from t", "cast to text"),
    ("bigquery", "select a % 2 from t", "operator %"),
    ("redshift", "select sum(a) over (partition by b order by c) from t", "a frame is missing"),
    ("redshift", "select sha256(a) from t", "function sha256"),
    ("redshift", "select a collate \"C\" from t", "Collate"),
    ("bigquery", "select a from (select 1 as a", "does not parse"),
])
def test_what_a_dialect_does_not_know_is_found(target, sql, expected):
    assert any(expected in fault for fault in faults(sql, target))
