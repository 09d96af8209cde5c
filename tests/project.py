"""The dbt project, compiled once and run many times on in-memory DuckDB: a build in a fraction of a second.

dbt parses the project once, renders its SQL for a set of vars, and makes the raw views of a shop's files; what it
renders is then run in the order of the graph. The tests' SQL is run too, so that each data test holds on each random
shop.
"""

import hashlib
import os
import shutil
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from graphlib import TopologicalSorter
from pathlib import Path

import duckdb
import yaml
from dbt.cli.main import dbtRunner
from filelock import FileLock

import quick_dbt  # noqa: F401

PROJECT = Path(__file__).parent.parent
DATABASE = "shop"
MODELS = ("resource_type:model",)
EVERYTHING = (*MODELS, "resource_type:test", "resource_type:analysis")


@contextmanager
def environment(**variables: object):
    """Set environment variables, and put the former environment back, whatever else is set meanwhile: a command that
    runs in this process tells dbt of its shop there."""
    former = dict(os.environ)
    os.environ.update({name: str(value) for name, value in variables.items()})
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(former)


class Project:
    """The parsed project. `directory` takes dbt's artifacts and a scratch database; `root` is another copy of the
    project; `target` is one of profiles.yml; `variables` are for what is decided as dbt parses, such as how a model is
    materialized."""

    def __init__(self, directory: Path, root: Path = PROJECT, target: str = "duckdb", **variables: object):
        self.directory, self.root, self.target = directory, root, target
        self.database = directory / f"{DATABASE}.duckdb"
        self.manifest = None
        self.manifest = self.parsed(**variables)

    def parsed(self, **variables: object):
        """The parsed project.

        To parse it takes dbt as long as to build a small shop. Of a project with the same dbt_project.yml, dbt parses
        only those files anew whose contents have changed since; what it parsed last is kept in target/tests. For the
        same reason it hears of the same places here, whichever the tests use.
        """
        is_as_shipped = all((self.root / file).read_bytes() == (PROJECT / file).read_bytes()
                            for file in ("dbt_project.yml", "profiles.yml"))
        key = hashlib.sha256(f"{self.target} {sorted(variables.items())}".encode()).hexdigest()[:16]
        kept, here = PROJECT / "target" / "tests" / key, self.directory / "target" / "partial_parse.msgpack"
        for path in (kept, here):
            path.parent.mkdir(parents=True, exist_ok=True)
        # Of parallel workers one parses, and the others wait for it.
        with FileLock(f"{kept}.lock") if is_as_shipped else nullcontext():
            if is_as_shipped and kept.exists():
                shutil.copy(kept, here)
            manifest = self.dbt("parse", raw_dir=Path("raw"), database=Path(f"{DATABASE}.duckdb"), **variables).result
            if self.root == PROJECT:
                shutil.copy(here, kept)
        for node in manifest.nodes.values():
            if node.resource_type == "seed":  # Its file is read when it is built.
                node.root_path = str(self.root)
        return manifest

    def dbt(self, *arguments: str, **settings: object):
        """Run a dbt command in this process.

        Returns dbt's result; raises AssertionError with its message on failure.
        """
        result = self.attempt(*arguments, **settings)
        assert result.success, messages(result)
        return result

    def attempt(self, *arguments: str, raw_dir: Path | None = None, database: Path | None = None, **variables: object):
        """Run a dbt command in this process, whatever comes of it; on the scratch database unless another is named.

        Its artifacts and its log of details, which nobody reads, would take a fifth of its time.
        """
        with environment(RAW_DIR=raw_dir or self.directory, DUCKDB_PATH=database or self.database):
            return dbtRunner(manifest=self.manifest).invoke(
                [
                    arguments[0],
                    "--quiet",
                    "--no-write-json",
                    "--log-level-file",
                    "info",
                    "--project-dir",
                    str(self.root),
                    "--profiles-dir",
                    str(self.root),
                    "--target",
                    self.target,
                    "--target-path",
                    str(self.directory / "target"),
                    "--log-path",
                    str(self.directory / "logs"),
                    "--vars",
                    yaml.safe_dump(variables, sort_keys=False),
                    *arguments[1:],
                ]
            )

    def inline(self, sql: str, **variables: object) -> str:
        """SQL with Jinja, rendered."""
        return self.dbt("compile", "--inline", sql, **variables).result.results[0].node.compiled_code

    def compiled(self, any_shop: Path, select: tuple[str, ...] = EVERYTHING, **variables: object) -> "CompiledProject":
        """Render the SQL of all models, tests and analyses for these vars, or of what dbt selects by `select`.
        any_shop: a directory of raw files, to have views at all."""
        self.dbt("seed", raw_dir=any_shop, **variables)
        results = self.dbt("compile", "--select", *select, raw_dir=any_shop, **variables)
        return CompiledProject(self, [result.node for result in results.result.results], variables)


def messages(result) -> str:
    """What dbt says of a failed command: its exception, or the messages of the failed nodes."""
    failed = [
        f"{getattr(node, 'node', node).unique_id}: {node.message}"
        for node in getattr(result.result, "results", [])
        if node.status in ("error", "fail")
    ]
    return "\n".join([str(result.exception or ""), *failed]).strip()


@dataclass(frozen=True)
class Statement:
    """A rendered node. dbt renders its nodes in place, so a node itself would change with the next set of vars."""

    name: str
    sql: str
    relation: str | None
    materialized: str
    is_error: bool


class CompiledProject:
    """The project's SQL for one set of vars."""

    def __init__(self, project: Project, nodes: list, variables: dict):
        self.project, self.variables = project, variables
        models = {node.unique_id: node for node in nodes if node.resource_type == "model"}
        parents = {
            name: [parent for parent in node.depends_on.nodes if parent in models] for name, node in models.items()
        }
        self.models = [statement(models[name]) for name in TopologicalSorter(parents).static_order()]
        self.tests = [statement(node) for node in nodes if node.resource_type == "test"]
        self.analyses = [statement(node) for node in nodes if node.resource_type == "analysis"]

    @cached_property
    def seeds(self) -> dict:
        """The seeds as dbt loaded them into DuckDB."""
        with duckdb.connect(self.project.database) as connection:
            return {file.stem: connection.execute(f"from staging.{file.stem}").to_arrow_table()
                    for file in (PROJECT / "seeds").glob("*.csv")}

    def raw_views(self, raw_dir: Path) -> list[str]:
        """The statements that make the schemas of a shop's files, raw and those of connectors, as our own hook
        writes them."""
        self.project.dbt("run-operation", "expose_raw_files", raw_dir=raw_dir, **self.variables)
        with duckdb.connect(self.project.database) as connection:
            return [
                f"create schema if not exists {schema}; {sql}"
                for schema, sql in connection.execute(
                    "select schema_name, sql from duckdb_views() where list_contains(?, schema_name) order by view_oid",
                    [["raw", *self.variables.get("connectors", {})]],
                ).fetchall()
            ]

    def build(self, raw_dir: Path, threads: int = 1, seeds: dict | None = None) -> duckdb.DuckDBPyConnection:
        """Build all models of the shop in `raw_dir`. Returns a connection to an in-memory database with all schemas.

        seeds: tables by name, if not the project's own.
        """
        connection = duckdb.connect()
        connection.execute(
            f"set TimeZone = 'UTC'; set threads = {threads}; attach ':memory:' as {DATABASE}; use {DATABASE}"
        )
        for schema in ("raw", "connectors", "staging", "intermediate", "marts"):
            connection.execute(f"create schema {schema}")
        for sql in self.raw_views(raw_dir):
            connection.execute(sql)
        for name, seed in (self.seeds if seeds is None else seeds).items():
            connection.register("seed", seed)
            connection.execute(f"create table staging.{name} as from seed")
        for model in self.models:
            connection.execute(f"create {model.materialized} {model.relation} as {model.sql}")
        return connection

    def failing_tests(self, connection, *warnings: str) -> list[str]:
        """The names of the data tests that find a row, or stop: those of severity error, and the warnings that are
        named. connection: DuckDB's, or what executes alike."""
        assert {*warnings} <= {test.name for test in self.tests}
        asked = [test for test in self.tests if test.is_error or test.name in warnings]
        return [test.name for test in asked if finds_a_row(connection, test.sql)]


def finds_a_row(connection, sql: str) -> bool:
    try:
        return connection.execute(f"select count(*) from ({sql}) as found").fetchone()[0] > 0
    except duckdb.InvalidInputException:  # what a guard says with error()
        return True


def statement(node) -> Statement:
    is_error = str(getattr(node.config, "severity", "")).lower() == "error"
    # The first run of an incremental model makes a table.
    materialized = "table" if node.config.materialized == "incremental" else node.config.materialized
    return Statement(node.name, node.compiled_code, node.relation_name, materialized, is_error)
