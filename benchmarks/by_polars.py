"""Segments 1 to 10 and the counts of received, kept, duplicate and rejected rows, in polars' streaming engine.

Usage: python benchmarks/by_polars.py RAW_DIR RESULT_DIR      (writes members.parquet and row_counts.parquet)

It knows the settings of the shop that shop.py makes, the types in its files and the cases that it never has, as
by_hand.sql does: days are those of Berlin, and money has cents.
"""

import hashlib
import sys
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import polars.selectors as cs
from polars import col

D = date(2026, 6, 30)
COUNTS = ["received", "kept", "duplicates", "rejected"]


def day(name: str) -> pl.Expr:
    return col(name).dt.replace_time_zone("UTC").dt.convert_time_zone("Europe/Berlin").dt.date()


def compared(name: str) -> pl.Expr:
    return pl.when(col(name).str.contains(r"^[^@\s]+@[^@\s]+\.[^@\s]+$")).then(col(name).str.to_lowercase())


def cents(name: str) -> pl.Expr:
    return (col(name).cast(pl.Float64) * 100).round().cast(pl.Int64)


def score(value: pl.Expr, descending: bool = False) -> pl.Expr:
    return 1 + 5 * (value.rank("min", descending=descending).cast(pl.Int64) - 1) // pl.len()


def segments(raw: Path) -> tuple[pl.DataFrame, dict[str, tuple[int, int, int, int]]]:
    """The members (segment, customer_id, category) and the counts of the tables, from the Parquet files in `raw`."""
    counts = {}

    def read(table: str) -> pl.LazyFrame:
        """The delivered rows. Any text may stand between spaces, tabs and line ends, and an empty one is none."""
        trimmed = cs.string().str.strip_chars(" \t\r\n")
        return (
            pl.scan_parquet(raw / f"{table}.parquet")
            .drop("loaded_at", strict=False)
            .with_columns(pl.when(trimmed != "").then(trimmed).name.keep())
        )

    def run(frame: pl.LazyFrame) -> pl.DataFrame:
        return frame.collect(engine="streaming")

    def kept(
        table: str,
        key: str | list[str],
        required: list[str],
        newest: bool,
        ok: pl.Expr = pl.lit(True),
        also: pl.Expr = pl.lit(True),
        add=lambda frame: frame,
    ) -> pl.DataFrame:
        """One row per key, of which `also` is true: of versions the newest, if it passes by itself; of others the
        earliest that passes. Only what shares a key, found by its hash, is sorted."""
        frame = read(table)
        keys = [key] if isinstance(key, str) else key
        received = frame.select(pl.len()).collect().item()
        hashed = pl.struct(keys).hash() if len(keys) > 1 else col(keys[0]).hash()
        repeated = run(frame.select(hashed.alias("h")).group_by("h").len().filter(col("len") > 1).select("h"))
        is_ok = pl.all_horizontal([col(name).is_not_null() for name in required]) & ok.fill_null(False)
        rows = run(add(frame).with_columns(hashed.alias("h"), is_ok.alias("ok"), also.fill_null(False).alias("also"))
                   .join(repeated.lazy().with_columns(pl.lit(True).alias("again")), on="h", how="left")
                   .filter(col("again").fill_null(False) | ~col("ok") | col("also")))
        times = [name for name in ("updated_at",) if newest] or [
            name for name in ("occurred_at", "started_at", "rate") if name in rows.columns
        ][:1]
        others = [
            name for name in read(table).collect_schema().names() if name in rows.columns and name not in times + keys
        ]
        takes_part = pl.all_horizontal([col(name).is_not_null() for name in keys + times]) if newest else col("ok")
        again = (rows.filter(col("again").fill_null(False) & takes_part)
                 .sort(times + ["ok"] + others, descending=[newest, True] + [False] * len(others), nulls_last=True))
        first = again.unique(keys, keep="first", maintain_order=True)
        # An older version is a duplicate, whatever it says.
        duplicates, rejected = (
            again.height - first.height,
            sum(sign * int((~part["ok"]).sum()) for sign, part in ((1, rows), (-1, again), (1, first))),
        )
        counts[table] = [received, received - duplicates - rejected, duplicates, rejected]
        return (
            pl.concat([rows.filter(col("again").is_null()), first])
            .filter(col("ok") & col("also"))
            .drop("h", "ok", "also", "again")
        )

    products = kept("products", "product_id", ["product_id", "updated_at"], True)
    rates = kept("exchange_rates", ["rate_date", "currency"], ["rate_date", "currency"], False, col("rate") > 0)
    accounts = kept("customers", "customer_id", ["customer_id", "updated_at"], True, add=lambda frame: frame.select(
        "customer_id", "email", "created_at", "is_test", "updated_at"))

    # Orders whose kept version is in a currency without a rate are rejected too.
    first_rates = rates.group_by("currency").agg(col("rate_date").min().alias("first_rate"))
    delivered = kept(
        "orders",
        "order_id",
        ["order_id", "ordered_at", "currency", "updated_at"],
        True,
        (col("discount_amount").fill_null(0) >= 0) & col("status").is_in(["pending", "paid", "fulfilled", "cancelled"]),
    )
    orders = (
        delivered.with_columns(
            day("ordered_at").alias("ordered_on"), cents("discount_amount").fill_null(0).alias("order_discount")
        )
        .join(first_rates, on="currency", how="left")
        .filter((col("currency") == "EUR") | (col("first_rate") <= col("ordered_on")).fill_null(False))
        .with_columns(col("is_test").fill_null(False))
    )
    counts["orders"][1] -= delivered.height - orders.height
    counts["orders"][3] += delivered.height - orders.height
    placed = orders.filter((col("ordered_on") <= D) & ~col("is_test"))

    # Who is one person.
    accounts = (
        accounts.with_columns(compared("email").alias("compared"), col("is_test").fill_null(False))
        .join(
            placed.select(col("customer_id").alias("ordering"))
            .drop_nulls()
            .unique()
            .with_columns(pl.lit(True).alias("has_ordered")),
            left_on="customer_id",
            right_on="ordering",
            how="left",
        )
        .filter((day("created_at") <= D) | col("has_ordered"))
        .with_columns((col("compared").is_not_null() & (pl.len().over("compared") > 100)).alias("is_shared"))
    )
    alone = col("compared").is_null() | col("is_shared")
    owners = (
        accounts.with_columns(pl.when(alone).then("@" + col("customer_id")).otherwise(col("compared")).alias("person"))
        .sort("created_at", "customer_id")
        .with_columns(col("customer_id").first().over("person").alias("who"), col("is_test").any().over("person"))
        .select(col("customer_id").alias("account_id"), "who", "is_test", "compared", "is_shared")
    )
    emails = owners.filter(col("compared").is_not_null()).group_by("compared").agg(
        pl.when(~col("is_shared")).then("who").first().alias("who"), (col("is_test") & ~col("is_shared")).any())

    owned = placed.join(
        owners.select("account_id", "who", "is_test"),
        left_on="customer_id",
        right_on="account_id",
        how="left",
        suffix="_account",
    ).with_columns(pl.when(col("who").is_null()).then(compared("email")).alias("compared"))
    others = owned.select("compared").drop_nulls().unique().join(emails, on="compared", how="anti")
    # Former addresses: beside them orders name accounts of one customer alone. Those that no other order has are not
    # asked.
    former = (
        owned.filter(col("who").is_not_null())
        .select(col("email").str.to_lowercase().alias("compared"), "who", col("is_test_account").alias("is_test"))
        .join(others, on="compared", how="semi")
        .group_by("compared")
        .agg(col("who").min(), col("is_test").any(), col("who").max().alias("other"))
        .filter(col("who") == col("other"))
        .drop("other")
    )
    guests = others.join(former, on="compared", how="anti")
    guests = guests.with_columns(
        guests["compared"]
        .map_elements(lambda email: "guest:" + hashlib.sha256(email.encode()).hexdigest(), return_dtype=pl.String)
        .alias("guest")
    )
    owned = (
        owned.join(pl.concat([emails, former]), on="compared", how="left", suffix="_email")
        .join(guests, on="compared", how="left")
        .filter(~pl.coalesce("is_test_account", "is_test_email", pl.lit(False)))
        .with_columns(pl.coalesce("who", "who_email", "guest").alias("who"))
        .select("order_id", "who", "ordered_on", "status", "currency", "order_discount")
    )

    # Money, in cents. An amount is converted in whole millionths, as floats would round some the other way.
    delivered = kept(
        "refunds", "refund_id", ["refund_id", "order_id", "refunded_at", "updated_at"], True, col("amount") >= 0
    )
    refunds = delivered.join(orders.select("order_id"), on="order_id", how="semi")
    counts["refunds"][1] -= delivered.height - refunds.height
    counts["refunds"][3] += delivered.height - refunds.height
    refunds = refunds.filter((day("refunded_at") <= D) & (col("amount") > 0)).with_columns(
        cents("amount").alias("refunded")
    )

    paid = owned.filter(col("status").is_in(["paid", "fulfilled"]))
    known = (
        orders.select("order_id", pl.lit(True).alias("is_known"))
        .join(paid.select("order_id", pl.lit(True).alias("is_paid")), on="order_id", how="left")
        .lazy()
    )
    lines = kept("order_lines", "order_line_id", ["order_line_id", "order_id", "updated_at"], True,
                 (col("quantity") >= 0) & (col("unit_price") >= 0) & (col("discount_amount").fill_null(0) >= 0),
                 col("is_known").is_null() | col("is_paid"), lambda frame: frame.join(known, on="order_id", how="left"))
    orphans = lines.filter(col("is_known").is_null()).height
    counts["order_lines"][1] -= orphans
    counts["order_lines"][3] += orphans
    line_refunds = (
        refunds.filter(col("order_line_id").is_not_null())
        .group_by("order_id", "order_line_id")
        .agg(col("refunded").sum())
    )
    # A quantity of 0 takes a line out.
    lines = (
        lines.filter(col("is_paid") & (col("quantity") > 0))
        .with_columns(cents("discount_amount").fill_null(0).alias("discount"))
        .with_columns(
            (col("quantity") * cents("unit_price") - col("discount")).alias("amount"),
            ((col("discount") > 0) | (col("list_price") > col("unit_price")).fill_null(False)).alias("is_discounted"),
        )
        .join(line_refunds, on=["order_id", "order_line_id"], how="left")
        .join(products.select("product_id", "category"), on="product_id", how="left")
    )
    net = (
        paid.join(
            lines.group_by("order_id").agg(col("amount").sum().alias("lines_amount"), col("is_discounted").any()),
            on="order_id",
        )
        .join(refunds.group_by("order_id").agg(col("refunded").sum()), on="order_id", how="left")
        .with_columns(
            (col("lines_amount") - col("order_discount") - col("refunded").fill_null(0)).alias("net"),
            (col("is_discounted") | (col("order_discount") > 0)).alias("is_discounted"),
        )
        .sort("ordered_on")
    )
    exact = rates.with_columns(
        (col("rate").cast(pl.String).str.replace(".", "", literal=True)).cast(pl.Int64).alias("rate")
    ).sort("rate_date")
    net = net.join_asof(
        exact.select("rate_date", "currency", "rate"),
        left_on="ordered_on",
        right_on="rate_date",
        by="currency",
        check_sortedness=False,
    )
    million = 1_000_000
    converted = (
        col("net") * (col("rate") // million) + (col("net") * (col("rate") % million)) // million + million // 2
    ) // million
    purchases = (
        net.with_columns(pl.when(col("currency") == "EUR").then("net").otherwise(converted).alias("net"))
        .filter(col("net") > 0)
        .select("order_id", "who", "ordered_on", "is_discounted", "lines_amount", "order_discount", "net")
    )

    sales = read("sale_campaigns").collect()
    sale = (
        sales.filter(col("starts_on") <= D)
        .sort("starts_on", "ends_on", "sale_campaign_id", descending=True)
        .row(0, named=True)
    )
    sale_before = sales.filter(col("sale_campaign_id") == sale["prior_sale_campaign_id"]).row(0, named=True)
    in_sale = col("ordered_on").is_between(sale["starts_on"], sale["ends_on"])

    bought = purchases.filter(col("who").is_not_null())
    buyers = bought.group_by("who").agg(
        (col("is_discounted") & (col("ordered_on") > date(2025, 6, 30))).any().alias("discount"),
        in_sale.any().alias("sale"),
        col("ordered_on").is_between(sale_before["starts_on"], sale_before["ends_on"]).any().alias("former"),
    )
    scores = (
        bought.filter(col("ordered_on") > D - timedelta(730))
        .group_by("who")
        .agg(col("ordered_on").max().alias("last_on"), pl.len().cast(pl.Int64).alias("frequency"), col("net").sum())
        .with_columns(((20_000 * col("net") + col("frequency")) // (2 * col("frequency"))).alias("average"))
        .with_columns(
            score(col("last_on")).alias("recency"),
            score(col("frequency")).alias("frequent"),
            score(col("average")).alias("monetary"),
        )
    )
    orderers = (
        owned.filter((col("status") != "cancelled") & col("who").is_not_null())
        .group_by("who")
        .agg(
            (col("ordered_on") > D - timedelta(30)).any().alias("has_ordered_30d"),
            in_sale.any().alias("has_ordered_in_sale"),
        )
    )

    # Sessions and events.
    sessions = (
        kept("sessions", "session_id", ["session_id", "started_at"], False)
        .lazy()
        .with_columns(day("started_at").alias("started_on"), col("is_bot").fill_null(False))
        .filter((col("started_on") <= D) & ~col("is_bot"))
        .join(
            owners.lazy().select("account_id", "who", "is_test"),
            left_on="customer_id",
            right_on="account_id",
            how="left",
        )
        .select("session_id", "visitor_id", "started_on", "who", "is_test")
        .collect(engine="streaming")
    )
    visitors = (
        sessions.filter(col("who").is_not_null())
        .group_by("visitor_id")
        .agg(col("who").min(), col("who").max().alias("other"), col("is_test").any())
        .filter(col("who") == col("other"))
        .drop("other")
    )
    carts = ["add_to_cart", "remove_from_cart"]
    # A day in Berlin begins up to two hours before the UTC day of its date.
    events = kept(
        "web_events",
        "event_id",
        ["event_id", "session_id", "event_type", "occurred_at"],
        False,
        also=col("event_type").is_in(carts)
        | (
            (col("event_type") == "recommendation_click")
            & (col("occurred_at") >= pl.lit(D - timedelta(30)).cast(pl.Datetime))
        ),
    )
    session_events = (
        events.filter(day("occurred_at") <= D)
        .group_by("session_id")
        .agg(
            (
                pl.when(col("event_type") == "add_to_cart")
                .then(1)
                .when(col("event_type") == "remove_from_cart")
                .then(-1)
                .otherwise(0)
                .sum()
                > 0
            ).alias("has_open_cart"),
            ((col("event_type") == "recommendation_click") & (day("occurred_at") > D - timedelta(30)))
            .sum()
            .alias("clicks"),
        )
    )
    visits = (
        sessions.join(visitors, on="visitor_id", how="left", suffix="_visitor")
        .filter(~pl.coalesce("is_test", "is_test_visitor", pl.lit(False)))
        .with_columns(pl.coalesce("who", "who_visitor").alias("who"))
        .filter(col("who").is_not_null())
        .join(session_events, on="session_id", how="left")
        .group_by("who")
        .agg(
            (col("started_on") > D - timedelta(30)).sum().alias("sessions_30d"),
            (col("has_open_cart").fill_null(False) & col("started_on").is_between(sale["starts_on"], sale["ends_on"]))
            .any()
            .alias("has_open_cart_in_sale"),
            col("clicks").fill_null(0).sum(),
        )
        .join(orderers, on="who", how="left")
        .with_columns(col("has_ordered_30d").fill_null(False), col("has_ordered_in_sale").fill_null(False))
    )
    # Fully refunded: refunds reach the amount less its share of the order's discount, which is rounded up to the cent.
    # No quotient is needed.
    categories = (
        lines.filter(col("category").is_not_null())
        .join(bought.filter(col("ordered_on") > D - timedelta(365)), on="order_id")
        .filter(
            col("refunded").is_null()
            | ((col("amount") - col("refunded") - 1) * col("lines_amount") >= col("amount") * col("order_discount"))
        )
        .group_by("who", "category")
        .agg(col("order_id").n_unique())
        .filter(col("order_id") >= 2)
    )

    members = {
        "loyal_buyers": scores.filter((col("recency") >= 4) & (col("frequent") >= 4)),
        "bargain_hunters": scores.filter((col("monetary") <= 2) & (col("frequent") >= 4)),
        "category_repeat_buyers": categories,
        "last_year_sale_buyers": buyers.filter("former"),
        "discount_buyers": buyers.filter("discount"),
        "big_occasional_spenders": scores.filter((col("monetary") >= 4) & (col("frequent") <= 2)),
        "recommendation_clickers": visits.filter((col("clicks") >= 1) & ~col("has_ordered_30d")),
        "indecisive_visitors": visits.filter((col("sessions_30d") >= 10) & ~col("has_ordered_30d")),
        "sale_cart_abandoners": visits.filter(col("has_open_cart_in_sale") & ~col("has_ordered_in_sale")),
        "current_sale_buyers": buyers.filter("sale"),
    }
    return pl.concat(
        [
            found.select(
                pl.lit(name).alias("segment"),
                col("who").alias("customer_id"),
                (col("category") if "category" in found.columns else pl.lit(None, dtype=pl.String)).alias("category"),
            )
            for name, found in members.items()
        ]
    ), {table: tuple(numbers) for table, numbers in counts.items()}


if __name__ == "__main__":
    members, counts = segments(Path(sys.argv[1]))
    result = Path(sys.argv[2])
    members.write_parquet(result / "members.parquet")
    pl.DataFrame(
        [(table, *numbers) for table, numbers in counts.items()], schema=["table_name", *COUNTS], orient="row"
    ).write_parquet(result / "row_counts.parquet")
