"""A second, independent reading of docs/raw_contract.md and docs/definitions.md, in plain Python.

It starts from the raw rows as text and never looks at the SQL, so that the two can be compared:
where they differ, one of them has misread the definitions. It is written to be checked by eye
against those two pages, in their order; it is fast enough for a shop of a few million rows.

    result = compute(rows, as_of_date=date(2025, 3, 31), shop_timezone="Europe/Berlin")
    result.segments["loyal_buyers"]

Amounts are Decimal in the reporting currency, ratios and medians Fraction, counts int.
"""

import hashlib
import re
from bisect import bisect_right
from calendar import isleap
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction
from itertools import pairwise
from math import ceil
from statistics import median
from zoneinfo import ZoneInfo

import oracle_products

RawRow = dict[str, str | None]
Row = dict[str, object]


@dataclass(frozen=True)
class Parameters:
    """The parameters of docs/definitions.md, under the names and with the defaults given there."""

    as_of_date: date
    shop_timezone: str = "UTC"
    reporting_currency: str = "EUR"
    max_accounts_per_email: int = 100
    junk_ids: tuple[str, ...] = ("undefined", "null", "none", "nan", "(not set)", "unknown", "0", "-1")
    rfm_window_days: int = 730
    rfm_method: str = "quintiles"
    # (trait, score, from_value), trait being one of the keys of SCORED_TRAITS
    rfm_cut_points: tuple[tuple[str, int, object], ...] = ()
    rfm_min_buyers: int = 500
    min_gap_days: int = 14
    typical_gap_days: int = 90
    at_risk_after_gaps: object = "1.5"
    inactive_after_gaps: object = "3"
    inactive_after_days: int = 180
    min_known_cost_share: object = "1"
    attribution_window_days: int = 30
    attribution_half_life_days: object = 7
    direct_channels: tuple[str, ...] = ("direct", "(direct)", "(none)")
    email_attribution_days: int = 5
    affinity_max_products: int = 200
    affinity_min_buyers: int = 20
    gateway_min_buyers: int = 30
    replenishment_min_gaps: int = 20
    discount_rate_per_year: object = "0.1"
    message_plan: str = "default"
    # the var of this name; None: the project's own
    journeys: dict | None = None
    # the zone of times without an offset, or raw table -> zone (None, and tables that are not named: UTC)
    naive_timestamps: str | dict[str, str] | None = None
    # the register of traits that come as data: {name, type: text, number, date or boolean; values: what is allowed}
    custom_traits: tuple[dict, ...] = ()

    def zone_of(self, table: str) -> ZoneInfo:
        """Return the zone of a raw table's times without an offset."""
        zones = self.naive_timestamps or {}
        return ZoneInfo(zones if isinstance(zones, str) else zones.get(table, "UTC"))


@dataclass(frozen=True)
class TableCounts:
    """received = kept + duplicates + rejected + deleted."""

    received: int = 0
    kept: int = 0
    duplicates: int = 0
    rejected: int = 0
    deleted: int = 0


@dataclass(frozen=True)
class Rejection:
    """A row that breaks the contract. Keys of several columns are joined by `|`."""

    table: str
    key: str | None
    reason: str


@dataclass(frozen=True)
class Repair:
    """A descriptive value that reads as null. `is_kept`: its row was kept."""

    table: str
    key: str | None
    column: str
    raw_value: str
    is_kept: bool


@dataclass
class Result:
    """What a shop looks like on the as-of date.

    counts: table -> TableCounts, every table of the contract.
    customers: customer_id -> traits. customer_accounts: account or guest id -> customer_id.
    customer_contacts: customer_id -> email, phone, first_name, last_name, postal_code, birth_date.
    purchases: order_id -> customer_id (None: nobody's), purchased_on, net_revenue, cost,
        gross_margin, is_discounted, categories and products (of the lines that are not fully refunded; of the
        catalogue), products_ever (refunded ones too).
    segments: name -> set of customer_id; category_repeat_buyers: set of (customer_id, category).
    rfm_thresholds: (trait, score) -> (from_value, to_value, customers), for all five scores of SCORED_TRAITS.
    parameters, raw, sales, shop and loyalty_tiers (tier, from what on): what it was computed from, for the other
        oracles.
    """

    counts: dict[str, TableCounts]
    rejected: list[Rejection]
    repaired: list[Repair]
    customers: dict[str, Row]
    customer_accounts: dict[str, str]
    customer_contacts: dict[str, Row]
    purchases: dict[str, Row]
    segments: dict[str, set]
    rfm_thresholds: dict[tuple[str, int], tuple]
    warnings: list[str]
    parameters: Parameters
    raw: "Raw"
    sales: list["Sale"]
    shop: "Shop"
    loyalty_tiers: list[tuple[str, Decimal]]


def compute(rows: dict[str, list[RawRow]], **parameters) -> Result:
    """Return the Result for raw rows as a CSV would deliver them: table -> list of {column: text or None}.

    Tables and optional columns may be absent. Keyword arguments are the fields of Parameters;
    `as_of_date` is required. `rows` may also hold the seeds `sale_campaigns` and `loyalty_tiers`.
    Raises ValueError for a sale campaign that cannot be read.
    Source: docs/raw_contract.md and docs/definitions.md.
    """
    parameters = Parameters(**parameters)
    calendar = Calendar(parameters.as_of_date, parameters.shop_timezone)
    with localcontext() as context:
        context.prec = 100  # sums and products of decimals stay exact
        raw = judge(rows, calendar, parameters)
        shop = know_shop(raw, rows.get("sale_campaigns", []), parameters, calendar)
        customers = {customer_id: traits(shop, customer_id) for customer_id in shop.people.customer_ids()}
        warnings = add_scores(customers, shop)
        oracle_products.add_products_due(customers, shop)
        dated = {key: customer | {"as_of_date": parameters.as_of_date} for key, customer in customers.items()}
        segments = {name: {key for key, customer in dated.items() if belongs(customer)}
                    for name, belongs in SEGMENTS.items()}
        segments["category_repeat_buyers"] = category_repeat_buyers(shop)
        return Result(
            counts=raw.counts,
            rejected=raw.rejected,
            repaired=raw.repaired,
            customers=customers,
            customer_accounts=customer_accounts(shop),
            customer_contacts={customer_id: contact(shop, customer_id) for customer_id in customers},
            purchases=shop.purchases,
            segments=segments,
            rfm_thresholds=rfm_thresholds(customers, shop),
            warnings=warnings,
            parameters=parameters,
            raw=raw,
            sales=read_sales(rows.get("sale_campaigns", [])),
            shop=shop,
            loyalty_tiers=[(trimmed(row["tier"]), read_number(trimmed(row["from_net_revenue_365d"]) or ""))
                           for row in rows.get("loyalty_tiers", [])],
        )


# ---------------------------------------------------------------- the raw contract: grammar

NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)")
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
TIMESTAMP = re.compile(
    r"(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})[T ](?P<clock>([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]+)?)?)"
    r"( ?(Z|UTC|(?P<sign>[+-])(?P<hours>[01][0-9]|2[0-3])(:?(?P<minutes>[0-5][0-9]))?))?"
)
ZONE_OF_UTC = ZoneInfo("UTC")
FLAGS = {"true": True, "t": True, "yes": True, "1": True, "false": False, "f": False, "no": False, "0": False}
PHONE = re.compile(r"\+[0-9]{8,15}")


def trimmed(raw: str | None) -> str | None:
    """Return the text without spaces, tabs and line ends around it; None if nothing is left."""
    return (raw.strip(" \t\r\n") or None) if raw is not None else None


def read_number(text: str) -> Decimal:
    """Return the number, exactly as written. Raises ValueError (also for NaN, infinity and 1e5)."""
    if not NUMBER.fullmatch(text):
        raise ValueError(text)
    return Decimal(text)


def read_date(text: str) -> date:
    """Return the date. Raises ValueError."""
    if not DATE.fullmatch(text):
        raise ValueError(text)
    return date.fromisoformat(text)


def read_timestamp(text: str, zone: ZoneInfo = ZONE_OF_UTC) -> datetime:
    """Return the moment in UTC; without an offset the text is local in the zone. Raises ValueError.

    A local hour that occurs twice is the first one; of an hour that the clocks skip, the times move forward by what was
    skipped.
    """
    parts = TIMESTAMP.fullmatch(text)
    if not parts:
        raise ValueError(text)
    moment = datetime.fromisoformat(f"{parts['day']}T{parts['clock']}")
    if parts["sign"]:
        offset = timedelta(hours=int(parts["hours"]), minutes=int(parts["minutes"] or 0))
        moment = moment - offset if parts["sign"] == "+" else moment + offset
    elif zone is not ZONE_OF_UTC and not text.endswith(("Z", "UTC")):
        return moment.replace(tzinfo=zone).astimezone(UTC)
    return moment.replace(tzinfo=UTC)


def read_flag(text: str) -> bool:
    """Return the flag. Raises ValueError."""
    if text.lower() not in FLAGS:
        raise ValueError(text)
    return FLAGS[text.lower()]


READERS = {"text": str, "number": read_number, "date": read_date, "timestamp": read_timestamp, "flag": read_flag}


# ---------------------------------------------------------------- the raw contract: tables


@dataclass(frozen=True)
class Column:
    """A column of the contract. `kind` is a key of READERS; a bad value of a descriptive column costs no row."""

    name: str
    kind: str = "text"
    is_required: bool = False
    is_descriptive: bool = False
    is_allowed: Callable[[object], bool] | None = None
    if_null: object = None


def required(name, kind="text", is_allowed=None):
    return Column(name, kind, is_required=True, is_allowed=is_allowed)


def descriptive(name, kind="text", is_allowed=None):
    return Column(name, kind, is_descriptive=True, is_allowed=is_allowed)


def is_not_negative(number):
    return number >= 0


def is_positive(number):
    return number > 0


def is_rating(number):
    return 1 <= number <= 5


is_consent = {"subscribed", "unsubscribed", "never"}.__contains__

CONTRACT = {
    "exchange_rates": [
        required("rate_date", "date"),
        required("currency"),
        required("rate", "number", is_positive),
    ],
    "customers": [
        required("customer_id"),
        Column("email"),
        descriptive("phone", is_allowed=PHONE.fullmatch),
        Column("first_name"),
        Column("last_name"),
        descriptive("postal_code"),
        descriptive("birth_date", "date"),
        Column("country_code"),
        Column("city"),
        Column("created_at", "timestamp"),
        Column("acquisition_channel"),
        descriptive("email_consent", is_allowed=is_consent),
        descriptive("email_consent_at", "timestamp"),
        descriptive("sms_consent", is_allowed=is_consent),
        descriptive("sms_consent_at", "timestamp"),
        descriptive("ads_consent", is_allowed={"granted", "denied"}.__contains__),
        descriptive("ads_consent_at", "timestamp"),
        Column("is_test", "flag", if_null=False),
        required("updated_at", "timestamp"),
    ],
    "products": [
        required("product_id"),
        Column("product_name"),
        Column("category"),
        Column("is_gift_card", "flag", if_null=False),
        descriptive("price", "number", is_not_negative),
        descriptive("unit_cost", "number", is_not_negative),
        required("updated_at", "timestamp"),
    ],
    "orders": [
        required("order_id"),
        Column("customer_id"),
        Column("email"),
        required("ordered_at", "timestamp"),
        required("status", is_allowed={"pending", "paid", "fulfilled", "cancelled"}.__contains__),
        required("currency"),
        Column("discount_amount", "number", is_allowed=is_not_negative, if_null=Decimal(0)),
        Column("discount_code"),
        Column("delivered_at", "timestamp"),
        Column("is_test", "flag", if_null=False),
        required("updated_at", "timestamp"),
    ],
    "order_lines": [
        required("order_line_id"),
        required("order_id"),
        Column("product_id"),
        required("quantity", "number", is_not_negative),
        required("unit_price", "number", is_not_negative),
        descriptive("list_price", "number"),
        Column("discount_amount", "number", is_allowed=is_not_negative, if_null=Decimal(0)),
        descriptive("unit_cost", "number", is_not_negative),
        required("updated_at", "timestamp"),
    ],
    "refunds": [
        required("refund_id"),
        required("order_id"),
        Column("order_line_id"),
        required("refunded_at", "timestamp"),
        required("amount", "number", is_not_negative),
        Column("reason"),
        required("updated_at", "timestamp"),
    ],
    "sessions": [
        required("session_id"),
        Column("visitor_id"),
        Column("customer_id"),
        required("started_at", "timestamp"),
        Column("channel"),
        Column("campaign_id"),
        Column("device"),
        Column("is_bot", "flag", if_null=False),
    ],
    "web_events": [
        required("event_id"),
        required("session_id"),
        required("event_type"),
        Column("product_id"),
        required("occurred_at", "timestamp"),
    ],
    "email_events": [
        required("event_id"),
        Column("customer_id"),
        Column("email"),
        Column("campaign_id"),
        required(
            "event_type",
            is_allowed={"sent", "delivered", "open", "click", "unsubscribe", "bounce", "complaint"}.__contains__,
        ),
        required("occurred_at", "timestamp"),
    ],
    "reviews": [
        required("review_id"),
        required("customer_id"),
        Column("order_id"),
        Column("product_id"),
        required("rating", "number", is_rating),
        Column("topic"),
        required("reviewed_at", "timestamp"),
    ],
    "marketing_spend": [
        required("spend_date", "date"),
        required("channel"),
        required("amount", "number", is_not_negative),
        required("currency"),
    ],
    "custom_traits": [
        required("customer_id"),
        required("trait"),
        required("value"),
        required("updated_at", "timestamp"),
    ],
}
VERSIONED = {table for table, columns in CONTRACT.items() if any(column.name == "updated_at" for column in columns)}
for table, columns in CONTRACT.items():
    columns += [Column("is_deleted", "flag", if_null=False)] if table in VERSIONED else []
    columns.append(Column("loaded_at", "timestamp"))

# Tables without updated_at keep the earliest occurrence: the time at which the thing itself happened.
OCCURRENCE = {"sessions": "started_at", "web_events": "occurred_at", "email_events": "occurred_at",
              "reviews": "reviewed_at"}


def key_columns(table: str) -> list[str]:
    """Return the names of the columns that identify a row; none for marketing_spend, where each row counts."""
    if table == "marketing_spend":
        return []
    pairs = {"exchange_rates": ["rate_date", "currency"], "custom_traits": ["customer_id", "trait"]}
    return pairs.get(table, [CONTRACT[table][0].name])


# ---------------------------------------------------------------- the raw contract: judgement


@dataclass
class Raw:
    """The rows that live (table -> rows of parsed values), and what became of the others."""

    tables: dict[str, list[Row]]
    counts: dict[str, TableCounts]
    rejected: list[Rejection]
    repaired: list[Repair]
    rates: "Rates"


class Rates:
    """Exchange rates into the reporting currency."""

    def __init__(self, rows: list[Row], reporting_currency: str):
        self.reporting_currency = reporting_currency
        self.history = defaultdict(list)  # currency -> [(rate_date, rate)], in order of date
        for row in sorted(rows, key=lambda row: row["rate_date"]):
            self.history[row["currency"]].append((row["rate_date"], row["rate"]))

    def on(self, currency: str, day: date) -> Decimal | None:
        """Return the latest rate on or before the day; None if there is none."""
        if currency == self.reporting_currency:
            return Decimal(1)
        history = self.history.get(currency, [])
        position = bisect_right(history, day, key=lambda dated_rate: dated_rate[0])
        return history[position - 1][1] if position else None


@dataclass(slots=True)  # there are millions
class Judged:
    """A row as received, as read (what is missing or unreadable is null), why it breaks the contract, and what was
    repaired."""

    received: RawRow
    row: Row
    reason: str | None
    repaired: tuple[str, ...]


def judge(rows: dict[str, list[RawRow]], calendar: "Calendar", parameters: Parameters) -> Raw:
    """Judge the rows of each table by key or by themselves, then check the relations."""
    raw = Raw({}, {}, [], [], Rates([], parameters.reporting_currency))
    orders_by_id = {}

    def broken_relation(table: str, row: Row) -> str | None:
        if table == "orders" and raw.rates.on(row["currency"], calendar.day(row["ordered_at"])) is None:
            return "no rate for currency"
        if table == "marketing_spend" and raw.rates.on(row["currency"], row["spend_date"]) is None:
            return "no rate for currency"
        if table in ("order_lines", "refunds") and row["order_id"] not in orders_by_id:
            return "unknown order_id"
        return None

    # CONTRACT lists exchange_rates first and orders before their lines, so that relations find their other side.
    for table in CONTRACT:
        zone = parameters.zone_of(table)
        judged = [judge_row(table, received, zone, parameters.custom_traits) for received in rows.get(table, [])]
        if table in VERSIONED:
            candidates = [one for one in judged if not breaks_identity(table, one)]
            chosen = newest_versions(table, candidates)
            rejected = [(one, one.reason) for one in judged if breaks_identity(table, one)]
        else:
            candidates = [one for one in judged if one.reason is None]
            chosen = earliest_occurrences(table, candidates)
            rejected = [(one, one.reason) for one in judged if one.reason is not None]
        alive = [one for one in chosen if not is_deletion(one)]
        reasons = [one.reason or broken_relation(table, one.row) for one in alive]
        kept = [one.row for one, reason in zip(alive, reasons) if reason is None]
        rejected += [(one, reason) for one, reason in zip(alive, reasons) if reason is not None]
        raw.rejected += [Rejection(table, key_text(table, one.received), reason) for one, reason in rejected]
        raw.counts[table] = TableCounts(
            len(judged), len(kept), len(candidates) - len(chosen), len(rejected), len(chosen) - len(alive)
        )
        kept_rows = {id(row) for row in kept}
        raw.repaired += [
            Repair(table, key_text(table, one.received), column, one.received[column], id(one.row) in kept_rows)
            for one in judged
            for column in one.repaired
        ]
        raw.tables[table] = kept
        if table == "exchange_rates":
            raw.rates = Rates(kept, parameters.reporting_currency)
        if table == "orders":
            orders_by_id = {row["order_id"]: row for row in kept}
    return raw


def judge_row(table: str, received: RawRow, zone: ZoneInfo, register: tuple[dict, ...]) -> Judged:
    """Read a row by itself; the reason is the first one to reject it."""
    row, first_reason, repaired = {}, None, ()
    for column in CONTRACT[table]:
        text = trimmed(received.get(column.name))
        if text is None:
            row[column.name] = column.if_null
            reason = f"missing {column.name}" if column.is_required else None
        else:
            # loaded_at is not the shop's: it is UTC whatever the zone of the table's times.
            row[column.name], reason = read_value(column, text, ZONE_OF_UTC if column.name == "loaded_at" else zone)
            if reason and column.is_descriptive:
                repaired += (column.name,)
                reason = None
        first_reason = first_reason or reason
    if table == "custom_traits":
        first_reason = first_reason or broken_trait(row, register)
    return Judged(received, row, first_reason, repaired)


def read_value(column: Column, text: str, zone: ZoneInfo = ZONE_OF_UTC) -> tuple[object, str | None]:
    """Return (value, None), or (None, why not)."""
    try:
        value = read_timestamp(text, zone) if column.kind == "timestamp" else READERS[column.kind](text)
    except (ValueError, OverflowError):
        return None, f"unreadable {column.name}"
    if column.is_allowed and not column.is_allowed(value):
        return None, f"forbidden {column.name}"
    return value, None


def broken_trait(row: Row, register: tuple[dict, ...]) -> str | None:
    """Return why a row is no value of a trait in the register."""
    entry = next((entry for entry in register if entry["name"] == row["trait"]), None)
    if entry is None:
        return "forbidden trait"
    read = trait_reader(entry)
    try:
        value = read(row["value"])
    except (ValueError, OverflowError):
        return "unreadable value"
    allowed = entry.get("values")
    return "forbidden value" if allowed and value not in [read(str(one)) for one in allowed] else None


def trait_reader(entry: dict) -> Callable[[str], object]:
    return READERS["flag" if entry["type"] == "boolean" else entry["type"]]


def key_text(table: str, received: RawRow) -> str | None:
    parts = [trimmed(received.get(column)) for column in key_columns(table)]
    return "|".join(part or "" for part in parts) if any(parts) else None


def breaks_identity(table: str, judged: Judged) -> bool:
    """Whether a row of a table with updated_at has no readable key, or no readable updated_at: it is no version of
    anything."""
    return any(judged.row[column] is None for column in [*key_columns(table), "updated_at"])


def is_deletion(judged: Judged) -> bool:
    return judged.row.get("is_deleted") is True


def raw_texts(table: str, judged: Judged) -> list[str]:
    """Return the texts that decide between rows equal in all else, whatever the order of rows."""
    return [judged.received.get(column.name) or "" for column in CONTRACT[table]]


LATEST = datetime.max.replace(tzinfo=UTC)


def newest_versions(table: str, identified: list[Judged]) -> list[Judged]:
    """Keep the newest version of each key: at one time a deletion, then a row that keeps the contract."""
    return best_by_key(table, identified, lambda one: (
        LATEST - one.row["updated_at"], not is_deletion(one), one.reason is not None, raw_texts(table, one)))


def earliest_occurrences(table: str, whole: list[Judged]) -> list[Judged]:
    """Keep the earliest row of each key of a table without updated_at."""
    time = OCCURRENCE.get(table)
    return best_by_key(table, whole, lambda one: ([one.row[time]] if time else []) + raw_texts(table, one))


def best_by_key(table: str, judged: list[Judged], order) -> list[Judged]:
    """Return the first of each key in this order; all, where a table has no key."""
    keys, best = key_columns(table), {}
    for number, one in enumerate(judged):
        key = tuple(one.row[column] for column in keys) or number
        best[key] = min(best[key], one, key=order) if key in best else one
    return list(best.values())


# ---------------------------------------------------------------- 1. time


class Calendar:
    """The as-of date and the windows that end on it; all made of shop-local dates."""

    def __init__(self, as_of_date: date, shop_timezone: str):
        self.as_of_date = as_of_date
        self.zone = ZoneInfo(shop_timezone)

    def day(self, moment: datetime) -> date:
        """Return the shop-local date of a moment."""
        return moment.astimezone(self.zone).date()

    def has_come(self, day: date) -> bool:
        return day <= self.as_of_date

    def in_last_days(self, day: date, days: int) -> bool:
        """Whether the day is one of the `days` dates that end with the as-of date."""
        return self.as_of_date - timedelta(days=days) < day <= self.as_of_date

    def in_last_12_months(self, day: date) -> bool:
        last_year = self.as_of_date.year - 1
        is_leap_day = (self.as_of_date.month, self.as_of_date.day) == (2, 29)
        start = date(last_year, 2, 28) if is_leap_day else self.as_of_date.replace(year=last_year)
        return start < day <= self.as_of_date


# ---------------------------------------------------------------- 2. customers

BLANKS = " \t\r\n\u00a0\u200b\u200c\u200d\u2060\ufeff"  # those that one does not see among them
EMAIL = re.compile(f"[^@{BLANKS}]+@[^@{BLANKS}]+\\.[^@{BLANKS}]+")


def normalized_email(email: str | None) -> str | None:
    """Return the email as it is compared, None if it is not of the form x@y.z."""
    email = email.strip(BLANKS).lower() if email is not None else None
    return email if email is not None and EMAIL.fullmatch(email) else None


def guest_id(email: str) -> str:
    """Return the customer_id of the guest who ordered with this (compared) email."""
    return "guest:" + hashlib.sha256(email.encode()).hexdigest()


@dataclass
class People:
    """Who is who at the as-of date. Test customers are known here, so that what they did can be left out."""

    accounts_of: dict[str, list[Row]]
    customer_of_account: dict[str, str]
    customer_of_email: dict[str, str]  # guests and former addresses too; without shared addresses
    former_addresses: dict[str, str]  # compared email -> customer_id
    email_of: dict[str, str | None]  # customer_id -> compared email
    shared_emails: set[str]
    test_customers: set[str]
    guests_since: dict[str, date]  # guest customer_id -> date of the first order

    def customer_ids(self) -> list[str]:
        ids = self.accounts_of.keys() | self.guests_since.keys()
        return sorted(ids - self.test_customers)

    def with_account_or_email(self, account_id: str | None, email: str | None) -> str | None:
        """Return the account's customer, else the customer with this email, else None. May be a test customer."""
        if account_id in self.customer_of_account:
            return self.customer_of_account[account_id]
        return self.customer_of_email.get(normalized_email(email))


def real_orders(raw: Raw, calendar: Calendar) -> list[Row]:
    """Return the orders up to the as-of date that are not tests, with `ordered_on`."""
    orders = []
    for order in raw.tables["orders"]:
        ordered_on = calendar.day(order["ordered_at"])
        if calendar.has_come(ordered_on) and not order["is_test"]:
            orders.append({**order, "ordered_on": ordered_on})
    return orders


def visible_accounts(accounts: list[Row], orders: list[Row], calendar: Calendar) -> list[Row]:
    """Return the accounts that were created, or placed an order that is no test, up to the as-of date, with the earlier
    as `known_at`.

    Where created_at is null it is the first such order, else the answer on emails, else updated_at. An order yet to
    come is not known.
    """
    orders_of = grouped(orders, "customer_id")
    dated = []
    for account in accounts:
        ordered_at = [order["ordered_at"] for order in orders_of.get(account["customer_id"], [])]
        created_at = (
            account["created_at"]
            or min(ordered_at, default=None)
            or account["email_consent_at"]
            or account["updated_at"]
        )
        dated.append(account | {"created_at": created_at, "known_at": min([created_at, *ordered_at])})
    return [account for account in dated if calendar.has_come(calendar.day(account["known_at"]))]


def know_people(raw: Raw, orders: list[Row], calendar: Calendar, max_accounts_per_email: int) -> People:
    """Merge accounts by email, find their former addresses, then make guests of the orders whose email nobody has or
    had."""
    accounts = visible_accounts(raw.tables["customers"], orders, calendar)
    accounts_of_email = defaultdict(list)
    for account in accounts:
        email = normalized_email(account["email"])
        if email is not None:
            accounts_of_email[email].append(account)
    shared = {email for email, sharing in accounts_of_email.items() if len(sharing) > max_accounts_per_email}

    people = People(defaultdict(list), {}, {}, {}, {}, shared, set(), {})
    for email in accounts_of_email.keys() - shared:
        first = min(accounts_of_email[email], key=lambda account: (account["created_at"], account["customer_id"]))
        people.customer_of_email[email] = first["customer_id"]
    for account in accounts:
        email = normalized_email(account["email"])
        customer_id = people.customer_of_email.get(email, account["customer_id"])
        people.customer_of_account[account["customer_id"]] = customer_id
        people.accounts_of[customer_id].append(account)
        people.email_of[customer_id] = email
        if account["is_test"]:
            people.test_customers.add(customer_id)
    people.former_addresses = former_addresses(people, orders, accounts_of_email.keys())
    people.customer_of_email |= people.former_addresses
    add_guests(people, orders)
    return people


def former_addresses(people: People, orders: list[Row], emails_of_accounts) -> dict[str, str]:
    """Return the emails that no account has, and that orders carry beside the known accounts of one customer alone."""
    customers_of_email = defaultdict(set)
    for order in orders:
        email = normalized_email(order["email"])
        if order["customer_id"] in people.customer_of_account and email is not None and email not in emails_of_accounts:
            customers_of_email[email].add(people.customer_of_account[order["customer_id"]])
    return {email: next(iter(customers)) for email, customers in customers_of_email.items() if len(customers) == 1}


def add_guests(people: People, orders: list[Row]) -> None:
    for order in orders:
        email = normalized_email(order["email"])
        if order["customer_id"] in people.customer_of_account or email is None or email in people.shared_emails:
            continue
        customer_id = people.customer_of_email.setdefault(email, guest_id(email))
        if customer_id not in people.accounts_of:
            people.email_of[customer_id] = email
            since = people.guests_since.get(customer_id, order["ordered_on"])
            people.guests_since[customer_id] = min(since, order["ordered_on"])


def customer_accounts(shop: "Shop") -> dict[str, str]:
    """Return every account or guest id -> customer_id. A guest who registered is found under the account."""
    people = shop.people
    resolved = dict(people.customer_of_account)
    for order in shop.orders:
        email = normalized_email(order["email"])
        if order["customer_id"] not in people.customer_of_account and email in people.customer_of_email:
            resolved[guest_id(email)] = people.customer_of_email[email]
    return {known_as: customer_id for known_as, customer_id in resolved.items()
            if customer_id not in people.test_customers}


def newest_account(accounts: list[Row]) -> Row:
    return max(accounts, key=lambda account: (account["updated_at"], account["customer_id"]))


def newest_answer(accounts: list[Row], calendar: Calendar, consent: str, refusal: str) -> tuple[datetime, bool] | None:
    """Return (answered at, whether it is a refusal) of the newest explicit answer up to the as-of date; on a tie
    refusal wins.

    consent: the column that holds the answer, beside the column of its moment. refusal: the answer that is one.
    """
    answers = []
    for account in accounts:
        answered_at = account[f"{consent}_at"] or account["created_at"]
        if account[consent] not in (None, "never") and calendar.has_come(calendar.day(answered_at)):
            answers.append((answered_at, account[consent] == refusal))
    return max(answers, default=None)


def consented_at(accounts: list[Row], calendar: Calendar, consent: str) -> datetime | None:
    """Return when the customer subscribed, if that is the newest explicit answer."""
    answered_at, is_refusal = newest_answer(accounts, calendar, consent, "unsubscribed") or (None, True)
    return None if is_refusal else answered_at


def ads_consent(accounts: list[Row], calendar: Calendar) -> str | None:
    answer = newest_answer(accounts, calendar, "ads_consent", "denied")
    return ("denied" if answer[1] else "granted") if answer else None


def profile(shop: "Shop", customer_id: str) -> Row:
    """Return who the customer is, and what they consent to (sections 7 and 10)."""
    accounts = shop.people.accounts_of.get(customer_id)
    if accounts is None:
        return {"customer_id": customer_id, "is_guest": True, "country_code": None, "city": None,
                "created_on": shop.people.guests_since[customer_id], "acquisition_channel": None,
                "is_subscribed": False, "consented_on": None, "is_sms_subscribed": False, "ads_consent": None}
    newest = newest_account(accounts)
    consent = consented_at(accounts, shop.calendar, "email_consent")
    return {
        "customer_id": customer_id,
        "is_guest": False,
        "country_code": newest["country_code"],
        "city": newest["city"],
        "created_on": shop.calendar.day(min(account["known_at"] for account in accounts)),
        "acquisition_channel": newest["acquisition_channel"],
        "is_subscribed": consent is not None and not shop.unsubscribes.is_against_since(customer_id, consent),
        "consented_on": shop.calendar.day(consent) if consent is not None else None,
        "is_sms_subscribed": consented_at(accounts, shop.calendar, "sms_consent") is not None,
        "ads_consent": ads_consent(accounts, shop.calendar),
    }


def contact(shop: "Shop", customer_id: str) -> Row:
    """Return the contact data (section 10): the compared email, a phone in E.164, names, postal code, birth date."""
    accounts = shop.people.accounts_of.get(customer_id)
    newest = newest_account(accounts) if accounts else {}
    return {"email": shop.people.email_of[customer_id]} | {
        column: newest.get(column) for column in ("phone", "first_name", "last_name", "postal_code", "birth_date")}


# ---------------------------------------------------------------- 3. purchases and money


def rounded(amount: Decimal, places: str) -> Decimal:
    """Return the amount rounded to the step `places` ("0.01"), half up, away from zero on a tie."""
    return amount.quantize(Decimal(places), rounding=ROUND_HALF_UP)


def is_bought(order: Row) -> bool:
    return order["status"] in ("paid", "fulfilled")


def know_purchases(raw: Raw, orders: list[Row], calendar: Calendar) -> dict[str, Row]:
    """Return order_id -> purchase, for the bought orders whose net revenue is above 0."""
    products = {product["product_id"]: product for product in raw.tables["products"]}
    lines_of_order = defaultdict(list)
    for line in raw.tables["order_lines"]:
        lines_of_order[line["order_id"]].append(line)
    refunded, refunded_lines = defaultdict(Decimal), defaultdict(Decimal)
    for refund in raw.tables["refunds"]:
        # An amount of 0 takes a refund back: there is none then, of a line that cost nothing either.
        if refund["amount"] > 0 and calendar.has_come(calendar.day(refund["refunded_at"])):
            refunded[refund["order_id"]] += refund["amount"]
            # A refund that names another order's line lowers its order's revenue, and refunds no line.
            refunded_lines[refund["order_id"], refund["order_line_id"]] += refund["amount"]

    purchases = {}
    for order in filter(is_bought, orders):
        lines = counted_lines(lines_of_order[order["order_id"]], products)

        def is_fully_refunded(line):
            named = (line["order_id"], line["order_line_id"])
            return named in refunded_lines and refunded_lines[named] >= line_net(line) - share_of_discount(
                line, order, lines
            )

        living_lines = [line for line in lines if not is_fully_refunded(line)]
        rate = raw.rates.on(order["currency"], order["ordered_on"])
        net_revenue = order_net_revenue(order, lines, refunded[order["order_id"]], rate)
        cost = lines_cost(living_lines, products, rate)
        if net_revenue > 0:
            purchases[order["order_id"]] = {
                "customer_id": order["owner"],
                "purchased_on": order["ordered_on"],
                "delivered_on": delivered_on(order, calendar),
                "net_revenue": net_revenue,
                "cost": cost,
                "gross_margin": net_revenue - cost if cost is not None else None,
                "is_discounted": is_discounted(order, lines),
                "categories": categories(living_lines, products),
                "products": known_products(living_lines, products),
                "products_ever": known_products(lines, products),
            }
    return purchases


def delivered_on(order: Row, calendar: Calendar) -> date | None:
    """Return the date of the delivery, if it has come."""
    day = calendar.day(order["delivered_at"]) if order["delivered_at"] is not None else None
    return day if day is not None and calendar.has_come(day) else None


def counted_lines(lines: list[Row], products: dict[str, Row]) -> list[Row]:
    """Return the lines without those of quantity 0, which an edit took out, and those of gift cards, which are a
    liability."""
    return [line for line in lines if line["quantity"] > 0
            and not (line["product_id"] in products and products[line["product_id"]]["is_gift_card"])]


def line_gross(line: Row) -> Decimal:
    return line["quantity"] * line["unit_price"]


def line_net(line: Row) -> Decimal:
    return line_gross(line) - line["discount_amount"]


def share_of_discount(line: Row, order: Row, lines: list[Row]) -> Decimal:
    """Return the line's share of the order's discount, in proportion to what the lines come to, rounded up to the cent.
    """
    net, total = line_net(line), sum(map(line_net, lines), Decimal(0))
    if net <= 0 or total <= 0:
        return Decimal(0)
    return Decimal(ceil(100 * Fraction(order["discount_amount"]) * Fraction(net) / Fraction(total))) / 100


def order_net_revenue(order: Row, lines: list[Row], refunded: Decimal, rate: Decimal) -> Decimal:
    gross = sum((line_gross(line) for line in lines), Decimal(0))
    line_discounts = sum((line["discount_amount"] for line in lines), Decimal(0))
    return rounded((gross - line_discounts - order["discount_amount"] - refunded) * rate, "0.01")


def lines_cost(lines: list[Row], products: dict[str, Row], rate: Decimal) -> Decimal | None:
    """Return what the lines cost: their own unit_cost, of the order's currency, comes before the product's, of the
    reporting one."""
    cost = Decimal(0)
    for line in lines:
        product = products.get(line["product_id"])
        if line["unit_cost"] is not None:
            cost += line["quantity"] * line["unit_cost"] * rate
        elif product is not None and product["unit_cost"] is not None:
            cost += line["quantity"] * product["unit_cost"]
        else:
            return None
    return cost


def is_discounted(order: Row, lines: list[Row]) -> bool:
    return order["discount_amount"] > 0 or any(
        line["discount_amount"] > 0
        or (line["list_price"] is not None and line["list_price"] > line["unit_price"])
        for line in lines)


def categories(lines: list[Row], products: dict[str, Row]) -> set[str]:
    found = {products[line["product_id"]]["category"] for line in lines if line["product_id"] in products}
    return found - {None}


def known_products(lines: list[Row], products: dict[str, Row]) -> set[str]:
    """Return the products of the lines that the catalogue holds."""
    return {line["product_id"] for line in lines if line["product_id"] in products}


def money(purchases: list[Row]) -> Row:
    """Return what the customer's purchases of all time add up to."""
    dates = [purchase["purchased_on"] for purchase in purchases]
    margins = [purchase["gross_margin"] for purchase in purchases]
    net_revenue = sum((purchase["net_revenue"] for purchase in purchases), Decimal(0))
    return {
        "purchase_count": len(purchases),
        "net_revenue": net_revenue,
        "gross_margin": None if None in margins else sum(margins, Decimal(0)),
        "average_order_value": rounded(net_revenue / len(purchases), "0.000001") if purchases else None,
        "first_purchased_on": min(dates, default=None),
        "last_purchased_on": max(dates, default=None),
    }


# ---------------------------------------------------------------- 4. RFM

RFM_GROUPS = {
    "champions": "555 554 545 544 455 454 445",
    "loyal_customers": "543 444 435 355 354 345 344 335",
    "potential_loyalists": "553 552 551 542 541 533 532 531 453 452 451 442 441 433 432 431 423 353 352 351 342 341 "
                           "333 323",
    "new_customers": "512 511 422 421 412 411 311",
    "promising": "525 524 523 522 521 515 514 513 425 424 415 414 413 315 314 313",
    "need_attention": "535 534 443 434 343 334 325 324",
    "about_to_sleep": "331 321 312 251 241 231 221 213",
    "at_risk": "255 254 253 252 245 244 243 242 235 234 225 224 153 152 145 143 142 135 134 133 125 124",
    "cant_lose_them": "215 214 155 154 144 115 114 113",
    "hibernating": "332 322 233 232 223 222 212 211 132 123 122",
    "lost": "151 141 131 121 112 111",
}
GROUP_OF_CODE = {code: group for group, codes in RFM_GROUPS.items() for code in codes.split()}

# trait -> (its score, whether less is better)
SCORED_TRAITS = {
    "recency_days": ("recency_score", True),
    "frequency": ("frequency_score", False),
    "monetary_value": ("monetary_score", False),
    "revenue": ("revenue_score", False),
    "sessions_90d": ("visit_score", False),
}


def rfm_values(purchases: list[Row], parameters: Parameters, calendar: Calendar) -> Row:
    """Return recency over all purchases, frequency and average net revenue over those in the window."""
    if not purchases:
        return {"recency_days": None, "frequency": None, "monetary_value": None}
    last_purchased_on = max(purchase["purchased_on"] for purchase in purchases)
    revenues = [purchase["net_revenue"] for purchase in purchases
                if calendar.in_last_days(purchase["purchased_on"], parameters.rfm_window_days)]
    return {
        "recency_days": (calendar.as_of_date - last_purchased_on).days,
        "frequency": len(revenues),
        "monetary_value": rounded(sum(revenues) / len(revenues), "0.000001") if revenues else None,
    }


def add_scores(customers: dict[str, Row], shop: "Shop") -> list[str]:
    """Add the scores, the RFM code and group and the value tier; return the warnings."""
    for customer in customers.values():
        customer |= {score: None for score, _ in SCORED_TRAITS.values()}
    population = rfm_population(customers)
    for trait, (score, less_is_better) in SCORED_TRAITS.items():
        if trait == "sessions_90d" and not shop.sessions:
            continue
        values = [scored_value(shop, customer, trait) for customer in population]
        for customer, value_score in zip(population, scores(trait, values, less_is_better, shop.parameters)):
            customer[score] = value_score
    for customer in customers.values():
        customer["rfm_code"] = rfm_code(customer)
        customer["rfm_group"] = GROUP_OF_CODE.get(customer["rfm_code"])
        customer["value_tier"] = value_tier(customer)
    return quintile_warnings(population, shop.parameters)


def rfm_population(customers: dict[str, Row]) -> list[Row]:
    """Return the buyers with a purchase in the window."""
    return [customer for customer in customers.values() if customer["frequency"]]


def scored_value(shop: "Shop", customer: Row, trait: str) -> object:
    if trait != "revenue":
        return customer[trait]
    return sum(purchase["net_revenue"] for purchase in shop.purchases_of[customer["customer_id"]]
               if shop.calendar.in_last_days(purchase["purchased_on"], shop.parameters.rfm_window_days))


def scores(trait: str, values: list, less_is_better: bool, parameters: Parameters) -> list[int]:
    """Return the score of each value: by fixed boundaries where there are any for the trait, else by quintiles."""
    boundaries = cut_points(trait, parameters)
    if boundaries:
        return [score_by_cut_points(value, boundaries) for value in values]
    return quintile_scores(values, less_is_better)


def cut_points(trait: str, parameters: Parameters) -> list[tuple[Decimal, int]]:
    """Return (from_value, score) on the way up; none where quintiles decide."""
    if parameters.rfm_method != "cut_points":
        return []
    return sorted((Decimal(str(from_value)), int(score))
                  for of_trait, score, from_value in parameters.rfm_cut_points if of_trait == trait)


def quintile_scores(values: list, less_is_better: bool) -> list[int]:
    """1 + floor(5 x the number of strictly worse values / the number of values)."""
    ascending = sorted(values)
    size = len(values)
    if less_is_better:
        return [1 + 5 * (size - bisect_right(ascending, value)) // size for value in values]
    worse = {}
    for position, value in enumerate(ascending):
        worse.setdefault(value, position)
    return [1 + 5 * worse[value] // size for value in values]


def score_by_cut_points(value, boundaries: list[tuple[Decimal, int]]) -> int:
    """Return the score of the highest boundary that the value reaches; below all of them, that of the lowest."""
    reached = [score for from_value, score in boundaries if from_value <= value]
    return reached[-1] if reached else boundaries[0][1]


def rfm_thresholds(customers: dict[str, Row], shop: "Shop") -> dict[tuple[str, int], tuple]:
    """Return from which to which value each score goes, and how many of the population have it.

    from_value is the smallest value with the score; where fixed boundaries decide, the boundary.
    """
    thresholds = {}
    for trait, (score_column, _) in SCORED_TRAITS.items():
        boundaries = {score: from_value for from_value, score in cut_points(trait, shop.parameters)}
        values = defaultdict(list)
        for customer in rfm_population(customers):
            values[customer[score_column]].append(scored_value(shop, customer, trait))
        for score in range(1, 6):
            from_value = boundaries.get(score) if boundaries else min(values[score], default=None)
            thresholds[trait, score] = (from_value, max(values[score], default=None), len(values[score]))
    return thresholds


def rfm_code(customer: Row) -> str | None:
    if customer["recency_score"] is None:
        return None
    return f"{customer['recency_score']}{customer['frequency_score']}{customer['monetary_score']}"


def quintile_warnings(population: list[Row], parameters: Parameters) -> list[str]:
    if parameters.rfm_method != "quintiles":
        return []
    warnings = []
    if len(population) < parameters.rfm_min_buyers:
        warnings.append("few buyers: consider cut_points")
    bought_once = sum(1 for customer in population if customer["frequency"] == 1)
    if 100 * bought_once > 80 * len(population):
        warnings.append("most buyers bought once: consider cut_points")
    return warnings


# ---------------------------------------------------------------- 5. cadence and lifecycle


def cadence(purchases: list[Row], parameters: Parameters, calendar: Calendar) -> Row:
    """Return how many purchase dates there are, the gap before the last and the usual one, and the lifecycle stage."""
    dates = sorted({purchase["purchased_on"] for purchase in purchases})
    gaps = [(later - earlier).days for earlier, later in pairwise(dates)]
    counted = {"purchase_dates": len(dates), "previous_gap_days": gaps[-1] if gaps else None}
    if not purchases:
        return {**counted, "expected_gap_days": None, "overdue_ratio": None, "lifecycle_stage": "lead",
                "expected_next_purchase_on": None, "days_to_expected_purchase": None}
    expected_gap_days = Fraction(parameters.typical_gap_days)
    if len(dates) >= 3:
        expected_gap_days = max(median(map(Fraction, gaps)), Fraction(parameters.min_gap_days))
    overdue_ratio = (calendar.as_of_date - dates[-1]).days / expected_gap_days
    if len(purchases) == 1 and calendar.in_last_days(dates[0], 90):
        stage = "new"
    elif overdue_ratio <= Fraction(str(parameters.at_risk_after_gaps)):
        stage = "active"
    elif overdue_ratio <= Fraction(str(parameters.inactive_after_gaps)):
        stage = "at_risk"
    else:
        stage = "inactive"
    expected_on = dates[-1] + timedelta(days=ceil(expected_gap_days))
    return {**counted, "expected_gap_days": expected_gap_days, "overdue_ratio": overdue_ratio,
            "lifecycle_stage": stage, "expected_next_purchase_on": expected_on,
            "days_to_expected_purchase": (expected_on - calendar.as_of_date).days}


def value_tier(customer: Row) -> str | None:
    if not customer["purchase_count"]:
        return None
    return "high" if reaches(customer["monetary_score"], 4) or customer["revenue_score"] == 5 else "low"


def is_spend_declining(purchases: list[Row], calendar: Calendar) -> bool:
    latest = sum(purchase["net_revenue"] for purchase in purchases
                 if calendar.in_last_days(purchase["purchased_on"], 180))
    both = sum(purchase["net_revenue"] for purchase in purchases
               if calendar.in_last_days(purchase["purchased_on"], 360))
    before = both - latest
    return before > 0 and 2 * latest < before


# ---------------------------------------------------------------- 6. sales, sessions and products


@dataclass(frozen=True)
class Sale:
    """A sale campaign; both dates inclusive."""

    sale_campaign_id: str
    starts_on: date
    ends_on: date
    prior_sale_campaign_id: str | None


def read_sales(rows: list[RawRow]) -> list[Sale]:
    return [Sale(trimmed(row["sale_campaign_id"]), read_date(trimmed(row["starts_on"]) or ""),
                 read_date(trimmed(row["ends_on"]) or ""), trimmed(row.get("prior_sale_campaign_id"))) for row in rows]


def current_sale(sales: list[Sale], calendar: Calendar) -> Sale | None:
    """Return the sale that started last; it stays current until the next one starts."""
    begun = [sale for sale in sales if calendar.has_come(sale.starts_on)]
    return max(begun, key=lambda sale: (sale.starts_on, sale.ends_on, sale.sale_campaign_id), default=None)


def last_year_edition(sales: list[Sale], current: Sale | None) -> Sale | None:
    editions = {sale.sale_campaign_id: sale for sale in sales}
    return editions.get(current.prior_sale_campaign_id) if current else None


def is_during(day: date, sale: Sale | None) -> bool:
    return sale is not None and sale.starts_on <= day <= sale.ends_on


def know_sessions(raw: Raw, people: People, calendar: Calendar, junk_ids: tuple[str, ...]) -> dict[str, Row]:
    """Return session_id -> session with `owner` and `started_on`: up to the as-of date, without bots and tests."""
    sessions, junk = {}, {word.lower() for word in junk_ids}
    customers_of_visitor = defaultdict(set)
    for session in raw.tables["sessions"]:
        started_on = calendar.day(session["started_at"])
        if session["is_bot"] or not calendar.has_come(started_on):
            continue
        owner = people.customer_of_account.get(session["customer_id"])
        visitor_id = session["visitor_id"]
        visitor_id = None if visitor_id is None or visitor_id.lower() in junk else visitor_id
        sessions[session["session_id"]] = {
            **session,
            "visitor_id": visitor_id,
            "started_on": started_on,
            "owner": owner,
        }
        if owner is not None and visitor_id is not None:
            customers_of_visitor[visitor_id].add(owner)
    for session in sessions.values():
        candidates = customers_of_visitor.get(session["visitor_id"], ())
        if session["owner"] is None and len(candidates) == 1:
            session["owner"] = next(iter(candidates))
    return {session_id: session for session_id, session in sessions.items()
            if session["owner"] not in people.test_customers}


def know_web_events(raw: Raw, sessions: dict[str, Row], calendar: Calendar) -> list[Row]:
    """Return the events up to the as-of date of known sessions, with `owner` and `occurred_on`."""
    events = []
    for event in raw.tables["web_events"]:
        occurred_on = calendar.day(event["occurred_at"])
        session = sessions.get(event["session_id"])
        if session is not None and calendar.has_come(occurred_on):
            events.append({**event, "owner": session["owner"], "occurred_on": occurred_on})
    return events


def open_carts(web_events: list[Row]) -> set[str]:
    """Return the ids of the sessions that put more into the cart than they took out of it."""
    content = defaultdict(int)
    for event in web_events:
        if event["event_type"] == "add_to_cart":
            content[event["session_id"]] += 1
        elif event["event_type"] == "remove_from_cart":
            content[event["session_id"]] -= 1
    return {session_id for session_id, pieces in content.items() if pieces > 0}


def first_adds(web_events: list[Row]) -> dict[str, datetime]:
    """Return session_id -> the moment at which something was first put into the cart."""
    first = {}
    for event in web_events:
        if event["event_type"] == "add_to_cart":
            first[event["session_id"]] = min(event["occurred_at"], first.get(event["session_id"], event["occurred_at"]))
    return first


def high_ticket_products(products: list[Row]) -> set[str]:
    """Return the top fifth by price: fewer than 20 % of the products with a price cost strictly more."""
    prices = sorted(product["price"] for product in products if product["price"] is not None)
    return {product["product_id"] for product in products if product["price"] is not None
            and 5 * (len(prices) - bisect_right(prices, product["price"])) < len(prices)}


# ---------------------------------------------------------------- 2. and 10. emails, contact and reviews


def know_email_events(raw: Raw, people: People, calendar: Calendar) -> list[Row]:
    """Return the events up to the as-of date with `owner` (None: nobody's) and `occurred_on`; without tests."""
    events = []
    for event in raw.tables["email_events"]:
        occurred_on = calendar.day(event["occurred_at"])
        owner = people.with_account_or_email(event["customer_id"], event["email"])
        if calendar.has_come(occurred_on) and owner not in people.test_customers:
            events.append({**event, "owner": owner, "occurred_on": occurred_on})
    return events


class Refusals:
    """The latest unsubscribe, or the latest complaint, by customer and by compared email."""

    def __init__(self, email_events: list[Row], people: People, event_type: str):
        self.email_of = people.email_of
        self.latest_of_customer, self.latest_of_email = {}, {}
        for event in email_events:
            if event["event_type"] == event_type:
                self._hold(self.latest_of_customer, event["owner"], event["occurred_at"])
                self._hold(
                    self.latest_of_customer,
                    people.former_addresses.get(normalized_email(event["email"])),
                    event["occurred_at"],
                )
                # "the same email" is the event's own as well as that of the customer it belongs to
                self._hold(self.latest_of_email, normalized_email(event["email"]), event["occurred_at"])
                self._hold(self.latest_of_email, people.email_of.get(event["owner"]), event["occurred_at"])

    def _hold(self, latest: dict, key: str | None, moment: datetime) -> None:
        if key is not None:
            latest[key] = max(moment, latest.get(key, moment))

    def is_against(self, customer_id: str) -> bool:
        return customer_id in self.latest_of_customer or self.email_of[customer_id] in self.latest_of_email

    def is_against_since(self, customer_id: str, moment: datetime) -> bool:
        """Whether one of them, at the moment or after it, holds against the customer."""
        found = (self.latest_of_customer.get(customer_id), self.latest_of_email.get(self.email_of[customer_id]))
        return any(latest is not None and latest >= moment for latest in found)


def bounced_customers(email_events: list[Row], people: People) -> set[str]:
    """Return the customers with an email that bounced, and those of bounces that carry no email."""
    bounces = [event for event in email_events if event["event_type"] == "bounce"]
    emails = {normalized_email(bounce["email"]) for bounce in bounces} - {None}
    owners = {bounce["owner"] for bounce in bounces if normalized_email(bounce["email"]) is None}
    return owners | {customer_id for customer_id, email in people.email_of.items() if email in emails}


def can_be_reached(shop: "Shop", customer_id: str) -> bool:
    """Whether the customer has an email, and neither a bounce nor a complaint holds against them."""
    return (shop.people.email_of[customer_id] is not None
            and customer_id not in shop.bounced_customers
            and not shop.complaints.is_against(customer_id))


def know_reviews(raw: Raw, people: People, calendar: Calendar) -> list[Row]:
    """Return the reviews up to the as-of date with `owner` (None: nobody's) and `reviewed_on`."""
    reviews = []
    for review in raw.tables["reviews"]:
        reviewed_on = calendar.day(review["reviewed_at"])
        if calendar.has_come(reviewed_on):
            owner = people.customer_of_account.get(review["customer_id"])
            reviews.append({**review, "owner": owner, "reviewed_on": reviewed_on})
    return reviews


# ---------------------------------------------------------------- the shop, and the traits of a customer


@dataclass
class Shop:
    """All that is known of the shop at the as-of date, by customer; what tests did is left out."""

    parameters: Parameters
    calendar: Calendar
    people: People
    orders: list[Row]
    orders_of: dict[str, list[Row]]
    purchases: dict[str, Row]
    purchases_of: dict[str, list[Row]]
    sessions: dict[str, Row]
    sessions_of: dict[str, list[Row]]
    web_events_of: dict[str, list[Row]]
    open_carts: set[str]
    first_adds: dict[str, datetime]
    high_ticket_products: set[str]
    email_events_of: dict[str, list[Row]]
    unsubscribes: Refusals
    complaints: Refusals
    bounced_customers: set[str]
    reviews_of: dict[str, list[Row]]
    custom_traits_of: dict[str, list[Row]]  # by account
    sale: Sale | None
    last_year_sale: Sale | None


def know_shop(raw: Raw, sale_rows: list[RawRow], parameters: Parameters, calendar: Calendar) -> Shop:
    """Bring every fact up to the as-of date to the customer it belongs to."""
    orders = real_orders(raw, calendar)
    people = know_people(raw, orders, calendar, parameters.max_accounts_per_email)
    for order in orders:
        order["owner"] = people.with_account_or_email(order["customer_id"], order["email"])
    orders = [order for order in orders if order["owner"] not in people.test_customers]
    purchases = know_purchases(raw, orders, calendar)
    sessions = know_sessions(raw, people, calendar, parameters.junk_ids)
    web_events = know_web_events(raw, sessions, calendar)
    email_events = know_email_events(raw, people, calendar)
    sales = read_sales(sale_rows)
    sale = current_sale(sales, calendar)
    return Shop(
        parameters=parameters,
        calendar=calendar,
        people=people,
        orders=orders,
        orders_of=grouped(orders, "owner"),
        purchases=purchases,
        purchases_of=grouped(purchases.values(), "customer_id"),
        sessions=sessions,
        sessions_of=grouped(sessions.values(), "owner"),
        web_events_of=grouped(web_events, "owner"),
        open_carts=open_carts(web_events),
        first_adds=first_adds(web_events),
        high_ticket_products=high_ticket_products(raw.tables["products"]),
        email_events_of=grouped(email_events, "owner"),
        unsubscribes=Refusals(email_events, people, "unsubscribe"),
        complaints=Refusals(email_events, people, "complaint"),
        bounced_customers=bounced_customers(email_events, people),
        reviews_of=grouped(know_reviews(raw, people, calendar), "owner"),
        custom_traits_of=grouped(raw.tables["custom_traits"], "customer_id"),
        sale=sale,
        last_year_sale=last_year_edition(sales, sale),
    )


def grouped(rows, column: str) -> dict[str, list[Row]]:
    groups = defaultdict(list)
    for row in rows:
        groups[row[column]].append(row)
    return groups


def traits(shop: Shop, customer_id: str) -> Row:
    """Return all traits of a customer but the scores, which need the other customers."""
    purchases = shop.purchases_of.get(customer_id, [])
    who = profile(shop, customer_id)
    return {
        **who,
        "is_contactable_by_email": who["is_subscribed"] and can_be_reached(shop, customer_id),
        "is_contactable_by_sms": who["is_sms_subscribed"] and contact(shop, customer_id)["phone"] is not None,
        "has_birthday_in_7d": has_birthday_in_7d(contact(shop, customer_id)["birth_date"], shop.calendar),
        **money(purchases),
        **rfm_values(purchases, shop.parameters, shop.calendar),
        **cadence(purchases, shop.parameters, shop.calendar),
        "is_spend_declining": is_spend_declining(purchases, shop.calendar),
        **order_traits(shop, customer_id, purchases),
        **visit_traits(shop, customer_id),
        **cart_traits(shop, customer_id),
        **email_traits(shop, customer_id),
        **review_traits(shop, customer_id),
        **discounts(purchases),
        "days_since_receipt": days_since_receipt(shop, customer_id),
        **custom_traits(shop, customer_id),
    }


def days_since_receipt(shop: Shop, customer_id: str) -> int | None:
    """Return the days since the last purchase was delivered, or where that is not known since it was ordered."""
    orders = [order for order in shop.orders_of.get(customer_id, []) if order["order_id"] in shop.purchases]
    last = max(orders, key=lambda order: (order["ordered_on"], order["ordered_at"], order["order_id"]), default=None)
    if last is None:
        return None
    return (shop.calendar.as_of_date - (delivered_on(last, shop.calendar) or last["ordered_on"])).days


def discounts(purchases: list[Row]) -> Row:
    """Return how many of the purchases were discounted, as shares; a lead has none."""
    full_price = sum(not purchase["is_discounted"] for purchase in purchases)

    def share(part, places):
        return rounded(Decimal(part) / len(purchases), places) if purchases else None

    return {
        "full_price_purchases": full_price,
        "full_price_purchase_share": share(full_price, "1e-8"),
        "discount_dependence": share(len(purchases) - full_price, "1e-4"),
    }


def custom_traits(shop: Shop, customer_id: str) -> Row:
    """Return each trait that comes as data: the value in the newest row of the customer's accounts, on a tie of the
    largest account id."""
    rows = [
        row
        for account in shop.people.accounts_of.get(customer_id, [])
        for row in shop.custom_traits_of[account["customer_id"]]
    ]
    values = {}
    for entry in shop.parameters.custom_traits:
        newest = max(
            (row for row in rows if row["trait"] == entry["name"]),
            key=lambda row: (row["updated_at"], row["customer_id"]),
            default=None,
        )
        value = trait_reader(entry)(newest["value"]) if newest else None
        values[entry["name"]] = rounded(value, "0.000001") if isinstance(value, Decimal) else value
    return values


def has_birthday_in_7d(birth_date: date | None, calendar: Calendar) -> bool:
    """Whether the birthday is one of the 7 dates after the as-of date."""
    if birth_date is None:
        return False
    next_dates = [calendar.as_of_date + timedelta(days=days) for days in range(1, 8)]
    return any(day == birthday(birth_date, day.year) for day in next_dates)


def birthday(birth_date: date, year: int) -> date:
    """Return the birthday in that year; that of 29 February falls on 28 February in common years."""
    if (birth_date.month, birth_date.day) == (2, 29) and not isleap(year):
        return date(year, 2, 28)
    return birth_date.replace(year=year)


def kept_orders(shop: Shop, customer_id: str) -> list[Row]:
    """Return what the customer *ordered*: every order that is not cancelled."""
    return [order for order in shop.orders_of.get(customer_id, []) if order["status"] != "cancelled"]


def order_traits(shop: Shop, customer_id: str, purchases: list[Row]) -> Row:
    in_last_days = shop.calendar.in_last_days
    ordered_dates = [order["ordered_on"] for order in kept_orders(shop, customer_id)]
    purchase_dates = [purchase["purchased_on"] for purchase in purchases]
    categories_365d = set()
    for purchase in purchases:
        if in_last_days(purchase["purchased_on"], 365):
            categories_365d |= purchase["categories"]
    return {
        "has_ordered": bool(ordered_dates),
        "has_ordered_30d": any(in_last_days(day, 30) for day in ordered_dates),
        "purchases_30d": sum(in_last_days(day, 30) for day in purchase_dates),
        "discounted_purchases_12m": sum(purchase["is_discounted"] for purchase in purchases
                                        if shop.calendar.in_last_12_months(purchase["purchased_on"])),
        "categories_365d": len(categories_365d),
        "purchases_in_current_sale": sum(is_during(day, shop.sale) for day in purchase_dates),
        "has_ordered_in_current_sale": any(is_during(day, shop.sale) for day in ordered_dates),
        "purchases_in_last_year_sale": sum(is_during(day, shop.last_year_sale) for day in purchase_dates),
    }


def visit_traits(shop: Shop, customer_id: str) -> Row:
    in_last_days = shop.calendar.in_last_days
    dates = [session["started_on"] for session in shop.sessions_of.get(customer_id, [])]
    events_30d = [event for event in shop.web_events_of.get(customer_id, []) if in_last_days(event["occurred_on"], 30)]
    return {
        "sessions_30d": sum(in_last_days(day, 30) for day in dates),
        "sessions_90d": sum(in_last_days(day, 90) for day in dates),
        "sessions_180d": sum(in_last_days(day, 180) for day in dates),
        "last_session_on": max(dates, default=None),
        "average_days_between_sessions": average_gap(set(dates)),
        "recommendation_clicks_30d": sum(event["event_type"] == "recommendation_click" for event in events_30d),
        "product_views_30d": sum(event["event_type"] == "product_view" for event in events_30d),
        "high_ticket_interactions_30d": sum(
            event["event_type"] in ("product_view", "add_to_cart") and event["product_id"] in shop.high_ticket_products
            for event in events_30d),
    }


def average_gap(dates: set[date]) -> Decimal | None:
    """Return the average of the days from one date to the next, to 2 places; none with fewer than 2 dates."""
    gaps = [(later - earlier).days for earlier, later in pairwise(sorted(dates))]
    return rounded(Decimal(sum(gaps)) / len(gaps), "0.01") if gaps else None


def cart_traits(shop: Shop, customer_id: str) -> Row:
    """Return what is known of the customer's sessions with an open cart; the latest is that of segment 13."""
    sessions = [session for session in shop.sessions_of.get(customer_id, [])
                if session["session_id"] in shop.open_carts]
    last = max(sessions, key=lambda session: (session["started_at"], session["session_id"]), default=None)
    return {
        "open_carts_in_current_sale": sum(is_during(session["started_on"], shop.sale) for session in sessions),
        "open_carts_30d": sum(shop.calendar.in_last_days(session["started_on"], 30) for session in sessions),
        "last_open_cart_on": last["started_on"] if last else None,
        "has_ordered_since_last_open_cart": last is not None and any(
            order["ordered_at"] >= shop.first_adds[last["session_id"]] for order in kept_orders(shop, customer_id)),
    }


def email_traits(shop: Shop, customer_id: str) -> Row:
    events = shop.email_events_of.get(customer_id, [])

    def count(event_types, days):
        return sum(event["event_type"] in event_types and shop.calendar.in_last_days(event["occurred_on"], days)
                   for event in events)

    return {
        "email_clicks_30d": count({"click"}, 30),
        "email_clicks_90d": count({"click"}, 90),
        "email_clicks_180d": count({"click"}, 180),
        "emails_received_180d": count({"sent", "delivered"}, 180),
    }


def review_traits(shop: Shop, customer_id: str) -> Row:
    last = max(shop.reviews_of.get(customer_id, []),
               key=lambda review: (review["reviewed_at"], review["review_id"]), default=None)
    return {
        "last_reviewed_on": last["reviewed_on"] if last else None,
        "last_review_rating": last["rating"] if last else None,
    }


# ---------------------------------------------------------------- 7. segments

# name -> whether a customer with these traits, and the `as_of_date` among them, belongs to the segment
SEGMENTS: dict[str, Callable[[Row], bool]] = {}


def segment(belongs: Callable[[Row], bool]) -> Callable[[Row], bool]:
    SEGMENTS[belongs.__name__] = belongs
    return belongs


def reaches(score: int | None, bound: int) -> bool:
    return score is not None and score >= bound


def stays_below(score: int | None, bound: int) -> bool:
    return score is not None and score <= bound


def days_since(customer: Row, dated_trait: str) -> int | None:
    day = customer[dated_trait]
    return (customer["as_of_date"] - day).days if day is not None else None


def is_in_last_days(customer: Row, dated_trait: str, days: int) -> bool:
    return customer[dated_trait] is not None and days_since(customer, dated_trait) < days


@segment
def loyal_buyers(customer):
    return reaches(customer["recency_score"], 4) and reaches(customer["frequency_score"], 4)


@segment
def bargain_hunters(customer):
    return stays_below(customer["monetary_score"], 2) and reaches(customer["frequency_score"], 4)


def category_repeat_buyers(shop: Shop) -> set[tuple[str, str]]:
    """Return (customer_id, category) bought in at least two purchases of the last 365 days."""
    purchases_by_category = defaultdict(int)
    for purchase in shop.purchases.values():
        if purchase["customer_id"] is not None and shop.calendar.in_last_days(purchase["purchased_on"], 365):
            for category in purchase["categories"]:
                purchases_by_category[purchase["customer_id"], category] += 1
    return {key for key, purchases in purchases_by_category.items() if purchases >= 2}


@segment
def last_year_sale_buyers(customer):
    return customer["purchases_in_last_year_sale"] >= 1


@segment
def discount_buyers(customer):
    return customer["discounted_purchases_12m"] >= 1


@segment
def big_occasional_spenders(customer):
    return reaches(customer["monetary_score"], 4) and stays_below(customer["frequency_score"], 2)


@segment
def recommendation_clickers(customer):
    return customer["recommendation_clicks_30d"] >= 1 and not customer["has_ordered_30d"]


@segment
def indecisive_visitors(customer):
    return customer["sessions_30d"] >= 10 and not customer["has_ordered_30d"]


@segment
def sale_cart_abandoners(customer):
    return customer["open_carts_in_current_sale"] >= 1 and not customer["has_ordered_in_current_sale"]


@segment
def current_sale_buyers(customer):
    return customer["purchases_in_current_sale"] >= 1


@segment
def multi_category_buyers(customer):
    return customer["categories_365d"] >= 2


@segment
def subscribers_without_purchase(customer):
    return customer["is_subscribed"] and not customer["has_ordered"]


@segment
def cart_abandoners(customer):
    return is_in_last_days(customer, "last_open_cart_on", 30) and not customer["has_ordered_since_last_open_cart"]


def is_new_or_active(customer: Row) -> bool:
    return customer["lifecycle_stage"] in ("new", "active")


def is_at_risk_or_inactive(customer: Row) -> bool:
    return customer["lifecycle_stage"] in ("at_risk", "inactive")


@segment
def high_value_active(customer):
    return (customer["value_tier"] == "high" and is_new_or_active(customer)
            and not customer["is_spend_declining"])


@segment
def low_value_active(customer):
    return customer["value_tier"] == "low" and is_new_or_active(customer)


@segment
def high_value_at_risk(customer):
    return customer["value_tier"] == "high" and (is_at_risk_or_inactive(customer) or customer["is_spend_declining"])


@segment
def non_target(customer):
    return customer["value_tier"] == "low" and is_at_risk_or_inactive(customer)


@segment
def active_customers(customer):
    return is_new_or_active(customer) and (customer["sessions_30d"] >= 1 or customer["email_clicks_30d"] >= 1)


@segment
def becoming_inactive(customer):
    return customer["lifecycle_stage"] == "at_risk"


@segment
def inactive_customers(customer):
    return customer["lifecycle_stage"] == "inactive"


@segment
def hero_customers(customer):
    return (reaches(customer["recency_score"], 3) and reaches(customer["frequency_score"], 4)
            and reaches(customer["monetary_score"], 4)
            and (customer["visit_score"] is None or customer["visit_score"] >= 4))


@segment
def unhappy_customers(customer):
    return (customer["purchase_count"] >= 1 and is_in_last_days(customer, "last_reviewed_on", 90)
            and customer["last_review_rating"] <= 2)


@segment
def referral_candidates(customer):
    return (reaches(customer["recency_score"], 4) and reaches(customer["frequency_score"], 4)
            and is_in_last_days(customer, "last_reviewed_on", 365) and customer["last_review_rating"] >= 4)


@segment
def first_time_buyers(customer):
    return customer["lifecycle_stage"] == "new"


@segment
def reactivated_customers(customer):
    return (is_in_last_days(customer, "last_purchased_on", 90)
            and customer["purchase_dates"] >= 2 and customer["previous_gap_days"] > 180)


@segment
def browse_abandoners(customer):
    return (customer["product_views_30d"] >= 1 and customer["open_carts_30d"] == 0
            and not customer["has_ordered_30d"])


@segment
def high_ticket_hesitators(customer):
    return customer["high_ticket_interactions_30d"] >= 1 and not customer["has_ordered_30d"]


@segment
def due_for_reorder(customer):
    return customer["purchase_dates"] >= 3 and Fraction(8, 10) <= customer["overdue_ratio"] <= Fraction(12, 10)


@segment
def cross_sell_window(customer):
    return customer["purchase_count"] >= 1 and 14 <= customer["days_since_receipt"] <= 20


@segment
def new_subscribers(customer):
    return (customer["is_subscribed"] and is_in_last_days(customer, "consented_on", 30)
            and not customer["has_ordered"])


@segment
def engaged_subscribers(customer):
    return customer["is_subscribed"] and customer["email_clicks_90d"] >= 1


@segment
def unengaged_subscribers(customer):
    return (customer["is_subscribed"] and days_since(customer, "consented_on") > 180
            and customer["emails_received_180d"] >= 1
            and customer["email_clicks_180d"] == 0 and customer["sessions_180d"] == 0)


@segment
def birthday_soon(customer):
    return customer["is_subscribed"] and customer["has_birthday_in_7d"]


@segment
def full_price_loyals(customer):
    return (reaches(customer["frequency_score"], 4) and customer["discount_dependence"] is not None
            and customer["discount_dependence"] <= Decimal("0.25"))


@segment
def discount_only_buyers(customer):
    return customer["purchase_count"] >= 2 and customer["full_price_purchases"] == 0


@segment
def second_purchase_window(customer):
    expected_on = customer["expected_next_purchase_on"]
    return customer["purchase_count"] == 1 and 1 <= (expected_on - customer["as_of_date"]).days <= 14


@segment
def product_due(customer):
    return customer["products_due"] >= 1


@segment
def win_back_candidates(customer):
    return (customer["lifecycle_stage"] == "inactive" and customer["value_tier"] == "high"
            and (customer["is_contactable_by_email"] or customer["is_contactable_by_sms"]))


@segment
def slipping_subscribers(customer):
    return customer["is_subscribed"] and customer["email_clicks_180d"] >= 1 and customer["email_clicks_90d"] == 0


@segment
def unreachable_high_value_at_risk(customer):
    return (high_value_at_risk(customer) and not customer["is_contactable_by_email"]
            and not customer["is_contactable_by_sms"])
