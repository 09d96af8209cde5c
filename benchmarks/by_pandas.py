"""Segments 1 to 10 and the counts of received, kept, duplicate and rejected rows, in pandas.

Usage: python benchmarks/by_pandas.py RAW_DIR RESULT_DIR      (writes members.parquet and row_counts.parquet)

It knows the settings of the shop that shop.py makes, the types in its files and the cases that it never has, as
by_hand.sql does: days are those of Berlin, and money has cents.
"""

import hashlib
import sys
from datetime import timedelta
from pathlib import Path

import pandas as pd

D = pd.Timestamp("2026-06-30")
TIMES = {"sessions": "started_at", "web_events": "occurred_at", "exchange_rates": "rate"}


def day(moments: pd.Series) -> pd.Series:
    return moments.dt.tz_localize("UTC").dt.tz_convert("Europe/Berlin").dt.tz_localize(None).dt.normalize()


def compared(emails: pd.Series) -> pd.Series:
    return emails.where(emails.str.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+").fillna(False).astype(bool)).str.lower()


def cents(amounts: pd.Series) -> pd.Series:
    return (amounts.astype("float64") * 100).round().astype("int64")


def score(values: pd.Series) -> pd.Series:
    return 1 + 5 * (values.rank(method="min").astype("int64") - 1) // len(values)


def segments(raw: Path) -> tuple[pd.DataFrame, dict[str, list[int]]]:
    """The members (segment, customer_id, category) and the counts of the tables, from the Parquet files in `raw`."""
    counts = {}

    def kept(
        table: str, keys: list[str], required: list[str], others: list[str], ok=lambda frame: True
    ) -> pd.DataFrame:
        """One row per key: of versions the newest, if it passes by itself; of others the earliest that passes.

        Only what shares a key is sorted.
        """
        time = TIMES.get(table, "updated_at")
        frame = pd.read_parquet(
            raw / f"{table}.parquet", columns=list(dict.fromkeys([*keys, *required, *others, time]))
        )
        # Any text may stand between spaces, tabs and line ends, and an empty one is none.
        for name in frame.select_dtypes("str").columns:
            trimmed = frame[name].str.strip(" \t\r\n")
            frame[name] = trimmed.mask(trimmed == "")
        others = [name for name in frame.columns if name not in keys + [time]]
        frame["ok"] = frame[required].notna().all(axis=1) & ok(frame)
        taking_part = frame[frame[[*keys, time]].notna().all(axis=1) if time == "updated_at" else frame["ok"]]
        is_again = taking_part.duplicated(keys, keep=False)
        again = taking_part[is_again]
        first = again.sort_values(
            [time, "ok", *others], ascending=[time != "updated_at", False] + [True] * len(others)
        ).drop_duplicates(keys)
        one = pd.concat([taking_part[~is_again & taking_part["ok"]], first[first["ok"]]], ignore_index=True).drop(
            columns="ok"
        )
        duplicates = len(again) - len(first)
        counts[table] = [len(frame), len(one), duplicates, len(frame) - len(one) - duplicates]
        return one

    def reject(table: str, rows: pd.DataFrame, accepted: pd.Series) -> pd.DataFrame:
        counts[table][1] -= (~accepted).sum()
        counts[table][3] += (~accepted).sum()
        return rows[accepted].copy()

    products = kept("products", ["product_id"], ["product_id", "updated_at"], ["category"])
    rates = kept(
        "exchange_rates",
        ["rate_date", "currency"],
        ["rate_date", "currency"],
        ["rate"],
        lambda frame: frame["rate"].astype("float64") > 0,
    )
    rates["rate_date"] = pd.to_datetime(rates["rate_date"])
    accounts = kept("customers", ["customer_id"], ["customer_id", "updated_at"], ["email", "created_at", "is_test"])

    # Orders whose kept version is in a currency without a rate are rejected too.
    orders = kept(
        "orders",
        ["order_id"],
        ["order_id", "ordered_at", "currency", "updated_at"],
        ["customer_id", "email", "status", "discount_amount", "is_test"],
        lambda frame: (
            (frame["discount_amount"].astype("float64").fillna(0) >= 0)
            & frame["status"].isin(["pending", "paid", "fulfilled", "cancelled"])
        ),
    )
    orders["ordered_on"] = day(orders["ordered_at"])
    orders["order_discount"] = cents(orders["discount_amount"].astype("float64").fillna(0))
    orders = reject(
        "orders",
        orders,
        (orders["currency"] == "EUR")
        | (orders["currency"].map(rates.groupby("currency")["rate_date"].min()) <= orders["ordered_on"]),
    )
    placed = orders[(orders["ordered_on"] <= D) & ~orders["is_test"].fillna(False).astype(bool)]

    # Who is one person.
    accounts["compared"] = compared(accounts["email"])
    accounts["is_test"] = accounts["is_test"].fillna(False).astype(bool)
    accounts = accounts[
        (day(accounts["created_at"]) <= D) | accounts["customer_id"].isin(placed["customer_id"].dropna())
    ].copy()
    accounts["is_shared"] = accounts["compared"].map(accounts["compared"].value_counts()).fillna(0) > 100
    accounts["person"] = accounts["compared"].where(
        accounts["compared"].notna() & ~accounts["is_shared"], "@" + accounts["customer_id"]
    )
    accounts = accounts.sort_values(["created_at", "customer_id"])
    people = accounts.groupby("person")
    accounts["who"], accounts["is_test"] = people["customer_id"].transform("first"), people["is_test"].transform("max")
    owner, is_test = (accounts.set_index("customer_id")[name] for name in ("who", "is_test"))
    emails = accounts[accounts["compared"].notna()].drop_duplicates("compared").set_index("compared")

    owned = placed.copy()
    owned["who"] = owned["customer_id"].map(owner)
    owned["compared"] = compared(owned["email"]).where(owned["who"].isna())
    owned["is_test"] = owned["customer_id"].map(is_test)
    others = owned.loc[~owned["compared"].isin(emails.index), "compared"].dropna().unique()
    # Former addresses: beside them orders name accounts of one customer alone. Those that no other order has are not
    # asked.
    carried = owned[["who", "is_test"]].assign(compared=owned["email"].str.lower())[owned["who"].notna()]
    former = (
        carried[carried["compared"].isin(others)]
        .groupby("compared")
        .agg(who=("who", "min"), other=("who", "max"), is_test=("is_test", "max"))
    )
    former = former[former["who"] == former["other"]]
    own = pd.concat([emails[~emails["is_shared"]], former])
    guests = {email: "guest:" + hashlib.sha256(email.encode()).hexdigest() for email in set(others) - set(former.index)}
    is_left_out = (
        owned["is_test"]
        .astype("boolean")
        .fillna(owned["compared"].map(own["is_test"]).astype("boolean"))
        .fillna(False)
        .astype(bool)
    )
    owned["who"] = owned["who"].fillna(owned["compared"].map(own["who"])).fillna(owned["compared"].map(guests))
    owned = owned[~is_left_out]

    # Money, in cents. An amount is converted in whole millionths, as floats would round some the other way.
    refunds = kept(
        "refunds",
        ["refund_id"],
        ["refund_id", "order_id", "refunded_at", "updated_at"],
        ["order_line_id", "amount"],
        lambda frame: frame["amount"].astype("float64") >= 0,
    )
    refunds = reject("refunds", refunds, refunds["order_id"].isin(orders["order_id"]))
    refunds = refunds[day(refunds["refunded_at"]) <= D].assign(refunded=lambda frame: cents(frame["amount"]))
    refunds = refunds[refunds["refunded"] > 0]
    lines = kept(
        "order_lines",
        ["order_line_id"],
        ["order_line_id", "order_id", "updated_at"],
        ["product_id", "quantity", "unit_price", "list_price", "discount_amount"],
        lambda frame: (
            (frame["quantity"] >= 0)
            & (frame["unit_price"].astype("float64") >= 0)
            & (frame["discount_amount"].astype("float64").fillna(0) >= 0)
        ),
    )
    lines = reject("order_lines", lines, lines["order_id"].isin(orders["order_id"]))
    paid = owned[owned["status"].isin(["paid", "fulfilled"])]
    lines = lines[
        (lines["quantity"] > 0) & lines["order_id"].isin(paid["order_id"])
    ].copy()  # A quantity of 0 takes a line out.
    price = cents(lines["unit_price"])
    discount = cents(lines["discount_amount"].astype("float64").fillna(0))
    lines["amount"] = lines["quantity"] * price - discount
    lines["is_discounted"] = (discount > 0) | (cents(lines["list_price"].astype("float64").fillna(0)) > price)
    line_refunds = (
        refunds[refunds["order_line_id"].notna()]
        .groupby(["order_id", "order_line_id"], as_index=False)["refunded"]
        .sum()
    )
    lines = lines.merge(line_refunds, on=["order_id", "order_line_id"], how="left")
    lines["category"] = lines["product_id"].map(products.set_index("product_id")["category"])
    net = paid.merge(
        lines.groupby("order_id", as_index=False).agg(
            lines_amount=("amount", "sum"), has_discount=("is_discounted", "max")
        ),
        on="order_id",
    )
    net["net"] = (
        net["lines_amount"]
        - net["order_discount"]
        - net["order_id"].map(refunds.groupby("order_id")["refunded"].sum()).fillna(0).astype("int64")
    )
    net["is_discounted"] = net["has_discount"] | (net["order_discount"] > 0)
    rates["rate"] = rates["rate"].map(lambda rate: int(rate.scaleb(12)))
    foreign = net["currency"] != "EUR"
    converted = pd.merge_asof(
        net[foreign].astype({"ordered_on": rates["rate_date"].dtype}).sort_values("ordered_on"),
        rates.sort_values("rate_date")[["rate_date", "currency", "rate"]],
        left_on="ordered_on",
        right_on="rate_date",
        by="currency",
    )
    million = 1_000_000
    converted["net"] = (
        converted["net"] * (converted["rate"] // million)
        + converted["net"] * (converted["rate"] % million) // million
        + million // 2
    ) // million
    purchases = pd.concat([net[~foreign], converted])[
        ["order_id", "who", "ordered_on", "is_discounted", "lines_amount", "order_discount", "net"]
    ]
    purchases = purchases[purchases["net"] > 0]

    sales = pd.read_parquet(raw / "sale_campaigns.parquet").astype(
        {"starts_on": "datetime64[ns]", "ends_on": "datetime64[ns]"}
    )
    sale = sales[sales["starts_on"] <= D].sort_values(["starts_on", "ends_on", "sale_campaign_id"]).iloc[-1]
    former = sales[sales["sale_campaign_id"] == sale["prior_sale_campaign_id"]].iloc[0]

    bought = purchases[purchases["who"].notna()]
    recent = (
        bought[bought["ordered_on"] > D - timedelta(730)]
        .groupby("who")
        .agg(last_on=("ordered_on", "max"), frequency=("order_id", "size"), net=("net", "sum"))
    )
    recent["average"] = (20_000 * recent["net"] + recent["frequency"]) // (2 * recent["frequency"])
    recency, frequency, monetary = score(recent["last_on"]), score(recent["frequency"]), score(recent["average"])
    ordered = owned[(owned["status"] != "cancelled") & owned["who"].notna()]
    ordered_30d = ordered.loc[ordered["ordered_on"] > D - timedelta(30), "who"]
    ordered_in_sale = ordered.loc[ordered["ordered_on"].between(sale["starts_on"], sale["ends_on"]), "who"]

    # Sessions and events.
    sessions = kept("sessions", ["session_id"], ["session_id", "started_at"], ["visitor_id", "customer_id", "is_bot"])
    sessions["started_on"] = day(sessions["started_at"])
    sessions = sessions[(sessions["started_on"] <= D) & ~sessions["is_bot"].fillna(False).astype(bool)].copy()
    sessions["who"], sessions["is_test"] = sessions["customer_id"].map(owner), sessions["customer_id"].map(is_test)
    visitors = (
        sessions[sessions["who"].notna()]
        .groupby("visitor_id")
        .agg(who=("who", "min"), other=("who", "max"), is_test=("is_test", "max"))
    )
    visitors = visitors[visitors["who"] == visitors["other"]]
    is_left_out = (
        sessions["is_test"]
        .astype("boolean")
        .fillna(sessions["visitor_id"].map(visitors["is_test"]).astype("boolean"))
        .fillna(False)
        .astype(bool)
    )
    sessions["who"] = sessions["who"].fillna(sessions["visitor_id"].map(visitors["who"]))
    sessions = sessions[~is_left_out & sessions["who"].notna()]
    events = kept("web_events", ["event_id"], ["event_id", "session_id", "event_type", "occurred_at"], [])
    # A day in Berlin begins up to two hours before the UTC day of its date.
    events = events[
        events["event_type"].isin(["add_to_cart", "remove_from_cart"])
        | ((events["event_type"] == "recommendation_click") & (events["occurred_at"] >= D - timedelta(30)))
    ].copy()
    events["occurred_on"] = day(events["occurred_at"])
    events = events[events["occurred_on"] <= D]
    added = events["event_type"].map({"add_to_cart": 1, "remove_from_cart": -1}).fillna(0)
    open_carts = added.groupby(events["session_id"]).sum()
    clicked = events.loc[
        (events["event_type"] == "recommendation_click") & (events["occurred_on"] > D - timedelta(30)), "session_id"
    ]
    visits = sessions[sessions["started_on"] > D - timedelta(30)].groupby("who").size()
    clickers = sessions.loc[sessions["session_id"].isin(clicked), "who"]
    carts = sessions.loc[
        sessions["started_on"].between(sale["starts_on"], sale["ends_on"])
        & (sessions["session_id"].map(open_carts) > 0),
        "who",
    ]

    in_year = bought[bought["ordered_on"] > D - timedelta(365)]
    in_year = lines[lines["category"].notna()].merge(in_year, on="order_id")
    # Fully refunded: refunds reach the amount less its share of the order's discount, which is rounded up to the cent.
    # No quotient is needed.
    is_fully_refunded = (in_year["amount"] - in_year["refunded"] - 1) * in_year["lines_amount"] < in_year[
        "amount"
    ] * in_year["order_discount"]
    categories = (
        in_year[~is_fully_refunded]
        .drop_duplicates(["order_id", "category"])
        .groupby(["who", "category"], as_index=False)
        .size()
    )
    categories = categories[categories["size"] >= 2]

    def without(found: pd.Series, others: pd.Series) -> pd.Series:
        return found[~found.isin(others)].drop_duplicates()

    members = {
        "loyal_buyers": recent.index[(recency >= 4) & (frequency >= 4)],
        "bargain_hunters": recent.index[(monetary <= 2) & (frequency >= 4)],
        "last_year_sale_buyers": bought.loc[
            bought["ordered_on"].between(former["starts_on"], former["ends_on"]), "who"
        ].unique(),
        "discount_buyers": bought.loc[
            bought["is_discounted"] & (bought["ordered_on"] > pd.Timestamp("2025-06-30")), "who"
        ].unique(),
        "big_occasional_spenders": recent.index[(monetary >= 4) & (frequency <= 2)],
        "recommendation_clickers": without(clickers, ordered_30d),
        "indecisive_visitors": without(visits.index[visits >= 10].to_series(), ordered_30d),
        "sale_cart_abandoners": without(carts, ordered_in_sale),
        "current_sale_buyers": bought.loc[
            bought["ordered_on"].between(sale["starts_on"], sale["ends_on"]), "who"
        ].unique(),
    }
    found = [
        pd.DataFrame({"segment": name, "customer_id": pd.Series(list(ids), dtype="object")})
        for name, ids in members.items()
    ]
    found.append(
        categories.assign(segment="category_repeat_buyers").rename(columns={"who": "customer_id"})[
            ["segment", "customer_id", "category"]
        ]
    )
    return pd.concat(found, ignore_index=True), counts


if __name__ == "__main__":
    members, counts = segments(Path(sys.argv[1]))
    result = Path(sys.argv[2])
    members.to_parquet(result / "members.parquet")
    pd.DataFrame(
        [(table, *numbers) for table, numbers in counts.items()],
        columns=["table_name", "received", "kept", "duplicates", "rejected"],
    ).to_parquet(result / "row_counts.parquet")
