"""Campaign results: the SQL against plain Python on random campaigns."""

import hashlib
import itertools
import random
from datetime import date, timedelta
from decimal import Decimal
from typing import NamedTuple

import duckdb
import pyarrow as pa
import pytest

from random_shops import random_shop, write_shop
from statistics_by_hand import cuped, newcombe, sequence_confidence, stratified

AS_OF_DATE = date(2025, 3, 31)
MODELS = ["campaign_audiences", "int_compared_people", "int_lifts", "campaign_lift", "programme_lift"]
SMALL_ARM, FEW_BUYERS = 30, 10
LIFTS = ["conversion_lift", "net_revenue_lift", "cuped_conversion_lift", "cuped_net_revenue_lift",
         "stratified_conversion_lift", "stratified_net_revenue_lift"]
COMPARED = ", ".join([
    "customers, treated_customers, held_out_customers, treated_buyers, held_out_buyers, treated_net_revenue",
    "held_out_net_revenue, is_final",
    *(f"{lift}, {lift}_from, {lift}_to" for lift in LIFTS),
    "conversion_variance_removed, net_revenue_variance_removed",
])
SEGMENTS = ["loyal_buyers", "non_target"]


@pytest.fixture(scope="module")
def sql(project, tmp_path_factory):
    """The rendered SQL of the campaign marts, by name."""
    raw_dir = tmp_path_factory.mktemp("any")
    write_shop(random_shop(1, AS_OF_DATE), raw_dir, "parquet")
    compiled = project.compiled(
        raw_dir, as_of_date=str(AS_OF_DATE), min_arm_customers=SMALL_ARM, min_arm_buyers=FEW_BUYERS
    )
    return {model.name: model.sql for model in compiled.models if model.name in MODELS}


def random_campaigns(rng: random.Random) -> dict[str, list[tuple]]:
    """Tables that the campaign marts read, small, with dates that meet at the boundaries."""
    day = AS_OF_DATE - timedelta(days=20)
    near = lambda: day + timedelta(days=rng.choice([-30, -1, 0, 1, 10]))  # noqa: E731
    customers = [f"c{number}" for number in range(rng.choice([80, 300, 300]))]
    former_ids = {f"former-{customer}": customer for customer in rng.sample(customers, 10)}
    stays = []
    for segment in SEGMENTS:
        for identity in rng.sample([*customers, *former_ids, "unknown"], len(customers)):
            entered_on = rng.choice([day - timedelta(days=30), near()])
            exits = [
                exited_on
                for exited_on in (entered_on + timedelta(days=1), day, day + timedelta(days=1))
                if exited_on > entered_on
            ]
            stays.append((segment, identity, entered_on, rng.choice([None, None, *exits])))
    stays += [(rng.choice(["high_value_active", "high_value_at_risk", "low_value_active"]), identity, near(), None)
              for identity in rng.sample([*customers, *former_ids], rng.choice([1, len(customers) // 2]))]
    return {
        "stg_marketing_campaigns": [
            (
                f"campaign-{number}",
                rng.choice(SEGMENTS),
                starts_on := rng.choice([near(), day, day + timedelta(days=1)]),
                starts_on + timedelta(days=rng.choice([0, 7, 40, 40])),
                holdout,
            )
            for number, holdout in enumerate(rng.choices(["0", "12.5", "50", "50"], k=4))
        ],
        "membership_changes": changes_of(stays),
        "int_known_ids": [(customer, customer) for customer in customers] + list(former_ids.items()),
        "int_purchases": [
            (
                f"o{number}",
                rng.choice([*customers, None]),
                near() + timedelta(days=rng.choice([0, 7, 8, -180, -181, -40])),
                f"{rng.uniform(1, 300):.2f}",
            )
            for number in range(rng.choice([40, 3 * len(customers), 3 * len(customers)]))
        ],
    }


def changes_of(stays: list[tuple]) -> list[tuple]:
    """The rows of the log that stays leave behind: segment, id, and the dates of the entry and, if there is one, the
    exit."""
    return [(segment, identity, on, "segment", change) for segment, identity, *dates in stays
            for on, change in zip(dates, ("entered", "exited")) if on is not None]


COLUMNS = {
    "stg_marketing_campaigns": "marketing_campaign_id text, segment text, starts_on date, ends_on date, holdout_percent decimal(18,6)",  # noqa: E501
    "membership_changes": "state text, customer_id text, as_of_date date, kind text, change_type text",
    "audience_changes": "as_of_date date, segment text, customer_id text, change text, email_sha256 text",
    "built_figures": "as_of_date date, figure text, subject text, share decimal(18,8)",
    "segment_memberships": "segment text, customer_id text",
    "int_known_ids": "account_id text, customer_id text",
    "int_purchases": "order_id text, customer_id text, purchased_on date, net_revenue decimal(18,2)",
}


def expected(tables: dict) -> list[tuple]:
    """What campaign_lift must say, from the sentences of docs/definitions.md."""
    customer_of, results = dict(tables["int_known_ids"]), []
    for campaign, segment, starts_on, ends_on, holdout in tables["stg_marketing_campaigns"]:
        inside, audience = set(), {}
        for state, identity, on, _, change in sorted(tables["membership_changes"], key=lambda row: row[2]):
            if state == segment and on < starts_on:
                inside = inside | {identity} if change == "entered" else inside - {identity}
        for identity in sorted(inside & customer_of.keys(), reverse=True):
            audience[customer_of[identity]] = identity
        is_held_out = {
            customer: bucket(f"{campaign}:{frozen_id}") < Decimal(holdout) * 100
            for customer, frozen_id in audience.items()
        }
        people = people_of(is_held_out, starts_on, ends_on, tables)
        results.append((campaign, *result(people, ends_on <= AS_OF_DATE)))
    return sorted(results)


class Person(NamedTuple):
    """Somebody in a campaign's audience."""

    is_held_out: bool
    tier: str
    revenue: float
    past: float
    is_buyer: bool


def bucket(text: str) -> int:
    """Which of 10,000 parts a hash puts a text in."""
    return int(hashlib.sha256(text.encode()).hexdigest()[:8], 16) % 10_000


def people_of(is_held_out: dict[str, bool], starts_on: date, ends_on: date, tables: dict) -> list[Person]:
    """The customers of a comparison, by whether each is held out, with what they bought in its days and before."""
    people, tiers = [], tiers_before(starts_on, tables)
    for customer, held_out in is_held_out.items():
        now, before = [], []
        for _, buyer, bought_on, revenue in tables["int_purchases"]:
            if buyer == customer and starts_on <= bought_on <= ends_on:
                now.append(Decimal(revenue))
            elif buyer == customer and starts_on - timedelta(days=180) <= bought_on < starts_on:
                before.append(Decimal(revenue))
        people.append(Person(held_out, tiers.get(customer, "none"), float(sum(now)), float(sum(before)), bool(now)))
    return people


def result(people: list[Person], is_final: bool) -> tuple:
    """By hand: sizes, buyers and money of both arms, whether the limits are final, and the lifts."""
    arms = [[person for person in people if person.is_held_out == arm] for arm in (False, True)]
    return (
        len(people),
        *map(len, arms),
        *(sum(person.is_buyer for person in arm) for arm in arms),
        *(round(sum((Decimal(str(person.revenue)) for person in arm), Decimal(0)), 2) for arm in arms),
        is_final,
        lifts(people, arms, is_final),
    )


def tiers_before(starts_on: date, tables: dict) -> dict[str, str]:
    """The value tier in which the history has each customer, or an id that is theirs by now, before a date."""
    customer_of, inside = dict(tables["int_known_ids"]), set()
    for state, identity, on, _, change in sorted(tables["membership_changes"], key=lambda row: row[2]):
        if on < starts_on and identity in customer_of:
            (inside.add if change == "entered" else inside.discard)((state, identity))
    tiers = {customer_of[identity]: "low" for state, identity in inside if state in ("low_value_active", "non_target")}
    high = ("high_value_active", "high_value_at_risk")
    return tiers | {customer_of[identity]: "high" for state, identity in inside if state in high}


def lifts(people: list[Person], arms: list[list[Person]], is_final: bool) -> list[float | None]:
    """By hand: the six differences with their limits, and the two shares of the variance that CUPED removes."""
    sizes, buyers = [len(arm) for arm in arms], [sum(person.is_buyer for person in arm) for arm in arms]
    if min(sizes) < SMALL_ARM:
        return [None] * 20
    found = [*newcombe(buyers[0], sizes[0], buyers[1], sizes[1], 0.95 if is_final else sequence_confidence(sum(sizes)))]
    if not is_final and min(buyers) < FEW_BUYERS:
        return [*found, *[None] * 17]
    outcomes = [[float(getattr(person, name)) for person in people] for name in ("is_buyer", "revenue")]
    adjusted = [cuped(values, [person.past for person in people]) for values in outcomes]
    tiers = {person.tier for person in people}

    def compared(values: list[float], by_tier: bool = False) -> list[float | None]:
        strata = [
            tuple([value for person, value in zip(people, values)
                   if person.is_held_out == arm and tier in (person.tier, "all")] for arm in (False, True))
            for tier in (tiers if by_tier else ["all"])
        ]
        return list(stratified(strata, is_final) or [None] * 3)

    found += compared(outcomes[1])
    found += [limit for values, _ in adjusted for limit in compared(values)]
    found += [limit for values in outcomes for limit in compared(values, by_tier=True)]
    return found + [removed for _, removed in adjusted]


def run(sql: dict, tables: dict, query: str) -> list[tuple]:
    with duckdb.connect() as connection:
        connection.execute(
            "attach ':memory:' as shop; use shop; create schema marts; create schema staging; create schema"
            " intermediate"
        )
        for table, columns in COLUMNS.items():
            schema = {"stg": "staging", "int": "intermediate"}.get(table[:3], "marts")
            connection.execute(f"create table {schema}.{table} ({columns})")
            if tables.get(table):
                rows = pa.table(  # noqa: F841
                    [pa.array(values) for values in zip(*tables[table])],
                    names=[f"column_{number}" for number in range(len(tables[table][0]))],
                )
                connection.execute(f"insert into {schema}.{table} from rows")
        for model in MODELS if sql else []:
            schema = "intermediate" if model.startswith("int_") else "marts"
            connection.execute(f"create table {schema}.{model} as {sql[model]}")
        return sorted(connection.execute(query).fetchall())


@pytest.mark.parametrize("seed", range(20))
def test_lift_agrees_with_plain_python(sql, seed):
    tables = random_campaigns(random.Random(seed))
    agree(run(sql, tables, f"select marketing_campaign_id, {COMPARED} from marts.campaign_lift"), expected(tables))


def agree(found: list[tuple], expected: list[tuple]) -> None:
    """Rows of a mart, with the columns COMPARED, are those that are computed by hand."""
    for row, wanted in zip(found, expected, strict=True):
        assert row[:9] == wanted[:9]
        # Student's quantile is an expansion: right to 5 digits.
        for value, by_hand in zip(row[9:], wanted[9], strict=True):
            assert (value is None) == (by_hand is None)
            assert value is None or float(value) == pytest.approx(by_hand, rel=2e-5, abs=2e-6)


def test_the_random_campaigns_have_results_of_each_kind():
    results = [row for seed in range(20) for row in expected(random_campaigns(random.Random(seed)))]
    for is_final in (True, False):
        shown = [lifts for *_, final, lifts in results if final == is_final]
        # All estimates; a share of buyers alone; nothing; tiers that cannot be compared.
        assert sum(None not in row for row in shown) >= 5
        assert any(row[0] is None for row in shown)
    assert any(row[6] is not None and row[12] is None for *_, row in results)
    assert any(row[0] is not None and row[3] is None for *_, final, row in results if not final)


def arms(treated: int, treated_buyers: int, held_out: int, held_out_buyers: int, holdout: str = "50") -> dict:
    """Tables of one campaign of March 2025 with arms of exactly these sizes, each buyer spending 10."""
    starts_on, wanted, stays, purchases = (
        date(2025, 3, 1),
        {True: [held_out, held_out_buyers], False: [treated, treated_buyers]},
        [],
        [],
    )
    for number in itertools.count():
        if wanted == {True: [0, 0], False: [0, 0]}:
            break
        customer = f"c{number}"
        is_held_out = (
            int(hashlib.sha256(f"spring:{customer}".encode()).hexdigest()[:8], 16) % 10_000 < Decimal(holdout) * 100
        )
        if wanted[is_held_out][0]:
            wanted[is_held_out][0] -= 1
            stays.append(("loyal_buyers", customer, date(2025, 2, 28), None))
            if wanted[is_held_out][1]:
                wanted[is_held_out][1] -= 1
                purchases.append((f"o{number}", customer, starts_on, "10.00"))
    return {
        "stg_marketing_campaigns": [("spring", "loyal_buyers", starts_on, AS_OF_DATE, holdout)],
        "membership_changes": changes_of(stays),
        "int_known_ids": [(customer, customer) for _, customer, *_ in stays],
        "int_purchases": purchases,
    }


def test_nobody_changes_arm_by_registering_or_merging(sql):
    """A guest, and two accounts, as they were known when the audience was frozen, and as one customer later."""
    tables = arms(400, 0, 400, 0)
    query = "select customer_id, is_held_out from marts.campaign_audiences"
    before = dict(run(sql, tables, query))
    merged = [(account, f"new-{int(account[1:]) // 2}") for account, _ in tables["int_known_ids"]]
    # The arm of two is that of the smaller id by code point.
    expected = {customer: before[account] for account, customer in sorted(merged, reverse=True)}
    assert dict(run(sql, tables | {"int_known_ids": merged}, query)) == expected
    again = [(account, f"later-{customer}") for account, customer in merged]
    assert dict(run(sql, tables | {"int_known_ids": again}, query)) == {
        f"later-{customer}": arm for customer, arm in expected.items()
    }


@pytest.mark.parametrize("sizes, holdout, verdict", [
    ((1000, 100, 1000, 40), "50", "More of the treated bought"),
    ((1000, 40, 1000, 100), "50", "Fewer of the treated bought"),
    ((1000, 50, 1000, 52), "50", "No difference is shown"),
    ((30, 5, 30, 5), "50", "No difference is shown"),
    ((30, 9, 29, 1), "50", "An arm holds fewer than 30 customers"),
    ((1000, 100, 800, 40), "50", "The arms do not have the promised sizes"),
    ((1000, 100, 0, 0), "0", "Nobody is held out"),
])
def test_a_verdict_in_a_sentence(sql, sizes, holdout, verdict):
    ((found,),) = run(sql, arms(*sizes, holdout=holdout), "select verdict from marts.campaign_lift")
    assert found.startswith(verdict)


@pytest.mark.parametrize("buyers, verdict", [
    # A fixed interval would call the first a difference: 33 of 200 less 18 is 1.0 to 14.2 points.
    (33, "The campaign is still on: wait for its end."),
    (50, "More of the treated bought so far than would have without it, however often one looks."),
    (1, "Fewer of the treated bought so far than would have without it, however often one looks."),
])
def test_a_campaign_that_runs_or_has_not_begun_gets_no_final_verdict(sql, buyers, verdict):
    tables = arms(200, buyers, 200, 18)
    campaign, segment, starts_on, *_ = tables["stg_marketing_campaigns"][0]
    tables["stg_marketing_campaigns"] = [
        (campaign, segment, starts_on, AS_OF_DATE + timedelta(days=1), "50"),
        ("later", segment, AS_OF_DATE + timedelta(days=1), AS_OF_DATE + timedelta(days=9), "50"),
    ]
    found = run(sql, tables, "select marketing_campaign_id, is_final, customers, verdict from marts.campaign_lift")
    assert found == [("later", False, 400, "The campaign has not begun."), ("spring", False, 400, verdict)]


@pytest.mark.parametrize(("held_out_buyers", "is_shown"), [(FEW_BUYERS - 1, False), (FEW_BUYERS, True)])
def test_money_is_shown_while_it_runs_if_enough_have_bought(sql, held_out_buyers, is_shown):
    tables = arms(200, 50, 200, held_out_buyers)
    campaign, segment, starts_on, *_ = tables["stg_marketing_campaigns"][0]
    query = "select net_revenue_lift is not null, conversion_lift is not null from marts.campaign_lift"
    running = [(campaign, segment, starts_on, AS_OF_DATE + timedelta(days=1), "50")]
    assert run(sql, tables | {"stg_marketing_campaigns": running}, query) == [(is_shown, True)]
    assert run(sql, tables, query) == [(True, True)]


@pytest.mark.parametrize("in_each_arm", [1, 2])
def test_a_tier_is_compared_if_each_arm_has_two_of_it(sql, in_each_arm):
    tables = arms(100, 20, 100, 10)
    customers = [customer for customer, _ in tables["int_known_ids"]]
    held_out = [customer for customer in customers if bucket(f"spring:{customer}") < 5000]
    treated = [customer for customer in customers if customer not in held_out]
    high = held_out[:in_each_arm] + treated
    tables["membership_changes"] += changes_of([
        ("high_value_active" if customer in high else "low_value_active", customer, date(2025, 2, 28), None)
        for customer in customers
    ])
    query = "select stratified_net_revenue_lift is not null from marts.campaign_lift"
    tables["membership_changes"] = [row for row in tables["membership_changes"] if row[1] != treated[0]] + changes_of([
        (state, treated[0], date(2025, 2, 28), None) for state in ("loyal_buyers", "low_value_active")
    ])
    # One treated customer alone is of low value.
    assert run(sql, tables, query) == [(False,)]
    tables["membership_changes"] += changes_of([("low_value_active", treated[1], date(2025, 2, 28), None)])
    former = ("high_value_active", treated[1])
    tables["membership_changes"] = [row for row in tables["membership_changes"] if row[:2] != former]
    assert run(sql, tables, query) == [(in_each_arm == 2,)]


def test_a_campaign_without_people_gets_no_verdict_on_its_holdout(sql):
    tables = arms(200, 50, 200, 5)
    campaign, segment, starts_on, ends_on, _ = tables["stg_marketing_campaigns"][0]
    tables["stg_marketing_campaigns"] = [
        (campaign, "loyal_buyer", starts_on, ends_on, "10"),
        ("early", segment, date(2025, 1, 1), ends_on, "10"),
    ]
    assert run(sql, tables, "select marketing_campaign_id, customers, verdict from marts.campaign_lift") == [
        ("early", 0, "Nobody was in the segment before the campaign began: there is nobody to compare."),
        ("spring", 0, "There is no segment loyal_buyer: nobody can be treated or held out.")]


def test_an_email_test_of_64000_customers_has_the_published_lifts(sql):
    """Hillstrom's e-mail test: visits of those who got an e-mail on men's or women's goods, against those who got none.
    """
    for treated, visits in ((21_307, 0.1828), (21_387, 0.1514)):
        none, none_visits = 21_306, 0.1062
        tables = arms(treated, round(treated * visits), none, round(none * none_visits))
        ((lift, low, high),) = run(
            sql, tables, "select conversion_lift, conversion_lift_from, conversion_lift_to from marts.campaign_lift"
        )
        by_hand = newcombe(round(treated * visits), treated, round(none * none_visits), none)
        assert [float(value) for value in (lift, low, high)] == pytest.approx(list(by_hand), abs=1e-8)
        assert float(lift) == pytest.approx(visits - none_visits, abs=1e-4)
        assert low > 0
