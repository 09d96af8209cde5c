"""The plan of a campaign: its SQL against plain Python, and its least difference against simulated campaigns."""

import random
from datetime import date, timedelta
from decimal import Decimal
from statistics import fmean, stdev

import numpy as np
import pytest

from ecommerce_segments.explore.plan import least_conversion, least_differences, past_of, past_sql
from statistics_by_hand import cuped, newcombe, welch
from test_campaigns import AS_OF_DATE, changes_of, run

DAYS = 21
BEGINS_ON = AS_OF_DATE - timedelta(days=DAYS - 1)


@pytest.fixture(scope="module")
def sql(project):
    """The rendered SQL of the past of a segment."""
    return project.inline(past_sql("loyal_buyers", DAYS), as_of_date=str(AS_OF_DATE))


def past(sql: str, stays: list[tuple], purchases: list[tuple], today: tuple[str, ...] = ()) -> tuple:
    """What the SQL finds; c1 was known as former-c1."""
    ids = sorted({identity for _, identity, *_ in stays} - {"former-c1"} | {"c1", *today})
    names = ("people", "buyers", "mean_revenue", "revenue_spread", "buyer_spread", "past_spread", "revenue_past",
             "buyer_past", "is_from_history")
    tables = {
        "stg_marketing_campaigns": [],
        "membership_changes": changes_of(stays),
        "int_known_ids": [(identity, identity) for identity in ids] + [("former-c1", "c1")],
        "int_purchases": [(f"o{n}", *purchase) for n, purchase in enumerate(purchases)],
        "segment_memberships": [("loyal_buyers", identity) for identity in today],
    }
    ((*row,),) = run({}, tables, sql)
    return past_of(dict(zip(names, row, strict=True)))


def test_the_past_of_a_segment_agrees_with_plain_python(sql):
    rng = random.Random(3)
    ids = [f"c{number}" for number in range(200)]
    near = lambda *days: BEGINS_ON + timedelta(days=rng.choice(days))  # noqa: E731
    stays = [("loyal_buyers", identity, near(-9, -1, 0), None) for identity in ids[2:]]
    people = ["c1"] + [identity for _, identity, entered_on, _ in stays if entered_on < BEGINS_ON]
    stays += [("loyal_buyers", "former-c1", near(-9), None), ("non_target", "c0", near(-9), None)]
    spent = lambda: f"{rng.uniform(1, 200):.2f}"  # noqa: E731
    purchases = [(rng.choice(ids), near(-181, -180, -1, 0, 20), spent()) for _ in range(300)]
    now, before = ([
        float(sum(Decimal(money) for buyer, on, money in purchases if buyer == person and low <= on < high))
        for person in people
    ] for low, high in ((BEGINS_ON, date.max), (BEGINS_ON - timedelta(days=180), BEGINS_ON)))
    bought = [float(money > 0) for money in now]
    found = past(sql, stays, purchases, today=("c0",))
    assert found == pytest.approx(
        (len(people), sum(bought), fmean(now), stdev(now), cuped(bought, before)[1], cuped(now, before)[1], True)
    )


def test_without_a_history_the_people_of_today_stand_for_it(sql):
    found = past(sql, [("loyal_buyers", "c5", BEGINS_ON, None)], [("c7", AS_OF_DATE, "10.00")], today=("c6", "c7"))
    assert (found.people, found.buyers, found.mean_revenue, found.is_from_history) == (2, 1, 5.0, False)


@pytest.mark.parametrize(
    ("share", "treated", "held_out"), [(0.0, 900, 100), (0.02, 900, 300), (0.2, 1_600, 400), (0.6, 300, 300)]
)
def test_the_least_rise_of_a_share_is_shown_in_four_of_five_campaigns(share, treated, held_out):
    rng, rise = np.random.default_rng(0), least_conversion(share, treated, held_out)
    buyers = zip(rng.binomial(treated, share + rise, 2_000), rng.binomial(held_out, share, 2_000))
    shown = [newcombe(int(some), treated, int(others), held_out).low > 0 for some, others in buyers]
    assert np.mean(shown) == pytest.approx(0.8, abs=0.05)


def test_the_least_difference_is_shown_in_four_of_five_campaigns(sql):
    rng = np.random.default_rng(0)
    share, basket, treated, held_out = 0.2, 50.0, 1_600, 400
    spent = np.where(rng.random(100_000) < share, rng.gamma(2, basket / 2, 100_000), 0)
    people = ["c1", "c2"]
    found = past(sql, [("loyal_buyers", person, date(2025, 1, 1), None) for person in people], [])
    found = found._replace(people=100_000, buyers=int((spent > 0).sum()), revenue_deviation=float(spent.std()))
    least = least_differences(found, treated, held_out)
    shown = [
        welch(list(rng.choice(spent, treated) + least.revenue), list(rng.choice(spent, held_out))).low > 0
        for _ in range(300)
    ]
    assert np.mean(shown) == pytest.approx(0.8, abs=0.07)
    # Nothing was spent before: CUPED has nothing to remove.
    assert least.cuped_revenue == least.revenue and least.cuped_conversion == least.conversion
