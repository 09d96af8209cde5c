"""What is published stays whole whatever happens to the run that writes it: killed, doubled, out of disk, without
rights."""

import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path

import duckdb
import pytest
import yaml

from ecommerce_segments.define.trait_register import registered_columns
from ecommerce_segments.explore.traits import filled_in
from ecommerce_segments.publish import versions as publish
from ecommerce_segments.settings import defaults
from project import PROJECT
from random_shops import random_shop, write_shop

DATES = ["2025-02-28", "2025-03-15", "2025-03-31"]
KILLED = -9
pytestmark = pytest.mark.xdist_group("publishing")


class Runs:
    """A process that forks nightly runs, of a project that it parsed once."""

    def __init__(self, artifacts: Path, root: Path = PROJECT):
        self.root = root
        paths = {
            "DBT_TARGET_PATH": artifacts / "target",
            "DBT_LOG_PATH": artifacts / "logs",
            "PYTHONPATH": f"{root}:{PROJECT / 'tests'}",
            "DUCKDB_PATH": artifacts / "shop.duckdb",
        }
        self.environment = os.environ | {name: str(path) for name, path in paths.items()}
        self.process = subprocess.Popen(
            [sys.executable, PROJECT / "tests" / "forked_runs.py"],
            cwd=root,
            text=True,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self.process.stdout.readline() == "ready\n"

    def order(self, **order) -> list[dict]:
        """What became of each run."""
        print(json.dumps(order), file=self.process.stdin, flush=True)
        return json.loads(self.process.stdout.readline())

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait()


class Shop:
    """A small shop with a warehouse and published marts."""

    def __init__(self, runs: Runs, directory: Path, warehouse: Path | None = None):
        self.by, self.raw_dir, self.warehouse, self.published = (
            runs,
            directory / "raw",
            warehouse or directory / "shop.duckdb",
            directory / "published",
        )
        if not self.raw_dir.exists():
            write_shop(random_shop(1, date(2025, 3, 31)), self.raw_dir, "parquet")
        self.environment = {name: str(path) for name, path in {
            "RAW_DIR": self.raw_dir, "DUCKDB_PATH": self.warehouse, "PUBLISHED_DIR": self.published}.items()}

    def runs(self, as_of_date: str = DATES[0], **order) -> list[dict]:
        """Nightly runs, of all models without the tests. Returns what became of each."""
        variables = {
            "as_of_date": as_of_date,
            "max_rejected_rows": 1_000_000,
            "max_days_without_orders": None,
        } | order.pop("variables", {})
        arguments = order.pop("arguments", ["--exclude-resource-type", "test", "unit_test"])
        arguments += ["--no-write-json", "--log-level-file", "none"]
        return self.by.order(environment=self.environment, variables=variables, arguments=arguments, **order)

    def run(self, *arguments, **order) -> dict:
        (result,) = self.runs(*arguments, **order)
        return result

    def rows(self, query: str, **parameters) -> list[tuple]:
        with duckdb.connect(self.warehouse) as connection:
            return sorted(connection.execute(query, parameters).fetchall(), key=repr)

    def history(self, until: str) -> list[tuple]:
        return self.rows("from marts.membership_changes where as_of_date <= $until", until=until)

    def published_date(self) -> str:
        return json.loads((publish.current(self.published) / "manifest.json").read_text())["as_of_date"]


@contextmanager
def readers(published: Path, number: int = 4):
    """Readers who never pause. In the end each must have read, and have found nothing torn."""
    processes = [
        subprocess.Popen(
            [sys.executable, PROJECT / "tests" / "published_reader.py", published],
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(number)
    ]
    try:
        yield
    finally:
        ends = [process.communicate() for process in processes]
    for said, error in ends:
        assert not error, error
        assert int(said.split()[0]) > 0


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    runs = Runs(tmp_path_factory.mktemp("runs"))
    yield runs
    runs.close()


@pytest.fixture(scope="module")
def built(runs, tmp_path_factory):
    """The directory of a shop that was built and published on the first date. Tests take a copy of it."""
    directory = tmp_path_factory.mktemp("built")
    result = Shop(runs, directory).run()
    assert result["code"] == 0, result["stderr"]
    (directory / "seconds").write_text(str(result["seconds"]))
    return directory


@pytest.fixture
def whole_run(built):
    """Seconds that a run took."""
    return float((built / "seconds").read_text())


@pytest.fixture
def shop(runs, built, tmp_path):
    shutil.copytree(built, tmp_path / "shop", symlinks=True)
    return Shop(runs, tmp_path / "shop")


def kill_at_random(shop: Shop, day: str, kills: int, seconds: float, seed: int) -> None:
    """Kill runs of a new day at random moments, then let one run to its end. seconds: how long a whole run takes."""
    rng, history = random.Random(seed), shop.history("9999-12-31")
    for _ in range(kills):
        was = shop.published_date()
        result = shop.run(day, kill_after=rng.uniform(0, seconds))
        assert result["code"] in (KILLED, 0), result["stderr"]
        assert shop.published_date() in (was, day)
        assert [row for row in shop.history(day) if str(row[0]) < day] == history
    repaired = shop.run(day)
    assert repaired["code"] == 0, repaired["stderr"]
    assert shop.published_date() == day
    assert [row for row in shop.history(day) if str(row[0]) < day] == history
    assert shop.rows("select segment, customer_id from marts.segment_history where exited_on is null") \
        == shop.rows("select segment, customer_id from marts.segment_memberships")
    assert len(publish.sorted_versions(shop.published)) <= 3
    assert not list(shop.published.rglob("*.unfinished"))


def test_a_run_killed_at_random_moments_harms_nothing(shop, whole_run):
    with readers(shop.published):
        kill_at_random(shop, DATES[1], kills=5, seconds=whole_run, seed=1)


@pytest.mark.long
def test_a_run_killed_at_thirty_random_moments_harms_nothing(shop, whole_run):
    with readers(shop.published):
        for number, day in enumerate(DATES[1:]):
            kill_at_random(shop, day, kills=15, seconds=whole_run, seed=number)


def test_a_kill_at_each_step_of_publishing_leaves_the_last_version_or_the_new_one(shop):
    """The steps are the lines of ecommerce_segments/publish/versions.py, each when it is executed for the first time.
    """
    steps = shop.run(publish_only=True)["steps"]
    assert len(steps) > 40
    with readers(shop.published):
        for step in steps:
            before = publish.current(shop.published)
            assert shop.run(publish_only=True, kill_before=step)["code"] == KILLED
            after = publish.current(shop.published)
            assert after == before or after.name > before.name
            assert after in publish.sorted_versions(shop.published)
    assert shop.run(publish_only=True)["code"] == 0
    assert len(publish.sorted_versions(shop.published)) == 3
    assert not list(shop.published.rglob("*.unfinished"))


def test_of_two_runs_at_once_one_stops_with_a_sentence(shop):
    with readers(shop.published, 1):
        runs = sorted(shop.runs(DATES[1], together=2), key=lambda run: run["code"])
    assert [run["code"] for run in runs] == [0, 2]
    assert (
        runs[1]["stderr"]
        == f"Another run is writing {shop.warehouse} now. This one stops and changes nothing: start it again later.\n"
    )
    assert shop.published_date() == DATES[1]
    assert shop.history(DATES[1]) == shop.history("9999-12-31")



def can_mount() -> bool:
    with tempfile.TemporaryDirectory() as directory:
        mounted = subprocess.run(["mount", "-t", "tmpfs", "tmpfs", directory], capture_output=True).returncode == 0
        if mounted:
            subprocess.run(["umount", directory], check=True)
        return mounted


@contextmanager
def little_space(directory: Path, kilobytes: int):
    """Let the directory, with what is in it, be a file system that has so many kilobytes left."""
    contents = shutil.move(directory, directory.with_name("contents"))
    directory.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", directory], check=True)
    try:
        shutil.copytree(contents, directory, symlinks=True, dirs_exist_ok=True)
        disk = os.statvfs(directory)
        used = (disk.f_blocks - disk.f_bfree) * disk.f_frsize // 1024
        subprocess.run(["mount", "-o", f"remount,size={used + kilobytes}k", directory], check=True)
        yield
    finally:
        subprocess.run(["umount", directory], check=True)


def assert_it_still_stands(shop: Shop, result: dict, version: Path, what_is_wrong: str) -> None:
    assert result["code"] in (1, 2)
    assert re.fullmatch(
        f"Not published: .*{what_is_wrong}.*\\. {shop.published}/current still leads to {version.name}\\.",
        result["stderr"].splitlines()[-1],
    )
    assert publish.current(shop.published) == version
    assert publish.sorted_versions(shop.published) == [version]
    assert not list(shop.published.rglob("*.unfinished"))


def test_a_limit_of_the_file_size_leaves_what_is_published(shop):
    version = publish.current(shop.published)
    with readers(shop.published, 1):
        result = shop.run(publish_only=True, file_size_limit=200_000)
    assert_it_still_stands(shop, result, version, "File too large")
    assert shop.run(publish_only=True)["code"] == 0


@pytest.mark.parametrize("full", ["published", "warehouse"] if can_mount() else [])
def test_a_full_disk_leaves_what_is_published(runs, built, tmp_path, full):
    shutil.copytree(built, tmp_path / "shop", symlinks=True)
    disk = tmp_path / "shop" / "published"
    if full == "warehouse":
        disk = tmp_path / "disk"
        disk.mkdir()
        shutil.move(tmp_path / "shop" / "shop.duckdb", disk)
    with little_space(disk, kilobytes=100):
        shop = Shop(runs, tmp_path / "shop", warehouse=disk / "shop.duckdb" if full == "warehouse" else None)
        version = publish.current(shop.published)
        with readers(shop.published, 1):
            result = shop.run(DATES[1], publish_only=full == "published")
        assert_it_still_stands(shop, result, version, "No space left on device")


def test_a_directory_without_rights_is_named_before_the_build(shop):
    version = publish.current(shop.published)
    shop.published.chmod(0o555)
    result = shop.run(DATES[1], obeys_permissions=True)
    shop.published.chmod(0o755)
    assert_it_still_stands(shop, result, version, "Permission denied: .*published")
    assert shop.history("9999-12-31") == shop.history(DATES[0])


def test_a_failing_audit_publishes_nothing_and_takes_no_step(shop):
    """Orders that ended a month ago: a load that failed."""
    version, history = publish.current(shop.published), shop.history("9999-12-31")
    result = shop.run(
        "2025-05-31",
        arguments=["--exclude", "test_type:generic", "test_type:unit"],
        variables={"max_days_without_orders": 3},
    )
    assert_it_still_stands(
        shop,
        result,
        version,
        "The newest order is of .*, more than max_days_without_orders \\(3\\) before 2025-05-31: was the load complete",
    )
    assert shop.history("9999-12-31") == history


def test_a_broken_rule_is_told_in_its_own_words(shop):
    version = publish.current(shop.published)
    for file in shop.raw_dir.glob("sale_campaigns.*"):
        file.unlink()
    (shop.raw_dir / "sale_campaigns.csv").write_text(
        "sale_campaign_id,sale_name,starts_on,ends_on,prior_sale_campaign_id\nspring,Spring,2025-03-02,2025-03-01,\n"
    )
    result = shop.run(DATES[1], arguments=["--select", "+stg_sale_campaigns"])
    assert_it_still_stands(
        shop,
        result,
        version,
        "1 row of stg_sale_campaigns breaks the rule 'sale campaigns start before they end'",
    )


def test_what_is_published(shop):
    """Every mart but contact data, the same in both forms, in files that DuckDB 1.0 reads; and what the manifest says
    of them."""
    version = publish.current(shop.published)
    manifest = json.loads((version / "manifest.json").read_text())
    built = {
        name for (name,) in shop.rows("select table_name from information_schema.tables where table_schema = 'marts'")
    }
    # A view under a former name would be a second copy.
    left_out = {"customer_contacts", "audiences", "audience_changes", "journey_events", "sms_audiences", "suppressions"}
    left_out.add("segment_members")
    assert left_out < built and set(manifest["rows"]) == built - left_out
    assert {path.stem for path in version.glob("*.parquet")} == set(manifest["rows"])
    assert manifest["as_of_date"] == DATES[0]
    assert datetime.fromisoformat(manifest["published_at"]).tzinfo
    assert re.fullmatch("[0-9a-f]{40}(-dirty)?", manifest["git_revision"] or "0" * 40)
    with (
        duckdb.connect(version / publish.DATABASE, read_only=True) as published,
        duckdb.connect(shop.warehouse) as warehouse,
    ):
        for mart in manifest["rows"]:
            expected = sorted(warehouse.execute(f"from marts.{mart}").fetchall(), key=repr)
            assert sorted(published.execute(f"from marts.{mart}").fetchall(), key=repr) == expected
            assert sorted(published.execute(f"from '{version / mart}.parquet'").fetchall(), key=repr) == expected
    # The storage format, in the file's header: 64 is DuckDB 1.0's.
    assert int.from_bytes((version / publish.DATABASE).read_bytes()[12:20], "little") == 64
    shop.run(publish_only=True, variables={"publish_contact_data": True})
    assert (publish.current(shop.published) / "customer_contacts.parquet").exists()


def test_descriptions_stand_in_the_warehouse_and_go_with_what_is_published(shop):
    described = yaml_descriptions()
    with duckdb.connect(shop.warehouse) as connection:
        in_the_warehouse = publish.descriptions(connection)
        columns = dict(
            connection.execute(
                "select table_name, list(column_name) from duckdb_columns() where schema_name = 'marts' group by all"
            ).fetchall()
        )
    for mart, (text, told) in in_the_warehouse.items():
        if mart.startswith("seg_"):
            assert (
                text.startswith("One row per customer")
                and told.items() <= (described["customer_categories"][1] | described["customers"][1]).items()
            )
        else:
            assert (text, told) == described[mart]
        assert told.keys() == set(columns[mart]), mart
    assert {
        "customers",
        "segment_customer_traits",
        "membership_changes",
        "seg_loyal_buyers",
        "prediction_fits",
    } <= in_the_warehouse.keys()

    version = publish.current(shop.published)
    with duckdb.connect(version / publish.DATABASE, read_only=True) as connection:
        published = publish.descriptions(connection)
        for mart, (text, told) in published.items():
            metadata = {bytes(key).decode(): bytes(value).decode() for _, key, value in connection.execute(
                f"from parquet_kv_metadata('{version / mart}.parquet')").fetchall()}
            assert (metadata["description"], json.loads(metadata["column_descriptions"])) == (text, told)
    assert published == {mart: in_the_warehouse[mart] for mart in published} and len(published) > 50


def yaml_descriptions() -> dict[str, tuple[str, dict[str, str]]]:
    """Of each model and table of predictions that has YAML, its description and those of its columns; in customers also
    those of registered traits."""
    tables = []
    for file in (PROJECT / "models").rglob("*.yml"):
        content = yaml.safe_load(file.read_text())
        tables += content.get("models", []) + [
            table
            for source in content.get("sources", [])
            for table in source["tables"]
            if source["name"] == "estimates"
        ]
    next(table for table in tables if table["name"] == "customers")["columns"] += registered_columns(defaults())
    return {
        table["name"]: (
            table.get("description", "").strip(),
            {
                column["name"]: filled_in(column["description"]).strip()
                for column in table.get("columns", [])
                if column.get("description")
            },
        )
        for table in tables
    }


def test_rollback_leads_back_one_version_and_the_next_run_leads_on(shop):
    for _ in range(3):
        assert shop.run(publish_only=True)["code"] == 0
    versions = publish.sorted_versions(shop.published)
    assert len(versions) == 3
    assert publish.rollback(shop.published) == versions[1] == publish.current(shop.published)
    assert publish.rollback(shop.published) == versions[0] == publish.current(shop.published)
    with pytest.raises(publish.NotPublished, match="There is no version before"):
        publish.rollback(shop.published)
    assert shop.run(publish_only=True)["code"] == 0
    assert publish.current(shop.published) == publish.sorted_versions(shop.published)[-1]


PERSON = """
    select customer_id, list(distinct account_id) as accounts, list(distinct normalized_email) filter (not has_shared_email) as emails
    from marts.customer_accounts
    join marts.segment_memberships using (customer_id)
    left join intermediate.int_accounts using (customer_id, account_id)
    where starts_with(customer_id, 'guest:') = $is_guest
    group by all order by len(accounts) desc, count(*) desc, customer_id
"""  # noqa: E501


def test_the_first_run_builds_the_month_ends_before_it_if_asked(runs, tmp_path):
    shop = Shop(runs, tmp_path)
    asked = {"variables": {"history_months_at_first_build": 1}}
    for day in DATES[:2]:
        result = shop.run(day, **asked)
        assert result["code"] == 0, result["stderr"]
    dates = ["2025-01-31", *DATES[:2]]
    assert [str(day) for (day,) in shop.rows("select distinct as_of_date from marts.membership_changes")] == dates
    with duckdb.connect(publish.current(shop.published) / "shop.duckdb", read_only=True) as published:
        assert [
            str(day)
            for (day,) in published.execute("select distinct as_of_date from marts.segment_sizes order by 1").fetchall()
        ] == dates


# What `segments erase` does before it builds.
ERASE = """
import sys
from ecommerce_segments import CannotDo
from ecommerce_segments.dbt_session import Session
from ecommerce_segments.publish.erase import erase
try:
    print(erase(Session({"max_rejected_rows": 1000000}), sys.argv[1]))
except CannotDo as error:
    sys.exit(str(error))
"""


def mentions(connection, traces: list[str]) -> list[tuple]:
    """Where a text of the marts that the connection sees is one of the traces: table and column."""
    texts = connection.execute(
        "select database_name, table_name, column_name from duckdb_columns() where schema_name = 'marts' and data_type"
        " = 'VARCHAR'"
    )
    return [
        (table, column)
        for database, table, column in texts.fetchall()
        if connection.execute(
            f"select 1 from {database}.marts.{table} where list_contains($traces, {column}) limit 1", {"traces": traces}
        ).fetchall()
    ]


def test_forgotten_people_are_nowhere_and_the_sizes_of_the_past_stay(built, tmp_path):
    """Someone with several accounts, and a guest."""
    shutil.copytree(
        PROJECT,
        tmp_path / "project",
        ignore=shutil.ignore_patterns(".*", "data", "dbt_packages", "warehouse", "published", "target", "logs"),
    )
    shutil.copytree(built, tmp_path / "shop", symlinks=True)
    runs = Runs(tmp_path / "runs", tmp_path / "project")
    shop = Shop(runs, tmp_path / "shop")

    def forget(account: str) -> subprocess.CompletedProcess:
        return subprocess.run([sys.executable, "-c", ERASE, account], cwd=runs.root,
                              env=runs.environment | shop.environment, capture_output=True, text=True)

    with duckdb.connect(shop.warehouse) as connection:
        people = [connection.execute(PERSON, {"is_guest": is_guest}).fetchone() for is_guest in (False, True)]
        traces = [trace for _, accounts, emails in people for trace in [*accounts, *(emails or [])]]
        assert mentions(connection, traces)
    sizes, history = shop.rows("from marts.segment_sizes"), shop.rows("from marts.segment_history")
    try:
        unknown = forget("nobody")
        assert (unknown.returncode, unknown.stderr) == (
            1,
            "The last build knows no customer nobody: nothing is changed.\n",
        )
        for _, accounts, _ in people:
            entered = forget(accounts[-1])
            assert entered.returncode == 0 and "The next run leaves them out" in entered.stdout, entered
        hashes = re.findall(
            "^([0-9a-f]{64}),20", (runs.root / "seeds" / "forgotten_customers.csv").read_text(), re.MULTILINE
        )
        assert len(hashes) >= 3
        assert shop.run(DATES[1])["code"] == 0
        with duckdb.connect(shop.warehouse) as connection:
            assert mentions(connection, traces) == []
        versions = publish.sorted_versions(shop.published)
        assert len(versions) == 2
        for version in versions:
            with duckdb.connect(version / publish.DATABASE, read_only=True) as connection:
                assert mentions(connection, traces) == []
                assert publish.descriptions(connection)["customers"][0].startswith("One row per customer")
                assert json.loads((version / "segments.json").read_text())["marts"].keys() >= {"customers", "segments"}
                for mart, rows in json.loads((version / "manifest.json").read_text())["rows"].items():
                    assert connection.execute(f"select count(*) from marts.{mart}").fetchone()[0] == rows
                    assert (
                        connection.execute(f"from marts.{mart} except all from '{version / mart}.parquet'").fetchall()
                        == []
                    )
        assert shop.rows("from marts.segment_sizes where as_of_date = $day", day=DATES[0]) == sizes
        others = [row[:3] for row in history if row[1] not in traces]
        assert [
            row[:3] for row in shop.rows("from marts.segment_history where entered_on = $day", day=DATES[0])
        ] == others
        for segment, customers in shop.rows(
            "select segment, customers from marts.segment_sizes where as_of_date = $day", day=DATES[1]
        ):
            assert shop.rows(
                "select count(*) from marts.segment_memberships where segment = $segment", segment=segment
            ) == [(customers,)]
    finally:
        runs.close()


RECIPES = re.findall(r"```(python|bash)\n(.*?)```", (PROJECT / "docs" / "publishing.md").read_text(), re.DOTALL)


@pytest.mark.parametrize("language, recipe", RECIPES)
def test_a_recipe_for_readers_runs_as_it_stands(built, tmp_path, language, recipe):
    (tmp_path / "published").mkdir()
    (tmp_path / "published" / "demo").symlink_to(built / "published")
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "duckdb").symlink_to(Path(sys.executable).parent / "duckdb")
    command = [sys.executable, "-c", recipe] if language == "python" else ["bash", "-euc", recipe]
    read = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert read.returncode == 0, read.stderr
    assert len(read.stdout.splitlines()) > 5
