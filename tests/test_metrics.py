"""The metrics of models/marts/metrics as MetricFlow asks them, beside the same figures of the marts, on random shops.
"""

from datetime import date, timedelta
from math import isclose

import pytest
from dbt.contracts.graph.semantic_manifest import SemanticManifest
from metricflow.engine.metricflow_engine import MetricFlowEngine, MetricFlowQueryRequest
from metricflow.protocols.sql_client import SqlEngine
from metricflow.sql.render.duckdb_renderer import DuckDbSqlPlanRenderer
from metricflow_semantics.model.dbt_manifest_parser import parse_manifest_from_dbt_generated_manifest
from metricflow_semantics.model.semantic_manifest_lookup import SemanticManifestLookup

from random_shops import random_shop, write_shop

# One worker runs them all, so that each shop is built once.
pytestmark = pytest.mark.xdist_group("metrics")
AS_OF_DATE = date(2025, 3, 31)
MONTH = "metric_time__month"

# metrics and what they are asked by: the marts' figures, the latter first
EXPECTED = {
    (("customers", "buyers"), ()): "select customers, buyers from marts.shop_figures",
    (("contactable_customers", "repeat_buyers", "repeat_buyer_share"), ("customer__country_code",)): """
        select country_code, count(*) filter (is_contactable_by_email), count(*) filter (purchase_count >= 2),
            count(*) filter (purchase_count >= 2) / nullif(count(*) filter (purchase_count >= 1), 0)
        from marts.customers group by country_code""",
    (("purchases", "net_revenue", "average_order_value"), (MONTH, "order__buyer_type")): """
        select month, buyer_type, purchases, net_revenue, average_order_value from marts.revenue_by_buyer_type
        where purchases > 0
        union all
        select date_trunc('month', purchased_on), null, count(*), sum(net_revenue), sum(net_revenue) / count(*)
        from marts.purchases where customer_id is null group by 1""",
    (("returning_share_of_net_revenue",), (MONTH,)): """
        select month, share_of_net_revenue from marts.revenue_by_buyer_type
        where buyer_type = 'returning' and share_of_net_revenue is not null""",
    (("net_revenue",), ("customer__lifecycle_stage",)): """
        select lifecycle_stage, sum(net_revenue) from marts.customers where purchase_count > 0 group by lifecycle_stage
        union all
        select null, sum(net_revenue) from marts.purchases where customer_id is null having count(*) > 0""",
    (("gross_margin_rate",), ()): """
        select sum(gross_margin) / sum(net_revenue) from marts.purchases where cost is not null""",
    (("customers_in_segment",), ("segment",)): "select segment, customers from marts.segments",
    (
        ("segment_contactable_customers", "segment_net_revenue_365d", "segment_average_order_value_365d"),
        ("segment",),
    ): """
        select segment, contactable_customers, net_revenue_365d, average_order_value_365d from marts.segment_performance""",  # noqa: E501
    (("customer_churn_rate", "revenue_churn_rate"), (MONTH, "month_and_band__tenure_band")): """
        select month, tenure_band, customer_churn_rate, revenue_churn_rate from marts.churn_monthly""",
    (("marketing_spend", "new_buyers", "acquisition_cost", "value_to_cost"), (MONTH, "month_and_channel__channel")): """
        select month, channel, spend, new_buyers, acquisition_cost, gross_margin_12m_to_acquisition_cost
        from marts.acquisition_costs where not is_total""",
    (("marketing_spend", "new_buyers", "acquisition_cost"), (MONTH,)): """
        select month, spend, new_buyers, acquisition_cost from marts.acquisition_costs where channel = 'all'""",
}


class DuckDbDialect:
    """As much of MetricFlow's SQL client as it needs to write queries; the test runs them."""

    sql_engine_type = SqlEngine.DUCKDB
    sql_plan_renderer = DuckDbSqlPlanRenderer()


@pytest.fixture(scope="module")
def engine(project, tmp_path_factory):
    file = tmp_path_factory.mktemp("metrics") / "semantic_manifest.json"
    SemanticManifest(project.manifest).write_json_to_file(str(file))
    return MetricFlowEngine(
        SemanticManifestLookup(parse_manifest_from_dbt_generated_manifest(file.read_text())), DuckDbDialect()
    )


@pytest.fixture(scope="module", params=range(2))
def shop(project, request, tmp_path_factory):
    directory = tmp_path_factory.mktemp("shop")
    write_shop(random_shop(request.param, AS_OF_DATE), directory, "parquet")
    sql = project.compiled(
        directory, as_of_date=str(AS_OF_DATE), max_rejected_rows=1_000_000, max_days_without_orders=None
    )
    with sql.build(directory) as connection:
        # A date before, which the size of a segment is not to be added to.
        connection.execute(
            "insert into marts.segment_sizes by name select * replace (as_of_date - 10 as as_of_date, 7 as customers) "
            "from marts.segment_sizes"
        )
        yield connection


@pytest.mark.parametrize(("metrics", "group_by"), EXPECTED, ids=lambda names: "+".join(names))
def test_metrics_equal_the_marts(engine, shop, metrics, group_by):
    # A share of nothing is unknown, and may be there or not: MetricFlow shows it where there are unattributed
    # purchases.
    found, expected = (
        [row for row in shop.execute(sql).fetchall() if any(figure is not None for figure in row[len(group_by) :])]
        for sql in (statement(engine, metrics, group_by), EXPECTED[metrics, group_by])
    )
    assert by_key(found, len(group_by)).keys() == by_key(expected, len(group_by)).keys()
    for key, figures in by_key(expected, len(group_by)).items():
        assert all(map(is_same, by_key(found, len(group_by))[key], figures)), (key, figures)


def test_a_metric_of_another_grain_counts_the_last_date_of_a_month(engine, shop):
    found = shop.execute(statement(engine, ("customers_in_segment",), ("segment", MONTH))).fetchall()
    sizes = dict(shop.execute("select segment, customers from marts.segments").fetchall())
    assert {segment: size for segment, month, size in found if month.date() == AS_OF_DATE.replace(day=1)} == sizes


def test_each_day_of_the_shop_is_in_the_time_spine(shop):
    days = [day for (day,) in shop.execute("select date_day from marts.time_spine_daily order by date_day").fetchall()]
    first = min(day for (day,) in shop.execute("select first_purchased_on from marts.shop_figures").fetchall())
    assert days == [
        first.replace(day=1) + timedelta(days=number) for number in range((AS_OF_DATE - first.replace(day=1)).days + 1)
    ]


def test_every_metric_can_be_asked(engine):
    for metric in engine.list_metrics():
        assert statement(engine, (metric.name,), ())


def statement(engine, metrics: tuple[str, ...], group_by: tuple[str, ...]) -> str:
    request = MetricFlowQueryRequest.create(metric_names=metrics, group_by_names=group_by or None)
    return f"select {', '.join([*group_by, *metrics])} from ({engine.explain(request).sql_statement.sql})"


def by_key(rows: list[tuple], keys: int) -> dict[tuple, tuple]:
    return {tuple(as_date(value) for value in row[:keys]): row[keys:] for row in rows}


def as_date(value: object) -> object:
    return value.date() if hasattr(value, "date") else value


def is_same(found, expected) -> bool:
    """Equal to the 6 or 8 places that the marts keep."""
    if found is None or expected is None:
        return found is expected
    return isclose(float(found), float(expected), rel_tol=1e-7, abs_tol=1e-6)
