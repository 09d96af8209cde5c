"""What campaigns earn: the SQL against plain Python on random campaigns."""

import hashlib
import random
from collections import defaultdict
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal

import duckdb
import pyarrow as pa
import pytest

from random_shops import random_shop, write_shop
from statistics_by_hand import welch
from test_campaigns import AS_OF_DATE, changes_of

MODELS = ["campaign_audiences", "int_compared_people", "campaign_margins"]
SMALL_ARM = 15
TIERS = {"high_value_active": "high", "high_value_at_risk": "high", "low_value_active": "low", "non_target": "low"}
COLUMNS = {
    "stg_marketing_campaigns": "marketing_campaign_id text, segment text, starts_on date, ends_on date, "
    "holdout_percent decimal(18,6), cost_per_message decimal(18,6), offer_cost decimal(18,6)",
    "membership_changes": "state text, customer_id text, as_of_date date, kind text, change_type text",
    "audience_changes": "as_of_date date, segment text, customer_id text, change text, email_sha256 text",
    "built_figures": "as_of_date date, figure text, subject text, share decimal(18,8)",
    "int_known_ids": "account_id text, customer_id text",
    "int_purchases": "order_id text, customer_id text, purchased_on date, net_revenue decimal(18,2), "
    "gross_margin decimal(28,6)",
}


@pytest.fixture(scope="module")
def sql(project, tmp_path_factory):
    """The rendered SQL of the campaign marts, by name."""
    raw_dir = tmp_path_factory.mktemp("any")
    write_shop(random_shop(1, AS_OF_DATE), raw_dir, "parquet")
    compiled = project.compiled(raw_dir, as_of_date=str(AS_OF_DATE), min_arm_customers=SMALL_ARM)
    return {model.name: model.sql for model in compiled.models if model.name in MODELS}


def random_tables(rng: random.Random) -> dict[str, list[tuple]]:
    """Tables that the marts read: stays that end about the start of a campaign, purchases of known cost or not."""
    day = AS_OF_DATE - timedelta(days=20)
    near = lambda: day + timedelta(days=rng.choice([-30, -1, 0, 1, 10]))  # noqa: E731
    customers = [f"c{number}" for number in range(200)]
    ids = customers + [f"former-{customer}" for customer in customers[:20]]
    stays = [("loyal_buyers", identity, day - timedelta(days=40), None) for identity in ids]
    for identity in ids:
        entered_on = near()
        exits = [on for on in (day, day + timedelta(days=1)) if on > entered_on]
        for segment in rng.sample([*TIERS, "first_time_buyers"], rng.choice([0, 1, 1, 1, 2])):
            stays.append((segment, identity, entered_on, rng.choice([None, *exits])))
    known = rng.choice([0, 1, 1, 1])
    return {
        "stg_marketing_campaigns": [
            (f"campaign-{number}", "loyal_buyers", starts_on := day + timedelta(days=number - 1),
             starts_on + timedelta(days=9), "50", rng.choice([None, "0.10"]), rng.choice([None, "0", "77.77"]))
            for number in range(3)
        ],
        "membership_changes": changes_of(stays),
        "int_known_ids": [(customer, customer) for customer in customers] + [(i, i[7:]) for i in ids[200:]],
        "int_purchases": [
            (f"o{number}", rng.choice([*customers, None]), near() + timedelta(days=rng.choice([0, 8, 9])),
             f"{rng.uniform(1, 300):.2f}", f"{rng.uniform(-20, 90):.6f}" if known and rng.random() < 0.8 else None)
            for number in range(400)
        ],
    }


def expected(tables: dict) -> dict:
    """What campaign_margins must say, from the sentences of docs/definitions.md."""
    customer_of, results = dict(tables["int_known_ids"]), {}
    costed = [(Decimal(revenue), Decimal(margin)) for *_, revenue, margin in tables["int_purchases"] if margin]
    margin_rate = (
        (sum(margin for _, margin in costed) / sum(revenue for revenue, _ in costed)).quantize(
            Decimal("1e-8"), ROUND_HALF_UP
        )
        if costed
        else None
    )
    for campaign, segment, starts_on, ends_on, holdout, message, offer in tables["stg_marketing_campaigns"]:
        inside = defaultdict(set)
        for state, identity, on, _, change in sorted(tables["membership_changes"], key=lambda row: row[2]):
            if on < starts_on:
                (inside[state].add if change == "entered" else inside[state].discard)(identity)
        frozen = {customer_of[identity]: identity for identity in sorted(inside[segment], reverse=True)}
        tier_of = defaultdict(set)
        for state, tier in TIERS.items():
            for identity in inside[state]:
                tier_of[customer_of[identity]].add(tier)
        margins = defaultdict(lambda: {True: [], False: []})
        for customer, identity in frozen.items():
            digits = hashlib.sha256(f"{campaign}:{identity}".encode()).hexdigest()[:8]
            arm = int(digits, 16) % 10_000 < Decimal(holdout) * 100
            bought = [
                money
                for _, buyer, bought_on, *money in tables["int_purchases"]
                if buyer == customer and starts_on <= bought_on <= ends_on
            ]
            margin = estimate(bought, margin_rate)
            for tier in ("all", min(tier_of[customer], default="none")):
                margins[tier][arm].append(margin)
        for tier, arms in margins.items():
            cost = float(message or 0) + float(offer or 0) / len(margins["all"][False])
            is_shown = min(map(len, arms.values())) >= SMALL_ARM and None not in arms[True] + arms[False]
            lift = welch(*([float(margin) for margin in arms[arm]] for arm in (False, True))) if is_shown else None
            results[campaign, tier] = (
                len(arms[False]),
                len(arms[True]),
                cost,
                *(lift or (None,) * 3),
                *([value - cost for value in lift] if lift else (None,) * 3),
            )
    return results


def estimate(bought: list[tuple], margin_rate: Decimal | None) -> Decimal | None:
    unknown = sum((Decimal(revenue) for revenue, margin in bought if margin is None), Decimal(0))
    if unknown and margin_rate is None:
        return None
    known = sum((Decimal(margin) for _, margin in bought if margin is not None), Decimal(0))
    return (known + unknown * (margin_rate or 0)).quantize(Decimal("1e-6"), ROUND_HALF_UP)


@pytest.mark.parametrize("seed", range(10))
def test_margins_agree_with_plain_python(sql, seed):
    tables = random_tables(random.Random(seed))
    with duckdb.connect() as connection:
        connection.execute("attach ':memory:' as shop; use shop")
        for schema in ("marts", "staging", "intermediate"):
            connection.execute(f"create schema {schema}")
        for table, columns in COLUMNS.items():
            schema = {"stg": "staging", "int": "intermediate"}.get(table[:3], "marts")
            connection.execute(f"create table {schema}.{table} ({columns})")
            if table in tables:
                rows = pa.table(  # noqa: F841
                    [pa.array(values) for values in zip(*tables[table])],
                    names=[f"column_{number}" for number in range(len(tables[table][0]))],
                )
                connection.execute(f"insert into {schema}.{table} from rows")
        for model in MODELS:
            schema = "intermediate" if model.startswith("int_") else "marts"
            connection.execute(f"create table {schema}.{model} as {sql[model]}")
        found = {row[:2]: row[2:] for row in connection.execute("""
            select marketing_campaign_id, value_tier, treated_customers, held_out_customers, cost_per_treated_customer,
                gross_margin_lift, gross_margin_lift_from, gross_margin_lift_to,
                net_margin_lift, net_margin_lift_from, net_margin_lift_to
            from marts.campaign_margins
        """).fetchall()}
    wanted = expected(tables)
    assert found.keys() == wanted.keys()
    for key, row in found.items():
        assert row[:2] == wanted[key][:2], key
        for value, by_hand in zip(row[2:], wanted[key][2:], strict=True):
            assert (value is None) == (by_hand is None), key
            # Student's quantile is an expansion, right to 5 digits from 30 degrees of freedom on.
            assert value is None or float(value) == pytest.approx(by_hand, rel=2e-3, abs=1e-5), key
