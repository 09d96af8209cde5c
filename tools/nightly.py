"""Build the shop, audit it with all data tests, predict, and publish it if the tests passed: one command, one exit code.

Usage: python tools/nightly.py [--target NAME] [--vars YAML] [--simulated]

Exit codes: 0 published; 1 a model, a test or the publishing failed; 2 the run could not start. After 1 and 2 what was
published before still stands.
"""

import argparse
import os
import sys
from pathlib import Path

import duckdb
import yaml
from dbt.cli.main import dbtRunner

from backfill import backfill, month_ends_before
from dashboard import DashboardError
from dbt_session import DbtError, Session
from predict import predict_buyers
from publish import NotPublished, current, publish, refresh_dashboard
from run_lock import AnotherRun, only_run

PROJECT = Path(__file__).parent.parent
CONTACT_DATA = "contact_data"


def nightly(arguments: list[str], settings: dict, directory: Path, manifest=None, is_simulated: bool = False) -> int:
    """Build with dbt, and publish into the directory. Returns the exit code.

    arguments: dbt's own, such as --vars; settings: all vars, by name; manifest: the parsed project, if at hand;
    is_simulated: whether readers are to be told that people and orders are made up.
    Raises OSError or duckdb.Error where the directory cannot be written: what was published before still stands.
    """
    if manifest is None:
        parsed = dbtRunner().invoke(["parse", "--quiet", *arguments])
        if not parsed.success:
            tell_not_published(directory, "the project could not be read, as the lines above say")
            return 2
        manifest = parsed.result
    is_duckdb = manifest.metadata.adapter_type == "duckdb"
    kept = settings["published_versions_kept"]
    if is_duckdb:
        check_writable(directory)
    built = dbtRunner(manifest=manifest).invoke(["build", *arguments])
    if not built.success:
        tell_not_published(directory, "the build did not end well, as the lines above say")
        return 2 if built.exception else 1
    if is_duckdb and settings["history_months_at_first_build"]:
        build_past(Path(os.environ["DUCKDB_PATH"]), settings, manifest)
    marts = [node.name for node in manifest.nodes.values() if node.resource_type == "model" and node.fqn[1] == "marts"
             and (settings["publish_contact_data"] or CONTACT_DATA not in node.tags)] + predicted(manifest, settings)
    if is_duckdb:
        publish(Path(os.environ["DUCKDB_PATH"]), marts, directory, kept, is_simulated)
        try:
            refresh_dashboard(directory)
        except (OSError, DashboardError) as error:
            print(f"The marts are published, but the dashboard is still the one before: {error}", file=sys.stderr)
            return 1
        return 0
    published = dbtRunner(manifest=manifest).invoke(
        ["run-operation", "publish", "--args", yaml.safe_dump({"marts": marts, "kept": kept}), *arguments])
    return 0 if published.success else 1


def build_past(warehouse: Path, settings: dict, manifest) -> None:
    """Give a history that begins with this build the month-ends before it. Without them the marts are published all the same."""
    with duckdb.connect(warehouse) as connection:
        first, last = connection.execute("select min(as_of_date), max(as_of_date) from marts.membership_changes").fetchone()
    if first != last:
        return
    try:
        backfill(warehouse, month_ends_before(last, settings["history_months_at_first_build"]), settings, manifest=manifest)
    except DbtError as error:
        print(f"The history begins with {last}: {error}", file=sys.stderr)


def predicted(manifest, settings: dict) -> list[str]:
    """Predict, and name the tables of it. No prediction keeps the marts from being published."""
    try:
        print("\n".join(predict_buyers(Session(settings, manifest))))
    except DbtError as error:
        print(f"Nothing is predicted: {error}", file=sys.stderr)
        return []
    return [table.name for table in manifest.sources.values() if table.source_name == "predictions"]


def check_writable(directory: Path) -> None:
    """Raise OSError before a long build, where its result could not be published."""
    directory.mkdir(parents=True, exist_ok=True)
    probe = directory / "writable.unfinished"
    probe.touch()
    probe.unlink()


def tell_not_published(directory: Path, reason: str) -> None:
    try:
        what_holds = f"{directory / 'current'} still leads to {current(directory).name}."
    except NotPublished:
        what_holds = "Nothing was published before either."
    print(f"Not published: {reason}. {what_holds}", file=sys.stderr)


def run(*arguments, **options) -> int:
    """`nightly` with the lock of the warehouse; what goes wrong is a sentence on stderr. Returns the exit code."""
    try:
        with only_run():
            return nightly(*arguments, **options)
    except AnotherRun as error:
        print(error, file=sys.stderr)
        return 2
    except (OSError, duckdb.Error) as error:
        tell_not_published(Path(os.environ["PUBLISHED_DIR"]), " ".join(str(error).split()).rstrip("."))
        return 1


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--target", default="duckdb")
    parser.add_argument("--vars", default="{}")
    parser.add_argument("--simulated", action="store_true")
    options = parser.parse_args()
    # For all that dbt does from here on.
    os.environ["DBT_TARGET"] = options.target
    settings = yaml.safe_load((PROJECT / "dbt_project.yml").read_text())["vars"] | (yaml.safe_load(options.vars) or {})
    return run(["--vars", options.vars], settings, Path(os.environ["PUBLISHED_DIR"]),
               is_simulated=options.simulated)


if __name__ == "__main__":
    sys.exit(main())
