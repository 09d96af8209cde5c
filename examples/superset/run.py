"""Bring datasets, charts and the dashboard into Apache Superset, and check that each chart has rows.

Everything is written in Superset's own export format in assets/, and Superset's own command imports it. Two things are
not typed there, because they are known elsewhere: columns and descriptions come from the marts, as comments of the
database; and the query that a chart asks, which Superset's page works out when somebody saves a chart, follows from the
chart's parameters.
"""

import argparse
import logging
import os
import re
import sys
from pathlib import Path

import yaml
from sqlalchemy import inspect
from sqlalchemy.engine import Inspector

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parents[1]
ASSETS = HERE / "assets"
ADMIN = "admin"
DASHBOARD = "customer-segments"


def assets(uri: str, schema: str) -> dict[str, str]:
    """The files by their names, led to the database and to its schema of marts."""
    files = {path.relative_to(ASSETS).as_posix(): path.read_text() for path in sorted(ASSETS.rglob("*.yaml"))}
    for name, text in files.items():
        config = yaml.safe_load(text)
        if name.startswith("databases/"):
            config["sqlalchemy_uri"] = uri
        elif name.startswith("datasets/"):
            config["sql"] = config["sql"].replace(f"{config['schema']}.", f"{schema}.") if config.get("sql") else None
            config["schema"] = schema
        files[name] = yaml.safe_dump(config)
    return files


def query_context(params: dict, datasource: int) -> dict:
    """The query that a chart asks, as Superset's page would send it."""

    def asked_for(*names: str) -> list:
        values = [params[name] for name in names if params.get(name)]
        return [each for value in values for each in (value if isinstance(value, list) else [value])]

    return {
        "datasource": {"id": datasource, "type": "table"},
        "queries": [
            {
                "columns": asked_for("x_axis", "groupby", "all_columns"),
                "metrics": asked_for("metric", "metrics"),
                "filters": [
                    {"col": asked["subject"], "op": asked["operator"], "val": asked.get("comparator")}
                    for asked in params.get("adhoc_filters", [])
                ],
                "row_limit": params.get("row_limit", 1000),
            }
        ],
        "result_format": "json",
        "result_type": "full",
    }


def describe(dataset, tables: Inspector) -> None:
    """Take columns, their types and descriptions from the database; those of a query, from the marts that it reads."""
    dataset.fetch_metadata()
    if not dataset.sql:
        dataset.description = tables.get_table_comment(dataset.table_name, dataset.schema)["text"]
        return
    described = {}
    for mart in re.findall(rf"\b{dataset.schema}\.(\w+)", dataset.sql):
        described = {
            column["name"]: column["comment"] for column in tables.get_columns(mart, dataset.schema)
        } | described
    for column in dataset.columns:
        column.description = column.description or described.get(column.column_name)


def load(uri: str, schema: str) -> None:
    """Import the files, over those of before."""
    from superset import db
    from superset.commands.importers.v1.assets import ImportAssetsCommand
    from superset.connectors.sqla.models import SqlaTable
    from superset.models.core import Database
    from superset.models.slice import Slice
    from superset.utils import json

    files = assets(uri, schema)
    ImportAssetsCommand(files).run()
    ours = [yaml.safe_load(text).get("uuid") for text in files.values()]
    database = db.session.query(Database).filter(Database.uuid.in_(ours)).one()
    # So that a password in it is kept encrypted.
    database.set_sqlalchemy_uri(uri)
    with database.get_sqla_engine() as engine:
        for dataset in db.session.query(SqlaTable).filter(SqlaTable.uuid.in_(ours)):
            describe(dataset, inspect(engine))
    for chart in db.session.query(Slice).filter(Slice.uuid.in_(ours)):
        chart.query_context = json.dumps(query_context(json.loads(chart.params), chart.datasource_id))
    db.session.commit()


def check(app, password: str) -> list[str]:
    """Ask each chart for its data by Superset's API, and say how many rows came.

    Returns the names of charts without any.
    """
    client = app.test_client()
    login = {"username": ADMIN, "password": password, "provider": "db"}
    token = client.post("/api/v1/security/login", json=login).json["access_token"]
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    empty = []
    for chart in client.get(f"/api/v1/dashboard/{DASHBOARD}/charts").json["result"]:
        answer = client.get(f"/api/v1/chart/{chart['id']}/data/").json
        data = answer["result"][0]["data"] if "result" in answer else []
        # The row of a figure is there even where the figure is unknown.
        rows = sum(any(value is not None for value in row.values()) for row in data)
        print(f"{chart['slice_name']:<40} {rows:>6,} rows  {answer.get('message', '')}".rstrip())
        empty += [] if rows else [chart["slice_name"]]
    return empty


def main() -> int:
    directory = Path(
        os.environ.get("PUBLISHED_DIR") or PROJECT / "published" / os.environ.get("DATASET", "demo")
    ).resolve()
    # By the link and not where it leads, as each query opens it anew.
    published = directory / "current" / "shop.duckdb"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--database",
        metavar="URI",
        default=f"duckdb:///{published}?access_mode=read_only",
        help="where the marts are, as SQLAlchemy writes it (default: what `make run` published, read only)",
    )
    parser.add_argument("--schema", default="marts", help="schema of the marts (default: marts)")
    parser.add_argument(
        "--directory",
        type=Path,
        default=PROJECT / "warehouse" / "superset",
        help="what Superset keeps (default: warehouse/superset)",
    )
    parser.add_argument(
        "--serve", type=int, metavar="PORT", help="then show it on this machine at this port, until Ctrl-C"
    )
    options = parser.parse_args()
    if str(published) in options.database and not published.exists():
        parser.error(f"Nothing is published in {directory} yet: run `make run` first, or name a --database.")

    options.directory.mkdir(parents=True, exist_ok=True)
    os.environ |= {
        "SUPERSET_DIR": str(options.directory.resolve()),
        "SUPERSET_CONFIG_PATH": str(HERE / "superset_config.py"),
    }
    # Superset tells at length what it does without; its errors are wanted.
    logging.disable(logging.WARNING)
    from flask import g
    from flask_migrate import upgrade
    from superset.app import create_app

    app = create_app()
    with app.app_context():
        from superset import appbuilder
        from superset.extensions import security_manager
        from superset_config import kept

        upgrade()
        appbuilder.add_permissions(update_perms=True)
        security_manager.sync_role_definitions()
        password = kept("admin_password")
        if not security_manager.find_user(ADMIN):
            role = security_manager.find_role("Admin")
            security_manager.add_user(ADMIN, "Superset", "Admin", "admin@localhost", role, password=password)
        g.user = security_manager.find_user(ADMIN)
        load(options.database, options.schema)
    empty = check(app, password)
    if empty:
        print(f"These charts have no rows: {', '.join(empty)}", file=sys.stderr)
    if options.serve:
        print(
            f"Open http://localhost:{options.serve}/superset/dashboard/{DASHBOARD}/ as {ADMIN}; the password is in"
            f" {options.directory / 'admin_password'}."
        )
        app.run(port=options.serve, threaded=True)
    return 1 if empty else 0


if __name__ == "__main__":
    sys.exit(main())
