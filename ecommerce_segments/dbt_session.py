"""dbt in this process: the parsed project, the SQL that it renders, and rows of the last build, on any warehouse."""

import os
from pathlib import Path

import yaml
from dbt.cli.main import dbtRunner

from ecommerce_segments import CannotDo


class DbtError(CannotDo):
    """What dbt or the warehouse says of a command that failed, without the lines that only say where it was said."""


class Session:
    """The project, parsed once for the given vars (a dict or YAML text), with the as-of date of the last build.

    manifest: the parsed project, if it is at hand. as_of_date: text, YYYY-MM-DD. customers: how many the last build knows. Raises DbtError where nothing is built.
    """

    def __init__(self, variables: dict | str, manifest=None):
        self.variables = yaml.safe_load(variables) if isinstance(variables, str) else variables
        self._compiled = {}
        self.manifest = manifest
        self.manifest = manifest or self.invoke("parse").result
        nothing_is_built = DbtError("Nothing is built here yet: run `segments run` first.")
        # DuckDB makes no directory for a file that it is to open.
        if self.manifest.metadata.adapter_type == "duckdb" and not Path(os.environ.get("DUCKDB_PATH", "")).exists():
            raise nothing_is_built
        try:
            built = self.rows("select max(as_of_date) as as_of_date, (select count(*) from {{ ref('customers') }}) as customers"
                              " from {{ ref('segments') }}")[0]
        except DbtError as error:
            if "does not exist" not in str(error) and "TABLE_OR_VIEW_NOT_FOUND" not in str(error):
                raise
            raise nothing_is_built from error
        self.as_of_date, self.customers = str(built["as_of_date"]), int(built["customers"])
        self.variables = self.variables | {"as_of_date": self.as_of_date}

    def invoke(self, *arguments: str, **variables: str):
        """Run a dbt command, in silence, with these vars above the session's. Returns dbt's result; raises DbtError where it fails."""
        # Files of JSON take dbt as long to write as most of what is asked here; its page of the models is made from them.
        json = "--write-json" if arguments[0] == "docs" else "--no-write-json"
        result = dbtRunner(manifest=self.manifest).invoke(
            [*arguments, json, "--quiet", "--log-level", "none", "--vars", yaml.safe_dump(self.variables | variables)])
        if not result.success:
            failed = [f"{run.node.name}: {run.message}" for run in getattr(result.result, "results", []) if run.status in ("error", "fail")]
            lines = [line.strip() for line in str(result.exception or "\n".join(failed)).splitlines()]
            raise DbtError("\n".join(line for line in lines if line and not line.startswith(("Runtime Error", "LINE", "^", ">"))))
        return result

    def rows(self, sql: str) -> list[dict]:
        """The rows of a query, which may use Jinja, as dicts. Raises DbtError with the warehouse's message."""
        table = self.invoke("show", "--inline", sql, "--limit", "-1").result.results[0].agate_table
        return [dict(zip(table.column_names, row)) for row in table.rows]

    def compiled(self, *models: str) -> dict[str, str]:
        """The SQL of models, by name, rendered as of the last build."""
        if models not in self._compiled:
            results = self.invoke("compile", "--select", *models).result.results
            self._compiled[models] = {result.node.name: result.node.compiled_code for result in results}
        return self._compiled[models]

    def has_model(self, name: str) -> bool:
        return f"model.{self.manifest.metadata.project_name}.{name}" in self.manifest.nodes


def as_is(sql: str) -> str:
    """Rendered SQL, kept from being rendered again."""
    return "{% raw %}" + sql + "{% endraw %}"


