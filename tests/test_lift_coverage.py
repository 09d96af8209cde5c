"""Simulated campaigns with a known effect, through the SQL of int_lifts: the limits hold it as often as they say."""

from datetime import date

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from random_shops import random_shop, write_shop

AS_OF_DATE = date(2025, 3, 31)
# What a campaign adds to everybody's chance to buy; a basket costs so much in the mean, in the reporting currency.
EFFECT, BASKET = 0.08, 60.0
ESTIMATES = {
    f"{estimate}{measure}": effect
    for estimate in ("", "cuped_", "stratified_")
    for measure, effect in (("conversion", EFFECT), ("net_revenue", EFFECT * BASKET))
}


@pytest.fixture(scope="module")
def sql(project, tmp_path_factory):
    """The rendered SQL of int_lifts, with the variables as shipped."""
    raw_dir = tmp_path_factory.mktemp("any")
    write_shop(random_shop(1, AS_OF_DATE), raw_dir, "parquet")
    (rendered,) = project.compiled(raw_dir, ("int_lifts",), as_of_date=str(AS_OF_DATE)).models
    return rendered.sql


def lifts(sql: str, comparisons, ends_on: date, **columns) -> dict[str, np.ndarray]:
    """What the SQL says of people, by the number of their comparison: each estimate with its limits, in order."""
    size = len(comparisons)
    people = pa.table({  # noqa: F841
        "kind": pa.array(["campaign"] * size).dictionary_encode(),
        "comparison_id": comparisons.astype(np.int32),
        "starts_on": pa.array([date(2025, 3, 1)] * size),
        "ends_on": pa.array([ends_on] * size),
        **columns,
    })
    with duckdb.connect() as connection:
        connection.execute("attach ':memory:' as shop; use shop; create schema intermediate")
        connection.execute("create table intermediate.int_compared_people as select * from people")
        return connection.execute(f"select * from ({sql}) as lifts order by comparison_id").fetchnumpy()


def holds(found: dict, estimate: str, truth: float) -> np.ma.MaskedArray:
    """Whether the limits hold the truth, for each comparison; masked where none are shown."""
    low, high = (np.ma.masked_invalid(found[f"{estimate}_lift_{end}"].astype(float)) for end in ("from", "to"))
    return (low <= truth) & (truth <= high)


def random_people(rng: np.random.Generator, size: int) -> tuple[np.ndarray, np.ndarray]:
    """What people spent before, skewed and often nothing, and their chance to buy, which follows from it."""
    past = np.where(rng.random(size) < 0.4, 0.0, rng.lognormal(4, 0.7, size)).round(2)
    return past, np.clip(0.03 + past / 500, 0, 0.6)


def covered(sql: str, campaigns: int) -> dict[str, float]:
    """How many of simulated campaigns that are over hold the effect, by estimate, and how much narrower CUPED is."""
    rng, people = np.random.default_rng(0), 600
    size = campaigns * people
    past, chance = random_people(rng, size)
    is_held_out = rng.random(size) < 0.3
    is_buyer = rng.random(size) < chance + np.where(is_held_out, 0, EFFECT)
    revenue = np.where(is_buyer, rng.gamma(2, BASKET / 2, size), 0).round(2)
    found = lifts(
        sql,
        np.repeat(np.arange(campaigns), people),
        AS_OF_DATE,
        is_held_out=is_held_out,
        past_net_revenue=past,
        holdout_percent=np.full(size, 30.0),
        is_buyer=is_buyer.astype(np.int32),
        net_revenue=revenue,
        value_tier=np.where(past > 80, "high", np.where(past > 0, "low", "none")),
    )
    shares = {name: holds(found, name, effect) for name, effect in ESTIMATES.items()}
    assert all(share.count() == campaigns for share in shares.values())
    width = lambda name: (found[f"{name}_lift_to"] - found[f"{name}_lift_from"]).astype(float).mean()  # noqa: E731
    removed = found["net_revenue_variance_removed"].astype(float).mean()
    # What CUPED removes is what makes its interval narrower.
    assert width("cuped_net_revenue") / width("net_revenue") == pytest.approx(np.sqrt(1 - removed), abs=0.01)
    assert removed > 0.03
    return {name: float(share.mean()) for name, share in shares.items()}


def looked_at_daily(
    sql: str, campaigns: int, days: int, people: int, holdout: float, seed: int = 1
) -> dict[str, float]:
    """In how many simulated campaigns that bring nothing the sequence holds that on each of its days, by estimate."""
    rng = np.random.default_rng(seed)
    size = campaigns * people
    past, chance = random_people(rng, size)
    is_held_out = rng.random(size) < holdout
    is_buyer, revenue, looks = np.zeros(size, bool), np.zeros(size), []
    for _ in range(days):
        buys = rng.random(size) < chance / days
        is_buyer = is_buyer | buys
        revenue = revenue + np.where(buys, rng.lognormal(4, 0.7, size), 0)
        looks.append((is_buyer, revenue.round(2)))
    looked = lambda values: np.tile(values, days)  # noqa: E731
    found = lifts(
        sql,
        (np.repeat(np.arange(campaigns), people) + campaigns * np.arange(days)[:, None]).ravel(),
        date(2025, 4, 30),
        is_held_out=looked(is_held_out),
        past_net_revenue=looked(past),
        holdout_percent=np.full(size * days, holdout * 100),
        is_buyer=np.concatenate([bought for bought, _ in looks]).astype(np.int32),
        net_revenue=np.concatenate([spent for _, spent in looks]),
        value_tier=looked(np.where(past > 0, "low", "none")),
    )
    shares = {}
    for name in ESTIMATES:
        each_day = holds(found, name, 0.0).reshape(days, campaigns)
        assert each_day.count() > campaigns
        shares[name] = float(each_day.filled(True).all(axis=0).mean())
    return shares


def test_limits_hold_the_effect_as_often_as_they_say(sql):
    shares = covered(sql, 2_000)
    assert all(0.93 <= share <= 0.97 for share in shares.values()), shares


def test_looking_every_day_does_no_harm(sql):
    shares = looked_at_daily(sql, 300, days=14, people=400, holdout=0.3)
    assert all(share >= 0.95 for share in shares.values()), shares


@pytest.mark.long
@pytest.mark.parametrize(("holdout", "people"), [(0.1, 1_500), (0.3, 500), (0.5, 300)])
def test_looking_every_day_at_2000_campaigns_does_no_harm(sql, holdout, people):
    parts = [looked_at_daily(sql, 125, days=21, people=people, holdout=holdout, seed=seed) for seed in range(16)]
    shares = {name: np.mean([part[name] for part in parts]) for name in ESTIMATES}
    assert all(share >= 0.95 for share in shares.values()), shares
