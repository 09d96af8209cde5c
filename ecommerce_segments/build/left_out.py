"""What a build left out or found odd, in a few lines: told at the end of a run, and of the rows that a guard stopped it
for."""

import json
from collections.abc import Callable
from dataclasses import dataclass

from dbt.contracts.graph.manifest import Manifest

from ecommerce_segments.build.telling import HEADING, LeftOut
from ecommerce_segments.engines.source_tables import transaction
from ecommerce_segments.settings import did_you_mean

REASONS_SHOWN = 3
LEFT_OUT_SHOWN = 8
COUNTS = """
    select table_name, received_rows, kept_rows, duplicate_rows, deleted_rows, rejected_rows from staging.row_counts
    where received_rows > 0 order by received_rows desc, table_name
"""
REASONS = (
    "select table_name, reason, count(*), min(raw_values) from staging.rejected_rows group by table_name, reason order"
    " by 3 desc, 2"
)
REPAIRED = (
    "select table_name, column_name, count(*) from staging.repaired_values group by table_name, column_name order by 3"
    " desc, 2"
)

# What else there is to tell: a model that must be there, a query, and what its rows say. Nothing is told of a query
# without rows.
NOTES: list[tuple[str, str, Callable[[list[tuple]], list[str]]]] = [
    (
        "segments",
        "select segment from marts.segments where customers = 0 order by position",
        lambda rows: [f"Empty segments: {', '.join(segment for (segment,) in rows)}."],
    ),
    (
        "stg_orders",
        """
        select delivered.orders, delivered.first_ordered_on, built.as_of_date
        from (select count(*) as orders, min(ordered_on) as first_ordered_on from staging.stg_orders) as delivered
        cross join (select max(as_of_date) as as_of_date from marts.segments) as built
        where delivered.first_ordered_on > built.as_of_date
     """,
        lambda rows: [
            f"All {orders:,} orders are of {first_ordered_on} or later and count in nothing as of {as_of_date}: is"
            " as_of_date right?"
            for orders, first_ordered_on, as_of_date in rows
        ],
    ),
    (
        "left_out_rows",
        "select connector, table_name, reason, left_out_rows from connectors.left_out_rows order by 4 desc, 1, 2, 3",
        lambda rows: [
            f"Left out by connectors, as they are no rows of the contract ({sum(rows for *_, rows in rows):,} in all): "
            + "; ".join(
                f"{left_out:,} x {reason} ({connector}, {table})"
                for connector, table, reason, left_out in rows[:LEFT_OUT_SHOWN]
            )
            + ("; and more (connectors.left_out_rows)." if len(rows) > LEFT_OUT_SHOWN else ".")
        ],
    ),
    (
        "unknown_accounts",
        "select account_id, orders, likely_account_id from staging.unknown_accounts order by orders desc, account_id",
        lambda rows: [
            f"{sum(orders for _, orders, _ in rows):,} orders name {len(rows):,} accounts that customers does not"
            f" know, for example '{rows[0][0]}'"
            + (f" (there is '{rows[0][2]}')" if rows[0][2] else "")
            + ": they go by their email alone."
        ],
    ),
    (
        "clock_changes",
        "select table_name, column_name, time_zone, repeated_values, skipped_values from staging.clock_changes order"
        " by 1, 2",
        lambda rows: [
            f"Of the local times of {zone} in {table}.{column}, {repeated:,} lie in an hour that occurred twice (the"
            f" first is taken) and {skipped:,} in"
            " one that never was (moved forward)."
            for table, column, zone, repeated, skipped in rows
        ],
    ),
    (
        "refund_excess",
        """
        select currency, count(*), sum(excess_amount), min(order_id)
        from intermediate.refund_excess group by currency order by currency
     """,
        lambda rows: [
            f"{count:,} lines and orders were refunded more than was paid for their goods, {excess:,.2f} {currency} in"
            " all, for example in the order"
            f" '{order}': amounts of refunds are without tax and shipping (intermediate.refund_excess)."
            for currency, count, excess, order in rows
        ],
    ),
    (
        "ga4__web_events",
        """
        select count(*), count(known.product_id), min(case when known.product_id is null then seen.product_id end)
        from (select distinct product_id from connectors.ga4__web_events where product_id is not null) as seen
        left join (select distinct product_id from connectors.product_keys) as known
            on seen.product_id = known.product_id
     """,
        lambda rows: [
            f"{matched / items:.1%} of the {items:,} item ids of Google Analytics 4 are products"
            + (f"; '{unknown}', for example, is none." if unknown is not None else ".")
            for items, matched, unknown in rows
            if items
        ],
    ),
]


@dataclass(frozen=True)
class Rejected:
    """Rows of a table that are rejected for one reason, and one of their raw values as delivered."""

    reason: str
    rows: int
    example: str | None

    def __str__(self) -> str:
        return f"{self.rows:,} x {self.reason}" + (f", for example '{self.example}'" if self.example else "")


def rows_of(manifest: Manifest, sql: str) -> list[tuple]:
    """The rows of plain SQL on the last build. Raises DbtError with the warehouse's message."""
    with transaction(manifest) as cursor:
        cursor.execute(sql)
        return [tuple(row) for row in cursor.fetchall()]


def rejected(manifest: Manifest) -> dict[str, list[Rejected]]:
    """By table, why rows of the last build are rejected, the most frequent reason first. Raises DbtError."""
    found: dict[str, list[Rejected]] = {}
    for table, reason, rows, raw_values in rows_of(manifest, REASONS):
        found.setdefault(table, []).append(Rejected(reason, int(rows), example_of(reason, raw_values)))
    return found


def example_of(reason: str, raw_values: str | None) -> str | None:
    """The raw value that a reason speaks of: of `unreadable unit_price` the price, of `unknown or rejected order` the
    order_id."""
    values = json.loads(raw_values or "{}")
    return next(
        (values[name] for word in reason.split() for name in (word, f"{word}_id") if values.get(name) is not None), None
    )


def left_out(manifest: Manifest, warnings: list[str]) -> LeftOut:
    """What there is to tell of the last build. warnings: names of the tests that warn.

    Raises DbtError where it cannot be read.
    """
    reasons, tables = rejected(manifest), []
    repaired: dict[str, list[tuple[str, int]]] = {}
    for table, column, rows in rows_of(manifest, REPAIRED):
        repaired.setdefault(table, []).append((column, int(rows)))
    for table, *counts in rows_of(manifest, COUNTS):
        often = [str(found) for found in reasons.get(table, [])[:1]] + [
            f"{rows:,} x {column} repaired" for column, rows in repaired.get(table, [])[:1]
        ]
        repairs = sum(rows for _, rows in repaired.get(table, []))
        tables.append(dict(zip(HEADING, (table, *map(int, counts), repairs, "; ".join(often)))))
    models = {node.name for node in manifest.nodes.values()}
    notes = [
        line
        for model, sql, tell in NOTES
        if model in models
        for rows in [rows_of(manifest, sql)]
        if rows
        for line in tell(rows)
    ]
    notes += campaigns_without_a_segment(manifest, models)
    return LeftOut(tables, notes + [f"Warning: {name}." for name in warnings])


def campaigns_without_a_segment(manifest: Manifest, models: set[str]) -> list[str]:
    """A line for each campaign whose segment there is not."""
    segments = [name.removeprefix("seg_") for name in models if name.startswith("seg_")]
    campaigns = rows_of(
        manifest,
        "select marketing_campaign_id, segment from staging.stg_marketing_campaigns order by marketing_campaign_id",
    )
    return [
        f"The campaign {campaign} goes to the segment {segment}, which there is"
        f" not{did_you_mean(segment, segments) or ': nobody is in it.'}"
        for campaign, segment in campaigns
        if segment not in segments
    ]
