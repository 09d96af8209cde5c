"""Removal effects of channels: by hand, against removing channels one by one from a chain that is walked, from rows."""

import numpy as np
import pandas as pd
import pytest

from ecommerce_segments.estimate.channels import TRANSITIONS, removal_effects
from random_shops import write_shop
from test_oracle_by_hand import account, line, order

COLUMNS = ["from_channel", "to_channel", "is_conversion", "transitions", "net_revenue"]


def transitions_of(paths: list[tuple[list[str], bool, float]]) -> pd.DataFrame:
    """The transitions of paths: (channels, whether it ends in a purchase, its net revenue)."""
    rows = []
    for channels, is_conversion, revenue in paths:
        steps = [channel for place, channel in enumerate(channels) if place == 0 or channels[place - 1] != channel]
        rows += [(former, channel, False, 1, 0.0) for former, channel in zip([None, *steps], steps)]
        rows.append((steps[-1], None, is_conversion, 1, revenue))
    table = pd.DataFrame(rows, columns=COLUMNS)
    keys = COLUMNS[:3]
    return table.groupby(keys, dropna=False, as_index=False).sum()


def test_effects_of_three_paths_by_hand():
    """Paths A B (bought), A (nothing), B A (bought): start goes to A with 2/3 and to B with 1/3. From A, one of three
    goes to B, one ends in nothing and one in a purchase; from B, one of two goes to A and one ends in a purchase.

    a = P(purchase | A) = 1/3 b + 1/3, b = P(purchase | B) = 1/2 a + 1/2: a = 0.6, b = 0.8; P = 2/3 0.6 + 1/3 0.8 = 2/3.
    Without A: 1/3 x 1/2 = 1/6, effect 3/4. Without B: 2/3 x 1/3 = 2/9, effect 2/3. Credits are as 9 to 8.
    """
    effects = removal_effects(
        transitions_of([(["A", "A", "B"], True, 100.0), (["A"], False, 0.0), (["B", "A"], True, 70.0)])
    )
    assert effects["channel"].tolist() == ["A", "B"]
    assert effects["removal_effect"].tolist() == pytest.approx([3 / 4, 2 / 3])
    assert effects["purchases"].tolist() == pytest.approx([2 * 9 / 17, 2 * 8 / 17])
    assert effects["net_revenue"].tolist() == pytest.approx([90, 80])


def walked(transitions: pd.DataFrame, removed: str | None = None) -> float:
    """The chance to end in a purchase, by walking the chain step by step; who comes to the removed channel is lost."""
    chances = {}
    for start, rows in transitions.groupby("from_channel", dropna=False):
        total = rows["transitions"].sum()
        chances[None if pd.isna(start) else start] = [
            ("" if pd.isna(row.to_channel) else row.to_channel, row.is_conversion, row.transitions / total)
            for row in rows.itertuples()
        ]
    at, bought = {None: 1.0}, 0.0
    for _ in range(3000):
        following = {}
        for place, mass in at.items():
            for to, is_conversion, chance in chances[place]:
                if to and to != removed:
                    following[to] = following.get(to, 0.0) + mass * chance
                elif not to and is_conversion:
                    bought += mass * chance
        at = following
    return bought


@pytest.mark.parametrize("seed", range(5))
def test_effects_are_those_of_removing_each_channel(seed):
    rng = np.random.default_rng(seed)
    names = np.array(list("ABCDEF"))
    paths = [
        (list(rng.choice(names, rng.integers(1, 8))), bool(rng.random() < 0.3), float(rng.integers(1, 90)))
        for _ in range(40)
    ]
    transitions = transitions_of([(path, bought, revenue * bought) for path, bought, revenue in paths])
    effects = removal_effects(transitions).set_index("channel")
    whole = walked(transitions)
    for channel, row in effects.iterrows():
        assert row["removal_effect"] == pytest.approx(1 - walked(transitions, channel) / whole, abs=1e-9)
    assert effects["purchases"].sum() == pytest.approx(sum(bought for _, bought, _ in paths))
    assert effects["net_revenue"].sum() == pytest.approx(sum(revenue * bought for _, bought, revenue in paths))


def test_nothing_is_said_where_nobody_bought():
    assert removal_effects(transitions_of([(["A"], False, 0.0)])).empty
    assert removal_effects(pd.DataFrame(columns=COLUMNS)).empty


def test_paths_are_of_the_last_365_days_and_of_the_window(project, tmp_path):
    """D is 2025-06-30, so that the 365 days begin on 2024-07-01, and the window is of 30 dates."""

    def session(session_id: str, started_on: str, channel: str | None, customer: str | None, visitor=None):
        return {
            "session_id": session_id,
            "started_at": f"{started_on}T10:00:00",
            "channel": channel,
            "customer_id": customer,
            "visitor_id": visitor,
        }

    def bought(order_id: str, customer: str | None, day: str, total: str) -> tuple[dict, dict]:
        return (
            order(order_id, customer, f"{day}T12:00:00"),
            line(order_id, total),
        )

    orders = [
        bought("o1", "ann", "2025-06-30", "10"),
        bought("o2", "ben", "2024-06-30", "20"),  # a day too old: ben has bought nothing in the 365 days
        bought("o3", "eve", "2024-07-01", "40"),
    ]
    shop = {
        "customers": [account(customer) for customer in ("ann", "ben", "eve", "dan", "zoe")],
        "products": [],
        "orders": [head for head, _ in orders],
        "order_lines": [part for _, part in orders],
        "sessions": [
            session("s1", "2025-06-01", "search", "ann"),
            session("s2", "2025-06-02", "search", "ann"),  # equal, so it counts once
            session("s3", "2025-06-03", "direct", "ann"),  # not beside others
            session("s4", "2025-06-04", "social", "ann"),
            session("s5", "2024-08-01", "search", "ben"),
            session("s6", "2024-06-30", "social", "zoe"),  # a day too old
            session("s7", "2025-01-01", "social", "dan"),  # 30 dates end with the last touch: 2 January to 31 January
            session("s8", "2025-01-02", "direct", "dan"),
            session("s9", "2025-01-31", "direct", "dan"),
            session("t1", "2025-05-05", None, None, "visitor"),
            session("t2", "2025-05-05", "social", None, "undefined"),
            session("t3", "2025-05-05", "social", None, None),
        ],
    }
    settings = {"as_of_date": "2025-06-30", "max_rejected_rows": 1_000_000, "max_days_without_orders": None}
    write_shop(shop, tmp_path / "raw", "csv")
    sql = project.compiled(tmp_path / "raw", **settings)
    with sql.build(tmp_path / "raw") as connection:
        found = connection.execute(project.inline(TRANSITIONS, **settings)).fetchall()
    assert sorted(((*row[:4], float(row[4])) for row in found), key=str) == sorted(
        [
            (None, "search", False, 2, 0.0),
            ("search", "social", False, 1, 0.0),
            ("social", None, True, 1, 10.0),
            (None, "none", False, 1, 0.0),
            ("none", None, True, 1, 40.0),
            ("search", None, False, 1, 0.0),
            (None, "direct", False, 1, 0.0),
            ("direct", None, False, 1, 0.0),
            (None, "unknown", False, 1, 0.0),
            ("unknown", None, False, 1, 0.0),
        ],
        key=str,
    )
