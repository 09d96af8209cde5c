"""What goes wrong with the demo's tables on their way: rows that are late, come twice, or break the contract."""

from decimal import Decimal

import numpy as np
import pyarrow as pa

from demo.drawing import chance, dice

# Rows that break the contract: (column, bad value, rows). Each is added as a copy of a good row under a key of its own.
BAD_ROWS = {
    "customers": (("customer_id", None, 12), ("created_at", None, 9)),
    "products": (("product_id", None, 2),),
    "orders": (
        ("order_id", None, 15), ("ordered_at", None, 12), ("status", "on_hold", 40), ("currency", "PLN", 30),
        ("discount_amount", Decimal(-5), 8),
    ),
    "order_lines": (("quantity", -1, 120), ("order_id", "O-lost", 150), ("unit_price", None, 60)),
    "refunds": (("amount", Decimal(0), 20), ("order_id", "O-lost", 15)),
    "sessions": (("visitor_id", None, 90), ("started_at", None, 40)),
    "web_events": (("event_type", None, 80), ("occurred_at", None, 150)),
    "email_events": (("event_type", "deferred", 300), ("occurred_at", None, 60)),
    "reviews": (("rating", 0, 15), ("customer_id", None, 10)),
    "marketing_spend": (("amount", Decimal(-10), 4), ("currency", "CHF", 3)),
    "exchange_rates": (("rate", Decimal(0), 2),),
}

DELETED_ROWS = 6  # of each table whose rows can be deleted

# What an older version of a row said in one column
OLDER_VALUES = {
    "customers": ("city", "Bonn"), "products": ("category", "New arrivals"), "orders": ("status", "pending"),
    "order_lines": ("quantity", 1), "refunds": ("amount", Decimal(1)),
}


def with_loaded_at(rng, table):
    """Rows arrive in the night after their last change; a few are days late."""
    times = ("updated_at", "occurred_at", "started_at", "reviewed_at", "spend_date", "rate_date")
    changed = table[next(name for name in times if name in table.column_names)]
    night = changed.to_numpy().astype("M8[D]") + 1
    late = np.where(chance(rng, 0.5, len(night)), rng.integers(1, 6, size=len(night)), 0)
    return table.append_column("loaded_at", pa.array((night + late).astype("M8[us]") + np.timedelta64(2, "h")))


def replaced(table, name, values):
    """The table with other values in one column: an array, or one value for every row."""
    column = table.schema.get_field_index(name)
    kind = table.schema.field(name).type
    values = values if isinstance(values, np.ndarray) else [values] * len(table)
    return table.set_column(column, name, pa.array(values, type=kind))


def earlier(table, name, by):
    """The table with an earlier time in one column."""
    return replaced(table, name, table[name].to_numpy() - by)


def add_redelivered(rng, name, table):
    """Rows that came twice: unchanged on the day after, or in an older version."""
    again = table.take(rng.integers(len(table), size=len(table) // 160 + 1))
    parts = [table, earlier(again, "loaded_at", -np.timedelta64(1, "D"))]
    if name in OLDER_VALUES:
        before = table.take(rng.integers(len(table), size=len(table) // 160 + 1))
        parts.append(replaced(earlier(before, "updated_at", np.timedelta64(7, "m")), *OLDER_VALUES[name]))
    return pa.concat_tables(parts)


def add_bad_rows(rng, name, table):
    """The table with rows that break the contract, as BAD_ROWS has them, at its end."""
    parts = [table]
    for number, (column, value, rows) in enumerate(BAD_ROWS[name]):
        bad = table.take(rng.integers(len(table), size=rows))
        if table.schema.field(0).type == pa.string():
            fresh_keys = np.array([f"bad-{number}-{row}" for row in range(rows)], dtype=object)
            bad = replaced(bad, table.column_names[0], fresh_keys)
        parts.append(replaced(bad, column, value))
    return pa.concat_tables(parts)


def add_deleted_rows(rng, table):
    """The table with the deletion of rows that the shop took back, at its end."""
    gone = table.take(rng.integers(len(table), size=DELETED_ROWS))
    gone = replaced(gone, table.column_names[0], np.array([f"gone-{row}" for row in range(DELETED_ROWS)], dtype=object))
    is_deleted = pa.array([None] * len(table) + [True] * DELETED_ROWS, type=pa.bool_())
    return pa.concat_tables([table, gone]).append_column("is_deleted", is_deleted)


def with_dirt(name, table):
    """A table as it is delivered, with all that goes wrong on its way."""
    rng = dice("dirt of " + name)
    table = with_loaded_at(rng, table)
    if name != "marketing_spend":  # it has no key: each of its rows counts
        table = add_redelivered(rng, name, table)
    table = add_bad_rows(rng, name, table)
    return add_deleted_rows(rng, table) if "updated_at" in table.column_names else table
