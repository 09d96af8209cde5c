"""dbt in this process: the parsed project, the SQL that it renders, and rows of the last build, on any warehouse."""

import os
from pathlib import Path
from typing import Any, cast

import yaml
from dbt.cli.main import dbtRunner, dbtRunnerResult
from dbt.contracts.graph.manifest import Manifest

from ecommerce_segments import CannotDo


class DbtError(CannotDo):
    """What dbt or the warehouse says of a command that failed, without the lines that only say where it was said."""


class NotBuilt(DbtError):
    """The same, where the warehouse says that a table is missing."""


class Session:
    """The project, parsed once for the given vars (a dict or YAML text), with the as-of date of the last build.

    manifest: the parsed project, if it is at hand. as_of_date: text, YYYY-MM-DD. customers: how many the last build
    knows. Raises DbtError where nothing is built.
    """

    def __init__(self, variables: dict | str, manifest: Manifest | None = None):
        self.variables = yaml.safe_load(variables) if isinstance(variables, str) else variables
        self._compiled: dict[tuple[str, ...], dict[str, str]] = {}
        self.manifest = manifest or cast(Manifest, invoke(None, self.variables, "parse").result)
        nothing_is_built = DbtError("Nothing is built here yet: run `segments run` first.")
        # DuckDB makes no directory for a file that it is to open.
        if self.manifest.metadata.adapter_type == "duckdb" and not Path(os.environ.get("DUCKDB_PATH", "")).exists():
            raise nothing_is_built
        try:
            built = self.rows(
                "select max(as_of_date) as as_of_date, (select count(*) from {{ ref('customers') }}) as customers"
                " from {{ ref('segments') }}"
            )[0]
        except NotBuilt as error:
            raise nothing_is_built from error
        self.as_of_date, self.customers = str(built["as_of_date"]), int(built["customers"])
        self.variables = self.variables | {"as_of_date": self.as_of_date}

    def invoke(self, *arguments: str, **variables: str) -> list[Any]:
        """Run a dbt command, in silence, with these vars above the session's.

        Returns what became of each node; raises DbtError where it fails.
        """
        return runs_of(invoke(self.manifest, self.variables | variables, *arguments))

    def rows(self, sql: str) -> list[dict]:
        """The rows of a query, which may use Jinja, as dicts. Raises DbtError with the warehouse's message."""
        table = self.invoke("show", "--inline", sql, "--limit", "-1")[0].agate_table
        return [dict(zip(table.column_names, row)) for row in table.rows]

    def compiled(self, *models: str) -> dict[str, str]:
        """The SQL of models, by name, rendered as of the last build."""
        if models not in self._compiled:
            runs = self.invoke("compile", "--select", *models)
            self._compiled[models] = {run.node.name: run.node.compiled_code for run in runs}
        return self._compiled[models]

    def has_model(self, name: str) -> bool:
        """Whether the project has a model of this name."""
        return f"model.{self.manifest.metadata.project_name}.{name}" in self.manifest.nodes


def invoke(manifest: Manifest | None, variables: dict, *arguments: str) -> dbtRunnerResult:
    """Run a dbt command in silence. manifest: the parsed project, if it is at hand; variables: vars, by name.

    Raises DbtError where it fails.
    """
    # Files of JSON take dbt as long to write as most of what is asked here; its page of the models is made from them.
    json = "--write-json" if arguments[0] == "docs" else "--no-write-json"
    result = dbtRunner(manifest=manifest).invoke(
        [*arguments, json, "--quiet", "--log-level", "none", "--vars", yaml.safe_dump(variables, sort_keys=False)])
    if not result.success:
        failed = [f"{run.node.name}: {run.message}" for run in runs_of(result) if run.status in ("error", "fail")]
        lines = [line.strip() for line in str(result.exception or "\n".join(failed)).splitlines()]
        raise dbt_error(
            "\n".join(line for line in lines if line and not line.startswith(("Runtime Error", "LINE", "^", ">")))
        )
    return result


def dbt_error(message: str) -> DbtError:
    """The error to raise for a message: NotBuilt where DuckDB, PostgreSQL or Spark misses a table."""
    is_missing = "does not exist" in message or "TABLE_OR_VIEW_NOT_FOUND" in message
    return NotBuilt(message) if is_missing else DbtError(message)


def runs_of(result: dbtRunnerResult) -> list[Any]:
    """What became of each node that a command of dbt ran, as dbt's own results; nothing where it ran none."""
    return getattr(result.result, "results", None) or []


def as_is(sql: str) -> str:
    """Rendered SQL, kept from being rendered again."""
    return "{% raw %}" + sql + "{% endraw %}"


