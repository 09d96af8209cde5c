"""Build the shop, audit it with all data tests, estimate, and publish it if the tests passed: one command, one exit
code.

Exit codes: 0 published; 1 a model, a test or the publishing failed; 2 the run could not start: a setting, the files, or
another run; 3 published, with a warning that the setting alerts_fail_from asks for; 130 and 143 stopped by Ctrl-C and
by SIGTERM (128 and the signal). After all but 0 and 3 what was published before still stands. After all but 0 the last
line, alone on stderr, says why and what to do. What dbt says goes to logs/dbt.log, and what a monitor asks to
run_report.json. Where nothing has changed, unchanged.py keeps it from being called.
"""

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, cast

import duckdb
import yaml
from dbt.cli.main import dbtRunner, dbtRunnerResult
from dbt.contracts.graph.manifest import Manifest

from ecommerce_segments.build.alerts import alerts_of, exit_code
from ecommerce_segments.build.backfill import backfill, month_ends_before
from ecommerce_segments.build.failures import Failure, log_file, why_failed
from ecommerce_segments.build.left_out import left_out
from ecommerce_segments.build.run_lock import AnotherRun, only_run
from ecommerce_segments.build.run_report import RunReport
from ecommerce_segments.build.telling import Teller
from ecommerce_segments.build.unchanged import Fingerprint, fingerprint
from ecommerce_segments.connectors import deliveries, prepare_all
from ecommerce_segments.dashboard.figures import DashboardError
from ecommerce_segments.dbt_session import DbtError, Session, runs_of
from ecommerce_segments.define import register, trait_register
from ecommerce_segments.estimate.step import estimate_all
from ecommerce_segments.publish.definitions import CONTACT_DATA
from ecommerce_segments.publish.versions import NotPublished, current, publish, refresh_dashboard
from ecommerce_segments.read import copies_beside
from ecommerce_segments.read.convert import FileError
from ecommerce_segments.read.files import converted, told
from ecommerce_segments.settings import SettingsError
from ecommerce_segments.shop import Shop, own, shown

# Of a view of another mart, which as a file would be that mart once more.
FORMER_NAME = "former_name"


class Nightly:
    """One run over a shop. `tell` and `report` hear what happens.

    arguments: dbt's own, such as --vars; settings: all vars, by name; directory: what is published; manifest: the
    parsed project, if at hand; is_simulated: whether readers are to be told that people and orders are made up;
    fingerprint: of what the run follows from, to be kept for the next one.
    """

    def __init__(
        self,
        arguments: list[str],
        settings: dict,
        directory: Path,
        manifest: Manifest | None = None,
        is_simulated: bool = False,
        tell: Teller | None = None,
        fingerprint: Fingerprint | None = None,
    ):
        self.arguments, self.settings, self.directory, self.is_simulated = arguments, settings, directory, is_simulated
        self.parsed, self.tell, self.report = manifest, tell or Teller(), RunReport(settings)
        self.fingerprint, self.is_in_order = fingerprint, True
        self.raw_dir = Path(os.environ["RAW_DIR"])

    def run(self) -> int:
        """Returns the exit code.

        Raises OSError or duckdb.Error where the directory cannot be written: what was published before still stands.
        """
        if self.parsed is None:
            with self.phase("parse", f"Reading {self.places()} ({shown(log_file())} has the details)"):
                parsed = self.dbt("parse", "--no-write-json")
            if not parsed.success:
                return self.not_published(why_failed(parsed, None, self.raw_dir), 2)
            self.parsed = cast(Manifest, parsed.result)
        is_duckdb = self.manifest.metadata.adapter_type == "duckdb"
        if is_duckdb:
            check_writable(self.directory)
        try:
            copies = self.prepared() if is_duckdb and self.settings["read_raw_files"] else nullcontext()
        except FileError as error:
            return self.not_published(Failure(str(error).rstrip(".")), 2)
        with copies:
            return self.build_and_publish(is_duckdb)

    def build_and_publish(self, is_duckdb: bool) -> int:
        """What follows once the files can be read. Returns the exit code."""
        began = time.monotonic()
        with self.phase("build", "Building"):
            built = self.dbt("build")
        self.report.built(runs_of(built))
        if not built.success:
            return self.not_published(why_failed(built, self.manifest, self.raw_dir), 2 if built.exception else 1)
        self.tell.say(f"Built in {time.monotonic() - began:.0f} seconds: {told_of(built)}.")
        if is_duckdb and self.settings["history_months_at_first_build"]:
            self.build_past()
        marts = self.marts() + self.estimated()
        with self.phase("publish", "Publishing"):
            code = self.publish_files(marts) if is_duckdb else self.publish_schema(marts)
        if code == 0:
            self.tell_left_out(built)
            code = self.tell_alerts()
        return code

    def places(self) -> str:
        """The directories of the shop's files, for people. Those of connectors may lie in that of the raw files."""
        found = [delivery.directory for delivery in deliveries(self.settings, self.raw_dir)]
        apart = [place for place in found if place.is_dir() and self.raw_dir not in place.parents]
        return ", ".join(map(shown, apart)) or shown(self.raw_dir)

    @property
    def manifest(self) -> Manifest:
        """The parsed project. It is at hand once `run` has parsed it."""
        assert self.parsed is not None
        return self.parsed

    @contextmanager
    def phase(self, name: str, text: str) -> Iterator[None]:
        """Tell that a phase begins, and report how long it took."""
        self.tell.phase(text)
        began = time.monotonic()
        try:
            yield
        finally:
            self.tell.end_phase()
            self.report.phase(name, time.monotonic() - began)

    def dbt(self, *words: str) -> dbtRunnerResult:
        """Run a command of dbt in this process. Returns its result."""
        return dbtRunner(manifest=self.parsed, callbacks=[self.tell.heard]).invoke(
            [*words, *self.tell.dbt_options, *self.arguments]
        )

    def prepared(self) -> AbstractContextManager[None]:
        """Copy the files that are not strict, and say which these are. Returns what lets dbt read the copies.

        Raises FileError where a file leaves open how it is written.
        """
        into = copies_beside(Path(os.environ["DUCKDB_PATH"]))
        began = time.monotonic()
        found = prepare_all(self.settings, self.raw_dir, into)
        self.report.phase("files", time.monotonic() - began)
        self.report.content["files"] = [{"file": odd.name, "written": odd.written} for odd in found]
        if found:
            self.tell.say("Files that are not strict, read by copies (docs/your_own_shop.md, section 1):")
            self.tell.say("\n".join(f"  {line}" for line in told(found)))
        return converted(into)

    def marts(self) -> list[str]:
        """The marts that are published: those with contact data only where the settings ask for them, and none under a
        former name."""
        return [
            node.name
            for node in self.manifest.nodes.values()
            if node.resource_type == "model"
            and node.fqn[1] == "marts"
            and FORMER_NAME not in node.tags
            and (self.settings["publish_contact_data"] or CONTACT_DATA not in node.tags)
        ]

    def build_past(self) -> None:
        """Give a history that begins with this build the month-ends before it.

        Without them the marts are published all the same.
        """
        warehouse = Path(os.environ["DUCKDB_PATH"])
        with duckdb.connect(warehouse) as connection:
            ((first, last),) = connection.execute(
                "select min(as_of_date), max(as_of_date) from marts.membership_changes"
            ).fetchall()
        if first != last:
            return
        with self.phase("history", "Building the months before"):
            try:
                backfill(
                    warehouse,
                    month_ends_before(last, self.settings["history_months_at_first_build"]),
                    self.settings,
                    tell=self.tell.say,
                    manifest=self.manifest,
                )
            except DbtError as error:
                self.alert(f"The history begins with {last}: {error}")

    def estimated(self) -> list[str]:
        """Estimate, and name the tables of it. No estimate keeps the marts from being published."""
        with self.phase("estimate", "Estimating"):
            try:
                self.tell.say("\n".join(estimate_all(Session(self.settings, self.manifest))))
            except DbtError as error:
                self.alert(f"Nothing is estimated: {error}")
                return []
        return [table.name for table in self.manifest.sources.values() if table.source_name == "estimates"]

    def publish_files(self, marts: list[str]) -> int:
        """Publish the marts as files, with their dashboard. Returns the exit code."""
        version = publish(
            Path(os.environ["DUCKDB_PATH"]),
            marts,
            self.directory,
            self.settings["published_versions_kept"],
            self.is_simulated,
            self.tell.say,
            self.settings,
        )
        self.report.content["version"] = version.name
        try:
            refresh_dashboard(self.directory, self.tell.say)
        except (OSError, DashboardError) as error:
            self.alert(f"The marts are published, but the dashboard is still the one before: {error}")
            return 1
        return 0

    def publish_schema(self, marts: list[str]) -> int:
        """Publish the marts in a schema of the warehouse, by dbt. Returns the exit code."""
        published = self.dbt(
            "run-operation",
            "publish",
            "--args",
            yaml.safe_dump({"marts": marts, "kept": self.settings["published_versions_kept"]}),
        )
        if not published.success:
            return self.not_published(why_failed(published, self.manifest, self.raw_dir), 1)
        self.tell.say(f"Published {len(marts)} marts in the schema published.")
        return 0

    def tell_left_out(self, built: dbtRunnerResult) -> None:
        """What the build left out. That this cannot be told keeps nothing from being published."""
        warnings = [run.node.name for run in runs_of(built) if run.status == "warn"]
        try:
            found = left_out(self.manifest, warnings)
        except DbtError as error:
            self.alert(f"What was left out cannot be told: {' '.join(str(error).split())}")
            return
        self.report.content["tables"] = found.tables
        self.report.content["alerts"] += found.notes
        self.tell.left_out(found)

    def tell_alerts(self) -> int:
        """What is unusual, last of all. Returns the exit code that the settings ask for."""
        try:
            alerts, lines = alerts_of(self.manifest)
        except DbtError as error:
            self.alert(f"The warnings cannot be told: {' '.join(str(error).split())}")
            return 0
        self.report.content["warnings"] = alerts
        self.tell.say("\n" + "\n".join(lines))
        code = exit_code(alerts, self.settings["alerts_fail_from"])
        if code:
            self.tell.fault(f"Published, but with a warning that alerts_fail_from asks for: {alerts[0]['sentence']}")
        return code

    def alert(self, sentence: str) -> None:
        """What went wrong, and keeps nothing from being published. The next run tries it again."""
        self.is_in_order = False
        self.report.content["alerts"].append(sentence)
        self.tell.fault(sentence)

    def not_published(self, failure: Failure, code: int) -> int:
        """What there is to say of a failure on stdout; on stderr one sentence. Returns the exit code."""
        for line in failure.more:
            self.tell.say(line)
        try:
            what_holds = f"{shown(self.directory / 'current')} still leads to {current(self.directory).name}."
        except NotPublished:
            what_holds = "Nothing was published before either."
        sentence = f"Not published: {failure.sentence}{'' if failure.sentence.endswith('?') else '.'} {what_holds}"
        self.report.content["failure"] = sentence
        self.tell.fault(sentence)
        return code


def told_of(built: dbtRunnerResult) -> str:
    """How many models and tests ended well, and with a warning."""
    kinds = [(run.node.resource_type, str(run.status)) for run in runs_of(built)]
    return (f"{sum(kind == 'model' for kind, _ in kinds):,} models; {kinds.count(('test', 'pass')):,} tests pass"
            f" and {sum(status == 'warn' for _, status in kinds):,} warn")


def check_writable(directory: Path) -> None:
    """Raise OSError before a long build, where its result could not be published."""
    directory.mkdir(parents=True, exist_ok=True)
    probe = directory / "writable.unfinished"
    probe.touch()
    probe.unlink()


def run(*arguments: Any, **options: Any) -> int:
    """`Nightly` with the lock of the warehouse, and its report; what goes wrong is a sentence on stderr.

    Returns the exit code.
    """
    one = Nightly(*arguments, **options)
    try:
        with only_run():
            try:
                if one.fingerprint:
                    one.fingerprint.forget()
                code = one.run()
            except (OSError, duckdb.Error) as error:
                code = one.not_published(Failure(" ".join(str(error).split()).rstrip(".")), 1)
            with report_unwritten(one):
                one.report.write(one.directory, code)
                if one.fingerprint and code == 0 and one.is_in_order:
                    one.fingerprint.keep(one.directory)
            return code
    except AnotherRun as error:
        one.tell.fault(str(error))
        return 2
    except OSError as error:
        return one.not_published(Failure(" ".join(str(error).split()).rstrip(".")), 1)


@contextmanager
def report_unwritten(one: Nightly) -> Iterator[None]:
    """Where the report cannot be written, nothing else can either, and that was said."""
    try:
        yield
    except OSError as error:
        if "failure" not in one.report.content:
            one.tell.fault(f"The marts are published, but not the report of this run: {error}")


def stop(signal_number: int, _: object) -> None:
    """End at once. That harms nothing: what is published changes by one rename, and the next run clears up."""
    print(
        f"Stopped by {signal.Signals(signal_number).name}: nothing is published by this run. Start it again.",
        file=sys.stderr,
        flush=True,
    )
    os._exit(128 + signal_number)


def nightly(shop: Shop, tell: Teller) -> int:
    """The run of a shop as schedulers start it.

    Returns the exit code; raises SettingsError where the shop's settings or places do not hold.
    """
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signal_number, stop)
    if wrong := register.check() or trait_register.check():
        raise SettingsError(wrong)
    if shop.target == "duckdb":
        try:
            own(shop)
        except OSError as error:
            raise SettingsError(
                f"{shown(Path(error.filename))} cannot be written ({error.strerror}): name other places, --warehouse"
                " and"
                " --published."
            ) from error
    return run(
        ["--vars", yaml.safe_dump(shop.given, sort_keys=False)],
        shop.settings,
        shop.published,
        is_simulated=shop.is_simulated,
        tell=tell,
        fingerprint=fingerprint(shop),
    )
