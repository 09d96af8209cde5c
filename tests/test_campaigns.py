"""Campaign results: the SQL against plain Python on random campaigns."""

import hashlib
import itertools
import random
from datetime import date, timedelta
from decimal import Decimal

import duckdb
import pyarrow as pa
import pytest

from random_shops import random_shop, write_shop
from statistics_by_hand import newcombe, welch

AS_OF_DATE = date(2025, 3, 31)
MODELS = ["campaign_audiences", "campaign_lift"]
SMALL_ARM = 30
SEGMENTS = ["loyal_buyers", "non_target"]


@pytest.fixture(scope="module")
def sql(project, tmp_path_factory):
    """The rendered SQL of the campaign marts, by name."""
    raw_dir = tmp_path_factory.mktemp("any")
    write_shop(random_shop(1, AS_OF_DATE), raw_dir, "parquet")
    compiled = project.compiled(raw_dir, as_of_date=str(AS_OF_DATE), min_arm_customers=SMALL_ARM)
    return {model.name: model.sql for model in compiled.models if model.name in MODELS}


def random_campaigns(rng: random.Random) -> dict[str, list[tuple]]:
    """Tables that the campaign marts read, small, with dates that meet at the boundaries."""
    day = AS_OF_DATE - timedelta(days=20)
    near = lambda: day + timedelta(days=rng.choice([-30, -1, 0, 1, 10]))  # noqa: E731
    customers = [f"c{number}" for number in range(rng.choice([80, 300]))]
    former_ids = {f"former-{customer}": customer for customer in rng.sample(customers, 10)}
    stays = []
    for segment in SEGMENTS:
        for identity in rng.sample([*customers, *former_ids, "unknown"], len(customers)):
            entered_on = near()
            exits = [
                exited_on
                for exited_on in (entered_on + timedelta(days=1), day, day + timedelta(days=1))
                if exited_on > entered_on
            ]
            stays.append((segment, identity, entered_on, rng.choice([None, None, *exits])))
    return {
        "stg_marketing_campaigns": [
            (
                f"campaign-{number}",
                rng.choice(SEGMENTS),
                starts_on := near(),
                starts_on + timedelta(days=rng.choice([0, 7, 40])),
                holdout,
            )
            for number, holdout in enumerate(rng.choices(["0", "10", "12.5", "50"], k=4))
        ],
        "membership_changes": changes_of(stays),
        "int_known_ids": [(customer, customer) for customer in customers] + list(former_ids.items()),
        "int_purchases": [
            (
                f"o{number}",
                rng.choice([*customers, None]),
                near() + timedelta(days=rng.choice([0, 7, 8])),
                f"{rng.uniform(1, 300):.2f}",
            )
            for number in range(len(customers))
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
        arms = {True: [], False: []}
        for customer, frozen_id in audience.items():
            digits = hashlib.sha256(f"{campaign}:{frozen_id}".encode()).hexdigest()[:8]
            bought = [Decimal(revenue) for _, buyer, bought_on, revenue in tables["int_purchases"]
                      if buyer == customer and starts_on <= bought_on <= ends_on]
            arms[int(digits, 16) % 10_000 < Decimal(holdout) * 100].append(bought)
        sizes = [len(arms[False]), len(arms[True])]
        buyers = [sum(bool(bought) for bought in arms[is_held_out]) for is_held_out in (False, True)]
        revenues = [[float(sum(bought)) for bought in arms[is_held_out]] for is_held_out in (False, True)]
        lifts = (None,) * 6
        if min(sizes) >= SMALL_ARM:
            lifts = newcombe(buyers[0], sizes[0], buyers[1], sizes[1]) + (
                welch(*revenues) if any(len(set(values)) > 1 for values in revenues) else (0.0, 0.0, 0.0))
        results.append(
            (
                campaign,
                len(audience),
                *sizes,
                *buyers,
                *(sum(map(sum, arms[arm]), Decimal(0)) for arm in (False, True)),
                lifts,
            )
        )
    return sorted(results)


def run(sql: dict, tables: dict, query: str) -> list[tuple]:
    with duckdb.connect() as connection:
        connection.execute(
            "attach ':memory:' as shop; use shop; create schema marts; create schema staging; create schema"
            " intermediate"
        )
        for table, columns in COLUMNS.items():
            schema = {"stg": "staging", "int": "intermediate"}.get(table[:3], "marts")
            connection.execute(f"create table {schema}.{table} ({columns})")
            if tables[table]:
                rows = pa.table(  # noqa: F841
                    [pa.array(values) for values in zip(*tables[table])],
                    names=[f"column_{number}" for number in range(len(tables[table][0]))],
                )
                connection.execute(f"insert into {schema}.{table} from rows")
        for model in MODELS:
            connection.execute(f"create table marts.{model} as {sql[model]}")
        return sorted(connection.execute(query).fetchall())


@pytest.mark.parametrize("seed", range(20))
def test_lift_agrees_with_plain_python(sql, seed):
    tables = random_campaigns(random.Random(seed))
    found = run(
        sql,
        tables,
        """
        select marketing_campaign_id, customers, treated_customers, held_out_customers, treated_buyers, held_out_buyers,
            treated_net_revenue, held_out_net_revenue,
            conversion_lift, conversion_lift_from, conversion_lift_to, net_revenue_lift, net_revenue_lift_from, net_revenue_lift_to
        from marts.campaign_lift
    """,  # noqa: E501
    )
    for row, wanted in zip(found, expected(tables), strict=True):
        assert row[:8] == wanted[:8]
        # Student's quantile is an expansion: right to 5 digits.
        for value, by_hand in zip(row[8:], wanted[8], strict=True):
            assert (value is None) == (by_hand is None)
            assert value is None or float(value) == pytest.approx(by_hand, rel=2e-5, abs=2e-6)


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
    ((29, 9, 29, 1), "50", "An arm holds fewer than 30 customers"),
    ((1000, 100, 800, 40), "50", "The arms do not have the promised sizes"),
    ((1000, 100, 0, 0), "0", "Nobody is held out"),
])
def test_a_verdict_in_a_sentence(sql, sizes, holdout, verdict):
    ((found,),) = run(sql, arms(*sizes, holdout=holdout), "select verdict from marts.campaign_lift")
    assert found.startswith(verdict)


def test_a_campaign_that_runs_or_has_not_begun_gets_no_verdict(sql):
    tables = arms(200, 50, 200, 5)
    campaign, segment, starts_on, *_ = tables["stg_marketing_campaigns"][0]
    tables["stg_marketing_campaigns"] = [
        (campaign, segment, starts_on, AS_OF_DATE + timedelta(days=1), "50"),
        ("later", segment, AS_OF_DATE + timedelta(days=1), AS_OF_DATE + timedelta(days=9), "50"),
    ]
    found = run(sql, tables, "select marketing_campaign_id, is_over, customers, verdict from marts.campaign_lift")
    assert found == [
        ("later", False, 400, "The campaign has not begun."),
        ("spring", False, 400, "The campaign is still on: wait for its end."),
    ]


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
