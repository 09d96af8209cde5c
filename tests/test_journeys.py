"""Journeys over courses of nights: no event twice, none lost, whichever dates are built; and their export."""

import random
from datetime import date, timedelta

import pytest

import oracle
import oracle_journeys
from ecommerce_segments.activate import journeys
from ecommerce_segments.activate.formats import Acknowledged
from random_shops import random_shop, write_shop
from test_export import Reader, read
from test_random_shops import FEW, SHORT_JOURNEYS

# One worker runs them all, so that the SQL is rendered once.
pytestmark = pytest.mark.xdist_group("journeys")

LAST = date(2025, 3, 31)
DATES = [LAST - timedelta(days=days) for days in (5, 2, 1, 0)]
SEEDS = range(3)


def lasting_shop(seed: int) -> dict:
    """A random shop that takes nothing back and learns nothing late: no refund, no refusal, no account that merges or
    comes after what it did, no visitor who is known later, and no visit over midnight."""
    shop = random_shop(seed, LAST, dirt=0)
    for number, account in enumerate(shop["customers"]):
        account.update(email=f"c{number}@example.com", email_consent="subscribed", is_test=None)
        account["created_at"] = "2020-01-01T00:00:00Z"
    accounts = {account["customer_id"]: account["email"] for account in shop["customers"]}
    for account in shop["customers"]:  # versions of one account
        account["email"] = accounts[account["customer_id"]]
    for order in shop["orders"]:
        order.update(email=None, is_test=None)
    started = {}
    for session in shop.get("sessions", []):
        session["visitor_id"] = None
        started.setdefault(session["session_id"], session["started_at"])
    for session in shop.get("sessions", []):
        session["started_at"] = started[session["session_id"]]
    for event in shop.get("web_events", []):
        event["occurred_at"] = started.get(event["session_id"], event["occurred_at"])
    return {table: rows for table, rows in shop.items() if table not in ("refunds", "email_events", "reviews")}


@pytest.fixture(scope="module")
def nights(project, tmp_path_factory):
    """seed -> date -> the shop as it was built for that date, and what the oracle knows of it."""
    directory, built = tmp_path_factory.mktemp("nights"), {}
    shops = {seed: lasting_shop(seed) for seed in SEEDS}
    for seed, shop in shops.items():
        write_shop(shop, directory / str(seed), "parquet")
    for on in DATES:
        settings = FEW | {"as_of_date": on, "journeys": SHORT_JOURNEYS}
        variables = settings | {"as_of_date": str(on), "max_rejected_rows": 1_000_000, "max_days_without_orders": None}
        sql = project.compiled(directory / "0", ("+journey_events", "+customer_contacts"), **variables)
        relations = {model.name: model.relation for model in sql.models}
        for seed, shop in shops.items():
            reader = Reader(sql.build(directory / str(seed)), on, relations)
            built.setdefault(seed, {})[on] = reader, oracle.compute(shop, **settings)
    yield built
    for readers in built.values():
        for reader, _ in readers.values():
            reader.connection.close()


def events(reader: Reader) -> dict[str, dict]:
    """The mart by event_id, without what is of its date alone."""
    rows = reader.rows("select * exclude (as_of_date, held_back_by) from {{ ref('journey_events') }}")
    assert len({row["event_id"] for row in rows}) == len(rows)
    return {row["event_id"]: row for row in rows}


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_due_by_tomorrow_is_the_same_in_every_later_build(nights, seed):
    """Replenishment apart, which due_products drops and whose gaps follow all buyers, and last year's birthdays."""
    compared = 0
    for on in DATES[:-1]:
        tomorrow = on + timedelta(days=1)
        due, later = (
            {key: row for key, row in events(nights[seed][built_on][0]).items()
             if row["due_on"] <= tomorrow and row["journey"] != "replenishment"
             and not (row["journey"] == "birthday" and row["due_on"] < on - timedelta(days=180))}
            for built_on in (on, LAST)
        )  # fmt: skip
        assert due == later
        compared += sum(row["due_on"] == tomorrow for row in due.values())
    assert compared > 0


@pytest.mark.parametrize("seed", SEEDS)
def test_random_nights_export_no_event_twice_and_lose_none(nights, tmp_path, seed):
    """Nights are left out, repeated, and not acknowledged; what was imported in the end is what all nights would have
    brought, but for what was held back in some of them."""
    rng = random.Random(f"nights {seed}")
    oracles = [oracle_journeys.compute(result)["journey_events"] for _, result in nights[seed].values()]
    due = {key for key, row in oracles[-1].items()
           if DATES[0] < row["due_on"] <= LAST + timedelta(days=1) and row["journey"] != "replenishment"}
    to_send = {key for key in due if all(rows[key]["held_back_by"] is None for rows in oracles if key in rows)}
    for course in range(10):
        acknowledged, imported = Acknowledged(tmp_path / str(course)), []
        first = True
        for on in DATES:
            if not first and on != LAST and rng.random() < 0.4:
                continue
            files = []
            for _ in range(rng.choice([1, 1, 2])):
                journeys.export_journeys(nights[seed][on][0], acknowledged, tmp_path / "out")
                files.append(read(tmp_path / "out" / journeys.FILE))
            assert files[0] == files[-1]
            if first or on == LAST or rng.random() < 0.7:
                imported += [row for row in files[-1] if row["journey"] != "replenishment"]
                journeys.acknowledge_journeys(acknowledged)
            first = False
        ids = [row["event_id"] for row in imported]
        assert len(set(ids)) == len(ids)
        assert to_send and to_send <= set(ids) <= due


def test_an_export_begins_after_the_acknowledged_one_and_goes_back_two_weeks_at_most():
    assert journeys.due_dates("2025-03-31", None) == (date(2025, 3, 31), date(2025, 4, 1))
    assert journeys.due_dates("2025-03-31", "2025-03-30") == (date(2025, 3, 31), date(2025, 4, 1))
    assert journeys.due_dates("2025-03-31", "2025-03-28") == (date(2025, 3, 29), date(2025, 4, 1))
    assert journeys.due_dates("2025-03-31", "2025-03-17") == (date(2025, 3, 18), date(2025, 4, 1))
    assert journeys.due_dates("2025-03-31", "2025-03-16") == (date(2025, 3, 18), date(2025, 4, 1))
    assert journeys.due_dates("2025-03-31", "2025-03-31") == (date(2025, 4, 1), date(2025, 4, 1))
