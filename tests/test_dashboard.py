"""The dashboard in a real Chromium: what it shows is what the marts hold, it asks the network for nothing, and no text
of the data runs."""

import re
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
import yaml

from browser import Browser
from ecommerce_segments.dashboard import wording
from ecommerce_segments.dashboard.figures import DashboardError
from ecommerce_segments.dashboard.page import write_dashboard
from ecommerce_segments.dashboard.sections.churn import BANDS
from random_shops import random_shop, write_shop
from test_broken_input import SMALL_SHOP, write_tables

# One worker runs them all, so that the project is rendered once.
pytestmark = pytest.mark.xdist_group("dashboard")

DAY = date(2025, 3, 31)
HOSTILE = """<script>window.hacked = 1</script><img src=x onerror="window.hacked = 1"> R&D 'x' %{x} <a href="javascript:window.hacked = 1">y</a>"""  # noqa: E501

# A date before, as the history's models would have seen it: each segment of another size, every third one not yet
# registered.
BEFORE = """
    insert into marts.segment_sizes
        select segment_sizes.* replace (segment_sizes.as_of_date - 40 as as_of_date, segment_sizes.customers + position % 4 as customers)
        from marts.segment_sizes inner join marts.segments using (segment) where position % 3 > 0;
    update marts.segment_sizes set entered = position % 2, exited = position % 2 + position % 4
        from marts.segments where segments.segment = segment_sizes.segment and segment_sizes.as_of_date = segments.as_of_date;
    insert into marts.segment_transitions
        select as_of_date, as_of_date - 40, 'lifecycle_stage', if(is_guest, 'none', 'new'), lifecycle_stage, count(*) from marts.customers group by all
        union all
        select as_of_date, as_of_date - 40, 'rfm_group', 'unscored', coalesce(rfm_group, 'unscored'), count(*) from marts.customers group by all
        union all
        select as_of_date, as_of_date - 40, unnest(['lifecycle_stage', 'rfm_group']), unnest(['new', 'unscored']), 'none', 3 from marts.shop_figures;
    insert into marts.membership_changes by name
        select as_of_date - 40 as as_of_date, 'lifecycle_stage' as kind, unnest(['lead', 'at_risk']) as state, customer_id, 'entered' as change_type
        from marts.customers where not is_guest;
    insert into marts.membership_changes by name
        select as_of_date - 40 as as_of_date, 'lifecycle_stage' as kind, 'at_risk' as state, customer_id,
            unnest(case when customer_id < 'c2' then ['handed_over'] else ['handed_over', 'continued'] end) as change_type
        from marts.customers where not is_guest and customer_id < 'c4';
    update marts.segment_history set entered_on = entered_on - 40 where customer_id < 'c1' or customer_id like 'guest:%'
"""  # noqa: E501


@pytest.fixture(scope="module")
def browser():
    with Browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def sql(project, tmp_path_factory):
    directory = tmp_path_factory.mktemp("any")
    write_tables(directory, SMALL_SHOP)
    return project.compiled(directory, as_of_date=str(DAY), shop_timezone="Europe/Berlin", max_rejected_rows=1_000_000)


@pytest.fixture(scope="module")
def build(sql):
    """Builds a directory of raw files into a DuckDB file that holds the schema marts and nothing else, as a published
    one does."""

    def to_file(raw_dir: Path, database: Path) -> Path:
        with sql.build(raw_dir) as connection:
            connection.execute(f"attach '{database}' as file; create schema file.marts")
            for (mart,) in connection.execute(
                "select table_name from information_schema.tables where table_schema = 'marts'"
            ).fetchall():
                if mart != "customer_contacts":
                    connection.execute(f"create table file.marts.{mart} as from marts.{mart}")
        return database

    return to_file


@pytest.fixture(scope="module")
def shop(build, tmp_path_factory):
    """A random shop with a date before, as a DuckDB file."""
    directory = tmp_path_factory.mktemp("shop")
    write_shop(random_shop(25, DAY, "Europe/Berlin"), directory / "raw", "parquet")
    database = build(directory / "raw", directory / "shop.duckdb")
    with duckdb.connect(database) as connection:
        connection.execute(BEFORE)
    return database


@pytest.fixture
def rows(shop):
    def query(sql: str) -> list[tuple]:
        with duckdb.connect(shop, read_only=True) as connection:
            return connection.execute(sql).fetchall()
    return query


@pytest.fixture
def page(shop, tmp_path):
    write_dashboard(shop, tmp_path / "page.html")
    return tmp_path / "page.html"


# What a page must not say in place of a figure.
UNSAID = r"None|nan|undefined|null"


def changed(shop: Path, directory: Path, *statements: str) -> Path:
    """A copy of the shop after some statements, and its page."""
    copy = directory / "changed.duckdb"
    copy.write_bytes(shop.read_bytes())
    with duckdb.connect(copy) as connection:
        for statement in statements:
            connection.execute(statement)
    write_dashboard(copy, directory / "changed.html")
    return directory / "changed.html"


def small_shop(build, directory: Path, **changes) -> Path:
    """The page of the shop of a single customer, or of what the changes leave of it."""
    (directory / "raw").mkdir()
    write_tables(
        directory / "raw",
        {
            table: [line.replace("2026", "2025").replace("2025-06", "2025-03") for line in lines]
            for table, lines in (SMALL_SHOP | changes).items()
        },
    )
    write_dashboard(build(directory / "raw", directory / "shop.duckdb"), directory / "page.html")
    return directory / "page.html"


def text(browser, selector: str) -> list[str]:
    """The texts of the elements, with plain spaces."""
    found = browser.value(f"[...document.querySelectorAll({selector!r})].map(element => element.textContent)")
    return [" ".join(content.split()) for content in found]


def told(browser) -> str:
    """The text of the page, without the SQL that it shows."""
    browser.value("document.querySelectorAll('main pre').forEach(element => element.remove())")
    return text(browser, "main")[0]


def is_quiet(browser) -> bool:
    """Nothing was complained of, and nothing but the page itself asked for."""
    assert browser.errors == []
    return [address[:5] for address in browser.requests if not address.startswith("data:")] == ["file:"]


def drawn_lines(browser, chart: str) -> dict[str, dict[str, str]]:
    """What each line of a chart says at its points, by its name and by date."""
    lines: dict[str, dict[str, str]] = {name: {} for name in text(browser, f"[data-chart={chart}] .legend li")}
    for told in browser.value(
        f"[...document.querySelectorAll('[data-chart={chart}] .chart > svg .mark')].map(mark => mark.dataset.tip)"
    ):
        name, day, value = re.fullmatch(r"(.*), ([-\d]+): (.*)", told).groups()
        lines[name][day] = value.replace("\N{NO-BREAK SPACE}", " ")
    return lines


def minus(value: str) -> str:
    return value.replace("-", "\N{MINUS SIGN}")


def test_headline_figures_are_those_of_the_marts(browser, page, rows):
    browser.open(page)
    assert is_quiet(browser)
    ((customers, buyers, revenue, purchases),) = rows(
        "select customers, buyers, net_revenue_365d, purchases_365d from marts.shop_figures"
    )
    ((at_risk,),) = rows("select count(*) from marts.customers where lifecycle_stage = 'at_risk'")
    ((contactable,),) = rows("select count(*) from marts.customers where is_contactable_by_email")
    assert customers > buyers > 0 and revenue > 1000
    tiles = dict(zip(text(browser, ".tiles li > span:first-child"), text(browser, ".tiles strong")))
    assert tiles == {
        "Net revenue": f"EUR {revenue:,.0f}",
        "Average order value": f"EUR {revenue / purchases:,.{2 if revenue / purchases < 1000 else 0}f}",
        "Customers": f"{customers:,}",
        "Buyers": f"{buyers:,}",
        "Buyers at risk": f"{at_risk:,}",
        "Reachable by email": f"{contactable:,}",
    }
    before = dict(
        rows("""select state, count(*) filter (change_type in ('entered', 'continued')) - count(*) filter (change_type in ('exited', 'handed_over'))
        from marts.membership_changes where kind = 'lifecycle_stage' and as_of_date = date '2025-02-19' group by state""")  # noqa: E501
    )
    assert len(set(before.values()) - {0}) == 2
    notes = text(browser, ".tiles li:nth-child(3), .tiles li:nth-child(4), .tiles li:nth-child(5)")
    for note, moved in zip(
        notes, (customers - sum(before.values()), buyers - before["at_risk"], at_risk - before["at_risk"]), strict=True
    ):
        assert f"{wording.change(moved)} since 2025-02-19" in note


def test_sizes_values_and_changes_are_those_of_the_marts(browser, page, rows):
    browser.open(page)
    expected = rows("""
        select title, customers, not_delivered, before, cast(coalesce(net_revenue, 0) as double) from marts.segments
        left join (select segment, customers as before from marts.segment_sizes where as_of_date < date '2025-03-31') using (segment)
        left join (select segment, sum(net_revenue) as net_revenue from marts.segment_memberships join marts.customers using (customer_id) group by 1)
            using (segment)
        order by position
    """)  # noqa: E501
    shown = browser.value("""[...document.querySelectorAll(".sizes tbody tr:not(:has(.group))")].map(row =>
        [row.querySelector("a").textContent, ...[...row.querySelectorAll("td:not(.bar)")].map(cell => cell.firstChild.textContent.trim() || cell.textContent.trim())])""")  # noqa: E501
    assert len(shown) == len(expected) == 40 and any(before is None for *_, before, _ in expected)
    for (title, size, change, revenue, _), (name, customers, not_delivered, before, net_revenue) in zip(
        shown, expected
    ):
        assert (title, size, revenue) == (
            name,
            f"no {not_delivered} delivered" if not_delivered else f"{customers:,}",
            f"{net_revenue:,.0f}",
        )
        difference = None if before is None else customers - before
        assert " ".join(change.split()) == (
            "–"
            if not_delivered
            else "new"
            if before is None
            else "±0"
            if difference == 0
            else minus(f"{'▲' if difference > 0 else '▼'} {difference:+,}")
        )
    groups = [name for (name,) in rows("select segment_group from marts.segments group by 1 order by min(position)")]
    assert text(browser, ".sizes .group") == groups and len(groups) == 6


def test_the_rfm_grid_holds_every_scored_buyer(browser, page, rows):
    browser.open(page)
    cells = {
        (recency, frequency): (customers, revenue)
        for recency, frequency, customers, revenue in rows("""
        select recency_score, frequency_score, count(*), sum(net_revenue) from marts.customers where recency_score is not null group by 1, 2""")  # noqa: E501
    }
    places = [(recency, frequency) for recency in (5, 4, 3, 2, 1) for frequency in (1, 2, 3, 4, 5)
              if {other for other, _ in cells} >= {recency} and {other for _, other in cells} >= {frequency}]
    for place, (name, told) in enumerate((("customers", wording.number), ("net_revenue", wording.compact))):
        shown = text(browser, f".map.{name} td strong")
        assert [cell.replace(" ", "\N{NO-BREAK SPACE}") for cell in shown] == [
            told(cells.get(scores, (0, 0))[place]) for scores in places
        ]
        widths = browser.value(
            f"[...document.querySelectorAll('.map.{name} td i')].map(bar => parseFloat(bar.style.width))"
        )
        largest = max(values[place] for values in cells.values())
        assert widths == pytest.approx(
            [100 * float(cells.get(scores, (0, 0))[place] / largest) for scores in places], abs=0.051
        )
    assert browser.value("document.querySelector('.map.net_revenue').checkVisibility()") is False
    browser.value("document.querySelector('input[value=net_revenue]').click()")
    assert browser.value("[...document.querySelectorAll('.map')].map(map => map.checkVisibility())") == [False, True]


BRIGHTNESS = """[...document.querySelectorAll('.map.customers td')].filter(cell => cell.querySelector('i')).map(cell =>
    getComputedStyle(cell).backgroundColor.match(/\\d+/g).reduce((sum, channel, place) => sum + channel * [0.2126, 0.7152, 0.0722][place], 0))"""  # noqa: E501


@pytest.mark.parametrize("is_dark", [False, True])
def test_the_brightest_cell_is_the_best_whoever_is_in_it(browser, shop, tmp_path, is_dark):
    """Most buyers of most shops are in the worst cell."""
    browser.open(
        changed(
            shop, tmp_path, "update marts.customers set recency_score = 1, frequency_score = 1 where recency_score < 5"
        ),
        is_dark=is_dark,
    )
    brightness = browser.value(BRIGHTNESS)
    # Rows from recency 5 down, columns from frequency 1 up.
    columns = len(text(browser, ".map.customers thead tr:last-child th")) - 1
    assert len(brightness) == 2 * columns > 4
    assert max(brightness) == brightness[columns - 1] > min(brightness) == brightness[columns]


def test_scores_that_nobody_has_take_no_place(browser, shop, tmp_path):
    browser.open(changed(shop, tmp_path, "update marts.customers set frequency_score = 3 where frequency_score = 2",
                         "update marts.customers set recency_score = 2 where recency_score in (1, 3)"))
    assert [score[0] for score in text(browser, ".map.customers thead tr:last-child th")[1:]] == ["1", "3", "4", "5"]
    assert [score[0] for score in text(browser, ".map.customers tbody th")] == ["5", "4", "2"]
    assert (
        "Nobody has recency score 1, recency score 3, frequency score 2, for equal values score equally."
        in text(browser, "section:has(#rfm) p")[0]
    )


def test_the_chosen_segments_are_drawn_over_time(browser, page, rows):
    browser.open(page)
    assert len(drawn_lines(browser, "sizes")) == 4
    symbols = browser.value(
        "[...document.querySelectorAll('[data-chart=sizes] .legend .mark')].map(mark => mark.getAttribute('d'))"
    )
    assert len(set(symbols)) == 4
    choose = (
        "document.querySelectorAll('[data-chart=sizes] input').forEach(box => { box.checked = %s });"
        " document.querySelector('[data-chart=sizes] input').dispatchEvent(new Event('change', {bubbles: true}))"
    )
    browser.value(choose % "true")
    expected = {}
    for title, customers, before in rows("""select title, now.customers, before.customers from marts.segments
            join marts.segment_sizes as now on now.segment = segments.segment and now.as_of_date = segments.as_of_date
            left join marts.segment_sizes as before on before.segment = segments.segment and before.as_of_date < segments.as_of_date"""):  # noqa: E501
        sizes = {"2025-02-19": before, "2025-03-31": customers}
        expected[title] = {day: f"{size:,}" for day, size in sizes.items() if size is not None}
    assert drawn_lines(browser, "sizes") == expected
    browser.value(choose % "false")
    assert browser.value("document.querySelector('[data-chart=sizes] .nothing').checkVisibility()")
    assert is_quiet(browser)


def test_flows_and_overlaps_are_those_of_the_marts(browser, page, rows):
    browser.open(page)
    told = "[...document.querySelectorAll('[data-chart=flows] [data-tip]')].map(band => band.dataset.tip)"
    moves = {}
    for band in browser.value(told):
        was, is_now, customers = re.fullmatch(r"(.*) [\d,]+ → (.*) [\d,]+: ([\d,]+)", band).groups()
        moves[was, is_now] = int(customers.replace(",", ""))
    assert moves == {
        ("New to the shop" if was == "none" else wording.words(was), wording.words(is_now)): customers
        for was, is_now, customers in rows(
            "select from_value, to_value, customers from marts.segment_transitions where trait = 'lifecycle_stage' and"
            " from_value <> to_value and to_value <> 'none'"
        )
    }
    browser.value("document.querySelector('input[name=flows][value=\"1\"]').click()")
    assert "Champions" in " ".join(text(browser, "[data-chart=flows] .node-label"))

    titles = browser.value(
        "[...document.querySelectorAll('[data-chart=overlaps] option')].map(option => option.textContent)"
    )
    choice = titles.index("Loyal buyers")
    browser.value(
        "(select =>"
        f" {{ select.value = {choice}; select.dispatchEvent(new Event('change', {{bubbles: true}})) }})(document.querySelector('select'))"  # noqa: E501
    )
    expected = rows("""
        select title, share_of_smaller, customers_in_both from (
            select segment as one, other_segment as other, * from marts.segment_overlaps
            union all select other_segment, segment, * from marts.segment_overlaps) as pairs
        join marts.segments on segments.segment = pairs.other
        where pairs.one = 'loyal_buyers' and customers_in_both > 0 order by 2 desc, position limit 12""")
    bars = browser.value("[...document.querySelectorAll('.bars .bar > span')].map(bar => parseFloat(bar.style.width))")
    assert bars == pytest.approx([100 * float(share) for _, share, _ in expected], abs=0.01)
    assert text(browser, ".bars > :not(.bar)") == [
        said
        for title, share, both in expected
        for said in (title, f"{wording.percent(share)} · {both:,}".replace("\N{NO-BREAK SPACE}", " "))
    ]
    assert len(text(browser, ".matrix tbody tr")) == len(titles) and is_quiet(browser)


def test_a_segment_is_shown_with_all_that_is_known_of_it(browser, page, rows):
    browser.open(page)
    ((title, definition, goal, watch_out, customers),) = rows(
        "select title, definition, marketing_goal, watch_out, customers from marts.segments where segment ="
        " 'high_value_at_risk'"
    )
    browser.value("document.querySelector('.sizes a[href=\"#segment-high_value_at_risk\"]').click()")
    browser.value("new Promise(resolve => setTimeout(resolve, 50))")
    (shown,) = text(browser, "details.segment[open]")
    assert all(part in shown for part in (title, definition, goal, watch_out, f"{customers:,} customers"))
    ids = {
        customer
        for (customer,) in rows(
            "select customer_id from marts.segment_memberships where segment = 'high_value_at_risk'"
        )
    }
    examples = browser.value(
        "[...document.querySelectorAll('details.segment[open] dl div:last-child code')].map(code => code.textContent)"
    )
    assert examples and set(examples) <= ids
    ((entered, exited),) = rows(
        "select entered, exited from marts.segment_sizes where segment = 'high_value_at_risk' and as_of_date = date"
        " '2025-03-31'"
    )
    assert f"{entered} entered" in shown and f"{exited} left" in shown
    sql = Path("models/marts/segments/seg_high_value_at_risk.sql").read_text()
    assert text(browser, "details.segment[open] pre") == [" ".join(sql.split())]


def test_a_segment_tells_its_overlaps_products_messages_and_hold_backs(browser, shop, tmp_path, rows):
    ((size,),) = rows("select customers from marts.segments where segment = 'loyal_buyers'")
    assert size > 3
    page = changed(
        shop,
        tmp_path,
        *PREDICTIONS,
        "delete from marts.next_products; insert into marts.next_products by name select customer_id, 1 as"
        " next_product_number, 'p1' as product_id from marts.segment_memberships where segment = 'loyal_buyers'",
        "delete from marts.product_affinities; insert into marts.product_affinities by name select 'p1' as product_id,"
        " 'Tea <b>pot</b>' as product_name, 'p2' as other_product_id, 1 as affinity_number, 40 as common_buyers,"
        " 0.5 as confidence, 2 as lift, 9 as log_likelihood_ratio",
        "delete from marts.next_messages; insert into marts.next_messages by name select 'loyal_buyers' as segment,"
        " unnest([null, null, 'mailed often', 'global holdout']) as held_back_by, 'c' as customer_id, 1 as priority",
        campaign("spring"),
    )
    browser.open(page, 390)
    browser.value("document.querySelector('.sizes a[href=\"#segment-loyal_buyers\"]').click()")
    browser.value("new Promise(resolve => setTimeout(resolve, 50))")
    names = text(browser, "details.segment[open] dt")
    told = dict(zip(names, text(browser, "details.segment[open] dd"), strict=True))
    assert told["Next products"] == f"Tea <b>pot</b> (to {size:,})"
    assert told["Next message"] == "4 customers" and told["Held back"] == "1 global holdout, 1 mailed often"
    assert told["Campaign"] == "spring, 2025-03-01 to 2025-03-21: 200 of 1,000 held out. More of the treated bought."
    assert told["Expected"] == (
        f"EUR {wording.amount(Decimal(20 * size))} in the next 365 days;"
        f" 25.0 % of its {size:,} buyers to order in 90 days"
    )
    ((revenue, purchases),) = rows("""
        select net_revenue_365d, purchases_365d from marts.segment_performance where segment = 'loyal_buyers'""")
    assert f"EUR {wording.amount(revenue)} net revenue, {purchases:,} purchases of EUR " in told["Last 365 days"]
    overlaps = rows("""
        select title, share_of_smaller, customers_in_both from (
            select segment as one, other_segment as other, * from marts.segment_overlaps
            union all select other_segment, segment, * from marts.segment_overlaps) as pairs
        join marts.segments on segments.segment = pairs.other
        where pairs.one = 'loyal_buyers' and customers_in_both > 0 order by 2 desc, position limit 8""")
    assert told["Overlaps"].replace("\N{NO-BREAK SPACE}", " ") == ", ".join(
        f"{title} {100 * share:.1f} % ({both:,})" for title, share, both in overlaps
    )
    # From the keyboard: the segment that was opened is where a reader goes on, and a second click opens it again.
    assert browser.value("document.activeElement.closest('details.segment').open")
    browser.value("document.querySelector('details.segment[open]').open = false")
    browser.value("document.querySelector('.sizes a[href=\"#segment-loyal_buyers\"]').click()")
    assert len(text(browser, "details.segment[open]")) == 1 and is_quiet(browser)


def test_every_figure_tells_its_definition(browser, shop, tmp_path):
    told = "Customers in the <i>segment</i>."
    browser.open(
        changed(
            shop,
            tmp_path,
            f"comment on column marts.segments.customers is '{told}'",
            "comment on column marts.segments.share_of_customers is 'Of all.'",
            "comment on column marts.shop_figures.buyers is 'Who bought.'",
        )
    )
    tip = "(tip => tip.hidden ? null : tip.textContent)(document.querySelector('#tip'))"
    both = f"customers: {told}\nshare_of_customers: Of all."
    browser.value("document.querySelectorAll('details.segment').forEach(details => { details.open = true })")
    # A figure in a table, the head of its column, a tile and a figure of a segment.
    for selector, expected in (
        (".sizes td.size", both),
        (".sizes thead .term", both),
        (".tiles li:nth-child(4) strong", "buyers: Who bought."),
        (".segment dl > div:has(.term) dd", both),
        ("h1", None),
    ):
        browser.value(POINT_AT % selector)
        assert browser.value(tip) == expected, selector
    browser.send("Emulation.setFocusEmulationEnabled", enabled=True)
    browser.value("document.querySelector('.sizes thead .term').focus()")
    browser.value("new Promise(resolve => setTimeout(resolve, 50))")
    assert browser.value(tip) == both
    assert browser.value("document.activeElement.getAttribute('aria-describedby')") == "tip"
    browser.send("Input.dispatchKeyEvent", type="keyDown", key="Escape", code="Escape", windowsVirtualKeyCode=27)
    assert browser.value(tip) is None and is_quiet(browser)


def test_each_definition_that_the_page_asks_for_is_written(rows):
    dashboard = Path("ecommerce_segments/dashboard")
    askers = [*(dashboard / "templates").glob("*.html"), dashboard / "sections/glance.py"]
    asked = {name for path in askers for name in re.findall(r'"([a-z_]+\.[a-z0-9_]+)"', path.read_text())}
    columns = rows("select table_name, column_name from information_schema.columns where table_schema = 'marts'")
    known = {".".join(column) for column in columns}
    (estimates,) = yaml.safe_load(Path("models/estimates/_estimates.yml").read_text())["sources"]
    known |= {f"{table['name']}.{column['name']}" for table in estimates["tables"] for column in table["columns"]}
    assert len(asked) > 60 and asked - known == {"parts.html"}


def test_tables_are_searched_and_sorted(browser, page):
    browser.open(page)
    sizes = ".sizes tbody:first-of-type tr:not(:has(.group))"
    before = cells(browser, sizes)
    sort = "document.querySelectorAll('.sizes thead .sort')[%d].click()"
    for order, is_descending in (("descending", True), ("ascending", False)):
        browser.value(sort % 1)
        numbers = [row[1] for row in cells(browser, sizes)]
        known = [int(number.replace(",", "")) for number in numbers if number[0].isdigit()]
        assert known == sorted(known, reverse=is_descending) and len(set(known)) > 2
        # What is no number, such as a segment without data, stands last in both.
        assert numbers[:len(known)] == [number for number in numbers if number[0].isdigit()]
        assert browser.value("document.querySelectorAll('.sizes thead th')[1].ariaSort") == order
    browser.value(sort % 0)
    titles = [row[0] for row in cells(browser, sizes)]
    assert titles == sorted(row[0] for row in before)
    assert browser.value("document.querySelectorAll('.sizes [aria-sort]').length") == 1
    # Headings of groups and totals stay where they are.
    heads = "[...document.querySelectorAll('.sizes tbody')].every(body => body.rows[0].querySelector('.group'))"
    assert browser.value(heads)
    browser.value("document.querySelector('.value .sort').click()")
    assert text(browser, ".value tbody tr:first-child th")[0].startswith("Whole shop")

    browser.value(
        "(box => { box.value = 'CART aband'; box.dispatchEvent(new Event('input')) })"
        "(document.querySelector('.search input'))"
    )
    shown = "[...document.querySelectorAll('.sizes %s')].filter(one => one.checkVisibility()).map(one => one.innerText)"
    assert browser.value(shown % "a") == ["Sale cart abandoners", "Cart abandoners"]
    assert text(browser, ".search output")[0] == "2 of 40"
    assert len(browser.value(shown % ".group")) == 2
    assert is_quiet(browser)


POINT_AT = """(one => {
        one.scrollIntoView({block: "center"});
        one.dispatchEvent(new Event("pointerover", {bubbles: true}));
    })(document.querySelector("%s"))"""


def test_no_text_of_the_data_runs(browser, shop, tmp_path):
    quoted = HOSTILE.replace("'", "''")
    page = changed(
        shop,
        tmp_path,
        f"update marts.segments set title = '{quoted}', definition = '{quoted}', marketing_goal = '{quoted}', "
        f"watch_out = '{quoted}', segment_group = '{quoted}'",
        f"update marts.segment_memberships set customer_id = '{quoted}' || customer_id",
        f"update marts.customers set customer_id = '{quoted}' || customer_id, rfm_group = '{quoted}', lifecycle_stage"
        " = 'lead'",
        f"update marts.segment_history set customer_id = '{quoted}' || customer_id",
        f"update marts.segment_transitions set from_value = '{quoted}' where trait = 'rfm_group'",
        f"update marts.acquisition_costs set channel = '{quoted}' || channel",
        campaign(HOSTILE, segment=HOSTILE, verdict=HOSTILE),
        f"update marts.shop_figures set reporting_currency = '{quoted}', shop_timezone = '</style>{quoted}'",
    )
    figures = re.findall(r'<script type="application/json">(.*?)</script>', page.read_text(), re.DOTALL)
    assert len(figures) == 4 and not any("<" in figure for figure in figures)
    for width in (1440, 390):
        browser.open(page, width)
        browser.value("document.querySelectorAll('details').forEach(details => { details.open = true })")
        browser.value("document.querySelector('input[name=flows][value=\"1\"]').click()")
        browser.value("new Promise(resolve => setTimeout(resolve, 100))")
        assert is_quiet(browser)
        assert browser.value(
            "[window.hacked, document.querySelectorAll('img, a[href^=javascript]').length, document.scripts.length]"
        ) == [None, 0, 2 + len(text(browser, ".chart-box"))]
        assert text(browser, ".sizes a")[0] == HOSTILE
        assert HOSTILE in text(browser, "[data-chart=sizes] .legend li")[0]
        assert text(browser, ".campaigns h3") == [HOSTILE] and HOSTILE in text(browser, ".channels tbody th")[0]
        assert any(wording.words(HOSTILE) in label for label in text(browser, "[data-chart=flows] .node-label"))
        browser.value(POINT_AT % "[data-chart=sizes] .chart > svg .mark")
        assert HOSTILE in text(browser, "#tip:not([hidden])")[0]


def test_no_other_script_than_the_pages_own_would_run(browser, page):
    browser.open(page)
    browser.value(
        "void document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.hacked = 1'}))"
    )
    assert browser.value("window.hacked") is None and text(browser, ".chart svg")


def test_ids_that_look_like_emails_are_not_shown(shop, tmp_path):
    page = changed(shop, tmp_path, "update marts.customers set customer_id = customer_id || '@example.com'",
                   "update marts.segment_memberships set customer_id = customer_id || '@example.com'",
                   "update marts.segment_history set customer_id = customer_id || '@example.com'")
    assert "@example.com" not in page.read_text() and "none to show" in page.read_text()


def test_products_are_those_of_the_marts(browser, shop, tmp_path):
    """Each pair once; what too few buyers tell is said; a product without a name is known by its id."""
    pair = (
        "insert into marts.product_affinities by name"
        " select 1 as affinity_number, 40 as common_buyers, 2.5 as lift, "
    )
    begun = (
        "insert into marts.gateway_products by name"
        " select 80 as first_buyers, 0.45 as shop_return_rate, 'Tea' as category, "
    )
    browser.open(
        changed(
            shop,
            tmp_path,
            f"delete from marts.product_affinities; {pair} 'a' as product_id, 'b' as other_product_id, 'Pot' as"
            " other_product_name, 0.25 as confidence, 9 as log_likelihood_ratio",
            f"{pair} 'b' as product_id, 'Pot' as product_name, 'a' as other_product_id, 0.5 as confidence,"
            " 9 as log_likelihood_ratio",
            f"delete from marts.gateway_products; {begun} 'product' as kind, 'a' as product_id, 0.6 as return_rate,"
            " 0.46 as return_rate_from, 0.7 as return_rate_to, 12.5 as net_revenue_365d_per_buyer",
            f"{begun} 'product' as kind, 'b' as product_id, 'Pot' as product_name, 0.5 as return_rate, 0.44 as"
            " return_rate_from, 0.6 as return_rate_to",
            "delete from marts.due_products; insert into marts.due_products by name select 'c1' as customer_id, 'a' as"
            " product_id union all by name select 'c2' as customer_id, 'a' as product_id",
        )
    )
    assert is_quiet(browser)
    shown = re.sub(r"\s+", " ", browser.value("document.body.innerText"))
    shown = shown[shown.index("What good customers begin with"):]
    assert "For 1 of 2 products the whole interval lies above that; by chance alone it would for about 0." in shown
    assert "a 60.0 % 46.0 % to 70.0 % 80 12.50 unknown Pot 50.0 % 44.0 % to 60.0 % 80 too few yet too few yet" in shown
    assert "1 pair of products is held" in shown and "Pot a 50.0 % 2.5 40" in shown and "a Pot 25.0 %" not in shown
    assert "2 customers are about to need again" in shown and "a 2 known of single buyers" in shown


def test_a_section_without_its_mart_is_left_out(browser, shop, tmp_path):
    page = changed(
        shop,
        tmp_path,
        "drop table marts.segment_overlaps",
        "drop table marts.segment_sizes",
        "drop table marts.segment_transitions",
        "drop table marts.segment_history",
        "drop table marts.rfm_thresholds",
        "drop table marts.campaign_lift",
        "drop table marts.repeat_purchases",
        "drop table marts.churn_monthly",
        "drop table marts.segment_performance",
    )
    browser.open(page)
    assert is_quiet(browser)
    assert text(browser, "h2") == [
        "At a glance",
        "Warnings",
        "Segments today",
        "Next messages",
        "New and returning buyers",
        "Cost of new buyers",
        "Which channels bring purchases",
        "What goes with what, and what is due",
        "The funnel",
        "Recency and frequency",
        "Delivered data",
        "Each segment",
    ]


def test_a_segment_added_at_the_end_stands_in_its_group(browser, shop, tmp_path):
    """An own segment is the last of the register, whatever its group is, and may have none."""
    browser.open(
        changed(
            shop,
            tmp_path,
            "update marts.segments set segment_group = 'The sales season', watch_out = null where segment ="
            " 'birthday_soon'",
            "update marts.segments set segment_group = null where segment = 'unhappy_customers'",
        )
    )
    groups = text(browser, ".sizes .group")
    assert len(groups) == len(set(groups)) == 7 and "Our own" in groups and len(text(browser, ".sizes a")) == 40
    titles = text(browser, ".sizes a")
    assert titles[10:12] == ["Multi-category buyers", "Birthday soon"] and titles == text(browser, "details.segment h3")
    browser.value(
        "document.querySelectorAll('[data-chart=sizes] input').forEach(box => { box.checked ="
        " box.closest('label').textContent.trim() === 'Birthday soon' })"
    )
    browser.value(
        "document.querySelector('[data-chart=sizes] input').dispatchEvent(new Event('change', {bubbles: true}))"
    )
    assert text(browser, "[data-chart=sizes] .legend li") == ["Birthday soon"]


# The history before, as if it had been of another sale.
OTHER_SALE = [
    "alter table marts.segment_sizes add column if not exists edition varchar",
    """update marts.segment_sizes set edition = if(as_of_date < date '2025-03-31', 'winter', 'spring')
       where segment in ('last_year_sale_buyers', 'sale_cart_abandoners', 'current_sale_buyers')""",
    "insert into marts.segment_sizes by name select as_of_date, segment, 50 as customers, 'winter' as edition from "
    "(select distinct as_of_date from marts.segment_sizes where as_of_date < date '2025-03-31'), (values"
    " ('last_year_sale_buyers'), ('sale_cart_abandoners'), ('current_sale_buyers')) as sale (segment) "
    "where (as_of_date, segment) not in (select (as_of_date, segment) from marts.segment_sizes)",
    "update marts.segment_sizes set entered = 40, exited = 30 where edition = 'spring'",
    "update marts.segments set not_delivered = null",
]


def test_another_sale_is_no_change_of_customers(browser, shop, tmp_path, rows):
    browser.open(changed(shop, tmp_path, *OTHER_SALE))
    assert is_quiet(browser)
    titles = {
        title
        for (title,) in rows(
            "select title from marts.segments where segment in ('last_year_sale_buyers', 'sale_cart_abandoners',"
            " 'current_sale_buyers')"
        )
    }
    (told,) = [said for said in text(browser, "section:has(#glance) p") if said.startswith("The sale changed")]
    assert (
        told.startswith("The sale changed from winter to spring: ")
        and all(title in told for title in titles)
        and len(titles) == 3
    )
    assert not titles & set(text(browser, ".movers a")) and text(browser, ".movers a")
    changes = {row[0]: row[2] for row in cells(browser, ".sizes tbody tr:not(:has(.group))")}
    assert {changes[title] for title in titles} == {"the sale changed"} and "the sale changed" not in {
        changes[title] for title in changes.keys() - titles
    }
    for title, shown in zip(text(browser, "details.segment h3"), text(browser, "details.segment")):
        assert ("entered" in shown and "left" in shown or "The segment is new" in shown) != (title in titles), title
        assert ("The sale changed from winter to spring." in shown) == (title in titles)
    # No line joins the two sales, in the small picture or in the large one.
    joined = browser.value("""Object.fromEntries([...document.querySelectorAll(".sizes tbody tr:not(:has(.group))")].map(row =>
        [row.querySelector("a").textContent, [...row.querySelectorAll("td .spark polyline")].map(line => line.getAttribute("points").split(" ").length)]))""")  # noqa: E501
    assert all(joined[title] == [1, 1] for title in titles) and [2] in joined.values()
    browser.value(
        "document.querySelectorAll('[data-chart=sizes] input').forEach(box => { box.checked = true });"
        " document.querySelector('[data-chart=sizes] input').dispatchEvent(new Event('change', {bubbles: true}))"
    )
    lines = browser.value(
        "[...document.querySelectorAll('[data-chart=sizes] .chart > svg .line')].map(line => line.getAttribute('d'))"
    )
    names = text(browser, "[data-chart=sizes] .legend li")
    assert {name for name, line in zip(names, lines, strict=True) if line.count("M") == 2} == titles
    assert all("L" not in line for line in lines if line.count("M") == 2)


def test_a_history_that_knows_no_sale_is_compared_all_the_same(browser, shop, tmp_path):
    """A version that was published before the history knew it can be shown again."""
    browser.open(
        changed(
            shop,
            tmp_path,
            "alter table marts.segment_sizes drop column if exists edition",
            "alter table marts.segments drop column not_delivered",
            "alter table marts.customers drop column if exists gross_margin_estimate",
            "delete from marts.acquisition_costs where channel in ('all', 'paid')",
            "drop table marts.data_quality",
        )
    )
    assert is_quiet(browser)
    shown = text(browser, "main")[0]
    assert "The sale changed" not in shown and text(browser, ".movers a") and "No margin is known" in shown
    assert [row[0] for row in cells(browser, ".channels tbody tr.total")] == ["All channels"]


def test_what_changed_is_ordered_by_money(browser, shop, tmp_path):
    """Ten customers fewer who bring much come before a hundred more who bring little; of an emptied segment the average
    of all customers counts."""
    sizes = {
        "hero_customers": (30, 20, 20_000),
        "non_target": (400, 500, 5_000),
        "discount_buyers": (50, 0, 0),
        "new_subscribers": (0, 900, 0),
    }
    browser.open(
        changed(
            shop,
            tmp_path,
            "update marts.segments set not_delivered = null, customers = 0",
            "delete from marts.segment_sizes",
            "update marts.segment_performance set customers = 0, purchases_365d = 0, net_revenue_365d = 0",
            "update marts.shop_figures set net_revenue_365d = 30 * customers",
            "update marts.segments set segment_group = 'All'",
            "insert into marts.segment_sizes (as_of_date, segment, customers, entered, exited) select day, segment, 0,"
            " 0, 0 from marts.segments, (values (date '2025-02-19'), (date '2025-03-31')) as dates (day)",
            *(
                statement
                for segment, (before, now, money) in sizes.items()
                for statement in (
                    f"update marts.segments set customers = {now} where segment = '{segment}'",
                    f"update marts.segment_performance set customers = {now}, net_revenue_365d = {money} where segment"
                    f" = '{segment}'",
                    f"update marts.segment_sizes set customers = if(as_of_date = date '2025-03-31', {now}, {before})"
                    f" where segment = '{segment}'",
                )
            ),
        )
    )
    assert is_quiet(browser)
    assert text(browser, ".movers a") == ["Hero customers", "Discount buyers", "Not a target", "New subscribers"]
    told = text(browser, ".movers li")
    assert "30 → 20; 10 × EUR 1,000 = EUR 10,000." in told[0] and "400 → 500; 100 × EUR 10.00 = EUR 1,000." in told[2]
    assert "50 → 0; 50 × EUR 30.00 = EUR 1,500, by the average of all customers, for nobody is left." in told[1]
    assert (
        "Most money first: the change in customers × what a member of the segment brought in the last 365 days, on"
        " average."
        in text(browser, "section:has(#glance) p")
    )


def test_a_segment_without_its_data_is_not_empty(browser, build, tmp_path):
    browser.open(small_shop(build, tmp_path))
    assert is_quiet(browser)
    sizes = {row[0]: row[1] for row in cells(browser, ".sizes tbody tr:not(:has(.group))")}
    assert {title: size for title, size in sizes.items() if size.startswith("no ")} == {
        **dict.fromkeys(
            [
                "Recommendation clickers",
                "Indecisive visitors",
                "Sale cart abandoners",
                "Cart abandoners",
                "Browse abandoners",
                "High-ticket hesitators",
            ],
            "no sessions delivered",
        ),
        **dict.fromkeys(["Last year's sale buyers", "Current sale buyers"], "no sale campaigns delivered"),
        **dict.fromkeys(["Unhappy customers", "Referral candidates"], "no reviews delivered"),
        **dict.fromkeys(
            ["Engaged subscribers", "Unengaged subscribers", "Slipping subscribers"], "no email events delivered"
        ),
        "Active customers": "no sessions or email events delivered",
    }
    for title, shown in zip(text(browser, "details.segment h3"), text(browser, "details.segment")):
        assert ("What to do" in shown) != sizes[title].startswith("no ") and (
            f"The shop delivers {sizes[title].removesuffix(' delivered')}," in shown
        ) == sizes[title].startswith("no ")


def test_delivered_data_are_those_of_the_mart(browser, page, shop, tmp_path, rows):
    browser.open(page)
    expected = rows("""select table_name, received_rows, kept_rows, duplicate_rows, deleted_rows, rejected_rows, repaired_values from marts.data_quality
        where received_rows > 0 order by rejected_rows + repaired_values desc, received_rows desc, table_name""")  # noqa: E501
    assert (
        cells(browser, ".quality tbody tr")
        == [[name, *(f"{rows_of:,}" for rows_of in counts)] for name, *counts in expected]
        and len(expected) > 5
    )
    reason = "commonest_rejection_reason = 'missing <b>', rejected_rows = 1854, commonest_rejection_rows = 1800"
    browser.open(changed(shop, tmp_path, f"update marts.data_quality set {reason} where table_name = 'orders'",
                         "update marts.data_quality set received_rows = 0 where table_name = 'reviews'"))
    told = text(browser, "section:has(#delivered)")[0]
    assert (
        "most rejected: missing <b> (1,800)" in text(browser, ".quality tbody tr")[0]
        and "Not delivered: " in told
        and "reviews" in told.partition("Not delivered: ")[2]
    )
    assert not re.search(r"@|None|null", told)


def test_who_is_known_no_more_is_not_among_the_customers(browser, page, rows):
    browser.open(page)
    ((customers,),) = rows("select count(*) from marts.customers")
    told = [said for said in text(browser, "section:has(#flows) p") if "stayed where they were" in said]
    assert len(told) == 2 and all(
        f" of {customers:,} customers stayed where they were. 3 more were known on 2025-02-19 and are no customers of"
        " today's."
        in said
        for said in told
    )


def figures_by_words(browser) -> dict[frozenset, set[str]]:
    """The figures of the page by the words that name them: of tiles, of listings by the words of row and column, and of
    the sentences on all customers and on each segment. Words are compared as a set, without case and without the
    currency, as readers do not mind their order."""
    facts = browser.value("""(() => {
        const facts = [], plain = element => element.textContent, first = element => [...element.childNodes].find(node => node.textContent.trim())?.textContent ?? "";
        for (const tile of document.querySelectorAll(".tiles li")) {
            const note = [...tile.querySelectorAll(".muted")].map(plain).filter(note => note.includes("last 365 days") && !note.includes("%"));
            facts.push([[plain(tile.children[0]), ...note].join(" "), plain(tile.querySelector("strong"))]);
        }
        for (const table of document.querySelectorAll(".listing.sizes, .listing.value")) {
            const heads = [...table.querySelectorAll("thead tr:last-child > *")].map(plain);
            for (const row of table.querySelectorAll("tbody tr:not(:has(.group))")) {
                const [name, ...cells] = row.children;
                cells.forEach((cell, place) => cell.matches(".bar") || facts.push([`${(name.querySelector("a") ?? name.firstChild).textContent} ${heads[place + 1]}`, first(cell)]));
                const members = plain(name).match(/([\\d,]+) customers, [\\d,]+ reachable/);
                if (members) facts.push([name.querySelector("a").textContent + " customers", members[1]]);
            }
        }
        for (const details of document.querySelectorAll("details.segment")) {
            const title = plain(details.querySelector("h3")), told = plain(details);
            for (const [pattern, words] of [[/Size([\\d,]+) customers?,/, "customers"], [/([\\d,.]+) net revenue so far/, "net revenue so far"], [/([\\d,.]+) gross margin so far/, "gross margin so far, amount"]]) {
                const found = told.match(pattern);
                if (found) facts.push([`${title} ${words}`, found[1]]);
            }
        }
        for (const [_, customers] of plain(document.querySelector("main")).matchAll(/of (?:all )?([\\d,]+) customers/g)) facts.push(["customers", customers]);
        return facts;
    })()""")  # noqa: E501
    found = {}
    for words, figure in facts:
        figure = figure.replace("EUR", "").replace(",", "").strip()
        if re.fullmatch(r"[\d.]+", figure):
            # Narrow places leave the cents out.
            found.setdefault(frozenset(re.findall(r"[a-z0-9']+", words.lower().replace("eur", ""))), []).append(
                f"{Decimal(figure):.0f}"
            )
    return found


def test_the_same_words_are_the_same_number(browser, shop, tmp_path):
    browser.open(changed(shop, tmp_path, *MARGINS))
    found = figures_by_words(browser)
    assert {words: figures for words, figures in found.items() if len(set(figures)) > 1} == {}
    # These stand in more than one place, so that they can differ.
    shared = {
        "net revenue last 365 days whole shop",
        "average order value last 365 days whole shop",
        "customers",
        "loyal buyers customers",
        "loyal buyers net revenue so far",
    }
    assert all(len(found[frozenset(words.split())]) > 1 for words in shared)
    whole, buyers = ({*words, *"net revenue last 365 days".split()} for words in (("whole", "shop"), ("all", "buyers")))
    assert found[frozenset(whole)][0] != found[frozenset(buyers)][0]
    ((nobodys, revenue),) = rows_of(
        tmp_path / "changed.duckdb",
        "select count(*), sum(net_revenue) from marts.purchases where customer_id is null and purchased_on > date"
        " '2024-03-31'",
    )
    assert nobodys > 0
    tile, = [tile for tile in text(browser, ".tiles li") if tile.startswith("Net revenue")]
    assert (
        f"with EUR {wording.amount(revenue)} of nobody known" in tile
        and f"{nobodys:,} purchases, EUR {wording.amount(revenue)}, of nobody known"
        in text(browser, ".value .total")[0]
    )
    # And a difference is seen.
    browser.open(
        changed(shop, tmp_path, *MARGINS, "update marts.shop_figures set net_revenue_365d = net_revenue_365d + 10")
    )
    assert [set(words) for words, figures in figures_by_words(browser).items() if len(set(figures)) > 1][:1] == [whole]


def rows_of(database: Path, query: str) -> list[tuple]:
    with duckdb.connect(database, read_only=True) as connection:
        return connection.execute(query).fetchall()


def test_a_history_of_one_date_has_no_changes(browser, build, tmp_path):
    browser.open(small_shop(build, tmp_path))
    assert is_quiet(browser)
    shown = text(browser, "main")[0]
    assert (
        "The history holds no date before 2025-03-31 yet." in shown
        and "A line is drawn from the second date on." in shown
    )
    assert "Low value, active 100.0 % 1 customer, EUR 59.90." in shown
    assert "There is only one date in the history yet." in shown and "EUR 59.90" in shown
    assert text(browser, "[data-chart=sizes], [data-chart=flows]") == []


@pytest.mark.parametrize(("changes", "sentence"), [
    ({table: lines[:1] for table, lines in SMALL_SHOP.items()}, "No customers are known on this date"),
    ({"orders": SMALL_SHOP["orders"][:1], "order_lines": SMALL_SHOP["order_lines"][:1]}, "Nobody has bought yet."),
])
def test_an_empty_shop_says_so(browser, build, tmp_path, changes, sentence):
    browser.open(small_shop(build, tmp_path, **changes))
    assert is_quiet(browser)
    shown = told(browser)
    assert all(
        part in shown
        for part in (
            sentence,
            "No buyer has scores yet",
            "No two segments share a customer.",
            "nobody is in it",
            "Nobody bought in the last 365 days.",
            "Nobody has bought yet.",
            "No month with buyers from before",
            "No campaign is registered.",
        )
    )
    assert text(browser, ".chart") == [] and len(text(browser, ".sizes a")) == 40
    assert not re.search(UNSAID, shown)


def test_the_history_may_end_before_the_as_of_date(browser, shop, tmp_path):
    browser.open(
        changed(
            shop,
            tmp_path,
            *(
                f"delete from marts.{mart} where as_of_date = date '2025-03-31'"
                for mart in ("segment_sizes", "segment_transitions")
            ),
        )
    )
    assert is_quiet(browser)
    assert "The history ends on 2025-02-19, before 2025-03-31." in text(browser, "main")[0]
    assert "since 2025" not in text(browser, "main")[0]


CONTRAST = """(() => {
    const channels = color => color.match(/[\\d.]+/g).map(Number);
    const luminance = ([r, g, b]) => [r, g, b].map(c => c / 255).map(c => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
        .reduce((sum, c, place) => sum + c * [0.2126, 0.7152, 0.0722][place], 0);
    const ground = element => {
        for (let e = element; e; e = e.parentElement) {
            const color = channels(getComputedStyle(e).backgroundColor);
            if (color.length === 3 || color[3] === 1) return color;
        }
    };
    const found = [];
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
        const element = texts.currentNode.parentElement;
        if (!texts.currentNode.textContent.trim() || !element.checkVisibility() || element.closest("script, option, .node-label")) continue;
        const isDrawn = element.closest("svg") !== null;
        const [one, other] = [channels(getComputedStyle(element)[isDrawn ? "fill" : "color"]), ground(element)].map(luminance).sort((a, b) => b - a);
        const contrast = (one + 0.05) / (other + 0.05);
        if (contrast < 4.5) found.push(`${contrast.toFixed(1)} ${texts.currentNode.textContent.trim()}`);
    }
    return [found, luminance(ground(document.body)), document.body.textContent.length];
})()"""  # noqa: E501


@pytest.mark.parametrize("is_dark", [False, True])
@pytest.mark.parametrize("width", [320, 390, 1440])
def test_it_fits_the_screen_and_every_text_has_contrast(browser, page, width, is_dark):
    browser.open(page, width, is_dark=is_dark)
    browser.value("document.querySelectorAll('details').forEach(details => { details.open = true })")
    browser.value("new Promise(resolve => setTimeout(resolve, 50))")
    assert browser.value("[document.documentElement.scrollWidth, innerWidth]") == [width, width]
    pale, ground, length = browser.value(CONTRAST)
    assert pale == [] and length > 10_000
    assert ground < 0.02 if is_dark else ground > 0.9
    # No chart is wider than its place, and none of its texts is cut.
    cut = browser.value("""[...document.querySelectorAll(".chart")].flatMap(chart => {
        const box = chart.getBoundingClientRect();
        return [...chart.querySelectorAll("svg text")].filter(text => text.textContent.trim() && text.getBoundingClientRect().width
            && (text.getBoundingClientRect().left < box.left - 1 || text.getBoundingClientRect().right > box.right + 1)).map(text => text.textContent);
    })""")  # noqa: E501
    assert cut == []
    assert is_quiet(browser)


def test_paper_is_light_open_and_not_cut(browser, page, tmp_path):
    browser.open(page, is_dark=True)
    closed = browser.value("document.querySelectorAll('details:not([open])').length")
    browser.value("window.dispatchEvent(new Event('beforeprint'))")
    assert browser.value("document.querySelectorAll('details:not([open])').length") == 0 < closed
    widths = browser.value("[...document.querySelectorAll('.chart > svg')].map(chart => chart.clientWidth)")
    assert widths and max(widths) <= 680
    ink = "getComputedStyle(document.querySelector('.chart text')).fill"
    assert browser.value(ink) == "rgb(230, 233, 237)"
    browser.send(
        "Emulation.setEmulatedMedia", media="print", features=[{"name": "prefers-color-scheme", "value": "dark"}]
    )
    assert browser.value(ink) == "rgb(27, 31, 36)"
    browser.send("Emulation.setEmulatedMedia", media="")
    browser.value("window.dispatchEvent(new Event('afterprint'))")
    assert browser.value("document.querySelectorAll('details:not([open])').length") == closed
    assert browser.value("document.querySelector('.chart > svg').clientWidth") > 680
    browser.pdf(tmp_path / "page.pdf")
    assert (tmp_path / "page.pdf").read_bytes().startswith(b"%PDF")


def test_it_reads_without_eyes_and_mouse(browser, page):
    browser.open(page)
    levels = browser.value(
        "[...document.querySelectorAll('h1, h2, h3, h4')].map(heading => Number(heading.tagName[1]))"
    )
    assert (
        levels.count(1) == 1
        and levels[0] == 1
        and all(after - before <= 1 for before, after in zip(levels, levels[1:]))
    )
    assert (
        browser.value("document.documentElement.lang") == "en"
        and browser.value("document.title") == "Customer segments as of 2025-03-31"
    )
    without = browser.value("""[...document.querySelectorAll(".chart")].filter(chart => chart.getAttribute("role") !== "img" || !chart.ariaLabel
        || !chart.closest("section").querySelector("table")).length""")  # noqa: E501
    assert without == 0
    assert (
        browser.value("[...document.querySelectorAll('input, select')].filter(field => !field.labels.length).length")
        == 0
    )
    assert browser.value("[...document.querySelectorAll('svg.spark')].filter(line => !line.ariaLabel).length") == 0
    assert (
        browser.value(
            "[...document.querySelectorAll('nav a, .sizes a')].filter(link =>"
            " !document.querySelector(link.hash)).length"
        )
        == 0
    )
    for key in ("Tab", "Tab"):
        browser.send("Input.dispatchKeyEvent", type="keyDown", key=key, code=key, windowsVirtualKeyCode=9)
    assert browser.value("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_it_is_one_small_file(page):
    content = page.read_text()
    assert page.stat().st_size < 3_000_000
    assert not re.search(r"<(script|img|iframe)[^>]* src=|<link[^>]* href=\"(?!data:)", content)


def test_a_simulated_shop_is_called_one(shop, page, tmp_path):
    assert "simulated" not in page.read_text().partition("</style>")[2].partition("<script>")[0]
    write_dashboard(shop, tmp_path / "simulated.html", is_simulated=True)
    assert "<strong>This is a simulated shop.</strong>" in (tmp_path / "simulated.html").read_text()


def test_without_a_built_shop_there_is_no_page(tmp_path):
    with pytest.raises(DashboardError, match=f"^{tmp_path}/no.duckdb cannot be read: "):
        write_dashboard(tmp_path / "no.duckdb", tmp_path / "page.html")
    with duckdb.connect(tmp_path / "empty.duckdb") as connection:
        connection.execute("create schema marts")
    with pytest.raises(
        DashboardError, match="^The marts customers, segments, segment_memberships, shop_figures are missing"
    ):
        write_dashboard(tmp_path / "empty.duckdb", tmp_path / "page.html")
    assert not (tmp_path / "page.html").exists()


@pytest.mark.parametrize("mart", ["segments", "segment_overlaps", "churn_monthly"])
def test_marts_of_different_dates_make_no_page(shop, tmp_path, mart):
    with pytest.raises(
        DashboardError, match="The marts are of different dates, 2025-03-31 and 2025-04-01: build all of them"
    ):
        changed(shop, tmp_path, f"update marts.{mart} set as_of_date = as_of_date + 1")


def test_a_reader_never_sees_half_a_page(shop, page, monkeypatch):
    former = page.read_text()

    def half(path, content, encoding):
        path.write_bytes(content[:1000].encode(encoding))
        raise OSError("no space left")

    monkeypatch.setattr(Path, "write_text", half)
    with pytest.raises(OSError, match="no space left"):
        write_dashboard(shop, page)
    assert page.read_text() == former and [path.name for path in page.parent.iterdir()] == ["page.html"]


# ---------------------------------------------------------------- the money


LAST_MONTH = "month = date '2025-03-01'"
# As if the last month had not ended: what the marts leave null then is null.
UNFINISHED = [
    f"update marts.revenue_by_buyer_type set is_complete = false where {LAST_MONTH}",
    f"update marts.acquisition_costs set is_complete = false where {LAST_MONTH}",
    "update marts.churn_monthly set is_complete = false, customer_churn_rate = null, revenue_churn_rate = null,"
    f" revenue_loss_rate = null where {LAST_MONTH}",
    "update marts.cohort_retention set is_complete = false, retention_rate = if(months_since = 0, 1, null) where"
    f" {LAST_MONTH}",
]


def campaign(
    name: str,
    starts_on: str = "2025-03-01",
    lift: tuple = (0.05, 0.02, 0.08),
    revenue: tuple = (5.5, -1, 12),
    **changes,
) -> str:
    """The statement that adds a campaign to campaign_lift."""
    row = {
        "marketing_campaign_id": name,
        "as_of_date": str(DAY),
        "segment": "loyal_buyers",
        "starts_on": starts_on,
        "ends_on": "2025-03-21",
        "is_over": True,
        "holdout_percent": 20,
        "customers": 1000,
        "treated_customers": 800,
        "held_out_customers": 200,
        "is_split_as_promised": True,
        "treated_buyers": 160,
        "held_out_buyers": 30,
        "treated_net_revenue": 16000,
        "held_out_net_revenue": 3000,
        "verdict": "More of the treated bought.",
    }
    row |= dict(zip(("conversion_lift", "conversion_lift_from", "conversion_lift_to"), lift or [None] * 3))
    row |= (
        dict(zip(("net_revenue_lift", "net_revenue_lift_from", "net_revenue_lift_to"), revenue or [None] * 3)) | changes
    )
    told = ["null" if value is None else "'{}'".format(str(value).replace("'", "''")) for value in row.values()]
    return f"insert into marts.campaign_lift ({', '.join(row)}) values ({', '.join(told)})"


def cells(browser, selector: str) -> list[list[str]]:
    """The first text of each cell but the bars, by row."""
    return browser.value(f"""[...document.querySelectorAll("{selector}")].map(row => [...row.querySelectorAll("th, td:not(.bar)")].map(cell =>
        ((cell.querySelector("a, abbr") ?? [...cell.childNodes].find(node => node.textContent.trim()))?.textContent ?? "").trim().replaceAll("\\u00a0", " ")))""")  # noqa: E501


def share(part, whole) -> str:
    return minus(f"{100 * float(part) / float(whole):,.1f} %")


def by_hand(sql, shop: Path, analysis: str) -> list[dict]:
    """The rows of an analysis that recomputes a mart from purchases."""
    (query,) = (found.sql for found in sql.analyses if found.name == analysis)
    with duckdb.connect(shop, read_only=True) as connection:
        cursor = connection.execute(query)
        return [dict(zip([column[0] for column in cursor.description], row)) for row in cursor.fetchall()]


# As the models would estimate: of half of the buyers all costs are known, of the others none, and the shop's rate is 40
# %.
MARGINS = [
    "alter table marts.customers add column if not exists gross_margin_estimate decimal(18,6)",
    "alter table marts.customers add column if not exists margin_known_share decimal(18,8)",
    "update marts.customers set gross_margin_estimate = 0.4 * net_revenue, margin_known_share = if(purchase_count % 2"
    " = 1, 1, 0) where purchase_count > 0",
]


def test_value_and_margin_are_those_of_the_marts(browser, shop, tmp_path, rows):
    browser.open(changed(shop, tmp_path, *MARGINS))
    expected = rows("""
        with earned as (
            select title, sum(net_revenue) as net_revenue, count(*) as purchases, position
            from marts.segments join marts.segment_memberships using (segment) join marts.purchases using (customer_id)
            where purchased_on > date '2024-03-31' group by title, position),
        margins as (
            select title, coalesce(sum(net_revenue) filter (purchase_count % 2 = 1), 0) as known, sum(net_revenue) as so_far
            from marts.segments join marts.segment_memberships using (segment) join marts.customers using (customer_id) group by title)
        select title, net_revenue, purchases, known, so_far from earned join margins using (title) order by net_revenue desc, position
    """)  # noqa: E501
    shown = cells(browser, ".value tbody tr:not(.total)")
    known_shares = browser.value(
        "[...document.querySelectorAll('.value tbody tr:not(.total) td:last-child')].map(cell =>"
        " cell.querySelector('.muted')?.textContent ?? null)"
    )
    assert len(shown) == len(expected) > 10
    for (title, revenue, _, per_purchase, margin), known_share, (name, net_revenue, purchases, known, so_far) in zip(
        shown, known_shares, expected
    ):
        assert (title, revenue, margin) == (name, f"{net_revenue:,.0f}", "40.0 %")
        assert known_share == (
            None if known == so_far else share(known, so_far).replace(" ", "\N{NO-BREAK SPACE}") + " known"
        )
        assert per_purchase == f"EUR {net_revenue / purchases:,.{2 if net_revenue / purchases < 1000 else 0}f}"
    assert any(known_shares)
    assert [
        (name, f"{revenue:,.0f}")
        for name, revenue in rows("""select title, net_revenue_365d from marts.segment_performance
        join marts.segments using (segment) where purchases_365d > 0 order by 2 desc, position""")
    ] == [(row[0], row[1]) for row in shown]
    idle = rows(
        "select title from marts.segment_performance join marts.segments using (segment) where purchases_365d = 0 and"
        " not_delivered is null order by position"
    )
    (sentence,) = text(browser, "section:has(#value) details p")
    assert idle and all(title in sentence for (title,) in idle)
    ((margin, each),) = rows(
        "select sum(0.4 * net_revenue), avg(0.4 * net_revenue) from marts.seg_loyal_buyers join marts.customers using"
        " (customer_id)"
    )
    (loyal,) = [shown for shown in text(browser, "details.segment") if shown.startswith("Loyal buyers")]
    assert (
        f"EUR {wording.amount(margin)} gross margin so far, EUR {wording.amount(each)} per customer, estimated where"
        " the cost is unknown"
        in loyal
    )


def test_new_and_returning_buyers_are_those_of_the_purchases(browser, page, rows):
    browser.open(page)
    expected = {
        (month, buyer_type): revenue
        for month, buyer_type, revenue in rows("""
        select strftime(purchased_on, '%Y-%m'), buyer_type, sum(net_revenue) from marts.purchases where customer_id is not null group by 1, 2""")  # noqa: E501
    }
    shown = cells(browser, ".split tbody tr")
    assert [row[0] for row in shown] == [f"2025-{month:02}" for month in (3, 2, 1)] + [
        f"2024-{month:02}" for month in range(12, 2, -1)
    ]
    for month, returning, new, part, *_ in shown:
        old_money, new_money = expected.get((month, "returning"), 0), expected.get((month, "new"), 0)
        assert (returning, new, part) == (
            f"{old_money:,.0f}",
            f"{new_money:,.0f}",
            share(old_money, old_money + new_money),
        )


def test_acquisition_is_that_of_the_mart(browser, page, rows):
    browser.open(page)
    expected = {
        channel: figures
        for channel, *figures in rows("""
        select channel, sum(spend) filter (month >= date '2024-04-01'), sum(new_buyers) filter (month >= date '2024-04-01'),
            sum(gross_margin_12m_per_new_buyer * new_buyers) filter (old), sum(spend) filter (old),
            bool_or(old and new_buyers > 0 and gross_margin_12m_per_new_buyer is null), sum(new_buyers) filter (old),
            coalesce(min(payback_months) filter (old and new_buyers > 0 and spend > 0), -1), coalesce(max(payback_months) filter (old and new_buyers > 0 and spend > 0), -1)
        from (select *, month between date '2023-04-01' and date '2024-03-01' as old from marts.acquisition_costs)
        where month >= date '2023-04-01' and channel not in ('all', 'paid') group by channel""")  # noqa: E501
    }
    shown = cells(browser, ".channels tbody tr:not(.total)")
    assert {row[0] for row in shown} == set(expected) and len(shown) > 2
    for channel, spend, buyers, cost, margin, times, paid in shown:
        spent, new, brought, spent_then, is_unknown, bought_then, fastest, slowest = expected[channel]
        assert buyers == f"{new or 0:,}" and spend == (f"{spent:,.0f}" if spent else "none")
        assert cost == ("no spend" if not spent else wording.amount(spent / new) if new else "nobody won")
        assert margin == (
            "nobody won" if not bought_then else "unknown" if is_unknown else wording.amount(brought / bought_then)
        )
        if not is_unknown and spent_then and bought_then:
            assert times == minus(f"{brought / spent_then:.1f}")
        assert paid.startswith(
            {(-1, -1): ("not yet", "–")}.get((fastest, slowest), (f"{fastest} month", f"{fastest} to {slowest} month"))
        )


# The totals as the model writes them; here as if only the channels with spend in a month were paid for.
TOTALS = [
    "delete from marts.acquisition_costs where channel in ('all', 'paid')",
    *(
        f"""insert into marts.acquisition_costs by name
        select month, '{name}' as channel, as_of_date, is_complete, sum(spend) as spend, cast(sum(new_buyers) as bigint) as new_buyers,
            sum(spend) / nullif(sum(new_buyers), 0) as acquisition_cost, is_12_months_old
        from marts.acquisition_costs where channel not in ('all', 'paid') and {condition} group by all"""  # noqa: E501
        for name, condition in (("all", "true"), ("paid", "spend > 0"))
    ),
]


def test_totals_are_no_channels(browser, shop, tmp_path, rows):
    year = "month >= date '2024-04-01' and channel not in ('all', 'paid')"
    ((paid_spend, paid_buyers),) = rows(
        f"select sum(spend), sum(new_buyers) from marts.acquisition_costs where {year} and spend > 0"
    )
    ((spend, buyers),) = rows(f"select sum(spend), sum(new_buyers) from marts.acquisition_costs where {year}")
    assert paid_spend == spend and 0 < paid_buyers < buyers
    browser.open(changed(shop, tmp_path, *TOTALS))
    assert is_quiet(browser)
    told = [[f"{spend:,.0f}", f"{size:,}", wording.amount(spend / size)] for size in (paid_buyers, buyers)]
    totals = cells(browser, ".channels tbody tr.total")
    assert [row[:4] for row in totals] == [["Channels with spend", *told[0]], ["All channels", *told[1]]]
    channels = {row[0] for row in cells(browser, ".channels tbody tr:not(.total)")}
    assert channels and not channels & {"all", "paid"}
    assert (
        f"EUR {told[1][2]} on average, over all channels and buyers, and EUR {told[0][2]} in the channels with spend."
        in text(browser, "section:has(#acquisition) p")[0]
    )
    assert text(browser, ".channels ~ details thead th")[-2:] == ["Channels with spend", "All channels"]


def test_who_comes_back_is_as_recomputed_from_the_purchases(browser, page, sql, shop):
    browser.open(page)
    cohort = by_hand(sql, shop, "a_cohort_by_hand")
    shown = {row[0]: row[1:] for row in cells(browser, ".cohorts tbody tr")}["2024-03"]
    assert shown[0] == str(cohort[0]["customers"])
    found = {row["months_since"]: row["retention_rate"] for row in cohort}
    assert shown[1:] == [str(round(100 * found.get(age, 0))) for age in range(1, 13)] and any(
        0 < rate < 1 for rate in found.values()
    )
    ladder = cells(browser, ".ladder tbody tr")
    for row, rung in zip(by_hand(sql, shop, "the_first_repeats_by_hand"), ladder):
        judged = row["judged_customers"]
        assert rung[:2] == [
            str(row["purchase_number"]),
            share(row["repeated_customers"], judged) if judged else "too early",
        ]
    judged = text(browser, ".ladder tbody th .muted")
    assert judged[:3] == [
        f"{row['judged_customers']:,} judged" for row in by_hand(sql, shop, "the_first_repeats_by_hand")
    ]
    assert len(text(browser, ".ladder")) == 2


def test_who_is_lost_is_as_recomputed_from_the_purchases(browser, page, sql, shop, rows):
    browser.open(page)
    month = by_hand(sql, shop, "a_month_of_churn_by_hand")
    shown = {row[0]: row for row in cells(browser, ".churn tbody tr")}
    for row in month:
        if row["tenure_band"] != "new":
            assert shown[BANDS[row["tenure_band"]]][1:3] == [
                f"{row['opening_customers']:,}",
                share(row["churned_customers"], row["opening_customers"]),
            ]
    opening, churned = (sum(row[column] for row in month) for column in ("opening_customers", "churned_customers"))
    assert shown["All"][1:3] == [f"{opening:,}", share(churned, opening)] and opening > 10
    assert (
        f"2025-03 opened with {opening:,} live buyers and lost {churned:,} of them: {share(churned, opening)}"
        in text(browser, "section:has(#churn) p")[0]
    )
    titles = {title: band for band, title in BANDS.items()}
    for name, rates in drawn_lines(browser, "churn").items():
        if name != "All":
            known = dict(
                rows(
                    "select strftime(month, '%Y-%m'), customer_churn_rate from marts.churn_monthly"
                    f" where tenure_band = '{titles[name]}'"
                )
            )
            shown = {month: float(rate.removesuffix(" %")) for month, rate in rates.items()}
            assert shown == pytest.approx({month: 100 * float(known[month]) for month in rates}, abs=0.051)
            # A month that nobody opened has no rate.
            last = sorted(known)[-24:]
            assert rates.keys() == {month for month in last if known[month] is not None} and len(last) == 24
            assert any(known.values())


def test_months_that_have_not_ended_are_marked_and_not_drawn(browser, shop, tmp_path):
    browser.open(changed(shop, tmp_path, *UNFINISHED))
    assert is_quiet(browser)
    assert text(browser, ".split tr.unfinished th") == ["2025-03 so far"]
    assert all("2025-02" in line and "2025-03" not in line for line in drawn_lines(browser, "churn").values())
    shown = text(browser, "main")[0]
    assert "2025-03 has not ended and has no rates yet." in shown and "2025-02 opened with" in shown
    cohorts = [row for row in cells(browser, ".cohorts tbody tr:not(.total)") if row[0] > "2024-03"]
    for cohort, _, *rates in cohorts:
        age = 12 * (2025 - int(cohort[:4])) + 3 - int(cohort[5:])
        assert all(rate.isdigit() for rate in rates[:age - 1]) and rates[age - 1:] == ["…", *[""] * (12 - age)]
    assert len(cohorts) > 5
    assert "of net revenue in 2024-03 to 2025-02." in shown and "In 2024-03 to 2025-02 a new buyer cost" in shown
    assert text(browser, ".channels + p + details tbody th")[0] == "2025-03so far"


def test_a_campaign_to_no_segment_names_itself_and_gets_no_verdict(browser, shop, tmp_path):
    browser.open(
        changed(
            shop,
            tmp_path,
            campaign(
                "spring",
                segment="loyal_buyer",
                customers=0,
                treated_customers=0,
                held_out_customers=0,
                lift=None,
                revenue=None,
                verdict="Nobody is held out: there is nothing to compare with.",
            ),
            campaign("summer", segment="xyz"),
        )
    )
    assert is_quiet(browser)
    assert text(browser, ".campaigns li") == [
        "spring There is no segment loyal_buyer: nobody can be treated or held out. Correct it in marketing_campaigns;"
        " the nearest name is loyal_buyers.",
        "summer There is no segment xyz: nobody can be treated or held out. Correct it in marketing_campaigns.",
    ]


def test_campaigns_show_their_interval_and_sentence(browser, shop, tmp_path):
    page = changed(
        shop,
        tmp_path,
        campaign("spring"),
        campaign("no-result", "2025-02-01", lift=None, revenue=None, verdict="An arm is too small."),
        campaign(
            "still-on",
            "2025-03-20",
            ends_on="2025-04-20",
            is_over=False,
            lift=(-0.02, -0.1, 0.06),
            verdict="Wait for its end.",
        ),
        *(campaign(f"old-{number}", "2024-01-01") for number in range(5)),
    )
    browser.open(page)
    assert is_quiet(browser)
    titles = text(browser, ".campaigns h3")
    assert titles == ["still-on", "spring", "no-result", *(f"old-{number}" for number in range(5))]
    assert browser.value("[...document.querySelectorAll('details .campaigns h3')].map(title => title.textContent)") == [
        "old-3",
        "old-4",
    ]
    on, spring, without = text(browser, ".campaigns li")[:3]
    assert "More of the treated bought." in spring and "20.0 % of 800 treated, 15.0 % of 200 held out" in spring
    assert "+5.0 points, 95 % interval +2.0 to +8.0" in spring
    assert "EUR 5.50 per treated customer, EUR −1.00 to EUR 12.00; in all EUR 4,400, EUR −800.00 to EUR 9,600" in spring
    assert (
        "2025-04-20, not over" in on
        and "in all" not in on
        and "An arm is too small." in without
        and "points" not in without
    )
    # The scale runs from -10 to +8 points.
    assert browser.value(
        "[...document.querySelectorAll('.interval')[1].children].map(mark => [mark.style.left, mark.style.width])"
    ) == [["55.6%", ""], ["66.7%", "33.3%"], ["83.3%", ""]]
    assert len(text(browser, ".interval")) == len(titles) - 1


def test_unknown_costs_and_no_spend_are_said(browser, shop, tmp_path):
    browser.open(
        changed(
            shop,
            tmp_path,
            *MARGINS,
            "update marts.customers set gross_margin_estimate = null, margin_known_share = null",
            "update marts.acquisition_costs set gross_margin_12m_per_new_buyer = null,"
            " gross_margin_12m_to_acquisition_cost = null",
        )
    )
    assert "No margin is known" in text(browser, "main")[0] and "in 12 months is unknown" in text(browser, "main")[0]
    # The whole shop's has no place here: it is of customers alone.
    assert {row[-1] for row in cells(browser, ".value tbody tr") if row[0] != "Whole shop"} == {"unknown"}
    assert "unknown" in {row[4] for row in cells(browser, ".channels tbody tr")} <= {"unknown", "nobody won"}
    browser.open(
        changed(
            shop,
            tmp_path,
            "update marts.acquisition_costs set spend = null, acquisition_cost = null, payback_months = null",
        )
    )
    assert is_quiet(browser)
    assert "No marketing spend is known" in text(browser, "main")[0] and text(browser, ".channels") == []
    browser.open(changed(shop, tmp_path, "update marts.acquisition_costs set is_complete = false"))
    assert is_quiet(browser)
    assert "No month with spend has ended yet" in text(browser, "main")[0] and text(browser, ".channels") == []


def test_a_young_shop_is_called_one(browser, build, tmp_path):
    browser.open(small_shop(build, tmp_path))
    shown = told(browser)
    assert all(
        sentence in shown
        for sentence in (
            "The shop is younger than a year: most of its buyers are new ones.",
            "Nobody has had 365 days to come back yet: the shop is younger than a year.",
            "No buyer has had a month since the first one yet.",
            "No campaign is registered.",
        )
    )
    assert text(browser, ".channels, .churn, .cohorts, .ladder") == [] and not re.search(UNSAID, shown)


def test_channels_are_credited_as_the_mart_says(browser, page, rows):
    """The 12 whole months up to February or, as March 2025 ends with the as-of date, to March."""
    browser.open(page)
    assert is_quiet(browser)
    expected = rows("""
        select
            channel, sum(net_revenue) filter (rule = 'last_touch'), sum(net_revenue) filter (rule = 'first_touch'),
            sum(net_revenue) filter (rule = 'linear') as linear, sum(net_revenue) filter (rule = 'position_based'),
            sum(net_revenue) filter (rule = 'time_decay'), sum(spend) filter (rule = 'linear') as spend
        from marts.channel_performance where month between date '2024-04-01' and date '2025-03-01'
        group by channel order by channel = 'none', linear desc nulls last, channel""")
    whole = sum(row[3] or 0 for row in expected)
    shown = cells(browser, ".credits tbody tr")
    assert [row[0] for row in shown][-1] == "no visit or click" and 3 < len(shown) <= 11
    by_channel = {"no visit or click" if name == "none" else name: figures for name, *figures in expected}
    for channel, *shares, spend, returned in shown:
        *credited, spent = by_channel[channel]
        assert shares == [share(money or 0, whole) for money in credited], channel
        assert spend == (f"{spent:,.0f}" if spent else "none")
        returns = sorted((money or 0) / spent for money in credited) if spent else []
        least, most = (f"{returns[0]:.1f}", f"{returns[-1]:.1f}") if spent else (None, None)
        assert returned == ("no spend" if not spent else least if least == most else f"{least} to {most}")


def test_credit_stands_beside_what_a_held_out_group_says(browser, shop, tmp_path):
    (order_id,) = rows_of(shop, "select order_id from marts.purchases where purchased_on >= '2025-01-01' order by 1")[0]
    credit = f"""
        update marts.attributed_touches set campaign_id = 'april', channel = 'email', net_revenue = 4321
        where order_id = '{order_id}' and rule = 'last_touch'"""
    effects = """
        create table marts.channel_removal_effects as
        select 'email' as channel, date '2025-03-31' as as_of_date, 0.5 as removal_effect, 1.0 as purchases, 75.0 as net_revenue
        union all select 'none', date '2025-03-31', 0.5, 1.0, 25.0"""  # noqa: E501
    april = campaign("april", "2024-12-01", ends_on="2025-03-31")
    nameless = campaign("by-letter", "2024-11-01", lift=(0.1, 0.05, 0.15))
    unknown = campaign("too-small", lift=None, revenue=None)
    quarter = """
        insert into marts.programme_lift by name
        select '2025-Q1' as calendar_quarter, date '2025-03-31' as as_of_date, date '2025-01-01' as starts_on,
            date '2025-03-31' as ends_on, true as is_final, true as is_split_as_promised, 1000 as treated_customers,
            2 as net_revenue_lift, 1 as net_revenue_lift_from, 3 as net_revenue_lift_to"""
    by_email = """
        update marts.attributed_touches set touch_kind = if(campaign_id = 'april', 'email', 'session')
        where rule = 'last_touch'"""
    browser.open(changed(shop, tmp_path, credit, effects, april, nameless, unknown, quarter, by_email))
    assert is_quiet(browser)
    assert text(browser, ".caused tbody tr") == [
        "All messages of 2025-Q12025-01-01 to 2025-03-31 4,321to email 2,00095 % interval 1,000 to 3,000",
        "april2024-12-01 to 2025-03-31 4,321to email 4,40095 % interval −800.00 to 9,600",
        "by-letter2024-11-01 to 2025-03-21 no purchase follows a visit or click that carries its id"
        " 4,40095 % interval −800.00 to 9,600",
    ]
    removal = {row[0]: row[6] for row in cells(browser, ".credits tbody tr")}
    assert removal["email"] == "75.0 %" and removal["no visit or click"] == "25.0 %" and removal["search"] == "–"

def test_the_funnel_has_the_shares_of_the_last_whole_year(browser, shop, rows, tmp_path):
    page = changed(
        shop,
        tmp_path,
        """
        update marts.funnel_monthly
        set sessions = if(is_complete, 40, 7), sessions_with_order = if(is_complete, 3, 7), sessions_with_cart = 8,
            carts_without_order = if(is_complete, 5, 0), recovered_carts = if(is_complete, 2, 0)
        where channel = 'all' and buyer_type = 'all'
        """,
    )
    browser.open(page)
    total = text(browser, "section[aria-labelledby=funnel] tr.total td")
    # 3 of 40, 5 of 8 and 2 of 5, without the month that is not over.
    assert total[-3:] == [" ".join(wording.percent(share).split()) for share in (0.075, 0.625, 0.4)]
    shown = rows("select coalesce(sale_name, sale_campaign_id) from marts.sale_results order by starts_on desc limit 8")
    assert len(text(browser, "section[aria-labelledby=funnel] h3 ~ table tbody tr")) == len(shown) > 0


def test_a_shop_without_visits_has_no_funnel(browser, shop, tmp_path):
    page = changed(shop, tmp_path, "delete from marts.funnel_monthly", "delete from marts.sale_results")
    browser.open(page)
    assert text(browser, "section[aria-labelledby=funnel] table") == []
    assert "No visits are known" in text(browser, "section[aria-labelledby=funnel]")[0]


# As `segments estimate` writes them, of the buyers of two segments.
PREDICTIONS = [
    """
    create table marts.customer_predictions as
    select customer_id, as_of_date, 0.25 as probability_of_order_90d, 0.5 as expected_purchases_365d,
        20.0 as expected_value_365d
    from marts.customers where purchase_count > 0""",
    "create table marts.prediction_fits as select 'bg_nbd' as model, cast(null as varchar) as reason",
    """
    create table marts.prediction_calibration as
    select fifth, date '2025-03-31' as as_of_date, buyers, predicted_share, actual_share, 0.91 as auc
    from (values (1, 100, 0.03, 0.00), (5, 300, 0.60, 0.72))
        as fifths (fifth, buyers, predicted_share, actual_share)""",
]


def test_what_was_foretold_stands_beside_what_came(browser, shop, tmp_path, rows):
    ((buyers,),) = rows("select count(*) from marts.customers where purchase_count > 0")
    browser.open(changed(shop, tmp_path, *PREDICTIONS))
    assert is_quiet(browser)
    said = text(browser, "section:has(#predictions) p")
    assert f"the {buyers:,} buyers of today are expected to bring EUR {wording.amount(Decimal(20 * buyers))}" in said[0]
    assert f"and {wording.number(Decimal(buyers) / 4)} of them to order in the next 90 days" in said[0]
    # (100 * 0.03 + 300 * 0.60) / 400 and (0 + 300 * 0.72) / 400
    assert "expected 45.8 % of 400 buyers to order in them; 54.0 % did." in said[2] and "in 91 of 100 pairs" in said[2]
    assert cells(browser, ".calibration tbody tr") == [
        ["Least likely fifth", "3.0 %", "0.0 %"],
        ["Most likely fifth", "60.0 %", "72.0 %"],
    ]
    expected = rows("""
        select title, count(*) from marts.segments join marts.segment_memberships using (segment)
        join marts.customers using (customer_id) where purchase_count > 0
        group by title, position order by count(*) desc limit 10""")
    shown = cells(browser, ".expected tbody tr")
    assert [row[1] for row in shown] == [f"{20 * size:,}" for _, size in expected]
    assert {row[0] for row in shown} <= {title for (title,) in rows("select title from marts.segments")}
    assert {row[3] for row in shown} == {"25.0 %"}


def test_without_a_model_nothing_is_foretold(browser, shop, tmp_path):
    browser.open(
        changed(
            shop,
            tmp_path,
            *PREDICTIONS,
            "update marts.customer_predictions set probability_of_order_90d = null, expected_purchases_365d = null,"
            " expected_value_365d = null",
            "update marts.prediction_fits set reason = 'Only 7 buyers came back.'",
            "delete from marts.prediction_calibration",
        )
    )
    shown = text(browser, "section:has(#predictions)")[0]
    assert is_quiet(browser) and "Nothing can be foretold: Only 7 buyers came back." in shown
    assert "It could not be tried on the last 90 days" in shown and not re.search("None|null", shown)
