"""Publish the marts of a build that passed its tests, so that readers and the next build never meet.

    current                              a link to the version that holds, swapped by rename
    versions/<as-of date>_<time>/        never changed once it is there
        shop.duckdb                      the marts, in the schema marts, for DuckDB from 1.0 on
        <mart>.parquet                   each of them once more
        manifest.json                    as_of_date, published_at, git_revision, is_simulated, and the rows of each mart
        segments.json                    what segments, marts and columns mean (definitions.py)
    dashboard.html                       of the version that `current` leads to
    run_report.json                      of the last run, also of one that published nothing (build/run_report.py)
"""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from ecommerce_segments import CannotDo
from ecommerce_segments.dashboard.page import write_dashboard
from ecommerce_segments.publish.comments import comments, quoted
from ecommerce_segments.publish.definitions import FILE, as_text, definitions, definitions_of
from ecommerce_segments.settings import defaults
from ecommerce_segments.shop import shown

DATABASE = "shop.duckdb"
DASHBOARD = "dashboard.html"
# The columns of marts that hold ids of people, as in macros/publish.sql.
ID_COLUMNS = ["customer_id", "account_id", "former_id", "continued_as"]
UNFINISHED = ".unfinished"
# DuckDB of this version and later opens the published file.
STORAGE_VERSION = "v1.0.0"


class NotPublished(CannotDo):
    """Why there is nothing new to read, in a sentence."""

def publish(
    warehouse: Path,
    marts: list[str],
    directory: Path,
    kept: int,
    is_simulated: bool = False,
    say: Callable[[str], None] = print,
    settings: dict | None = None,
) -> Path:
    """Write the marts as a new version, let `current` lead to it, and remove all but the last `kept` versions.

    warehouse: a DuckDB file that dbt built; marts: tables and views of its schema marts; directory: is made if need be;
    is_simulated: whether readers are to be told that people and orders are made up; say: is told what was published;
    settings: the vars of the build, by name, if not those of dbt_project.yml.
    Returns the directory of the version. Raises OSError or duckdb.Error where it cannot be written: `current` is then
    as it was.
    """
    versions = directory / "versions"
    versions.mkdir(parents=True, exist_ok=True)
    remove_unfinished(versions)
    published_at = datetime.now(UTC)
    with duckdb.connect(warehouse) as connection:
        ((as_of_date,),) = connection.execute("select max(as_of_date) from marts.segments").fetchall()
        version = versions / f"{as_of_date}_{published_at:%Y%m%dT%H%M%S%fZ}"
        write_version(connection, {mart: f"from marts.{mart}" for mart in marts}, version, {
            "as_of_date": str(as_of_date),
            "published_at": published_at.isoformat(timespec="seconds"),
            "git_revision": git_revision(),
            "is_simulated": is_simulated,
        }, definitions(meanings(connection, marts), defaults() if settings is None else settings))
        forgotten = [
            hashed_id
            for (hashed_id,) in connection.execute("select hashed_id from staging.forgotten_customers").fetchall()
        ]
    lead_to(directory, version)
    for old in sorted_versions(directory)[:-kept]:
        shutil.rmtree(old)
    for former in sorted_versions(directory)[:-1] if forgotten else []:
        forget_in(former, forgotten)
    say(f"Published {len(marts)} marts as of {as_of_date}: {shown(directory / 'current')}")
    return version


def write_version(
    connection: duckdb.DuckDBPyConnection, marts: dict[str, str], version: Path, about: dict, meant: dict
) -> None:
    """Write marts, given as the queries of their rows, into a new directory, which is there when it is whole.

    about: what the manifest says besides their rows; meant: the content of segments.json.

    The comments that tables and columns of their names have in the connection's database go with them.
    """
    unfinished = version.with_name(version.name + UNFINISHED)
    unfinished.mkdir()
    try:
        rows, told = {}, descriptions(connection)
        connection.execute(f"attach '{unfinished / DATABASE}' as published (storage_version '{STORAGE_VERSION}')")
        try:
            connection.execute("create schema published.marts")
            for mart, query in sorted(marts.items()):
                connection.execute(f"create table published.marts.{mart} as {query}")
                for comment in comments(f"published.marts.{mart}", *told[mart]):
                    connection.execute(comment)
                description, columns = told[mart]
                metadata = f"{{description: {quoted(description)}, column_descriptions: {quoted(json.dumps(columns))}}}"
                connection.execute(f"copy published.marts.{mart} to '{unfinished / mart}.parquet'"
                                   f" (format parquet, compression zstd, kv_metadata {metadata})")
                ((rows[mart],),) = connection.execute(f"select count(*) from published.marts.{mart}").fetchall()
            connection.execute("checkpoint published")
        except duckdb.Error:
            # Detaching complains once more of a disk that is full.
            with suppress(duckdb.Error):
                connection.execute("detach published")
            raise
        connection.execute("detach published")
        (unfinished / "manifest.json").write_text(json.dumps(about | {"rows": rows}, indent=2) + "\n")
        (unfinished / FILE).write_text(as_text(meant), encoding="utf-8")
        for path in [*unfinished.iterdir(), unfinished]:
            to_disk(path)
        unfinished.rename(version)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise


def descriptions(connection: duckdb.DuckDBPyConnection) -> dict[str, tuple[str, dict[str, str]]]:
    """The comments of each table and view of the schema marts, and of its columns by name; those that there are."""
    return {
        name: (comment, dict(zip(columns or [], texts or [])))
        for name, comment, columns, texts in connection.execute("""
        select table_name, coalesce(any_value(tables.comment), ''),
            list(column_name order by column_index) filter (columns.comment <> ''),
            list(columns.comment order by column_index) filter (columns.comment <> '')
        from (
            select table_oid as oid, database_name, schema_name, comment from duckdb_tables()
            union all select view_oid, database_name, schema_name, comment from duckdb_views()
        ) as tables
        inner join duckdb_columns() as columns on tables.oid = columns.table_oid
            and tables.database_name = columns.database_name
        where tables.database_name = current_database() and tables.schema_name = 'marts'
        group by table_name""").fetchall()
    }


def meanings(
    connection: duckdb.DuckDBPyConnection, marts: list[str]
) -> dict[str, tuple[str, list[tuple[str, str, str]]]]:
    """Of each of the marts its description, and name, type and description of its columns, in their order."""
    told = descriptions(connection)
    columns: dict[str, list[tuple[str, str, str]]] = {mart: [] for mart in marts}
    for mart, name, kind in connection.execute(
        "select table_name, column_name, data_type from duckdb_columns()"
        " where database_name = current_database() and schema_name = 'marts' and list_contains($marts, table_name)"
        " order by table_name, column_index",
        {"marts": marts},
    ).fetchall():
        columns[mart].append((name, kind, told[mart][1].get(name, "")))
    return {mart: (told[mart][0], columns[mart]) for mart in marts}


def forget_in(version: Path, forgotten: list[str]) -> None:
    """Write a former version anew, without the rows of forgotten customers, if it has any.

    forgotten: hashes, as in the seed forgotten_customers.
    """
    with duckdb.connect() as connection:
        connection.execute(f"attach '{version / DATABASE}' as shop (read_only)")
        connection.execute("use shop")
        columns = connection.execute(
            "select table_name, list(column_name) filter (where list_contains($ids, column_name))"
            " from duckdb_columns() where database_name = 'shop' group by table_name",
            {"ids": ID_COLUMNS},
        ).fetchall()
        ids = " union ".join(
            f"select {column} as id from marts.{mart}" for mart, keys in columns for column in keys or []
        )
        connection.execute(
            f"create temp table forgotten as select id from ({ids}) where list_contains($hashes, sha256(id))"
            " or list_contains($hashes, id[7:])",
            {"hashes": forgotten},
        )
        if not connection.execute("select 1 from forgotten").fetchall():
            return
        about = manifest_of(version) | {"forgotten_at": datetime.now(UTC).isoformat(timespec="seconds")}
        rewritten = version.with_name(version.name + ".rewritten" + UNFINISHED)
        write_version(
            connection,
            {
                mart: f"from marts.{mart}"
                + "".join(
                    f" {'and' if number else 'where'} not coalesce({key} in (from forgotten), false)"
                    for number, key in enumerate(keys or [])
                )
                for mart, keys in columns
            },
            rewritten,
            about,
            definitions_of(version),
        )
    version.rename(version.with_name(version.name + UNFINISHED))
    rewritten.rename(version)
    remove_unfinished(version.parent)


def refresh_dashboard(directory: Path, say: Callable[[str], None] = print) -> None:
    """Write the dashboard of the version that holds. Raises OSError or DashboardError where it cannot be written."""
    version = current(directory)
    write_dashboard(version / DATABASE, directory / DASHBOARD, manifest_of(version).get("is_simulated", False))
    say(f"Wrote {shown(directory / DASHBOARD)}: open it in a browser.")


def lead_to(directory: Path, version: Path) -> None:
    """Let `current` lead to the version. A reader finds the former version or this one, at any moment."""
    beside = directory / ("current" + UNFINISHED)
    beside.unlink(missing_ok=True)
    beside.symlink_to(Path("versions") / version.name, target_is_directory=True)
    os.replace(beside, directory / "current")
    to_disk(directory)


def rollback(directory: Path) -> Path:
    """Let `current` lead to the version before it. Returns that one. Raises NotPublished where none is kept."""
    now = current(directory)
    versions = sorted_versions(directory)
    position = versions.index(now)
    if position == 0:
        raise NotPublished(
            f"There is no version before {versions[0].name} in {shown(directory / 'versions')}: nothing is changed."
        )
    lead_to(directory, versions[position - 1])
    return versions[position - 1]


def current(directory: Path) -> Path:
    """The directory of the version that holds. Raises NotPublished where there is none."""
    try:
        return (directory / "current").resolve(strict=True)
    except FileNotFoundError:
        raise NotPublished(f"Nothing is published in {shown(directory)} yet: run `segments run` first.") from None


def manifest_of(version: Path) -> dict:
    """What a version says of itself."""
    return json.loads((version / "manifest.json").read_text())


def sorted_versions(directory: Path) -> list[Path]:
    """The versions that are whole, in the order in which they were published."""
    versions = [path for path in (directory / "versions").resolve().iterdir() if not path.name.endswith(UNFINISHED)]
    return sorted(versions, key=lambda path: path.name.rpartition("_")[2])


def remove_unfinished(versions: Path) -> None:
    """Remove what a run that was killed left behind."""
    for path in versions.glob(f"*{UNFINISHED}"):
        shutil.rmtree(path)


def to_disk(path: Path) -> None:
    """Return when a file or directory would survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def git_revision() -> str | None:
    """The commit of the project that runs, with `-dirty` where files were changed since; None where git does not know.
    """
    try:
        described = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"], capture_output=True, text=True
        )
    except FileNotFoundError:
        return None
    return described.stdout.strip() or None
