"""The sample shops, built as a user builds them."""

import re
import subprocess
import sys
from dataclasses import fields
from datetime import date

import duckdb
import pytest
import yaml

import oracle
import planted
from comparison import differences
from ecommerce_segments.dashboard.figures import Shop
from ecommerce_segments.dashboard.page import page
from ecommerce_segments.estimate import backtest as holdout
from project import MODELS, PROJECT, messages
from random_shops import random_shop, read_shop, write_shop
from test_docs import ASKS, PAGES

# One worker runs them all, so that the demo is built once.
pytestmark = pytest.mark.xdist_group("sample_shops")

SEGMENT_SIZES = "select segment, customers from marts.segments"


def settings(dataset: str) -> dict:
    return yaml.safe_load((PROJECT / "sample_data" / f"{dataset}.yml").read_text())


@pytest.fixture(scope="module")
def demo_sql(project):
    return project.compiled(PROJECT / "data" / "demo", **settings("demo"))


@pytest.fixture(scope="module")
def demo(demo_sql):
    return demo_sql.build(PROJECT / "data" / "demo", threads=2)


def test_demo_agrees_with_the_oracle(demo):
    formulas = {field.name for field in fields(oracle.Parameters)}
    parameters = {name: value for name, value in settings("demo").items() if name in formulas}
    expected = oracle.compute(read_shop(PROJECT / "data" / "demo"),
                              **parameters | {"as_of_date": date.fromisoformat(parameters["as_of_date"])})
    assert differences(demo, expected)[:20] == []


def test_every_segment_of_the_demo_is_in_its_range(demo):
    """The ranges stand in docs/demo_shop.md: `| 1 | loyal_buyers | 8 - 18 % | ...`."""
    ranges = {}
    for line in (PROJECT / "docs" / "demo_shop.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) >= 4 and cells[0].isdigit():
            low, high = cells[2].removesuffix("%").split("-")
            ranges[cells[1]] = float(low), float(high)
    shares = demo.execute("select segment, 100 * share_of_customers from marts.segments").fetchall()
    outside = {segment: (float(share), ranges[segment]) for segment, share in shares
               if not ranges[segment][0] <= share <= ranges[segment][1]}
    assert not outside


@pytest.mark.parametrize("figure", planted.FIGURES)
def test_what_was_planted_in_the_demo_is_found(demo, figure):
    assert planted.outside(demo, figure, planted.FIGURES[figure]) == []


def test_every_planted_figure_has_a_range():
    assert set(planted.ranges()) == {*planted.FIGURES, *planted.FIGURES_OF_CAMPAIGNS}


def test_the_page_of_the_demo_is_a_file_to_send(demo):
    assert 100_000 < len(page(Shop(demo, is_simulated=True)).encode()) < 3_000_000


def test_every_analysis_answers_with_rows(demo_sql, demo):
    assert {analysis.name: len(demo.execute(analysis.sql).fetchall()) > 1 for analysis in demo_sql.analyses} == {
        path.stem: True for path in (PROJECT / "analyses").glob("*.sql")}


def test_every_query_of_the_page_on_the_texts_answers_with_all_that_it_names(demo):
    queries = [code for *_, code in ASKS if code.startswith("select ")]
    assert len(queries) > 60
    unanswered = []
    for query in queries:
        columns = list(zip(*demo.execute(query).fetchall()))
        if not columns or any(set(column) == {None} for column in columns):
            unanswered.append(query)
    assert unanswered == []


def test_every_query_of_the_week_is_of_published_marts_and_answers(demo):
    queries = [query.strip() for block in re.findall(r"```sql\n(.*?)```", PAGES["docs/a_week.md"], re.DOTALL)
               for query in block.split(";") if query.strip()]
    assert len(queries) >= 7
    unpublished = r"marts\.(\w*contacts|audience\w*|journey_events|sms_audiences|suppressions)"
    assert re.findall(unpublished, " ".join(queries)) == []
    # What these say, they say of dates before.
    late = ("marts.alerts", "marts.segment_transitions")
    empty = [query for query in queries if not demo.execute(query).fetchall() and not any(map(query.count, late))]
    assert empty == []


def test_of_the_demos_campaigns_those_that_work_are_found(project, demo_sql, demo):
    """All campaigns begin on 4 May: their audiences are the segments of the month-end before."""
    month_end = project.compiled(PROJECT / "data" / "demo", MODELS, **settings("demo") | {"as_of_date": "2026-04-30"})
    with month_end.build(PROJECT / "data" / "demo", threads=2) as before:
        members = before.execute(
            "select as_of_date, 'segment' as kind, segment as state, customer_id, 'entered' as change_type "
            "from marts.segment_memberships"
        ).to_arrow_table()
    demo.register("members", members)
    demo.execute(
        "begin; delete from marts.membership_changes; insert into marts.membership_changes by name from members"
    )
    for model in demo_sql.models:
        if model.name in (
            "campaign_audiences", "int_compared_people", "int_lifts", "campaign_lift", "campaign_margins"
        ):
            demo.execute(f"create or replace {model.materialized} {model.relation} as {model.sql}")
    found = {campaign: (low > 0, verdict) for campaign, low, verdict in demo.execute(
        "select marketing_campaign_id, conversion_lift_from, verdict from marts.campaign_lift").fetchall()}
    not_found = {
        figure: planted.outside(demo, figure, query) for figure, query in planted.FIGURES_OF_CAMPAIGNS.items()
    }
    demo.execute("rollback")
    assert not any(not_found.values()), not_found
    assert found == {
        "win-back-2026": (True, "More of the treated bought than would have without it."),
        "collection-2026": (True, "More of the treated bought than would have without it."),
        "spring-news-2026": (
            False,
            "No difference is shown: what lies between the limits is possible, nothing included.",
        ),
    }


def test_predictions_for_the_demo_come_true_as_far_as_their_page_says(demo):
    found = holdout.holdout(holdout.DEMO_CUT, demo)
    page = holdout.PAGE.read_text()
    assert page == holdout.with_part(page, "demo", holdout.section(found)), "run segments backtest"


def test_complete_journey_has_its_known_segments(project):
    """Computed apart from the SQL, in plain Python, from the raw files; docs/complete_journey.md tells of the data.

    The sizes are plausible: frequent shoppers are also recent ones (585 loyal buyers, where chance alone gives 358);
    the loyalty card discounts five baskets of six (2,464 discount buyers); households make 43 trips on average across
    some 300 categories (2,405 repeat buyers); the current sale is the campaign of 28 to 31 December. The data hold one
    year, so no last-year edition, and neither sessions, web events, emails nor reviews.
    """
    built = project.compiled(PROJECT / "data" / "complete_journey", MODELS, **settings("complete_journey")).build(
        PROJECT / "data" / "complete_journey", threads=2)
    assert dict(built.execute(SEGMENT_SIZES).fetchall()) == {
        "loyal_buyers": 585,
        "bargain_hunters": 375,
        "category_repeat_buyers": 2405,
        "last_year_sale_buyers": 0,
        "discount_buyers": 2464,
        "big_occasional_spenders": 389,
        "recommendation_clickers": 0,
        "indecisive_visitors": 0,
        "sale_cart_abandoners": 0,
        "current_sale_buyers": 1039,
        "multi_category_buyers": 2460,
        "subscribers_without_purchase": 0,
        "cart_abandoners": 0,
        "high_value_active": 932,
        "low_value_active": 1029,
        "high_value_at_risk": 219,
        "non_target": 289,
        "active_customers": 0,
        "becoming_inactive": 255,
        "inactive_customers": 192,
        "hero_customers": 331,
        "unhappy_customers": 0,
        "referral_candidates": 0,
        "first_time_buyers": 7,
        "reactivated_customers": 16,
        "browse_abandoners": 0,
        "high_ticket_hesitators": 0,
        "due_for_reorder": 192,
        "cross_sell_window": 168,
        "new_subscribers": 0,
        "engaged_subscribers": 0,
        "unengaged_subscribers": 0,
        "birthday_soon": 0,
        "full_price_loyals": 0,
        "discount_only_buyers": 234,
        "second_purchase_window": 1,
        "product_due": 446,
        "win_back_candidates": 0,
        "slipping_subscribers": 0,
        "unreachable_high_value_at_risk": 219,
    }
    assert built.execute("select count(*) from marts.seg_category_repeat_buyers").fetchone() == (143_529,)
    assert built.execute("select sum(rejected_rows), sum(duplicate_rows) from staging.row_counts").fetchone() == (0, 0)
    assert built.execute(
        "select count(*), sum(purchase_count), sum(net_revenue)::varchar from marts.customers"
    ).fetchone() == (2_469, 155_321, "4569706.26")


def test_building_twice_changes_nothing(project, tmp_path):
    """A full `dbt build` of real files, run again."""
    write_shop(random_shop(1, date(2025, 3, 30), "Europe/Berlin"), tmp_path, "parquet")
    built = []
    for _ in range(2):
        result = project.attempt(
            "build",
            "--exclude",
            "resource_type:test",
            "resource_type:unit_test",
            raw_dir=tmp_path,
            database=tmp_path / "shop.duckdb",
            as_of_date="2025-03-30",
            shop_timezone="Europe/Berlin",
        )
        assert result.success, messages(result)
        with duckdb.connect(tmp_path / "shop.duckdb") as connection:
            tables = connection.execute(
                "select table_schema || '.' || table_name from information_schema.tables where table_schema <> 'raw'"
            ).fetchall()
            built.append({name: sorted(connection.execute(f"from {name}").fetchall(), key=repr) for (name,) in tables})
    assert built[0] == built[1]


def test_the_demo_is_the_same_on_every_run(tmp_path):
    subprocess.run(
        [sys.executable, PROJECT / "sample_data" / "make_demo.py", tmp_path / "demo"], check=True, capture_output=True
    )
    for file in sorted((PROJECT / "data" / "demo").iterdir()):
        assert file.read_bytes() == (tmp_path / "demo" / file.name).read_bytes(), file.name
