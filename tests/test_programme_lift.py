"""What a programme of messages brings: the SQL against plain Python on random audiences, and its rules by hand."""

import random
from datetime import date, timedelta
from decimal import Decimal

import pytest

from test_campaigns import AS_OF_DATE, COMPARED, agree, bucket, changes_of, people_of, result, run, sql  # noqa: F401

# AS_OF_DATE is the last day of this quarter, and messages of the next one are built on it.
QUARTER, STARTS_ON = "2025-Q1", date(2025, 1, 1)
QUERY = f"select calendar_quarter, {COMPARED} from marts.programme_lift"


def share(as_of_date: date, percent: str) -> tuple:
    """What a build remembers of the setting."""
    return (as_of_date, "global_holdout_share", "customers", Decimal(percent) / 100)


def random_tables(rng: random.Random) -> dict[str, list[tuple]]:
    """Audiences that change about the start of the quarter, under ids of today and former ones."""
    customers = [f"c{number}" for number in range(400)]
    ids = [*customers, *(f"former-{customer}" for customer in customers[:40]), "unknown"]
    changes = []
    for segment in ("loyal_buyers", "birthday_soon"):
        for identity in rng.sample(ids, 300):
            added_on = STARTS_ON + timedelta(days=rng.choice([-40, -40, -40, -1, 0, 5]))
            changes.append((added_on, segment, identity, "added", "hash"))
            if rng.random() < 0.3:
                removed_on = max(added_on + timedelta(days=1), STARTS_ON + timedelta(days=rng.choice([-1, 0])))
                changes.append((removed_on, segment, identity, "removed", "hash"))
    return {
        "stg_marketing_campaigns": [],
        "audience_changes": changes,
        "built_figures": [share(STARTS_ON - timedelta(days=1), rng.choice(["30", "50"])), share(AS_OF_DATE, "20"),
                          share(AS_OF_DATE - timedelta(days=1), rng.choice(["30", "50", "27.5"]))],
        "membership_changes": changes_of([
            ("high_value_active", identity, STARTS_ON + timedelta(days=rng.choice([-30, -1, 0])), None)
            for identity in rng.sample(ids, 200)
        ]),
        "int_known_ids": [(customer, customer) for customer in customers] + [(i, i[7:]) for i in ids[400:-1]],
        "int_purchases": [
            (
                f"o{number}",
                rng.choice(customers),
                STARTS_ON + timedelta(days=rng.choice([-181, -180, -1, 0, 40, 89, 90])),
                f"{rng.uniform(1, 300):.2f}",
            )
            for number in range(600)
        ],
    }


def expected(tables: dict) -> tuple:
    """The row of the quarter, from the sentences of docs/definitions.md."""
    percent = min(percent for built_on, *_, percent in tables["built_figures"] if built_on < AS_OF_DATE) * 100
    inside = set()
    for on, segment, identity, change, _ in sorted(tables["audience_changes"]):
        if on < STARTS_ON:
            (inside.add if change == "added" else inside.discard)((segment, identity))
    customer_of = dict(tables["int_known_ids"])
    known = sorted({identity for _, identity in inside} & customer_of.keys(), reverse=True)
    frozen = {customer_of[identity]: identity for identity in known}
    is_held_out = {customer: bucket(f"{QUARTER}:{identity}") < percent * 100 for customer, identity in frozen.items()}
    return (QUARTER, *result(people_of(is_held_out, STARTS_ON, AS_OF_DATE, tables), is_final=True))


@pytest.mark.parametrize("seed", range(5))
def test_lift_of_a_quarter_agrees_with_plain_python(sql, seed):  # noqa: F811
    tables = random_tables(random.Random(seed))
    wanted = expected(tables)
    assert None not in wanted[-1]
    agree(run(sql, tables, QUERY), [wanted])


def quarters(sql: dict, *figures: tuple) -> list[tuple]:  # noqa: F811
    """Quarters and percents of a shop with an audience since September 2024."""
    tables = random_tables(random.Random(0))
    tables["built_figures"] = list(figures)
    tables["audience_changes"] = [
        (date(2024, 9, 30), "loyal_buyers", f"c{number}", "added", "hash") for number in range(400)
    ]
    return run(sql, tables, "select calendar_quarter, holdout_percent from marts.programme_lift")


def test_a_quarter_is_shown_if_all_its_messages_were_built_with_a_holdout(sql):  # noqa: F811
    shown = [("2024-Q4", Decimal(10)), ("2025-Q1", Decimal(20))]
    whole = [share(date(2024, 9, 30), "10"), share(date(2024, 12, 30), "30"), share(date(2024, 12, 31), "20")]
    assert quarters(sql, *whole) == shown
    # Those of the last day before a quarter are its own.
    assert quarters(sql, *whole, share(AS_OF_DATE, "5")) == shown
    assert quarters(sql, *whole, share(date(2025, 1, 1), "0")) == shown[:1]
    assert quarters(sql, *whole, share(date(2024, 12, 29), "0")) == shown[1:]
    # Nobody knows whom mail could reach before the first build.
    assert quarters(sql, share(date(2024, 7, 1), "10")) == []
    # A later build knows nothing of this date.
    assert quarters(sql, share(date(2025, 4, 1), "10")) == []
