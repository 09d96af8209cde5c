"""Our SQL against the oracle, over random dirty shops.

A failure names the seeds: replay one with SHOP_SEEDS=17 make pytest.
"""

import os
import re
from dataclasses import fields
from datetime import date
from pathlib import Path

import duckdb
import pytest
import yaml

import oracle
from comparison import differences
from project import EVERYTHING, MODELS, PROJECT
from random_shops import CUSTOM_TRAITS, random_shop, write_shop

SHOPS_PER_SURROUNDINGS = int(os.environ.get("SHOPS", 8))

# Days on which windows go wrong (29 February, the week before it in a leap year and in a common one, the days on which
# clocks change, ends of months and years), in zones east and west of UTC and off the whole hour, and every parameter of
# the formulas away from its default. Shops so small have few buyers of anything: the thresholds of products are low.
FEW = {"affinity_max_products": 6, "affinity_min_buyers": 3, "gateway_min_buyers": 3, "replenishment_min_gaps": 2}
# Journeys that are entered once, anew after few days and each time, with several messages, at their edges.
SHORT_JOURNEYS = {
    "welcome": {"due_days": [3, 1], "reentry": "once", "exit_on_purchase": False},
    "browse_abandonment": {"due_days": [2, 7], "reentry": "after 5 days", "exit_on_purchase": True},
    "cart_abandonment": {"due_days": [1, 3], "reentry": "after 2 days", "exit_on_purchase": False},
    "post_purchase": {"due_days": [0, 7, 30], "reentry": "after 20 days", "exit_on_purchase": True},
    "replenishment": {"due_days": [-3, 1], "reentry": "after 3 days", "exit_on_purchase": True},
    "second_purchase": {"due_days": [-14], "reentry": "each time", "exit_on_purchase": False},
    "win_back": {"due_days": [1, 10], "reentry": "after 60 days", "exit_on_purchase": False},
    "review_request": {"due_days": [14], "reentry": "after 1 day", "exit_on_purchase": True},
    "birthday": {"due_days": [-10, 1], "reentry": "once", "exit_on_purchase": True},
}
SURROUNDINGS = {
    "leap_day": {"as_of_date": date(2024, 2, 29), "shop_timezone": "Europe/Berlin", "max_accounts_per_email": 20},
    "year_after_leap_day": {"as_of_date": date(2025, 2, 28), "shop_timezone": "Asia/Kolkata"},
    "clocks_forward": {
        "as_of_date": date(2025, 3, 30),
        "shop_timezone": "Europe/Berlin",
        "custom_traits": CUSTOM_TRAITS,
    },
    "clocks_back": {
        "as_of_date": date(2024, 10, 27),
        "shop_timezone": "Europe/Berlin",
        "naive_timestamps": "Europe/Berlin",
    },
    "clocks_forward_in_america": {
        "as_of_date": date(2025, 3, 9),
        "shop_timezone": "America/New_York",
        "naive_timestamps": "America/New_York",
    },
    "clocks_back_in_america": {"as_of_date": date(2024, 11, 3), "shop_timezone": "America/New_York"},
    "dollars": {
        "as_of_date": date(2025, 2, 21),
        "shop_timezone": "UTC",
        "reporting_currency": "USD",
        "message_plan": "sale",
        "custom_traits": CUSTOM_TRAITS,
    },
    "shared_addresses": {
        "as_of_date": date(2024, 2, 21),
        "shop_timezone": "UTC",
        "max_accounts_per_email": 2,
        "junk_ids": ["(not set)", "NULL"],
    },
    "new_year": {
        "as_of_date": date(2024, 12, 31),
        "shop_timezone": "Pacific/Auckland",
        "max_accounts_per_email": 3,
        "naive_timestamps": {"orders": "Pacific/Auckland", "sessions": "America/New_York", "customers": "UTC"},
    },
    "other_cadence": {
        "as_of_date": date(2025, 1, 1),
        "shop_timezone": "America/St_Johns",
        "min_gap_days": 7,
        "typical_gap_days": 60,
        "at_risk_after_gaps": 1.2,
        "inactive_after_gaps": 2,
        "inactive_after_days": 20,
        "attribution_window_days": 10,
        "attribution_half_life_days": 0.5,
        "email_attribution_days": 1,
        "journeys": SHORT_JOURNEYS,
    },
    "short_window": {
        "as_of_date": date(2025, 3, 1),
        "shop_timezone": "Europe/London",
        "rfm_window_days": 365,
        "min_known_cost_share": 0.5,
        "attribution_half_life_days": 2.5,
        "direct_channels": [],
        "affinity_min_buyers": 2,
        "gateway_min_buyers": 2,
    },
    "cut_points": {
        "as_of_date": date(2024, 6, 30),
        "shop_timezone": "Europe/Berlin",
        "rfm_method": "cut_points",
        # Who bought once is new for 90 days, and at risk on that day alone.
        "typical_gap_days": 30,
        "min_known_cost_share": 0.9,
        "direct_channels": ["SEARCH", "None"],
        "email_attribution_days": 30,
        "affinity_max_products": 4,
        "journeys": {
            "cart_abandonment": {"due_days": [2], "reentry": "each time", "exit_on_purchase": True},
            "browse_abandonment": {"due_days": [3], "reentry": "once", "exit_on_purchase": True},
            "win_back": {"due_days": [1], "reentry": "once", "exit_on_purchase": True},
        },
    },
}
SURROUNDINGS = {name: FEW | surroundings for name, surroundings in SURROUNDINGS.items()}


# Shops of which no mart is empty, but those that need a campaign or a second date.
FULL_SHOPS = [("clocks_forward", 11), ("other_cadence", 6), ("cut_points", 9)]


def seeds_of(name: str) -> list[int]:
    if "SHOP_SEEDS" in os.environ:
        return [int(seed) for seed in os.environ["SHOP_SEEDS"].split(",")]
    first = 1000 * list(SURROUNDINGS).index(name)
    return list(range(first, first + SHOPS_PER_SURROUNDINGS))


def compared_shops() -> list[tuple[str, int]]:
    """The surroundings and seeds of the shops that other engines are compared on: three, or as many as COMPARED_SHOPS
    says."""
    taken = {name for name, _ in FULL_SHOPS}
    others = [name for name, each in SURROUNDINGS.items() if name not in taken and "naive_timestamps" not in each]
    return [*FULL_SHOPS, *zip(others, range(len(others)))][: int(os.environ.get("COMPARED_SHOPS", 3))]


def shop_of(seed: int, surroundings: dict, **options) -> dict:
    names = (
        "as_of_date",
        "shop_timezone",
        "reporting_currency",
        "max_accounts_per_email",
        "custom_traits",
        "naive_timestamps",
    )
    return random_shop(seed, **{name: surroundings[name] for name in names if name in surroundings}, **options)


def dbt_vars(surroundings: dict) -> dict:
    """The surroundings as vars; small dirty shops may have more rejected rows than a real one."""
    kinds = {date: str, tuple: list}
    values = {name: kinds.get(type(value), lambda same: same)(value) for name, value in surroundings.items()}
    return values | {"max_rejected_rows": 1_000_000, "max_days_without_orders": None}


def cut_points() -> tuple:
    lines = (PROJECT / "seeds" / "rfm_cut_points.csv").read_text().splitlines()[1:]
    return tuple((trait, int(score), value) for trait, score, value in (line.split(",") for line in lines))


def compiled(project, surroundings: dict, directory: Path, select: tuple[str, ...] = EVERYTHING):
    write_shop(shop_of(0, surroundings), directory / "any", "parquet")
    return project.compiled(directory / "any", select, **dbt_vars(surroundings))


@pytest.mark.parametrize("name", SURROUNDINGS)
def test_marts_agree_with_the_oracle(project, tmp_path, name):
    surroundings = SURROUNDINGS[name]
    sql = compiled(project, surroundings, tmp_path)
    parameters = surroundings | ({"rfm_cut_points": cut_points()} if name == "cut_points" else {})
    found = {}
    for seed in seeds_of(name):
        shop = shop_of(seed, surroundings)
        write_shop(
            shop,
            tmp_path / str(seed),
            ("csv", "parquet")[seed % 2],
            shuffle_seed=seed,
            naive_timestamps=surroundings.get("naive_timestamps"),
        )
        with sql.build(tmp_path / str(seed)) as connection:
            expected = oracle.compute(shop, **parameters)
            wrong = (
                differences(connection, expected)
                + miscounted(connection)
                + wrong_verdicts(sql.failing_tests(connection), expected)
            )
        if wrong:
            found[seed] = wrong[:10]
    assert not found, f"replay with SHOP_SEEDS={next(iter(found))}: {yaml.safe_dump(found, width=200)}"


def wrong_verdicts(failing_tests: list[str], expected: oracle.Result) -> list[str]:
    """The data tests that should not fail, and the guards that should: those of tables of which more than half is
    rejected."""
    guards = {f"few_rows_rejected_stg_{table}" for table, counts in expected.counts.items()
              if counts.received >= 5 and 2 * counts.rejected > counts.received}
    failing = {name.rstrip("_") for name in failing_tests}
    found = {guard for guard in guards if any(name.startswith(guard) for name in failing)}
    return [f"{name} fails" for name in sorted(failing) if not any(name.startswith(guard) for guard in guards)] + [
        f"{guard} does not fail" for guard in sorted(guards - found)]


def miscounted(connection) -> list[str]:
    """The raw tables of which other rows are kept than counted as kept."""
    counted = connection.execute("select table_name, kept_rows from staging.row_counts").fetchall()
    return [f"{table}: {kept:,} rows counted as kept" for table, kept in counted
            if connection.execute(f"select count(*) from staging.stg_{table}").fetchone()[0] != kept]


def test_the_project_has_the_oracles_parameters():
    names = {field.name for field in fields(oracle.Parameters)} - {"rfm_cut_points"}
    project_vars = yaml.safe_load((PROJECT / "dbt_project.yml").read_text())["vars"]
    assert names <= project_vars.keys()
    for field in fields(oracle.Parameters):
        if field.name in names - {"as_of_date", "journeys"}:
            default = list(field.default) if isinstance(field.default, tuple) else field.default
            assert str(project_vars[field.name]) == str(default), field.name


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Africa/Casablanca", "Pacific/Apia", "UTC"])
def test_local_dates_are_exact_at_every_hour(project, tmp_path, zone):
    """dbt renders a shortcut past the time zone's tables; the days on which clocks change must not notice."""
    write_shop(random_shop(0, date(2025, 3, 30)), tmp_path, "parquet")
    (rendered,) = [model.sql for model in project.compiled(tmp_path, ("stg_reviews",), shop_timezone=zone).models]
    local_date = re.search(
        r"reviewed_at,\s+((?:case|cast)(?:(?!reviewed_at,).)*?) as reviewed_on", rendered, re.DOTALL
    ).group(1)
    with duckdb.connect() as connection:
        wrong = connection.execute(f"""
            select reviewed_at from generate_series(timestamp '2000-01-01', timestamp '2030-01-01', interval 29 minute) as _(reviewed_at)
            where {local_date} <> cast(reviewed_at at time zone 'UTC' at time zone '{zone}' as date)
        """).fetchall()  # noqa: E501
    assert wrong == []


MARTS = (
    "select table_schema || '.' || table_name from information_schema.tables where table_schema in ('staging', 'marts')"
)


def contents(connection) -> dict[str, list[tuple]]:
    """All tables of the schemas staging and marts, rows sorted."""
    tables = [name for (name,) in connection.execute(MARTS).fetchall()]
    return {name: sorted(connection.execute(f"from {name}").fetchall(), key=repr) for name in tables}


@pytest.fixture(scope="module")
def berlin(project, tmp_path_factory):
    surroundings = SURROUNDINGS["clocks_forward"]
    return surroundings, compiled(project, surroundings, tmp_path_factory.mktemp("berlin"), MODELS)


@pytest.mark.parametrize("seed", range(5))
def test_csv_means_the_same_as_parquet(berlin, tmp_path, seed):
    surroundings, sql = berlin
    built = []
    for file_format in ("csv", "parquet"):
        write_shop(shop_of(seed, surroundings), tmp_path / file_format, file_format)
        with sql.build(tmp_path / file_format) as connection:
            built.append(contents(connection))
    assert built[0] == built[1]


@pytest.mark.parametrize("seed", range(5))
def test_row_order_and_threads_change_nothing(berlin, tmp_path, seed):
    surroundings, sql = berlin
    shop = shop_of(seed, surroundings, conflicting_ties=True, doubtful=True)
    built = []
    for shuffle_seed, threads in ((1, 1), (2, 4), (3, 2)):
        write_shop(shop, tmp_path / str(shuffle_seed), "csv", shuffle_seed)
        with sql.build(tmp_path / str(shuffle_seed), threads) as connection:
            built.append(contents(connection))
    assert built[0] == built[1] == built[2]
