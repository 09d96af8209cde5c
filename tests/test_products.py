"""Supports, confidences and lifts against mlxtend, which has its own algorithm for them, on real baskets."""

import pandas
import pytest
from mlxtend.frequent_patterns import apriori, association_rules

from project import PROJECT
from test_sample_shops import settings

pytestmark = pytest.mark.xdist_group("sample_shops")

# Of 2,469 households. With fewer, and with the products of all who buy much, mlxtend would need minutes.
MIN_BUYERS = 400
BASKETS = """
    select distinct customer_id, {id}
    from intermediate.int_purchases
    inner join intermediate.int_order_lines using (order_id)
    where
        not is_fully_refunded and purchased_on > date '{as_of_date}' - 365 and {id} is not null
        and customer_id is not null
"""


@pytest.fixture(scope="module")
def built(project):
    variables = settings("complete_journey") | {"affinity_min_buyers": MIN_BUYERS, "affinity_max_products": 100_000}
    raw_dir = PROJECT / "data" / "complete_journey"
    select = ("+product_affinities", "+category_affinities")
    with project.compiled(raw_dir, select, **variables).build(raw_dir, threads=2) as connection:
        yield connection


@pytest.mark.parametrize(
    "mart, id, other",
    [
        ("product_affinities", "product_id", "other_product_id"),
        ("category_affinities", "category", "other_category"),
    ],
)
def test_affinities_are_the_rules_of_mlxtend(built, mart, id, other):
    as_of_date = settings("complete_journey")["as_of_date"]
    baskets = built.execute(BASKETS.format(id=id, as_of_date=as_of_date)).df()
    everybody = baskets["customer_id"].nunique()
    held = pandas.crosstab(baskets["customer_id"], baskets[id]) > 0
    held = held.loc[:, held.sum() >= MIN_BUYERS]
    pairs = apriori(held, min_support=MIN_BUYERS / everybody, use_colnames=True, max_len=2)
    rules = association_rules(pairs, metric="lift", min_threshold=1.000000005)
    expected = {
        (next(iter(rule.antecedents)), next(iter(rule.consequents))): (rule.support, rule.confidence, rule.lift)
        for rule in rules.itertuples()
    }
    rows = built.execute(f"select {id}, {other}, support, confidence, lift from marts.{mart}").fetchall()
    assert len(rows) > 100
    for one, two, *measures in rows:
        assert [float(measure) for measure in measures] == pytest.approx(expected[one, two], abs=6e-9), (one, two)
    # What is not there comes after the ten that are.
    others = pandas.Series([one for one, *_ in rows]).value_counts()
    missing = expected.keys() - {(one, two) for one, two, *_ in rows}
    assert all(others.get(one) == 10 for one, _ in missing)
