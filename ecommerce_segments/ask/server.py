"""The server behind `segments mcp`: tools of the Model Context Protocol that read what is published, and nothing else.

Each question is answered from the version that is published when it is asked. The warehouse is never opened, so that no
question is in a run's way.
"""

import importlib.metadata
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from threading import Lock
from typing import Any

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations

from ecommerce_segments import CannotDo
from ecommerce_segments.ask.sandbox import Published, Refused, masked
from ecommerce_segments.publish.versions import DATABASE, NotPublished, current
from ecommerce_segments.settings import did_you_mean
from ecommerce_segments.shop import Shop

INSTRUCTIONS = """\
Customer segments of a web shop, as published last night: who is in them, what they are worth, and why. All figures are
as of the as-of date that each answer names, and money is in the reporting currency that list_segments names. Begin with
list_segments; describe_mart before you write SQL, as it has the unit of each column and what null means. A customer can
be in several segments: never add up their sizes or money. There is no contact data here. Definitions come first: quote
them with each figure.
"""
READ_ONLY = ToolAnnotations(
    read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)


class Answers:
    """The tools, as methods. shop: whose; rows: the most of an answer; seconds: the longest that a query may take."""

    def __init__(self, shop: Shop, rows: int, seconds: float):
        self.shop, self.most_rows, self.seconds = shop, rows, seconds
        self.lock = Lock()
        self.opened: tuple[tuple[Path, int], Published] | None = None

    def published(self) -> Published:
        """What is published now. It is opened once, and again when there is another version."""
        with self.lock:
            try:
                version = current(self.shop.published)
                which = (version, (version / DATABASE).stat().st_ino)
            except (NotPublished, FileNotFoundError):
                raise Refused("Nothing is published yet: run `segments run` first.") from None
            if self.opened is None or self.opened[0] != which:
                self.opened = (which, Published(version, self.seconds))
            return self.opened[1]

    def list_segments(self) -> dict[str, Any]:
        """All segments: name, title, group, definition, what to do with it, customers in it, and their share of all
        customers (0 to 1). Also the as-of date, the number of customers and the reporting currency."""
        shop = self.published()
        (figures,) = shop.told_rows("select customers, buyers, reporting_currency, shop_timezone from shop_figures")
        segments = shop.rows("""
            select segment, title, segment_group, definition, marketing_goal, customers,
                cast(share_of_customers as double) as share_of_customers
            from segments order by position""")
        return {
            "as_of_date": shop.as_of_date,
            "published_at": shop.manifest["published_at"],
            "is_simulated": shop.manifest["is_simulated"],
            **figures,
            "segments": segments,
        }

    def describe_segment(self, segment: str) -> dict[str, Any]:
        """One segment: definition, SQL, goal, example, what to watch out for, customers, what it is worth, and its size
        at the last dates that were built.

        segment: its name, as list_segments has it.
        """
        shop = self.published()
        segment = segment.removeprefix("seg_")
        entries = {entry["name"]: entry for entry in shop.definitions["segments"]}
        if segment not in entries:
            raise Refused(f"There is no segment {segment}{did_you_mean(segment, list(entries)) or '.'}")
        asked = {"segment": segment}
        size = shop.told_rows("select customers, share_of_customers from segments where segment = $segment", asked)
        worth = shop.told_rows(
            "select * exclude (segment, as_of_date, customers) from segment_performance where segment = $segment", asked
        )
        sizes = shop.told_rows(
            "select as_of_date, customers, entered, exited from segment_sizes where segment = $segment"
            " order by as_of_date desc limit 12",
            asked,
        )
        return {"as_of_date": shop.as_of_date} | entries[segment] | size[0] | (worth or [{}])[0] | {"sizes": sizes}

    def list_traits(self, word: str = "") -> dict[str, Any]:
        """The traits of a customer, which a condition of preview may ask: name, type, unit, null, and meaning.

        word: only those with this word in name or description.
        """
        shop = self.published()
        found = [
            column
            for column in shop.described("customers")["columns"]
            if word.lower() in f"{column['name']} {column['description']}".lower()
        ]
        return {"as_of_date": shop.as_of_date, "traits": found}

    def preview(self, condition: str) -> str:
        """Say whom a segment with this condition would hold: how many, which segments they are in, and ten of them.

        condition: SQL over the traits that list_traits has, such as: recency_days < 30 and purchase_count >= 2
        """
        from ecommerce_segments.explore.preview import preview_of_condition

        shop = self.published()
        return preview_of_condition(shop.checked_rows, condition, shop.as_of_date)

    def explain(self, customer: str) -> str:
        """Say which segments hold a customer, and which values put them in or keep them out.

        customer: the id of the customer, or of one of their accounts. Emails are not known here.
        """
        from sqlglot.errors import ParseError

        from ecommerce_segments.explore.explain import Filter, explanation

        shop = self.published()
        found = shop.rows(
            f"with asked as (select $customer as id) select customer_id, account_id from customer_accounts"
            f" where account_id in (select id from asked union all select {masked('id')} from asked)",
            {"customer": customer},
        )
        if not found:
            raise Refused(f"There is no customer and no account {customer}.")
        filters, untold = [], []
        for entry in shop.definitions["segments"]:
            try:
                one = Filter(entry["name"], entry["sql"] or "", "duckdb", entry.get("row_per"))
                is_shown = one.names() <= set(shop.marts.get(one.source.name, ()))
            except (CannotDo, ParseError):
                is_shown = False
            filters += [one] if is_shown else []
            untold += [] if is_shown else [entry["name"]]
        text = explanation(shop.rows, filters, found[0]["account_id"], found[0]["customer_id"], shop.as_of_date)
        return text + (f"\n\nNot told, as they ask what is not shown here: {', '.join(untold)}" if untold else "")

    def list_marts(self) -> dict[str, Any]:
        """The marts that `query` may ask: name, rows, and what a row is."""
        shop = self.published()
        return {
            "as_of_date": shop.as_of_date,
            "marts": [
                {
                    "mart": mart,
                    "rows": shop.manifest["rows"][mart],
                    "description": shop.definitions["marts"][mart]["description"],
                }
                for mart in shop.marts
            ],
        }

    def describe_mart(self, mart: str) -> dict[str, Any]:
        """The columns of a mart: name, type, unit, what null means, and description.

        mart: its name, as list_marts has it.
        """
        return self.published().described(mart.removeprefix("marts."))

    def query(self, sql: str) -> dict[str, Any]:
        """The rows of one SELECT on the marts, in DuckDB's SQL. Rows and time are limited; a note says where rows were
        cut.

        sql: such as: select country_code, count(*) as customers from customers group by country_code
        """
        return self.published().answer(sql, self.most_rows)

    def list_metrics(self) -> dict[str, Any]:
        """The metrics that the shop has defined once, for all who ask: name and description."""
        from ecommerce_segments.explore.metrics import described

        return {"metrics": described()}

    def metrics(self, metrics: str, by: str = "") -> dict[str, Any]:
        """Metrics, grouped by dimensions. This takes some seconds.

        metrics: names that list_metrics has, parted by commas, such as: net_revenue,average_order_value
        by: dimensions, parted by commas, such as: metric_time__month or customer__country_code; or nothing
        """
        from ecommerce_segments.explore.metrics import sql_of

        shop = self.published()
        return shop.cut(sql_of(self.shop, metrics, by), self.most_rows)

    def alerts(self) -> dict[str, Any]:
        """What is unusual at the last run, the worst first: kind, subject, severity, value, what is usual, and a
        sentence."""
        from ecommerce_segments.build.alerts import ALERTS

        shop = self.published()
        return {"as_of_date": shop.as_of_date, "alerts": shop.told_rows(ALERTS)}


TOOLS = [
    Answers.list_segments,
    Answers.describe_segment,
    Answers.list_traits,
    Answers.preview,
    Answers.explain,
    Answers.list_marts,
    Answers.describe_mart,
    Answers.query,
    Answers.list_metrics,
    Answers.metrics,
    Answers.alerts,
]


def serve(shop: Shop, rows: int, seconds: float) -> None:
    """Answer questions on stdin and stdout until stdin is closed. rows, seconds: the limits of an answer."""
    server = MCPServer(
        "ecommerce-segments",
        title=f"Customer segments of {shop.name}",
        instructions=INSTRUCTIONS,
        version=importlib.metadata.version("ecommerce-segments"),
        log_level="ERROR",
    )
    answers = Answers(shop, rows, seconds)
    for tool in TOOLS:
        server.add_tool(in_sentences(getattr(answers, tool.__name__)), annotations=READ_ONLY)
    server.run("stdio")


def in_sentences(tool: Callable[..., Any]) -> Callable[..., Any]:
    """The tool, which tells a client why it cannot answer. Of what nobody has foreseen it is told nothing."""
    @wraps(tool)
    def asked(*arguments: Any, **named: Any) -> Any:
        try:
            return tool(*arguments, **named)
        except CannotDo as error:
            raise ToolError(str(error)) from None

    return asked
