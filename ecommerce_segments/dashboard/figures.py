"""What the page tells of a shop, read from the marts of a published file."""

from datetime import date
from decimal import Decimal
from functools import cached_property

import duckdb

from ecommerce_segments import CannotDo
from ecommerce_segments.build.membership_log import CUSTOMERS_GAINED
from ecommerce_segments.dashboard.wording import amount, compact


class DashboardError(CannotDo):
    """Why no page can be written, in a sentence."""


class Shop:
    """The marts of a built shop.

    connection: a DuckDB connection whose schema `marts` is read. is_simulated: whether its people and orders are made
    up. Raises DashboardError where the shop's own marts are missing or of different dates.
    """

    NEEDED = ("customers", "segments", "segment_memberships", "shop_figures")
    OF_ONE_DATE = (
        *NEEDED,
        "data_quality",
        "segment_overlaps",
        "rfm_thresholds",
        "purchases",
        "segment_performance",
        "revenue_by_buyer_type",
        "acquisition_costs",
        "channel_performance",
        "cohort_retention",
        "repeat_purchases",
        "churn_monthly",
        "campaign_lift",
        "funnel_monthly",
        "sale_results",
    )

    def __init__(self, connection: duckdb.DuckDBPyConnection, is_simulated: bool = False):
        self.connection, self.is_simulated = connection, is_simulated
        self.marts = {row["table_name"] for row in self.rows(
            "select table_name from information_schema.tables where table_schema = 'marts'")}
        missing = [mart for mart in self.NEEDED if mart not in self.marts]
        if missing:
            raise DashboardError(
                f"The marts {', '.join(missing)} are missing: build the shop first, with `segments run`."
            )
        self.figures = self.rows("from marts.shop_figures")[0]
        self.as_of_date: date = self.figures["as_of_date"]
        dates = self.rows(
            " union ".join(f"select as_of_date from marts.{mart}" for mart in self.OF_ONE_DATE if mart in self.marts)
        )
        if len(dates) > 1:
            raise DashboardError(
                "The marts are of different dates, "
                + " and ".join(sorted(str(row["as_of_date"]) for row in dates))
                + ": build all of them, with `segments run`."
            )

    def rows(self, sql: str, **parameters: object) -> list[dict]:
        """The rows of a query as dicts by column."""
        cursor = self.connection.execute(sql, parameters or None)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row)) for row in cursor.fetchall()]

    @cached_property
    def descriptions(self) -> dict[str, str]:
        """What the marts and their columns mean, by `mart` and `mart.column`, as the YAML of the models says; empty
        where the file has no comments."""
        return {row["name"]: row["comment"] for row in self.rows("""
            select table_name as name, comment from duckdb_tables() where schema_name = 'marts' and comment <> ''
            union all
            select table_name || '.' || column_name, comment from duckdb_columns()
            where schema_name = 'marts' and comment <> ''
        """)}

    def money(self, value: Decimal) -> str:
        """An amount in the reporting currency; with cents where it is below 1,000."""
        return f"{self.figures['reporting_currency']}\N{NO-BREAK SPACE}{amount(value)}"

    def headline(self, amount: Decimal) -> str:
        """An amount for a narrow place: in millions from 10 million on."""
        return (
            self.money(amount)
            if amount < 10_000_000
            else f"{self.figures['reporting_currency']}\N{NO-BREAK SPACE}{compact(amount)}"
        )

    @cached_property
    def net_revenue(self) -> Decimal:
        """Net revenue of all customers so far."""
        return self.rows("select coalesce(sum(net_revenue), 0) as net_revenue from marts.customers")[0]["net_revenue"]

    @cached_property
    def dates(self) -> list[date]:
        """The dates that the history knows, up to the as-of date."""
        if "segment_sizes" not in self.marts:
            return []
        return [
            row["as_of_date"]
            for row in self.rows(
                "select distinct as_of_date from marts.segment_sizes where as_of_date <= $day order by 1",
                day=self.as_of_date,
            )
        ]

    @cached_property
    def previous_date(self) -> date | None:
        """The date of the history before the as-of date; none where the history does not reach the as-of date."""
        return self.dates[-2] if len(self.dates) > 1 and self.dates[-1] == self.as_of_date else None

    @cached_property
    def sizes(self) -> dict[str, dict[date, dict]]:
        """By segment and date: customers, entered and exited (null on the first date).

        Dates on which it was not registered are missing.
        """
        sizes: dict[str, dict[date, dict]] = {}
        if self.dates:
            for row in self.rows(
                "select * from marts.segment_sizes where as_of_date <= $day order by as_of_date", day=self.as_of_date
            ):
                sizes.setdefault(row["segment"], {})[row["as_of_date"]] = row
        return sizes

    @cached_property
    def segments(self) -> list[dict]:
        """The segments, group by group in the order of the register, with their value, and their change since the
        previous date.

        change is null where it is unknown or says nothing of customers: the segment was not registered, its data are
        not delivered, or it asks for a sale and the sale is another one now (sale_before, sale_now). stake: the change
        in money, see `worth`.
        """
        segments = self.rows("""
            select segments.*, coalesce(segment_group, 'Our own') as group_title,
                coalesce(money.net_revenue, 0) as net_revenue
            from marts.segments
            left join (
                select segment, sum(net_revenue) as net_revenue from marts.segment_memberships
                inner join marts.customers using (customer_id)
                group by segment
            ) as money using (segment)
            order by min(position) over (partition by group_title), position
        """)
        for segment in segments:
            sizes = self.sizes.get(segment["segment"], {})
            before = sizes.get(self.previous_date) if self.previous_date else None
            now = sizes.get(self.as_of_date)
            segment["now"] = now if self.previous_date else None
            segment["before"] = before["customers"] if before and now else None
            segment["sale_before"], segment["sale_now"] = edition(before), edition(now)
            segment["is_other_sale"] = segment["before"] is not None and segment["sale_before"] != segment["sale_now"]
            segment.setdefault("not_delivered", None)
            is_told = segment["before"] is not None and not segment["is_other_sale"] and not segment["not_delivered"]
            segment["change"] = segment["customers"] - segment["before"] if is_told else None
            segment["worth"] = self.worth.get(segment["segment"])
            segment["stake"] = (
                abs(segment["change"]) * segment["worth"]
                if segment["change"] and segment["worth"] is not None
                else Decimal(0)
            )
        return segments

    @cached_property
    def worth(self) -> dict[str, Decimal]:
        """By segment: the net revenue of the last 365 days of a member, on average; of an empty one that of any
        customer.

        Empty where the mart that knows it is absent.
        """
        if "segment_performance" not in self.marts or not self.figures["customers"]:
            return {}
        of_any = self.figures["net_revenue_365d"] / self.figures["customers"]
        return {row["segment"]: row["net_revenue_365d"] / row["customers"] if row["customers"] else of_any
                for row in self.rows("from marts.segment_performance")}

    @cached_property
    def margins(self) -> dict[str | None, dict]:
        """By segment, and of all buyers under None: customers, gross margin so far, and net revenue so far, with a
        known cost and in all.

        What is not known of a margin is estimated upstream. Empty in what was published before that was so.
        """
        if not self.rows(
            "select 1 from information_schema.columns where table_schema = 'marts' and table_name = 'customers'"
            " and column_name = 'gross_margin_estimate'"
        ):
            return {}
        return {
            row["segment"]: row
            for row in self.rows("""
            with members as (
                select segment, customer_id from marts.segment_memberships
                union all
                select null, customer_id from marts.customers where purchase_count > 0
            )
            select segment, count(*) as customers, sum(gross_margin_estimate) as gross_margin,
                sum(net_revenue) as net_revenue,
                sum(margin_known_share * net_revenue) as costed
            from members inner join marts.customers using (customer_id)
            group by segment
        """)
        }

    @cached_property
    def overlaps(self) -> dict[str, list[tuple[dict, dict]]]:
        """By segment: the others that it shares customers with and the row of `segment_overlaps`, the greatest share of
        the smaller of the two first."""
        if "segment_overlaps" not in self.marts:
            return {}
        segments = {segment["segment"]: segment for segment in self.segments}
        overlaps: dict[str, list[tuple[dict, dict]]] = {}
        for row in self.rows("from marts.segment_overlaps where customers_in_both > 0"):
            one, other = row["segment"], row["other_segment"]
            overlaps.setdefault(one, []).append((segments[other], row))
            overlaps.setdefault(other, []).append((segments[one], row))
        for others in overlaps.values():
            others.sort(key=lambda pair: (-pair[1]["share_of_smaller"], pair[0]["position"]))
        return overlaps

    @cached_property
    def expected(self) -> dict[str | None, dict]:
        """By segment, and of all buyers under None: buyers, and what is expected of them (docs/predictions.md); null
        where no model could be fitted. Empty where nothing was estimated."""
        if "customer_predictions" not in self.marts:
            return {}
        return {row["segment"]: row for row in self.rows("""
            with buyers as (
                select segment, customer_predictions.* from marts.customer_predictions
                inner join marts.segment_memberships using (customer_id)
                union all by name
                select null as segment, * from marts.customer_predictions
            )
            select segment, count(*) as buyers, sum(probability_of_order_90d) as orderers,
                sum(expected_purchases_365d) as purchases, sum(expected_value_365d) as value,
                max(as_of_date) as as_of_date
            from buyers group by segment
        """)}

    @cached_property
    def nobodys(self) -> dict | None:
        """Purchases and net revenue of the last 365 days that belong to no customer; none where there are none, or the
        mart is absent."""
        if "purchases" not in self.marts:
            return None
        found = self.rows("""
            select count(*) as purchases, sum(net_revenue) as net_revenue from marts.purchases
            where customer_id is null and purchased_on > cast($day as date) - 365
        """, day=self.as_of_date)[0]
        return found if found["purchases"] else None

    @cached_property
    def stage_before(self) -> dict[str, int]:
        """Customers by lifecycle stage on the previous date, as counted then, like the sizes of segments; empty where
        it is not known."""
        if not self.previous_date or "membership_changes" not in self.marts:
            return {}
        return {row["stage"]: row["customers"] for row in self.rows(f"""
            select state as stage, cast(sum({CUSTOMERS_GAINED}) as bigint) as customers
            from marts.membership_changes where kind = 'lifecycle_stage' and as_of_date <= $day group by state
        """, day=self.previous_date)}


def edition(size: dict | None) -> str | None:
    """The sale that a segment's size on a date is about; null also in a history that was published before it knew the
    sale."""
    return size.get("edition") if size else None
