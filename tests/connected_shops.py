"""Shops whose tables connectors bring: the project parsed for a set of connectors, its models run on files of their
sources."""

from functools import cached_property
from pathlib import Path

import duckdb

from ecommerce_segments.raw_contract import raw_contract, required_tables
from project import CompiledProject, Project


class ConnectedProject:
    """The project with connectors, each of which reads the folder of its name in the directory of a shop.

    directory: takes dbt's artifacts; connectors: as the var has them; variables: other vars.
    """

    def __init__(self, directory: Path, connectors: dict, **variables: object):
        directory.mkdir(parents=True, exist_ok=True)
        self.project = Project(directory, connectors=connectors, **variables)
        self.variables = variables | {"connectors": connectors}

    @cached_property
    def whole(self) -> CompiledProject:
        """The SQL of all models and tests."""
        return self.project.compiled(self.project.directory, **self.variables)

    @cached_property
    def connectors_alone(self) -> CompiledProject:
        """The SQL of the connectors' models."""
        results = self.project.dbt("compile", "--select", "path:models/connectors", **self.variables)
        nodes = [result.node for result in results.result.results if result.node.resource_type == "model"]
        return CompiledProject(self.project, nodes, self.variables)

    def build(self, shop: Path) -> duckdb.DuckDBPyConnection:
        """Build all models on the files of a shop. Returns a connection to the database."""
        return self.whole.build(shop)

    def read(self, shop: Path) -> duckdb.DuckDBPyConnection:
        """Build the connectors' models alone, and the raw tables that they feed (connected_<raw table>).

        Returns a connection to the database.
        """
        for table in required_tables():
            if not list(shop.glob(f"{table}*")):
                (shop / f"{table}.csv").write_text(",".join(raw_contract()[table]))
        return self.connectors_alone.build(shop, seeds={})


def rows(connection: duckdb.DuckDBPyConnection, model: str, *columns: str) -> list[tuple]:
    """The rows of a model of connectors in these columns, sorted."""
    found = connection.execute(f"select {', '.join(columns)} from connectors.{model}").fetchall()
    return sorted(found, key=repr)
