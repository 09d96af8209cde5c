"""The finance marts: figures computed by hand, the analyses that recompute them, and shops that lack what they ask for.
"""

from datetime import date
from decimal import Decimal
from math import isclose

import duckdb
import pytest

import oracle
import oracle_finance
from comparison import rows_by_key
from random_shops import random_shop, write_shop
from test_oracle_by_hand import account, line, order, purchases_on

ANALYSES = {
    "a_cohort_by_hand": "cohort_retention",
    "a_month_of_churn_by_hand": "churn_monthly",
    "the_first_repeats_by_hand": "repeat_purchases",
}
AS_OF_DATE = date(2025, 3, 31)


@pytest.fixture(scope="module")
def sql(project, tmp_path_factory):
    directory = tmp_path_factory.mktemp("any")
    write_shop(random_shop(0, AS_OF_DATE), directory, "parquet")
    return project.compiled(
        directory, as_of_date=str(AS_OF_DATE), max_rejected_rows=1_000_000, max_days_without_orders=None
    )


@pytest.fixture
def built(sql, tmp_path):
    """Builds a shop in memory. Returns its connection."""
    connections = []

    def build(shop: dict):
        write_shop(shop, tmp_path / str(len(connections)), "csv")
        connections.append(sql.build(tmp_path / str(len(connections))))
        return connections[-1]

    yield build
    for connection in connections:
        connection.close()


@pytest.mark.parametrize("seed", range(5))
def test_analyses_by_hand_equal_the_marts(sql, built, seed):
    connection = built(random_shop(seed, AS_OF_DATE))
    queries = {analysis.name: analysis.sql for analysis in sql.analyses}
    for analysis, mart in ANALYSES.items():
        assert_equals_mart(connection, queries[analysis], mart)


def assert_equals_mart(connection, query: str, mart: str) -> None:
    """Each row of the query is in the mart, in the columns that it has; rates to the mart's 8 places."""
    marts_rows = rows_by_key(connection, f"marts.{mart}", *oracle_finance.KEYS[mart])
    found = rows_by_key(connection, f"({query})", *oracle_finance.KEYS[mart])
    assert found
    for key, row in found.items():
        for column, value in row.items():
            stored = marts_rows[key][column]
            equal = (
                isclose(value, stored, abs_tol=1e-8)
                if column.endswith("_rate") and value is not None
                else value == stored
            )
            assert equal, (mart, key, column, value, stored)


def marts_of(shop: dict, as_of_date: date = AS_OF_DATE, **parameters) -> dict:
    return oracle_finance.compute(oracle.compute(shop, as_of_date=as_of_date, **parameters))


def test_the_oracle_by_hand():
    """Ann buys for 10 on the first day of three months and is silent; Bob buys once, on the last of them."""
    purchases = purchases_on("ann", "2024-05-01", "2024-06-01", "2024-07-01")
    last = purchases_on("bob", "2024-07-31")
    shop = {
        "customers": [account("ann", acquisition_channel="search"), account("bob")],
        "orders": purchases["orders"] + last["orders"],
        "order_lines": purchases["order_lines"] + last["order_lines"],
        "products": [],
        "marketing_spend": [{"spend_date": "2024-05-31", "channel": "search", "amount": "15", "currency": "EUR"}],
    }
    marts = marts_of(shop)
    assert marts["customer_value"]["ann"] | {"gross_margin": None} == {
        "purchase_count": 3,
        "net_revenue": 30,
        "gross_margin": None,
        "gross_margin_estimate": None,
        "margin_known_share": 0,
        "average_order_value": 10,
        "first_purchase_margin": None,
        "first_purchased_on": date(2024, 5, 1),
        "last_purchased_on": date(2024, 7, 1),
        "months_as_buyer": 10,
        "repeat_purchase_days": 2,
        "days_first_to_last": 61,
        "days_first_to_as_of": 334,
        "revenue_per_repeat_day": 10,
    }
    # 180 days after 1 July is 28 December; after 31 July it is 27 January.
    churned = {key: row["churned_customers"] for key, row in marts["churn_monthly"].items() if row["churned_customers"]}
    assert churned == {(date(2024, 12, 1), "mid"): 1, (date(2025, 1, 1), "first_time"): 1}
    assert marts["churn_monthly"][date(2024, 7, 1), "short"]["expansion_revenue"] == 10
    assert marts["churn_monthly"][date(2024, 12, 1), "mid"]["churned_revenue"] == 30
    assert marts["cohort_retention"][date(2024, 5, 1), 2]["cumulative_net_revenue_per_customer"] == 30
    assert marts["cohort_retention"][date(2024, 7, 1), 0]["customers"] == 1
    assert marts["acquisition_costs"][date(2024, 5, 1), "search"]["acquisition_cost"] == 15
    assert marts["acquisition_costs"][date(2024, 7, 1), "unknown"]["payback_months"] == 0
    assert {key: row["new_buyers"] for key, row in marts["acquisition_costs"].items() if row["is_total"]} == {
        (date(2024, 5, 1), "all"): 1, (date(2024, 5, 1), "paid"): 1, (date(2024, 7, 1), "all"): 1}
    assert [row["judged_customers"] for row in marts["repeat_purchases"].values()] == [0, 0, 0]
    assert marts_of(shop, date(2025, 7, 1))["repeat_purchases"][3]["judged_customers"] == 1
    assert marts["revenue_by_buyer_type"][date(2024, 7, 1), "new"]["share_of_net_revenue"] == Decimal("0.5")


def test_quotients_are_exact_and_rounded_half_away_from_zero(project):
    """Ties that a double misses, signs, and numbers that doubles do not hold; null where there is nothing to divide by.
    """
    cases = [
        "1|8",
        "1|2560",
        "-1|2560",
        "3|2560",
        "2|3",
        "-2|3",
        "0|7",
        "1|0",
        "|3",
        "99999999.99|0.01",
        "123456789.123456|3",
        "-0.000001|3",
    ]
    rendered = project.dbt(
        "compile",
        "--inline",
        "select {{ quotient('dividend', 'divisor', 8) }} as quotient from cases",
        as_of_date="2025-03-31",
    )
    with duckdb.connect() as connection:
        connection.execute("create table cases (dividend decimal(28, 6), divisor decimal(28, 6))")
        connection.executemany(
            "insert into cases values (?, ?)", [[number or None for number in case.split("|")] for case in cases]
        )
        found = [row[0] for row in connection.execute(rendered.result.results[0].node.compiled_code).fetchall()]
    expected = [
        oracle_finance.rate(*(Decimal(number) if number else None for number in case.split("|"))) for case in cases
    ]
    assert found == expected and expected[1:3] == [Decimal("0.00039063"), Decimal("-0.00039063")]


@pytest.mark.parametrize("earlier, later, months", [
    ((2025, 1, 31), (2025, 2, 27), 0), ((2025, 1, 31), (2025, 2, 28), 0), ((2025, 1, 31), (2025, 3, 1), 1),
    ((2025, 2, 28), (2025, 3, 28), 1), ((2024, 2, 29), (2025, 2, 28), 11), ((2024, 2, 29), (2025, 3, 1), 12),
    ((2023, 2, 28), (2024, 2, 29), 12), ((2025, 5, 15), (2025, 5, 15), 0), ((2025, 5, 15), (2026, 5, 14), 11),
])
def test_whole_months(earlier, later, months):
    assert oracle_finance.whole_months(date(*earlier), date(*later)) == months


def test_wilsons_interval_is_that_of_the_textbooks():
    """Newcombe (1998), Two-sided confidence intervals for the single proportion, table I: 81 of 263, 15 of 148, 0 of
    20, 1 of 29."""
    published = {
        (81, 263): (0.2553, 0.3662),
        (15, 148): (0.0624, 0.1605),
        (0, 20): (0, 0.1611),
        (1, 29): (0.0061, 0.1718),
    }
    for (successes, trials), interval in published.items():
        assert tuple(round(float(end), 4) for end in oracle_finance.wilson_interval(successes, trials)) == interval


def test_a_shop_without_orders_has_empty_marts(sql, built):
    shop = {"customers": [account("lead")], "products": [{"product_id": "p", "updated_at": "2024-01-01 00:00"}],
            "orders": [], "order_lines": []}
    connection = built(shop)
    assert sql.failing_tests(connection) == []
    counts = {
        mart: connection.execute(f"select count(*) from marts.{mart}").fetchone()[0] for mart in oracle_finance.KEYS
    }
    assert counts == dict.fromkeys(oracle_finance.KEYS, 0) | {"customer_value": 1, "segment_performance": 40}


def test_spend_without_buyers_and_buyers_without_spend_or_cost(sql, built):
    """Advertising began before the first sale. Nothing is known of costs, so no margin is 0."""
    shop = {"customers": [account("ann", acquisition_channel="search")], "products": [],
            "orders": [order("o", "ann", "2024-02-10 12:00")], "order_lines": [line("o", "10.00")],
            "marketing_spend": [{"spend_date": "2023-12-01", "channel": "search", "amount": "5", "currency": "EUR"}]}
    connection = built(shop)
    assert sql.failing_tests(connection) == []
    assert connection.execute(
        "select month::varchar, spend::varchar, new_buyers, acquisition_cost::varchar, known_cost_share_12m::varchar,"
        " gross_margin_12m_per_new_buyer, payback_months from marts.acquisition_costs where not is_total order by month"
    ).fetchall() == [
        ("2023-12-01", "5.000000", 0, None, None, None, None),
        ("2024-02-01", "0.000000", 1, "0.000000", "0.00000000", None, 0),
    ]
    assert connection.execute("select min(month)::varchar, count(*) from marts.churn_monthly").fetchone() == (
        "2024-02-01",
        14 * 5,
    )
    assert connection.execute("select gross_margin, cumulative_gross_margin_per_customer from marts.cohort_retention"
                              " where months_since = 0").fetchall() == [(None, None)]


def test_a_shop_that_delivers_no_spend_has_not_spent_0(sql, built):
    connection = built(
        {
            "customers": [account("ann")],
            "products": [],
            "orders": [order("o", "ann", "2024-02-10 12:00")],
            "order_lines": [line("o", "10.00")],
            "marketing_spend": [{"spend_date": "2025-04-01", "channel": "search", "amount": "5", "currency": "EUR"}],
        }
    )
    assert sql.failing_tests(connection) == []
    assert connection.execute(
        "select channel, new_buyers, spend, acquisition_cost, payback_months from marts.acquisition_costs"
        " order by channel"
    ).fetchall() == [("all", 1, None, None, None), ("unknown", 1, None, None, None)]


def test_a_first_order_of_the_year_1_is_a_month_like_any_other(sql, built):
    shop = {"customers": [account("ann")], "products": [], "order_lines": [line("o", "10.00"), line("p", "5.00")],
            "orders": [order("o", "ann", "0001-01-01 12:00"), order("p", "ann", "2025-03-01 12:00")]}
    connection = built(shop)
    assert sql.failing_tests(connection) == []
    assert connection.execute("select count(*), sum(net_revenue)::varchar from marts.cohort_retention").fetchone() == (
        12 * 2024 + 3,
        "15.00",
    )


def test_a_ratio_to_next_to_no_spend_is_large_but_stops_nothing(sql, built):
    product = {"product_id": "p", "unit_cost": "0", "updated_at": "2024-01-01 00:00"}
    connection = built(
        {
            "customers": [account("ann", acquisition_channel="search")],
            "products": [product],
            "orders": [order("o", "ann", "2024-02-10 12:00")],
            "order_lines": [line("o", "250000.00", product_id="p")],
            "marketing_spend": [
                {"spend_date": "2024-02-01", "channel": "search", "amount": "0.000001", "currency": "EUR"}
            ],
        }
    )
    assert (
        connection.execute(
            "select gross_margin_12m_to_acquisition_cost::varchar from marts.acquisition_costs"
        ).fetchall()
        == [("250000000000.00000000",)] * 3
    )


def test_the_oracle_estimates_margins_by_hand():
    """The shop earns 6 of 20, nobody's 10 among them: 0.3 of the 10 whose cost is not known."""
    shop = {
        "customers": [account("ann"), account("bob")],
        "products": [{"product_id": "p", "unit_cost": "7", "updated_at": "2024-01-01 00:00"}],
        "orders": [
            order("known", "ann", "2025-01-01 12:00"),
            order("unknown", "ann", "2025-01-02 12:00"),
            order("nobody", None, "2025-01-03 12:00"),
        ],
        "order_lines": [
            line("known", "10.00", product_id="p"),
            line("unknown", "10.00"),
            line("nobody", "10.00", product_id="p"),
        ],
    }
    value = marts_of(shop)["customer_value"]
    assert (
        value["ann"]["gross_margin"],
        value["ann"]["gross_margin_estimate"],
        value["ann"]["margin_known_share"],
    ) == (None, 6, Decimal("0.5"))
    assert (
        value["bob"]["gross_margin"],
        value["bob"]["gross_margin_estimate"],
        value["bob"]["margin_known_share"],
    ) == (0, 0, None)


def test_a_shops_own_channel_paid_is_no_total(sql, built):
    spend = {"spend_date": "2025-03-01", "currency": "EUR"}
    shop = {"customers": [account("ann", acquisition_channel="paid"), account("bob")], "products": [],
            "orders": [order("o", "ann", "2025-03-10 12:00"), order("p", "bob", "2025-03-10 12:00")],
            "order_lines": [line("o", "10.00"), line("p", "10.00")],
            "marketing_spend": [spend | {"channel": "paid", "amount": "6"}, spend | {"channel": "all", "amount": "2"}]}
    connection = built(shop)
    assert sql.failing_tests(connection) == []
    assert connection.execute(
        "select channel, new_buyers, spend::double, acquisition_cost::double from marts.acquisition_costs"
        " order by is_total, channel"
    ).fetchall() == [
        ("all (channel)", 0, 2, None),
        ("paid (channel)", 1, 6, 6),
        ("unknown", 1, 0, 0),
        ("all", 2, 8, 4),
        ("paid", 1, 8, 8),
    ]
