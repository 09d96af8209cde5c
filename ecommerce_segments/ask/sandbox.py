"""A published version as SQL from outside may ask it: views without contact data, in a private database in memory.

DuckDB keeps the rest away: the file is attached read only, files, network and extensions are out of reach, the
configuration is locked, and of a question DuckDB's own parser must say that it is one SELECT on these views, with
functions that compute. Ids that are made of emails are shown by a hash of the id.
"""

import json
import re
from collections.abc import Iterator
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from threading import Lock, Timer
from typing import Any

import duckdb

from ecommerce_segments import CannotDo
from ecommerce_segments.publish.comments import quoted
from ecommerce_segments.publish.definitions import definitions_of
from ecommerce_segments.publish.versions import DATABASE, ID_COLUMNS, manifest_of
from ecommerce_segments.settings import did_you_mean

CONFIGURATION: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "python_enable_replacements": "false",
    "temp_directory": "",
    "memory_limit": "2GB",
}
LOCK = (
    "set TimeZone = 'UTC'; set schema = 'memory.marts';"
    " set enable_external_access = false; set lock_configuration = true"
)
NO_OTHER = "One SELECT may be asked, and nothing else."
# Functions that do more than compute: they tell of the process, of tables and of statistics, write, or wait.
TELLING = re.compile(
    r"__.*|pg_.*|json_(de)?serialize.*|getenv|getvariable|current_(setting|query.*|schemas?|connection_id|transaction_id)"
    r"|currval|nextval|stats|write_log|sleep_ms|txid_current|format_type|format_pg_type|get_block_size|vector_type"
    r"|parse_duckdb_log_message|setseed|in_search_path|inet_.*|.*_privilege|.*_description|version|query|query_table"
)
# All that stand where a table may stand.
TABLE_FUNCTIONS = {"range", "generate_series", "unnest"}
# Characters of one value, and of all values of an answer.
LONGEST_VALUE, LONGEST_ANSWER = 2_000, 100_000


class Refused(CannotDo):
    """Why a question is not answered, in a sentence."""


class Published:
    """A version that is published: its definitions and manifest, and its rows without contact data.

    version: its directory. seconds: after which a question is stopped. Raises Refused where it does not say what its
    columns mean, and duckdb.Error where it cannot be opened.
    """

    def __init__(self, version: Path, seconds: float):
        self.seconds, self.lock = seconds, Lock()
        self.manifest, self.definitions = manifest_of(version), definitions_of(version)
        self.as_of_date = str(self.manifest["as_of_date"])
        if not self.definitions["marts"]:
            raise Refused("What is published has no segments.json yet: run `segments run --rebuild` first.")
        self.connection = duckdb.connect(":memory:", config=CONFIGURATION)
        self.connection.execute(f"attach {quoted(str(version / DATABASE))} as published (read_only)")
        self.connection.execute("create schema marts")
        self.marts = self.visible()
        for mart, columns in self.marts.items():
            shown = ", ".join(f"{masked(name)} as {name}" if name in ID_COLUMNS else name for name in columns)
            self.connection.execute(f"create view marts.{mart} as select {shown} from published.marts.{mart}")
        # Names that lead to the system's own views.
        self.taken = {
            name.lower()
            for (name,) in self.connection.execute(
                "select view_name from duckdb_views() union all select table_name from duckdb_tables()"
            ).fetchall()
        } - self.marts.keys()
        self.functions = {
            name.lower()
            for (name,) in self.connection.execute(
                "select function_name from duckdb_functions() where function_type in ('scalar', 'aggregate')"
                " or function_type = 'macro' and macro_definition not ilike '%select%'"
            ).fetchall()
            if not TELLING.fullmatch(name.lower())
        } | TABLE_FUNCTIONS
        self.connection.execute(LOCK)

    def visible(self) -> dict[str, list[str]]:
        """The marts that are shown, and their columns: what segments.json describes as free of contact data, of what is
        there."""
        there = self.connection.execute(
            "select table_name, column_name from duckdb_columns() where database_name = 'published'"
        ).fetchall()
        columns = {
            mart: [
                column["name"]
                for column in content["columns"]
                if column["contact_data"] is False and (mart, column["name"]) in there
            ]
            for mart, content in self.definitions["marts"].items()
        }
        return {mart: names for mart, names in columns.items() if names}

    def described(self, mart: str) -> dict:
        """What segments.json says of a mart and of its columns that are shown. Raises Refused where there is none."""
        if mart not in self.marts:
            raise self.no_mart(mart)
        content = self.definitions["marts"][mart]
        shown = [
            {field: value for field, value in column.items() if field != "contact_data"}
            for column in content["columns"]
            if column["name"] in self.marts[mart]
        ]
        return {"mart": mart, "description": content["description"], "columns": shown}

    def no_mart(self, name: str) -> Refused:
        """Why a mart of this name cannot be asked, whether there is one or not."""
        return Refused(f"There is no mart {name}{did_you_mean(name, list(self.marts)) or '.'} list_marts has them all.")

    def rows(self, sql: str, parameters: dict[str, Any] | None = None) -> list[dict]:
        """The rows of a query of our own. Raises Refused where it takes too long."""
        with self.lock:
            names, rows = self.run(sql, parameters)
        return [dict(zip(names, row)) for row in rows]

    def told_rows(self, sql: str, parameters: dict[str, Any] | None = None) -> list[dict]:
        """The same, in values that JSON has."""
        return [{name: plain(value) for name, value in row.items()} for row in self.rows(sql, parameters)]

    def answer(self, sql: str, rows: int) -> dict:
        """The answer to a query from outside: columns, at most so many rows, and a note where something was cut.

        Raises Refused for what may not be asked, and with DuckDB's message for what it cannot run.
        """
        with self.lock:
            sql = self.limited(sql, rows + 1)
        return self.cut(sql, rows)

    def cut(self, sql: str, rows: int) -> dict:
        """The same for a query of our own, which need not be looked at."""
        with self.lock:
            names, found = self.run(sql)
        shown: list[list] = []
        size = 0
        for row in found[:rows]:
            values = [plain(value) for value in row]
            size += len(json.dumps(values))
            if size > LONGEST_ANSWER and shown:
                break
            shown.append(values)
        note = (
            {"note": f"Cut: these are the first {len(shown):,} rows, there are more. Ask for sums, or for fewer rows."}
            if len(shown) < len(found)
            else {}
        )
        return {"as_of_date": self.as_of_date, "columns": names, "rows": shown} | note

    def checked_rows(self, sql: str) -> list[dict]:
        """The rows of a query that holds words from outside. Raises Refused as `answer` does."""
        with self.lock:
            self.tree_of(sql)
        return self.rows(sql)

    def run(self, sql: str, parameters: dict[str, Any] | None = None) -> tuple[list[str], list[tuple]]:
        """The names of the columns, and the rows. Raises Refused."""
        stop = Timer(self.seconds, self.connection.interrupt)
        stop.start()
        try:
            found = self.connection.execute(sql, parameters)
            return [column[0] for column in found.description or []], found.fetchall()
        except duckdb.InterruptException:
            raise Refused(f"Stopped after {self.seconds:g} seconds: ask for less, or for sums of one mart.") from None
        except duckdb.Error as error:
            raise Refused(told(error)) from None
        finally:
            stop.cancel()
            stop.join()

    def limited(self, sql: str, rows: int) -> str:
        """The query, if it may be asked, ending after so many rows."""
        tree = self.tree_of(sql)
        sql = sql.strip().rstrip(";")
        if any("LIMIT" in modifier["type"] for modifier in tree["modifiers"]):
            return f"select * from (\n{sql}\n) limit {rows}"
        return f"{sql}\nlimit {rows}"

    def tree_of(self, sql: str) -> dict:
        """The query as DuckDB's parser reads it. Raises Refused where it is no SELECT on what is shown."""
        try:
            statements = self.connection.extract_statements(sql)
            if [statement.type for statement in statements] != [duckdb.StatementType.SELECT]:
                raise Refused(NO_OTHER)
            ((text,),) = self.connection.execute("select json_serialize_sql($sql::varchar)", {"sql": sql}).fetchall()
        except duckdb.ParserException as error:
            raise Refused(told(error)) from None
        except duckdb.Error:
            raise Refused(NO_OTHER) from None
        tree = json.loads(text)
        if tree["error"]:
            raise Refused(NO_OTHER)
        common = {
            entry["key"].lower() for node in nodes(tree) if "cte_map" in node for entry in node["cte_map"]["map"]
        }
        for name in sorted(common & self.taken):
            raise Refused(f"{name} is a name of the system: give what stands in `with` another one.")
        for node in nodes(tree):
            self.check(node, common)
        return tree["statements"][0]["node"]

    def check(self, node: dict, common: set[str]) -> None:
        """Raise Refused for a part of a query that may not be asked. common: the names of `with`."""
        if node.get("type") == "SHOW_REF":
            raise Refused("One SELECT may be asked: list_marts and describe_mart say what there is.")
        if "table_name" in node:
            name = node["table_name"].lower()
            place = (node.get("catalog_name", ""), node.get("schema_name", "").lower())
            known = {("", "marts"): self.marts.keys(), ("", ""): self.marts.keys() | common}
            if name not in known.get(place, ()):
                raise self.no_mart(name)
        if node.get("type") == "TABLE_FUNCTION" and node["function"].get("function_name") not in TABLE_FUNCTIONS:
            raise Refused("Only marts may be read: no files, and no tables of the system.")
        if (function := node.get("function_name", "")).lower() not in self.functions | {""}:
            raise Refused(f"The function {function} may not be asked here.")


def masked(column: str) -> str:
    """The SQL of an id: what is an email, or made of one, by a hash of the id."""
    return (
        f"case when starts_with({column}, 'guest:') then 'guest:' || left(sha256({column}), 16)"
        f" when contains({column}, '@') then 'hidden:' || left(sha256({column}), 16) else {column} end"
    )


def nodes(tree: Any) -> Iterator[dict]:
    """All maps in a tree of maps and lists."""
    if isinstance(tree, dict):
        yield tree
    for part in tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ():
        yield from nodes(part)


def told(error: duckdb.Error) -> str:
    """DuckDB's message about a query, without the line that it points at; nothing of what concerns files."""
    if isinstance(error, duckdb.OperationalError):
        return "That takes too much memory, or what is published has just changed: ask for less, or once more."
    return str(error).partition("\n\nLINE ")[0].strip()


def plain(value: Any) -> Any:
    """A value as JSON has it; long texts are cut."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    if value is None or isinstance(value, bool | int | float):
        return value
    text = str(value)
    return text if len(text) <= LONGEST_VALUE else text[:LONGEST_VALUE] + "..."
