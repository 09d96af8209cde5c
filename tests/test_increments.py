"""Staging tables that go on from night to night hold what a full refresh gives, whatever comes late, twice, changed or
unreadable."""

import random
from collections import Counter
from datetime import date, datetime, timedelta

import duckdb
import pytest

from project import Project, messages
from random_shops import random_shop, write_shop

# One worker runs them all: they share the parsed project.
pytestmark = pytest.mark.xdist_group("increments")

NIGHTS = [date(2025, 3, 10), date(2025, 3, 11), date(2025, 3, 24), date(2025, 3, 31)]
LOOKBACK_DAYS = 2
GROWING = ("order_lines", "web_events", "email_events")
STAGING = [f"staging.stg_{table}" for table in GROWING] + [
    "staging.rejected_rows",
    "staging.repaired_values",
    "staging.row_counts",
]
STAGING_MODELS = ("--select", "+path:models/staging", "resource_type:seed")
SETTINGS = {"shop_timezone": "Europe/Berlin", "max_rejected_rows": 1_000_000, "max_days_without_orders": None,
            "incremental_lookback_days": LOOKBACK_DAYS}


class Warehouse:
    def __init__(self, project, directory):
        self.project, self.is_incremental = project, project.directory.name.startswith("incremental")
        # dbt's names of tables hold the file's name.
        self.database = directory / ("nightly" if self.is_incremental else "refreshed") / "shop.duckdb"
        self.database.parent.mkdir()

    def run(self, raw_dir, night: date, *arguments: str):
        result = self.project.attempt(
            "build",
            "--exclude-resource-type",
            "test",
            "unit_test",
            *arguments,
            raw_dir=raw_dir,
            database=self.database,
            as_of_date=str(night),
            incremental_staging=self.is_incremental,
            **SETTINGS,
        )
        assert result.success, messages(result)

    def rows(self, table: str) -> Counter:
        with duckdb.connect(self.database) as connection:
            return Counter(connection.execute(f"from {table}").fetchall())

    def tables(self, schema: str) -> list[str]:
        with duckdb.connect(self.database) as connection:
            return [f"{schema}.{name}" for (name,) in connection.execute(
                "select table_name from information_schema.tables where table_schema = $1", [schema]).fetchall()]


@pytest.fixture(scope="module")
def incremental_project(tmp_path_factory):
    return Project(tmp_path_factory.mktemp("incremental"), incremental_staging=True)


@pytest.fixture
def nightly(incremental_project, tmp_path):
    return Warehouse(incremental_project, tmp_path)


@pytest.fixture
def refreshed(project, tmp_path):
    return Warehouse(project, tmp_path)


def deliveries(seed: int) -> list[dict]:
    """What a shop delivers each night: all rows that have come until then.

    Each version of a row comes on a night of its own.
    """
    rng = random.Random(seed)
    shop = random_shop(seed, NIGHTS[-1], "Europe/Berlin", dirt=0.05, conflicting_ties=True, doubtful=True)
    for table in GROWING:
        for row in shop.setdefault(table, []):
            row["night"] = rng.choice(range(len(NIGHTS)))
            row["loaded_at"] = loaded_at(rng, NIGHTS[row["night"]])
    orders_known = {row.get("order_id"): rng.choice([0, 0, 0, 1, 2]) for row in shop["orders"]}
    found = []
    for night in range(len(NIGHTS)):
        found.append(
            {
                table: [
                    {name: value for name, value in row.items() if name != "night"}
                    for row in rows
                    if row.get("night", 0) <= night
                ]
                for table, rows in shop.items()
            }
        )
        found[-1]["orders"] = [row | ({"currency": "XXX"} if rng.random() < 0.1 else {}) for row in shop["orders"]
                               if orders_known[row.get("order_id")] <= night]
    return found


def loaded_at(rng: random.Random, night: date) -> str | None:
    """A moment from the days that the run looks back to the end of the night; now and then none, one in the future, or
    no moment at all."""
    moment = datetime.combine(night, datetime.min.time()) + timedelta(hours=rng.uniform(-24 * LOOKBACK_DAYS, 30))
    return rng.choices(
        [moment.isoformat(" ", "seconds"), None, "2099-01-01 00:00:00", "yesterday"], weights=[90, 4, 2, 4]
    )[0]


# Shops that have all three tables.
@pytest.mark.parametrize("seed", [1, 4])
def test_nights_give_what_a_full_refresh_gives(nightly, refreshed, tmp_path, seed):
    for night, shop in zip(NIGHTS, deliveries(seed)):
        raw_dir = tmp_path / str(night)
        write_shop(shop, raw_dir, ("csv", "parquet")[seed % 2], shuffle_seed=seed)
        for warehouse in (nightly, refreshed):
            warehouse.run(raw_dir, night, *STAGING_MODELS)
        for table in STAGING:
            assert nightly.rows(table) == refreshed.rows(table), (table, night)
    # Not all is judged anew each night.
    assert all(any(NIGHTS[-1] not in row for row in nightly.rows(f"staging.all_{table}")) for table in GROWING)


def test_nights_give_the_marts_of_a_full_refresh(nightly, refreshed, tmp_path):
    for night, shop in zip(NIGHTS, deliveries(6)):
        write_shop(shop, tmp_path / str(night), "parquet")
        nightly.run(tmp_path / str(night), night, *(STAGING_MODELS if night != NIGHTS[-1] else ()))
    refreshed.run(tmp_path / str(NIGHTS[-1]), NIGHTS[-1])
    for table in nightly.tables("marts"):
        assert nightly.rows(table) == refreshed.rows(table), table


def test_a_broken_newest_version_takes_away_what_counted_until_a_mended_one_comes(nightly, refreshed, tmp_path):
    """Each night brings one more version of the same line; an older one never takes the place of one that breaks the
    contract."""
    shop = random_shop(3, NIGHTS[-1], "Europe/Berlin", dirt=0)
    order = next(row for row in shop["orders"] if row["order_id"] and row["currency"] == "EUR")
    line = {"order_line_id": "edited", "order_id": order["order_id"].strip(), "unit_price": "10", "product_id": None}
    order.update(status="paid", updated_at="2099-01-01 00:00", is_deleted=None)
    versions = [
        line | {"quantity": "2"},
        line | {"quantity": "-2"},
        line | {"quantity": "3"},
        line | {"quantity": "4", "is_deleted": "true"},
    ]
    # As early as its own night still reads it: the next night has it from its own table.
    loaded = ["2025-01-01", *(night - timedelta(days=LOOKBACK_DAYS) for night in NIGHTS[:-1])]
    seen = []
    for number, night in enumerate(NIGHTS):
        delivered = [version | {"updated_at": f"{NIGHTS[age]} 06:00", "loaded_at": f"{loaded[age]} 07:00"}
                     for age, version in enumerate(versions[:number + 1])]
        # The newest first, and the older one late.
        delivered += [
            line
            | {
                "order_line_id": "late",
                "quantity": quantity,
                "updated_at": f"{NIGHTS[1 - age]} 06:00",
                "loaded_at": f"{loaded[age]} 07:00",
            }
            for age, quantity in enumerate(["-5", "5"][: number + 1])
        ]
        others = [row | {"loaded_at": "2025-01-01 00:00"} for row in shop["order_lines"]]
        write_shop(shop | {"order_lines": others + delivered}, tmp_path / str(night), "csv")
        for warehouse in (nightly, refreshed):
            warehouse.run(tmp_path / str(night), night, *STAGING_MODELS)
        for table in STAGING:
            assert nightly.rows(table) == refreshed.rows(table), (table, night)
        seen.append([int(row[3]) for row in nightly.rows("staging.stg_order_lines") if row[0] in ("edited", "late")])
    assert seen == [[2], [], [3], []]


def test_deleted_rows_count_until_the_next_full_refresh(nightly, refreshed, tmp_path):
    shop = deliveries(2)[-1]
    write_shop(shop, tmp_path / "before", "parquet")
    nightly.run(tmp_path / "before", NIGHTS[2], *STAGING_MODELS)
    deleted = [row for row in shop["web_events"] if (row["loaded_at"] or "")[:10] < "2025-03-20"]
    write_shop(
        shop | {"web_events": [row for row in shop["web_events"] if row not in deleted]}, tmp_path / "after", "parquet"
    )
    refreshed.run(tmp_path / "after", NIGHTS[3], *STAGING_MODELS)
    nightly.run(tmp_path / "after", NIGHTS[3], *STAGING_MODELS)
    assert {row[0] for row in nightly.rows("staging.stg_web_events")} > {
        row[0] for row in refreshed.rows("staging.stg_web_events")
    }
    nightly.run(tmp_path / "after", NIGHTS[3], *STAGING_MODELS, "--full-refresh")
    for table in STAGING:
        assert nightly.rows(table) == refreshed.rows(table), table
