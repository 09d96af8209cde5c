"""Build the shop, audit it with all data tests, predict, and publish it if the tests passed: one command, one exit code.

Usage: [RAW_DIR=...] [VARS=...] .venv/bin/python tools/nightly.py, from any directory. tools/this_shop.py says which variables there are.

Exit codes: 0 published; 1 a model, a test or the publishing failed; 2 the run could not start: a setting, the files, or another run;
130 and 143 stopped by Ctrl-C and by SIGTERM (128 and the signal). After all but 0 what was published before still stands. Then the
last line, alone on stderr, says why and what to do. What dbt says goes to logs/dbt.log.
"""

import os
import shutil
import signal
import sys
import time
from pathlib import Path

import duckdb
import yaml
from dbt.cli.main import dbtRunner

import register
from backfill import backfill, month_ends_before
from dashboard import DashboardError
from dbt_session import DbtError, Session
from failures import Failure, log_file, why_failed
from left_out import left_out
from predict import predict_buyers
from publish import NotPublished, current, publish, refresh_dashboard
from run_lock import AnotherRun, only_run
from settings import SettingsError
from this_shop import own, shown, this_shop

CONTACT_DATA = "contact_data"
# All that dbt says goes to its log, in a file.
IN_SILENCE = ["--quiet", "--log-level", "none", "--log-level-file", "debug"]


def nightly(arguments: list[str], settings: dict, directory: Path, manifest=None, is_simulated: bool = False) -> int:
    """Build with dbt, and publish into the directory. Returns the exit code.

    arguments: dbt's own, such as --vars; settings: all vars, by name; manifest: the parsed project, if at hand;
    is_simulated: whether readers are to be told that people and orders are made up.
    Raises OSError or duckdb.Error where the directory cannot be written: what was published before still stands.
    """
    raw_dir = Path(os.environ["RAW_DIR"])
    began = time.monotonic()
    say(f"Building {shown(raw_dir)} ({shown(log_file())} has the details) ...")
    if manifest is None:
        parsed = dbtRunner().invoke(["parse", *IN_SILENCE, *arguments])
        if not parsed.success:
            tell_not_published(directory, why_failed(parsed, None, raw_dir))
            return 2
        manifest = parsed.result
    is_duckdb = manifest.metadata.adapter_type == "duckdb"
    kept = settings["published_versions_kept"]
    if is_duckdb:
        check_writable(directory)
    built = dbtRunner(manifest=manifest, callbacks=[progress] if sys.stdout.isatty() else []).invoke(["build", *IN_SILENCE, *arguments])
    if not built.success:
        tell_not_published(directory, why_failed(built, manifest, raw_dir))
        return 2 if built.exception else 1
    say(f"Built in {time.monotonic() - began:.0f} seconds: {told_of(built)}.")
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
    else:
        published = dbtRunner(manifest=manifest).invoke(
            ["run-operation", "publish", "--args", yaml.safe_dump({"marts": marts, "kept": kept}), *IN_SILENCE, *arguments])
        if not published.success:
            tell_not_published(directory, why_failed(published, manifest, raw_dir))
            return 1
        say(f"Published {len(marts)} marts in the schema published.")
    tell_left_out(manifest, built)
    return 0


def say(line: str) -> None:
    """A line on stdout, at once: what follows may take long, or end the process."""
    print(line, flush=True)


def progress(event) -> None:
    """On a terminal: how far the build is, in one line that is written over."""
    if event.info.name == "LogStartLine":
        sys.stdout.write(f"\r{event.data.index:,} of {event.data.total:,}\r")
        sys.stdout.flush()


def told_of(built) -> str:
    """How many models and tests ended well, and with a warning."""
    kinds = [(run.node.resource_type, str(run.status)) for run in getattr(built.result, "results", [])]
    return (f"{sum(kind == 'model' for kind, _ in kinds):,} models; {kinds.count(('test', 'pass')):,} tests pass"
            f" and {sum(status == 'warn' for _, status in kinds):,} warn")


def tell_left_out(manifest, built) -> None:
    """What the build left out. That this cannot be told keeps nothing from being published."""
    warnings = [run.node.name for run in getattr(built.result, "results", []) if run.status == "warn"]
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    try:
        say("\nWhat the files held, and what was left out (docs/your_own_shop.md, section 3):\n" + "\n".join(left_out(manifest, warnings, width)))
    except DbtError as error:
        print(f"What was left out cannot be told: {' '.join(str(error).split())}", file=sys.stderr)


def build_past(warehouse: Path, settings: dict, manifest) -> None:
    """Give a history that begins with this build the month-ends before it. Without them the marts are published all the same."""
    with duckdb.connect(warehouse) as connection:
        first, last = connection.execute("select min(as_of_date), max(as_of_date) from marts.membership_changes").fetchone()
    if first != last:
        return
    try:
        backfill(warehouse, month_ends_before(last, settings["history_months_at_first_build"]), settings, tell=say, manifest=manifest)
    except DbtError as error:
        print(f"The history begins with {last}: {error}", file=sys.stderr)


def predicted(manifest, settings: dict) -> list[str]:
    """Predict, and name the tables of it. No prediction keeps the marts from being published."""
    try:
        say("\n".join(predict_buyers(Session(settings, manifest))))
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


def tell_not_published(directory: Path, failure: Failure) -> None:
    """What there is to say of a failure on stdout; on stderr one sentence."""
    for line in failure.more:
        say(line)
    try:
        what_holds = f"{shown(directory / 'current')} still leads to {current(directory).name}."
    except NotPublished:
        what_holds = "Nothing was published before either."
    print(f"Not published: {failure.sentence}{'' if failure.sentence.endswith('?') else '.'} {what_holds}", file=sys.stderr)


def run(*arguments, **options) -> int:
    """`nightly` with the lock of the warehouse; what goes wrong is a sentence on stderr. Returns the exit code."""
    try:
        with only_run():
            return nightly(*arguments, **options)
    except AnotherRun as error:
        print(error, file=sys.stderr)
        return 2
    except (OSError, duckdb.Error) as error:
        tell_not_published(Path(os.environ["PUBLISHED_DIR"]), Failure(" ".join(str(error).split()).rstrip(".")))
        return 1


def stop(signal_number: int, _) -> None:
    """End at once. That harms nothing: what is published changes by one rename, and the next run clears up."""
    print(f"Stopped by {signal.Signals(signal_number).name}: nothing is published by this run. Start it again.", file=sys.stderr, flush=True)
    os._exit(128 + signal_number)


def main() -> int:
    if sys.argv[1:]:
        print(__doc__, file=sys.stderr)
        return 2
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signal_number, stop)
    try:
        shop = this_shop()
        if wrong := register.check():
            raise SettingsError(wrong)
        if shop.target == "duckdb":
            own(shop)
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        print(f"{shown(Path(error.filename))} cannot be written ({error.strerror}): name other places, DUCKDB_PATH and PUBLISHED_DIR.", file=sys.stderr)
        return 2
    return run(["--vars", yaml.safe_dump(shop.given)], shop.settings, shop.published, is_simulated=shop.is_simulated)


if __name__ == "__main__":
    sys.exit(main())
