"""The history follows people whose id changes: guests who register, and accounts that merge.

Courses of dates by hand.
"""

from datetime import date

import duckdb
import pytest

from ecommerce_segments.build import backfill
from test_history import LOG_COLUMNS, Warehouse, run, sql  # noqa: F401

pytestmark = pytest.mark.xdist_group("history")

DAYS = [date(2025, 1, day) for day in range(1, 6)]


def state(stages: dict, **members: str) -> dict:
    """Customers by id with their stage, and the members of the segment s, letter by letter."""
    return {
        "registered": ["s", "current_sale_buyers"],
        "members": {("s", customer) for customer in members.pop("s", "")},
        "lifecycle_stage": stages,
        "rfm_group": dict.fromkeys(stages),
        **members,
    }


@pytest.fixture
def course(sql):  # noqa: F811
    """Runs the states of consecutive days; returns what a query then finds."""
    connection = duckdb.connect()
    connection.execute("attach ':memory:' as shop; use shop; create schema marts")

    def play(*states: dict, days=DAYS):
        for day, its_state in zip(days, states):
            run(connection, sql, day, its_state)
        return lambda query: sorted(connection.execute(query.replace("day(", "extract(day from ")).fetchall(), key=repr)

    yield play
    connection.close()


STAYS = "select customer_id, day(entered_on), day(exited_on) from marts.segment_history where segment = 's'"
SIZES = "select day(as_of_date), customers, entered, exited from marts.segment_sizes where segment = 's'"
MOVES = (
    "select day(as_of_date), from_value, to_value, customers from marts.segment_transitions where trait ="
    " 'lifecycle_stage'"
)
IDS = "select day(as_of_date), former_id, customer_id from marts.identity_changes"


def test_a_guest_who_registers_neither_leaves_nor_enters(course):
    found = course(
        state({"g": "lead"}, s="g"), state({"a": "new"}, s="a", ids={"g": "a"}), state({"a": "new"}, ids={"g": "a"})
    )
    assert found(STAYS) == [("a", 1, 3)]
    assert found(SIZES) == [(1, 1, None, None), (2, 1, 0, 0), (3, 0, 0, 1)]
    assert found(MOVES) == [(2, "lead", "new", 1), (3, "new", "new", 1)]
    assert found(IDS) == [(2, "g", "a")]


def test_the_stay_of_who_registers_and_leaves_on_one_date_ends_under_the_new_id(course):
    found = course(
        state({"g": "lead"}, s="g"), state({"a": "lead"}, ids={"g": "a"}), state({"a": "lead"}, s="a", ids={"g": "a"})
    )
    assert found(STAYS) == [("a", 1, 2), ("a", 3, None)]
    assert found(SIZES) == [(1, 1, None, None), (2, 0, 0, 1), (3, 1, 1, 0)]


def test_of_stays_that_meet_the_earlier_beginning_holds(course):
    """b was inside first; when it merges into a, who has a stage of its own, one customer is left, and nobody went."""
    found = course(state({"a": "active", "b": "lead"}, s="b"), state({"a": "active", "b": "lead"}, s="ab"),
                   state({"a": "at_risk"}, s="a", ids={"b": "a"}), state({"a": "at_risk"}, ids={"b": "a"}))
    assert found(STAYS) == [("a", 1, 4)]
    assert found(SIZES) == [(1, 1, None, None), (2, 2, 1, 0), (3, 1, 0, 0), (4, 0, 0, 1)]
    assert found(MOVES) == [
        (2, "active", "active", 1),
        (2, "lead", "lead", 1),
        (3, "active", "at_risk", 1),
        (4, "at_risk", "at_risk", 1),
    ]


def test_three_ids_that_become_a_fourth_are_one_stay(course):
    """The stage of the smallest id is that from which the customer comes, as the new one had none."""
    found = course(state({"c": "new", "d": "lead"}, s="d"), state({"c": "new", "d": "lead", "b": "active"}, s="bcd"),
                   state({"a": "new"}, s="a", ids={"b": "a", "c": "a", "d": "a"}))
    assert found(STAYS) == [("a", 1, None)]
    assert found(SIZES) == [(1, 1, None, None), (2, 3, 2, 0), (3, 1, 0, 0)]
    assert (3, "active", "new", 1) in found(MOVES) and sum(row[3] for row in found(MOVES) if row[0] == 3) == 1


def test_an_id_that_changes_again_keeps_its_beginning(course):
    found = course(
        state({"g": "lead"}, s="g"),
        state({"b": "lead"}, s="b", ids={"g": "b"}),
        state({"a": "lead"}, s="a", ids={"g": "a", "b": "a"}),
    )
    assert found(STAYS) == [("a", 1, None)]
    assert found(IDS) == [(2, "g", "b"), (3, "b", "a")]


def test_who_is_two_again_goes_on_under_the_id_that_the_run_before_knew(course):
    found = course(
        state({"b": "lead"}, s="b"),
        state({"a": "lead"}, s="a", ids={"b": "a"}),
        state({"a": "lead", "b": "new"}, s="ab"),
        state({"a": "lead"}, s="a", ids={"b": "a"}),
    )
    assert found(STAYS) == [("a", 1, None)]
    assert found(SIZES) == [(1, 1, None, None), (2, 1, 0, 0), (3, 2, 1, 0), (4, 1, 0, 0)]
    assert found(MOVES) == [
        (2, "lead", "lead", 1),
        (3, "lead", "lead", 1),
        (3, "none", "new", 1),
        (4, "lead", "lead", 1),
    ]


def test_an_id_that_is_known_no_more_leaves(course):
    found = course(state({"a": "lead", "b": "lead"}, s="ab"), state({"a": "lead"}, s="a"))
    assert found(STAYS) == [("a", 1, None), ("b", 1, 2)]
    assert found(MOVES) == [(2, "lead", "lead", 1), (2, "lead", "none", 1)]


def test_a_date_that_is_run_again_is_told_anew(course):
    first, merged = state({"a": "lead", "b": "lead"}, s="ab"), state({"a": "new"}, s="a", ids={"b": "a"})
    found = course(first, merged, first, merged, days=[DAYS[0], DAYS[1], DAYS[1], DAYS[1]])
    assert found(IDS) == [(2, "b", "a")]
    assert found(SIZES) == [(1, 2, None, None), (2, 1, 0, 0)]
    found = course(first, days=[DAYS[1]])
    assert found(IDS) == [] and found(SIZES) == [(1, 2, None, None), (2, 2, 0, 0)]


def test_sizes_say_of_which_sale_they_are(course):
    found = course(
        state({"a": "lead"}, sale="winter"), state({"a": "lead"}, sale="summer"), state({"a": "lead"}, s="a")
    )
    assert found("select day(as_of_date), segment, edition from marts.segment_sizes") == [
        (1, "current_sale_buyers", "winter"), (1, "s", None), (2, "current_sale_buyers", "summer"), (2, "s", None),
        (3, "current_sale_buyers", None), (3, "s", None)]


# The log as it was before it knew of ids that change.
FORMER_LOG = """
    create or replace table marts.membership_changes as
    select as_of_date, kind, state, customer_id, change_type from marts.membership_changes
"""


def test_a_warehouse_of_an_earlier_version_goes_on(project, tmp_path):
    """Its log has no columns for it. The date after follows ids that changed since."""
    warehouse = Warehouse(project, tmp_path)
    assert warehouse.build("2025-02-28").success
    ids = warehouse.rows(
        "select account_id, customer_id from marts.customer_accounts where account_id <> customer_id and account_id"
        " not like 'guest:%'"
    )
    former, current = ids[0]
    with duckdb.connect(warehouse.database) as connection:
        connection.execute(FORMER_LOG)
        connection.execute(
            "update marts.membership_changes set customer_id = ? where customer_id = ?", [former, current]
        )
    before = warehouse.rows("from marts.membership_changes")
    built = warehouse.build("2025-03-31", "--exclude", "path:models/staging", "path:seeds")
    assert built.success, built.result
    assert (
        warehouse.rows(
            "select as_of_date, kind, state, customer_id, change_type from marts.membership_changes where as_of_date <"
            " '2025-03-31'"
        )
        == before
    )
    assert warehouse.rows(f"from marts.identity_changes where former_id = '{former}'") == [
        (date(2025, 3, 31), former, current)
    ]
    inside = "select segment, customer_id from marts.segment_history where exited_on is null"
    assert warehouse.rows(inside) == warehouse.rows("select segment, customer_id from marts.segment_memberships")
    assert warehouse.rows(f"from ({inside}) where customer_id = '{former}'") == []


def test_a_backfill_moves_the_beginnings_of_stays_that_went_on_after_it(tmp_path):
    """The log begins on the 2nd with g and b. g becomes a on the 3rd, and meets b on the 4th; the 1st, filled in later,
    knows both."""
    def change(day, customer_id, change_type, entered_on=None, continued_as=None):
        return (
            DAYS[day - 1],
            "segment",
            "s",
            customer_id,
            change_type,
            entered_on and DAYS[entered_on - 1],
            continued_as,
            None,
        )

    later = [change(3, "g", "handed_over", continued_as="a"), change(3, "a", "continued", 2),
             change(4, "b", "handed_over", continued_as="a"), change(4, "a", "merged", 2), change(5, "a", "exited")]
    with duckdb.connect(tmp_path / "shop.duckdb") as connection:
        connection.execute(f"create schema marts; create table marts.membership_changes ({LOG_COLUMNS})")
        connection.executemany("insert into marts.membership_changes values (?, ?, ?, ?, ?, ?, ?, ?)",
                               [change(2, "g", "entered"), change(2, "b", "entered"), *later])
        connection.execute(f"create temp table filled ({LOG_COLUMNS})")
        connection.executemany(
            "insert into filled values (?, ?, ?, ?, ?, ?, ?, ?)", [change(1, "b", "entered"), change(2, "g", "entered")]
        )
        log = connection.execute("from filled").to_arrow_table()
    backfill.put_into_place(tmp_path / "shop.duckdb", log, DAYS[0], DAYS[1])
    with duckdb.connect(tmp_path / "shop.duckdb") as connection:
        found = connection.execute("from marts.membership_changes order by as_of_date, change_type").fetchall()
    assert found == [
        change(1, "b", "entered"),
        change(2, "g", "entered"),
        change(3, "a", "continued", 2),
        change(3, "g", "handed_over", continued_as="a"),
        change(4, "b", "handed_over", continued_as="a"),
        change(4, "a", "merged", 1),
        change(5, "a", "exited"),
    ]
