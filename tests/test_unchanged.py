"""What counts as a change since the last run, without builds; test_commands.py has a real second run."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from ecommerce_segments.build import nightly, run_report, unchanged
from ecommerce_segments.build.telling import Teller
from ecommerce_segments.build.unchanged import Fingerprint, as_of_day, fingerprint, told_unchanged, unchanged_report
from ecommerce_segments.publish.versions import lead_to
from ecommerce_segments.settings import defaults
from ecommerce_segments.shop import Shop

NOW = datetime(2026, 7, 1, 0, 30, tzinfo=UTC)
CODE = [
    "models/marts/segments/seg_x.sql", "models/_x.yml", "macros/x.sql", "seeds/x.csv", "tests/data_tests/x.sql",
    "ecommerce_segments/x.py", "dbt_project.yml", "profiles.yml",
]  # fmt: skip


def written(path: Path, text: str = "one") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """A shop with raw files and a connector's, in a project of a few files, as a run left it that ended well."""
    monkeypatch.setattr(unchanged, "PROJECT", tmp_path / "project")
    for name in CODE:
        written(tmp_path / "project" / name)
    for name in ("raw/orders.csv", "raw/order_lines/2026/06.parquet", "ads/spend.json"):
        written(tmp_path / name)
    entry = {"directory": str(tmp_path / "ads")}
    settings = defaults() | {"as_of_date": date(2026, 6, 30), "connectors": {"ad_reporting": entry}}
    warehouse, published = tmp_path / "warehouse" / "x.duckdb", tmp_path / "published"
    monkeypatch.setenv("DUCKDB_PATH", str(warehouse))
    monkeypatch.setenv("RAW_DIR", str(tmp_path / "raw"))
    warehouse.parent.mkdir()
    duckdb.connect(warehouse).close()
    for version in ("former", "latest"):
        written(published / "versions" / version / "shop.duckdb")
        about = {"as_of_date": "2026-06-30", "published_at": "2026-07-01T00:10:00+00:00"}
        written(published / "versions" / version / "manifest.json", json.dumps(about))
    lead_to(published, published / "versions" / "latest")
    written(published / "dashboard.html")
    shop = Shop("x", tmp_path / "raw", warehouse, published, "duckdb", {}, settings, False, (), None)
    about = {"version": "latest", "tables": [], "alerts": ["Empty segments: x."], "tests": [1], "phases": {"build": 60}}
    run_report.write(published, about, NOW, 0)
    fingerprint(shop).keep(published)
    return shop


def is_unchanged(shop: Shop) -> bool:
    return unchanged_report(shop, NOW) is not None


def test_nothing_has_changed(shop):
    assert is_unchanged(shop)


@pytest.mark.parametrize("name", ["raw/orders.csv", "raw/order_lines/2026/06.parquet", "ads/spend.json"])
def test_another_size_or_time_of_a_file_is_a_change(shop, tmp_path, name):
    file, about = tmp_path / name, (tmp_path / name).stat()
    file.write_text("longer")
    os.utime(file, ns=(about.st_atime_ns, about.st_mtime_ns))
    assert not is_unchanged(shop)
    file.write_text("two")
    os.utime(file, ns=(about.st_atime_ns, about.st_mtime_ns + 1))
    assert not is_unchanged(shop)
    os.utime(file, ns=(about.st_atime_ns, about.st_mtime_ns))
    assert is_unchanged(shop)


@pytest.mark.parametrize("change", [
    lambda root: written(root / "raw" / "refunds.csv"),
    lambda root: written(root / "ads" / "deeper" / "spend.json"),
    lambda root: (root / "raw" / "orders.csv").unlink(),
    lambda root: (root / "raw" / "orders.csv").rename(root / "raw" / "refunds.csv"),
    lambda root: (root / "raw" / "refunds.csv").symlink_to(root / "raw" / "orders.csv"),
    lambda root: (root / "raw" / "refunds.csv").symlink_to(root / "nowhere"),
])  # fmt: skip
def test_files_that_come_go_and_change_their_names_are_changes(shop, tmp_path, change):
    change(tmp_path)
    assert not is_unchanged(shop)


def test_a_link_that_leads_elsewhere_is_a_change(shop, tmp_path):
    """Also where the files there are alike, to the byte and the moment."""
    for night in ("monday", "tuesday"):
        os.utime(written(tmp_path / night / "orders.csv"), (0, 0))
    link = tmp_path / "link"
    link.symlink_to("monday")
    linked = replace(shop, raw_dir=link)
    fingerprint(linked).keep(shop.published)
    assert is_unchanged(linked)
    link.unlink()
    link.symlink_to("tuesday")
    assert not is_unchanged(linked)


@pytest.mark.parametrize("name", CODE)
def test_other_code_is_a_change_whatever_its_time(shop, tmp_path, name):
    file = tmp_path / "project" / name
    os.utime(file, (0, 0))
    assert is_unchanged(shop)
    file.write_text("two")
    assert not is_unchanged(shop)


@pytest.mark.parametrize("name", ["models/new.sql", "selectors.yml", "dbt_packages/x/macros/x.sql"])
def test_new_code_is_a_change(shop, tmp_path, name):
    written(tmp_path / "project" / name)
    assert not is_unchanged(shop)


def test_what_python_and_dbt_write_is_no_change(shop, tmp_path):
    for name in ("models/__pycache__/x.pyc", "target/x.sql", "logs/dbt.log"):
        written(tmp_path / "project" / name)
    assert is_unchanged(shop)


@pytest.mark.parametrize("name, value", [
    ("rfm_window_days", 365),
    ("shop_timezone", "Europe/Madrid"),
    ("files", {"orders": {"decimal": ","}}),
    ("own_segments", [{"name": "x"}]),
    ("published_versions_kept", 5),
    ("connectors", {}),
])  # fmt: skip
def test_another_setting_is_a_change(shop, name, value):
    assert not is_unchanged(replace(shop, settings=shop.settings | {name: value}))


@pytest.mark.parametrize("place", ["name", "raw_dir", "published", "warehouse", "is_simulated"])
def test_another_place_or_name_is_a_change(shop, place):
    value = getattr(shop, place)
    other = value.parent / "other" if isinstance(value, Path) else f"{value}!"
    assert not is_unchanged(replace(shop, **{place: other}))


def test_another_version_of_what_is_installed_is_a_change(shop, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "duckdb-1.5.5.dist-info").mkdir()
    fingerprint(shop).keep(shop.published)
    assert is_unchanged(shop)
    (tmp_path / "duckdb-1.5.5.dist-info").rename(tmp_path / "duckdb-1.5.6.dist-info")
    assert not is_unchanged(shop)


def test_what_dbt_is_told_by_the_environment_is_a_change(shop, monkeypatch):
    monkeypatch.setenv("DBT_FULL_REFRESH", "1")
    assert not is_unchanged(shop)


@pytest.mark.parametrize("doubt", [
    {"target": "postgres"}, {"read_raw_files": False}, {"raw_tables": {"orders": {"model": "shop_orders"}}},
    {"DBT_PROFILES_DIR": "/etc/dbt"},
])  # fmt: skip
def test_what_files_alone_do_not_decide_is_always_built(shop, monkeypatch, doubt):
    """Also where it was the same in the last run."""
    ((name, value),) = doubt.items()
    if name == "target":
        shop = replace(shop, target=value)
    elif name in shop.settings:
        shop = replace(shop, settings=shop.settings | doubt)
    else:
        monkeypatch.setenv(name, value)
    fingerprint(shop).keep(shop.published)
    assert fingerprint(shop).digest is None and not is_unchanged(shop)


def test_the_next_day_is_a_change_unless_a_date_is_set(shop):
    tomorrow = NOW + timedelta(days=1)
    assert unchanged_report(shop, tomorrow)
    shop = replace(shop, settings=shop.settings | {"as_of_date": None})
    fingerprint(shop).keep(shop.published)
    assert is_unchanged(shop) and not unchanged_report(shop, tomorrow)


@pytest.mark.parametrize("zone, day", [("UTC", 30), ("America/New_York", 29), ("Asia/Tokyo", 30)])
def test_yesterday_is_that_of_the_shop(zone, day):
    assert as_of_day({"as_of_date": None, "shop_timezone": zone}, NOW) == date(2026, 6, day)
    assert as_of_day({"as_of_date": "2026-01-31", "shop_timezone": zone}, NOW) == date(2026, 1, 31)


@pytest.mark.parametrize("change", [
    lambda shop: lead_to(shop.published, shop.published / "versions" / "former"),
    lambda shop: (shop.published / "current").unlink(),
    lambda shop: (shop.published / "current" / "shop.duckdb").unlink(),
    lambda shop: written(shop.published / "current" / "manifest.json", "[]"),
    lambda shop: (shop.published / "dashboard.html").unlink(),
    lambda shop: shop.warehouse.unlink(),
    lambda shop: os.utime(shop.warehouse),
    lambda shop: written(Path(f"{shop.warehouse}.wal")),
    lambda shop: written(unchanged.last_run_of(shop.warehouse), "{"),
    lambda shop: fingerprint(shop).forget(),
])  # fmt: skip
def test_another_state_of_what_is_built_or_published_is_a_change(shop, change):
    """As rollback, backfill and dbt itself leave it, and as runs do that failed or were killed."""
    change(shop)
    assert not is_unchanged(shop)


def test_a_shop_that_has_all_in_one_directory(shop, tmp_path):
    """What runs write there is not what they read."""
    shop = replace(shop, raw_dir=tmp_path, warehouse=tmp_path / "orders.duckdb")
    duckdb.connect(shop.warehouse).close()
    found = fingerprint(shop).digest
    for name in ("orders.raw_dir.txt", "orders.lock", "orders.last_run.json", "published/run_report.json",
                 "published/versions/next/customers.parquet", "orders.files/raw/orders.csv.parquet"):  # fmt: skip
        written(tmp_path / name)
    assert fingerprint(shop).digest == found
    written(tmp_path / "orders.csv.gz")
    assert fingerprint(shop).digest != found


class Listener(Teller):
    """Keeps what is said."""

    def __init__(self):
        super().__init__()
        self.said = []

    def say(self, text: str) -> None:
        self.said.append(text)


@pytest.mark.parametrize("command, lines", [("run", 2), ("nightly", 1)])
def test_what_is_told_and_reported_where_nothing_has_changed(shop, command, lines):
    listener, before = Listener(), run_report.read(shop.published)
    assert told_unchanged(shop, command, listener)
    assert listener.said[0] == (
        "Nothing has changed since the version published on 2026-07-01 at 00:10 UTC: files, settings and formulas are"
        f" the same. `segments {command} --rebuild` builds all the same."
    )
    assert len(listener.said) == lines and all("Empty segments: x." in text for text in listener.said[1:])
    report = run_report.read(shop.published)
    assert report["started_at"] != before["started_at"] and report["exit_code"] == 0
    assert report["unchanged_since"] == "2026-07-01T00:10:00+00:00" and report["phases"] == {}
    assert {name: report[name] for name in ("version", "tables", "alerts", "tests")} == {
        name: before[name] for name in ("version", "tables", "alerts", "tests")
    }
    assert told_unchanged(shop, command, listener)


@pytest.mark.parametrize("report", [{"exit_code": 1}, {"version": "former"}, [], None])
def test_without_the_report_of_a_run_that_ended_well_a_run_builds(shop, report):
    file, listener = shop.published / run_report.FILE, Listener()
    whole = run_report.read(shop.published)
    file.write_text("" if report is None else json.dumps(whole | report if isinstance(report, dict) else report))
    assert not told_unchanged(shop, "run", listener) and listener.said == []


@pytest.mark.parametrize("code, alert, is_kept", [(0, None, True), (1, None, False), (2, None, False), (0, "x", False)])
def test_a_fingerprint_is_kept_where_a_run_ends_well_and_leaves_nothing_undone(shop, monkeypatch, code, alert, is_kept):
    def ended(run: nightly.Nightly) -> int:
        assert not unchanged.last_run_of(shop.warehouse).exists()
        if alert:
            run.alert(alert)
        return code

    monkeypatch.setattr(nightly.Nightly, "run", ended)
    assert nightly.run([], shop.settings, shop.published, fingerprint=fingerprint(shop)) == code
    assert unchanged.last_run_of(shop.warehouse).exists() == is_kept


def test_what_cannot_be_noted_is_no_fault(shop, tmp_path):
    Fingerprint(tmp_path / "nowhere" / "x.duckdb", "digest").keep(shop.published)
    Fingerprint(shop.warehouse, "digest").keep(tmp_path / "nowhere")


def test_to_look_loads_nothing_of_dbt():
    asked = "import sys, ecommerce_segments.build.unchanged, ecommerce_segments.publish.overview; print([*sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True).stdout
    assert "'ecommerce_segments.build.unchanged'" in loaded and "'dbt" not in loaded
