"""Small random shops that live on the boundaries of docs/definitions.md, as text rows full of dirt.

    shop = random_shop(seed=7, **random_surroundings(7))
    write_shop(shop, directory, "parquet", shuffle_seed=7)
    assert the marts built from the directory equal oracle.compute(read_shop(directory), ...)

`python tests/random_shops.py` prints how often each segment is non-empty.
"""

import csv
import random
import sys
from collections import defaultdict
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from statistics import median
from zoneinfo import ZoneInfo

import oracle
from oracle import CONTRACT, RawRow, trimmed
from random_journeys import play_journeys
from random_occasions import play_occasions

Shop = dict[str, list[RawRow]]

SEED_COLUMNS = {
    "sale_campaigns": ["sale_campaign_id", "sale_name", "starts_on", "ends_on", "prior_sale_campaign_id"],
    "loyalty_tiers": ["tier", "from_net_revenue_365d"],
}
OPTIONAL_TABLES = ["refunds", "sessions", "web_events", "email_events", "reviews", "marketing_spend",
                   "exchange_rates", "sale_campaigns", "custom_traits"]

# Totals of a customer's orders whose averages are equal, or close enough for doubles to disagree.
EQUAL_AVERAGES = [
    ["10.00"], ["9.00", "10.00", "11.00"], ["5.00", "15.00"], ["10", "10.0", "10.00", "10.000"],
    ["10.00", "10.00", "10.01"], ["10.01", "10.00", "10.00", "10.00", "10.01", "10.00"],
    ["0.10", "0.20", "0.30"], ["0.20"], ["0.20", "0.20", "0.20"], ["0.07", "0.33"],
]
PRICES = ["10.00", "5", "19.99", "33.33", "3.335", "49.90", "100", "7.5", "12.34", "0.01", "0.005", "0", "250.00"]
# The top fifth begins between equal and nearly equal prices.
PRODUCT_PRICES = ["100", "100.00", "99.99", "49.90", "49.9", "250.00", "19.99", "10.00", "5", "0", "0.00", None]
# Days between purchase dates. 0.8 and 1.2 times their median, or 14 at least, are whole numbers for some.
CADENCES = [[15, 15], [20, 25], [25, 20], [10, 10], [14, 14], [40, 10, 20], [30, 30, 30], [20], [20, 30], [100]]
ORDER_STATUSES = ["paid", "paid", "pending", "cancelled"]
QUANTITIES = ["1", "1", "1", "2", "3", "10", "0.5", "1.5"]
CATEGORIES = ["shoes", "hats", "Hats", "éclairs", "books"]
# The register that the shops' custom_traits are read by, as the var of the same name.
CUSTOM_TRAITS = tuple(
    entry | {"description": f"The {entry['name']} of the account."}
    for entry in (
        {"name": "size", "type": "text", "values": ["S", "M"]},
        {"name": "points", "type": "number"},
        {"name": "since", "type": "date"},
        {"name": "vip", "type": "boolean"},
    )
)
TRAIT_VALUES = {
    "size": ["S", "M"] * 5 + ["XL"],
    "points": ["12.5", "0"] * 5 + ["1,5"],
    "since": ["2025-02-28"] * 9 + ["2025-02-29"],
    "vip": ["yes", "0"] * 5 + ["maybe"],
}
INVISIBLE = ["\u00a0", "\u200b", "\u200c", "\u200d", "\u2060", "\ufeff"]
NO_VISITOR = [None, None, None, None, "undefined", "NULL", "(not set)", "0", "-1", "None", "NaN", "Unknown", "null"]
COUNTRIES = ["DE", "FR", "US", "de"]
CHANNELS = ["search", "email", "social", "Email"]

UNREADABLE = {
    "number": ["abc", "1,5", "NaN", "nan", "inf", "-inf", "Infinity", "1e5", "--1", "1.2.3", "1_000", "0x1F", "$5"],
    "date": ["2024-13-01", "2023-02-29", "01/02/2024", "2024-1-5", "20240105", "yesterday"],
    "timestamp": [
        "2024-05-05",
        "2024-02-30T10:00:00",
        "2024-05-05T25:00",
        "2024-05-05 10:61",
        "1714903200",
        "May 5, 2024",
        "2024-05-05 10",
        "2024-05-05T10:00:00+0200x",
        "2024-05-05 10:00+2",
        "2024-05-05 10:00 CET",
        "2024-05-05 10:00+020",
        "2024-05-05 10:00 UTC+1",
    ],
    "flag": ["maybe", "2", "y", "-1", "on"],
}
FORBIDDEN = {
    "quantity": ["-1", "-0.01"],
    "unit_price": ["-0.01"],
    "amount": ["-5.00"],
    "rate": ["0", "-1.1"],
    "discount_amount": ["-0.01"],
    "status": ["Shipped", "refunded", "unknown"],
    "rating": ["0", "6", "-1", "5.01"],
    "price": ["-1"],
    "unit_cost": ["-0.01"],
    "phone": ["0170 1234567", "+1234567", "+1234567890123456", "+49-170-1"],
    "email_consent": ["maybe", "opted in", "true"],
    "sms_consent": ["maybe", "yes"],
    "ads_consent": ["subscribed", "true"],
}
# The contract leaves open how these are read.
DOUBTFUL = {
    "number": [".5", "5."],
    "timestamp": ["2024-05-05T24:00:00", "2024-05-05T10:00:60", "2024-05-05T10:00:00.123456789", "2024-05-05T10:00z"],
    "status": ["Paid", "PAID"], "email_consent": ["Subscribed"], "list_price": ["-1"], "rating": ["4.5"],
}


def random_surroundings(seed: int) -> dict:
    """Return keyword arguments for random_shop and oracle.compute: dates and zones at which windows go wrong."""
    rng = random.Random(f"surroundings {seed}")
    return {
        "as_of_date": rng.choice([
            date(2025, 3, 31), date(2025, 3, 30), date(2024, 10, 27), date(2024, 2, 29), date(2025, 2, 28),
            date(2025, 3, 1), date(2024, 12, 31), date(2025, 1, 1), date(2024, 11, 3), date(2025, 7, 15),
            date(2025, 2, 21), date(2025, 2, 26), date(2024, 2, 21), date(2024, 2, 28),
        ]),
        "shop_timezone": rng.choice([
            "UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Auckland", "America/St_Johns",
        ]),
        "reporting_currency": rng.choice(["EUR", "EUR", "USD"]),
        "max_accounts_per_email": rng.choice([20, 20, 3, 2]),
        "custom_traits": CUSTOM_TRAITS,
    }


def random_shop(seed: int, as_of_date: date, shop_timezone: str = "UTC", reporting_currency: str = "EUR",
                max_accounts_per_email: int = 20, dirt: float = 0.02, conflicting_ties: bool = False,
                doubtful: bool = False, custom_traits: tuple[dict, ...] = (),
                naive_timestamps: str | dict | None = None) -> Shop:
    """Return a shop of 30 to 120 accounts: table -> rows of text. The same arguments give the same shop.

    dirt: share of rows that get a value which breaks the contract (others get harmless oddities).
    conflicting_ties: rows equal in key and time may differ in what they say.
    doubtful: also write values on whose reading the contract is silent.
    custom_traits: the register of the traits that come as data; without one the shop delivers none.
    naive_timestamps: the zone of times without an offset, as the var of this name has it.
    """
    maker = ShopMaker(seed, as_of_date, shop_timezone, reporting_currency, max_accounts_per_email, naive_timestamps)
    shop = maker.make()
    with_rng(maker, "edits", maker.play_edits, custom_traits)
    with_rng(maker, "journeys", play_journeys, maker)
    with_rng(maker, "occasions", play_occasions, maker)
    with_rng(maker, "products", maker.use_products)
    with_rng(maker, "funnel", maker.play_funnel)
    accounts = [dict(account) for account in shop["customers"]]
    soil(shop, maker.rng, dirt, is_descriptive=True)  # before the versions, lest equal versions differ
    add_versions(shop, maker, conflicting_ties)
    soil(shop, maker.rng, dirt, is_descriptive=False)
    if doubtful:
        write_doubtful_values(shop, maker.rng, dirt)
    disguise(shop, maker.rng)
    drop_what_is_optional(shop, maker.rng)
    for table, rows in mailing(maker, accounts, dirt, conflicting_ties).items():
        if table in shop:
            shop[table] = shop[table] + rows
    with_rng(maker, "verdicts", add_verdicts, shop, maker)
    for rows in shop.values():
        maker.rng.shuffle(rows)
    return shop


def with_rng(maker, name: str, play, *arguments) -> None:
    """Call with draws of its own, so that they change nothing else about the shop of a seed."""
    rng, maker.rng = maker.rng, random.Random(f"{name} of shop {maker.seed}")
    play(*arguments)
    maker.rng = rng


class ShopMaker:
    """Makes a clean shop; every date is drawn from the dates where a window, a sale or a day begins or ends."""

    def __init__(self, seed, as_of_date, shop_timezone, reporting_currency, max_accounts_per_email, naive_timestamps):
        self.seed = seed
        self.rng = random.Random(f"shop {seed}")
        self.as_of_date = as_of_date
        self.zone = ZoneInfo(shop_timezone)
        # Where each table has its own zone, a naive text means what it happens to mean.
        self.naive_zone = ZoneInfo(naive_timestamps) if isinstance(naive_timestamps, str) else oracle.ZONE_OF_UTC
        self.reporting_currency = reporting_currency
        self.max_accounts_per_email = max_accounts_per_email
        self.shop = {table: [] for table in [*CONTRACT, *SEED_COLUMNS]}
        self.counter = 0

    def make(self) -> Shop:
        self.make_sales()
        self.edges = self.edge_dates()
        self.make_rates()
        self.make_products()
        self.make_customers()
        self.make_orders()
        self.make_refunds()
        self.make_sessions()
        self.make_email_events()
        self.make_reviews()
        self.make_marketing_spend()
        self.play_scenes()
        return self.shop

    # ------------------------------------------------------------ small draws

    def chance(self, share: float) -> bool:
        return self.rng.random() < share

    def new_id(self) -> str:
        """Return an id of its own; code points order some of them otherwise than a locale does."""
        self.counter += 1
        return self.rng.choice(["a", "B", "b", "Z", "é", "_", "00", "-", ""]) + str(self.counter)

    def add(self, table: str, **values) -> RawRow:
        row = {column.name: None for column in CONTRACT[table] if column.name != "loaded_at"} | values
        self.shop[table].append(row)
        return row

    def edge_dates(self) -> list[date]:
        today = self.as_of_date
        days_ago = [0, 0, 1, 7, 13, 14, 20, 21, 21, 28, 29, 30, 31, 42, 60, 88, 89, 90, 91, 135, 150, 179, 180, 181,
                    270, 358, 359, 360, 361, 363, 364, 365, 366, 367, 500, 728, 729, 730, 731, 900, -1, -1]
        edges = [today - timedelta(days=days) for days in days_ago]
        year_ago = date(today.year - 1, today.month, min(today.day, 28))
        edges += [year_ago + timedelta(days=days) for days in (-1, 0, 1, 2)]
        for sale in self.shop["sale_campaigns"]:
            for end in (date.fromisoformat(sale["starts_on"]), date.fromisoformat(sale["ends_on"])):
                edges += [end + timedelta(days=days) for days in (-1, 0, 0, 1)]
        edges += [day for day in (today - timedelta(days=days) for days in range(1, 400)) if self.is_dst_day(day)]
        return edges

    def is_dst_day(self, day: date) -> bool:
        offsets = {datetime.combine(day, time(hour), self.zone).utcoffset() for hour in (0, 6)}
        return len(offsets) > 1

    def day(self, newest: int = -2, oldest: int = 1000) -> date:
        """Return a date, an edge three times out of four, between `newest` and `oldest` days ago."""
        if self.chance(0.75):
            fitting = [edge for edge in self.edges if newest <= (self.as_of_date - edge).days <= oldest]
            if fitting:
                return self.rng.choice(fitting)
        return self.as_of_date - timedelta(days=self.rng.randint(newest, oldest))

    def days_of(self, *choices: int) -> timedelta:
        return timedelta(days=self.rng.choice(choices))

    def days_ago(self, *choices: int) -> date:
        return self.as_of_date - self.days_of(*choices)

    def moment(self, day: date) -> datetime:
        """Return a moment (UTC) on the shop-local day, often its first or last; now and then at UTC midnight."""
        if self.chance(0.1):
            return datetime.combine(day, time(), UTC) + timedelta(days=self.rng.choice([0, 1]))
        clock = self.rng.choice([
            time(0, 0), time(0, 0), time(0, 0, 0, 1), time(23, 59, 59), time(23, 59, 59, 999999), time(12, 0),
            time(2, 30), time(self.rng.randint(0, 23), self.rng.randint(0, 59), self.rng.randint(0, 59)),
        ])
        local = datetime.combine(day, clock, self.zone).replace(fold=self.rng.choice([0, 1]))
        return local.astimezone(UTC)

    def spell(self, moment: datetime) -> str:
        """Return one of the legal spellings of a moment."""
        offset = self.rng.choice(
            [
                "",
                "",
                "Z",
                "+00:00",
                "+02:00",
                "-05:30",
                "+14:00",
                "-00:00",
                "UTC",
                " UTC",
                " Z",
                " +02:00",
                "+0530",
                " -0330",
                "-05",
                " +14",
            ]
        )
        shifted = self.on_clocks(moment) if offset == "" else moment
        if offset.strip() not in ("", "Z", "UTC"):
            digits = offset.strip(" +-").replace(":", "").ljust(4, "0")
            shift = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
            shifted = moment + shift if "+" in offset else moment - shift
        text = shifted.strftime(self.rng.choice(["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"]))
        if shifted.second or shifted.microsecond or self.chance(0.7):
            text += shifted.strftime(":%S")
            if shifted.microsecond:
                text += f".{shifted.microsecond:06d}".rstrip("0" if self.chance(0.5) else "")
            elif self.chance(0.2):
                text += self.rng.choice([".0", ".000", ".000000"])
        return text + offset

    def on_clocks(self, moment: datetime) -> datetime:
        """Return what the clocks of naive times show; after the hour that they skip, now and then a time within it."""
        local = moment.astimezone(self.naive_zone)
        skipped = local.replace(hour=local.hour - 1) if local.hour else local
        is_skipped = skipped.astimezone(UTC).astimezone(self.naive_zone).replace(tzinfo=None) != skipped.replace(
            tzinfo=None
        )
        return skipped if is_skipped and self.chance(0.5) else local

    def read(self, text: str) -> datetime:
        return oracle.read_timestamp(text, self.naive_zone)

    def some_moment(self, newest: int = -2, oldest: int = 1000) -> str:
        return self.spell(self.moment(self.day(newest, oldest)))

    def updated_at(self) -> str:
        """Return one of few moments, so that ties are common; some lie after the as-of date."""
        day = self.as_of_date - timedelta(days=self.rng.choice([-3, 0, 1, 100]))
        return self.spell(datetime.combine(day, time(self.rng.choice([6, 18])), UTC))

    def flag(self, value: bool) -> str | None:
        if value:
            return self.rng.choice(["true", "t", "yes", "1", "TRUE", "Yes", "T"])
        return self.rng.choice(["false", "f", "no", "0", "False", None, None, None])

    # ------------------------------------------------------------ the calendar, rates and products

    def make_sales(self) -> None:
        """Make the current sale and its last-year edition, with ties, gaps and a future sale around them."""
        if self.chance(0.08):
            return

        def add_sale(sale_id, started_days_ago, days, prior=None):
            starts_on = self.as_of_date - timedelta(days=started_days_ago)
            self.shop["sale_campaigns"].append({
                "sale_campaign_id": sale_id, "sale_name": f"Sale {sale_id}", "starts_on": str(starts_on),
                "ends_on": str(starts_on + timedelta(days=days - 1)), "prior_sale_campaign_id": prior})

        started = self.rng.choice([0, 0, 5, 9, 10, 20, 40])
        days = self.rng.choice([1, 6, 10, 11, 14])
        prior = self.rng.choice(["last year"] * 8 + ["no such sale", None])
        add_sale("summer", started, days, prior)
        if self.chance(0.9):
            add_sale("last year", started + self.rng.choice([362, 364, 365, 366, 371]), self.rng.choice([3, 10, 14]))
        if self.chance(0.4):  # starts on the same day: the later end wins, then the larger id
            add_sale(self.rng.choice(["Zummer", "Summer", "summer 2", "été"]), started,
                     max(1, days + self.rng.choice([-3, -1, 0, 0, 1])), self.rng.choice(["last year", None]))
        if self.chance(0.5):
            add_sale("next", self.rng.choice([-1, -30]), 10, "summer")
        if self.chance(0.5):
            add_sale("winter", started + 150, 14)

    def make_rates(self) -> None:
        self.currencies = ["USD", "EUR", "GBP", "JPY"]
        self.pound_days = self.rng.choice([60, 89, 180, 365])
        values = {"USD": "0.92", "EUR": "1.08", "GBP": "1.175", "JPY": "0.0062"}
        for currency in self.currencies:
            if currency == self.reporting_currency:
                continue
            # the pound is known late, so that some of its orders have no rate
            first = self.pound_days if currency == "GBP" else 1100
            days = {first, *(self.rng.randint(0, first) for _ in range(5)), 30, 0, -1}
            for days_ago in days:
                if days_ago <= first:
                    rate = Decimal(values[currency]) * self.rng.choice([Decimal(1), Decimal("1.05"), Decimal("0.5")])
                    self.add("exchange_rates", rate_date=str(self.as_of_date - timedelta(days=days_ago)),
                             currency=currency, rate=str(rate))

    def make_products(self) -> None:
        for _ in range(self.rng.choice([4, 5, 5, 6, 6, 6, 7, 10, 11, 12])):
            price = self.rng.choice(PRODUCT_PRICES)
            self.add(
                "products", product_id=self.new_id(), price=price,
                product_name=self.rng.choice(["Thing", 'Ding, "best"', None]),
                category=None if self.chance(0.08) else self.rng.choice(CATEGORIES),
                unit_cost=None if self.chance(0.06) else str(Decimal(price or "7.5") / 2), updated_at=self.updated_at())
        self.product_ids = [product["product_id"] for product in self.shop["products"]]
        dearest_first = sorted(self.shop["products"], key=lambda product: -Decimal(product["price"] or 0))
        self.dear_product_ids = [product["product_id"] for product in dearest_first][:len(dearest_first) // 5 + 2]

    # ------------------------------------------------------------ customers

    def make_customers(self) -> None:
        """Make accounts; groups of them share an email, the largest just at or above the limit."""
        count = self.rng.randint(10, 80)
        limit = self.max_accounts_per_email
        group_sizes = [2, 2, 3, limit, limit + 1] if count > 2 * limit + 8 else [2, 2]
        group_sizes += [self.rng.randint(limit + 1, 25)] if count > 60 and self.chance(0.3) else []
        emails = []
        for group, size in enumerate(group_sizes):
            emails += [f"Shared{group}@Example.com"] * size
        emails += ["José@shop.es", "JOSÉ@SHOP.ES"] if self.chance(0.2) else []
        for number in range(count):
            email = emails[number] if number < len(emails) else self.own_email(number)
            self.make_account(email)
        self.guest_emails = [f"guest{number}@example.org" for number in range(self.rng.randint(2, 8))]
        for email in self.guest_emails:
            if self.chance(0.3):  # guests who register: before or after the as-of date
                self.make_account(email)

    def own_email(self, number: int) -> str | None:
        if self.chance(0.12):
            return self.rng.choice([None, "none", "a b@c.de", "x@y", "@example.com", "two@at@example.com", "x@y."])
        return f"person{number}@Mail.example.com"

    def disguised(self, email: str | None) -> str | None:
        """Return another spelling of the same email."""
        if email is None or self.chance(0.4):
            return email
        return self.rng.choice([email.upper(), email.lower(), f" {email}", f"{email}\t", email.title()])

    def birth_date(self) -> str | None:
        """Return a date with its birthday at an edge of the next 7 days or on 29 February, or any."""
        coming = self.days_ago(0, -1, -4, -7, -8).replace(year=1984)
        return self.rng.choice([None, "1988-02-29", "1970-01-01", "1971-12-31", str(self.as_of_date), str(coming),
                                str(coming), str(coming)])

    def make_account(self, email: str | None) -> RawRow:
        created = self.moment(self.day(newest=-3, oldest=1000))
        if self.chance(0.5 if email and email.startswith("Shared") else 0.1):  # ties of created_at
            created = datetime.combine(self.as_of_date - timedelta(days=400), time(8), UTC)
        consent_at = self.rng.choice([
            None, None, self.some_moment(oldest=200), self.some_moment(oldest=400),
            self.spell(datetime.combine(self.as_of_date - timedelta(days=29), time(9), UTC))])
        return self.add(
            "customers", customer_id=self.new_id(), email=self.disguised(email),
            phone=self.rng.choice([None, "+4917012345678", "+12345678", "+123456789012345"]),
            first_name=self.rng.choice(["Ann", "Zoë", None]),
            birth_date=self.birth_date(),
            country_code=self.rng.choice(COUNTRIES), city=self.rng.choice(["Köln", "Paris", "New York", None]),
            created_at=self.spell(created), acquisition_channel=self.rng.choice([*CHANNELS, None]),
            email_consent=self.rng.choice(["subscribed", "subscribed", "unsubscribed", "never", None]),
            email_consent_at=consent_at, is_test=self.flag(self.chance(0.03)), updated_at=self.updated_at())

    # ------------------------------------------------------------ orders

    def make_orders(self) -> None:
        """Give each account a history: many have none or one order, some 5 to 30."""
        for account in self.shop["customers"]:
            if self.chance(0.12):
                self.make_equal_averages(account)
                continue
            is_regular = self.chance(0.25)
            count = self.rng.randint(5, 30) if is_regular else self.rng.choice([0, 0, 0, 1, 1, 1, 2, 3, 4])
            newest = self.rng.choice([-2, -1, 0, 28, 40, 100, 300])  # some came to an end long ago
            for _ in range(count):
                day = self.day(newest, self.rng.choice([310, 400, 760, 950]))
                self.make_order(account, day)
                if self.chance(0.08):  # twice on one day
                    self.make_order(account, day)
        for email in self.guest_emails:
            for _ in range(self.rng.choice([1, 1, 2, 3])):
                self.make_order({"email": email}, self.day())
        for days in (1, 0, 0):  # the last day without a rate, and the first one with it
            account = self.rng.choice(self.shop["customers"])
            self.make_order(account, self.as_of_date - timedelta(days=self.pound_days + days), "GBP")
        for _ in range(self.rng.randint(2, 8)):  # an account nobody knows, with some email or none
            email = self.rng.choice([None, "bad email", "Shared4@example.com", "shared0@example.com",
                                     "person30@mail.example.com", *self.guest_emails])
            unknown = {"customer_id": self.rng.choice([None, "nobody", "007x"]), "email": email}
            self.make_order(unknown, self.day(newest=0, oldest=400))

    def make_order(self, account: RawRow, day: date, currency: str | None = None) -> None:
        currency = currency or self.rng.choice([self.reporting_currency] * 16 + self.currencies)
        email = self.disguised(account.get("email")) if self.chance(0.6) else self.rng.choice(
            [None, "other@example.com"] if account.get("customer_id") else [account.get("email")])
        order = self.add_order(account.get("customer_id"), email, self.moment(day), currency)
        lines = [self.make_line(order) for _ in range(self.rng.choice([1, 1, 1, 2, 3] if self.chance(0.97) else [0]))]
        gross = sum(Decimal(line["quantity"]) * Decimal(line["unit_price"]) - Decimal(line["discount_amount"] or 0)
                    for line in lines)
        if self.chance(0.15) and gross > 0:
            # leave nothing, next to nothing, or a tie of rounding
            left = self.rng.choice([None] * 8 + ["0", "0.004", "0.005", "0.015", "0.0149"])
            discount = gross - Decimal(left) if left else gross / 4
            order["discount_amount"] = f"{max(discount, Decimal(0)):.4f}"
        elif self.chance(0.3):
            order["discount_amount"] = self.rng.choice(["0", "0.00"])

    def make_equal_averages(self, account: RawRow) -> None:
        for total in self.rng.choice(EQUAL_AVERAGES):
            self.make_plain_order(account, self.moment(self.day(newest=0, oldest=700)), total)

    def make_plain_order(self, account: RawRow, ordered_at: datetime, total: str, status: str = "paid") -> RawRow:
        """Make an order of one line without discounts; return the line."""
        email = None if account.get("customer_id") else account["email"]
        order = self.add_order(account.get("customer_id"), email, ordered_at, self.reporting_currency)
        order["status"] = status
        return self.add("order_lines", order_line_id=self.new_id(), order_id=order["order_id"],
                        product_id=self.rng.choice(self.product_ids), quantity="1", unit_price=total,
                        updated_at=self.updated_at())

    def add_order(self, customer_id, email, ordered_at: datetime, currency) -> RawRow:
        return self.add(
            "orders", order_id=self.new_id(), customer_id=customer_id, email=email,
            ordered_at=self.spell(ordered_at), currency=currency,
            status=self.rng.choice(["paid", "fulfilled"] * 8 + ["pending", "cancelled"]),
            is_test=self.flag(self.chance(0.03)), updated_at=self.updated_at())

    def make_line(self, order: RawRow) -> RawRow:
        price = self.rng.choice(PRICES)
        quantity = self.rng.choice(QUANTITIES)
        line = self.add(
            "order_lines", order_line_id=self.new_id(), order_id=order["order_id"],
            product_id=self.rng.choice([None, "no such product"]) if self.chance(0.04) else self.rng.choice(
                self.product_ids), quantity=quantity, unit_price=price, updated_at=self.updated_at())
        if self.chance(0.1):
            line["list_price"] = self.rng.choice([price, str(Decimal(price) + Decimal("0.01")), "0"])
        if self.chance(0.15):
            whole_line = Decimal(price) * Decimal(quantity)
            line["discount_amount"] = self.rng.choice(["0", "0.005", "0.01", f"{whole_line / 4:.3f}", str(whole_line)])
        return line

    def make_refunds(self) -> None:
        lines_of_order = defaultdict(list)
        for line in self.shop["order_lines"]:
            lines_of_order[line["order_id"]].append(line)
        for order_id, lines in lines_of_order.items():
            if not self.chance(0.15):
                continue
            line = max(self.rng.sample(lines, min(2, len(lines))), key=lambda line: line["discount_amount"] or "")
            due = Decimal(line["quantity"]) * Decimal(line["unit_price"]) - Decimal(line["discount_amount"] or 0)
            kind = self.rng.choice(["full", "full", "parts", "almost", "order", "other order's line", "late", "more"])
            if due <= 0:
                continue
            amounts = {"parts": [due / 2, due / 2], "almost": [due - Decimal("0.001")], "more": [due + 1]}
            named = {"order": None, "other order's line": self.rng.choice(self.shop["order_lines"])["order_line_id"]}
            for amount in amounts.get(kind, [due]):
                days_ago = (-1, -1) if kind == "late" else (-1, 400)
                self.add("refunds", refund_id=self.new_id(), order_id=order_id, amount=f"{amount:f}",
                         order_line_id=named.get(kind, line["order_line_id"]),
                         refunded_at=self.some_moment(*days_ago), updated_at=self.updated_at())

    # ------------------------------------------------------------ visits

    def make_sessions(self) -> None:
        """Give accounts visits: some 9 to 12 in 30 days; visitors are shared now and then, ids sometimes unknown."""
        for number, account in enumerate(self.shop["customers"]):
            visitor = "shared visitor" if self.chance(0.05) else f"v{number}"
            count = self.rng.choice([0, 0, 1, 3, 6])
            for _ in range(count):
                self.make_session(visitor, self.day(newest=-2, oldest=120), account)
            if self.chance(0.4):
                for _ in range(self.rng.choice([9, 10, 10, 11, 12])):
                    day = self.as_of_date - timedelta(days=self.rng.choice([0, 28, 29, 29, self.rng.randint(0, 29)]))
                    self.make_session(visitor, day, account)
            if self.chance(0.1):  # the household: another customer on the same device
                self.make_session(visitor, self.day(newest=-2, oldest=90), self.rng.choice(self.shop["customers"]))
        for number in range(5):
            self.make_session(f"stranger{number}", self.day(), {})

    def make_session(self, visitor: str, day: date, account: RawRow) -> None:
        customer_id = account.get("customer_id") if self.chance(0.7) else self.rng.choice([None, None, "nobody"])
        session = self.add_session(visitor, customer_id, self.moment(day))
        if self.chance(0.02):
            session = {"session_id": "no such session"}
        adds, removes = self.rng.choice([(0, 0), (0, 0), (0, 0), (1, 0), (1, 1), (2, 1), (1, 2), (0, 1), (3, 0)])
        events = ["add_to_cart"] * adds + ["remove_from_cart"] * removes
        events += ["product_view"] * self.rng.choice([0, 0, 1, 2])
        events += ["recommendation_click"] * self.chance(0.12)
        events += [self.rng.choice(["checkout_start", "scroll"])] * self.chance(0.1)
        for event_type in events:
            happened = day + timedelta(days=self.rng.choice([0, 0, 0, 0, 0, 1, -1]))
            self.add_web_event(session, event_type, self.moment(happened))

    def add_session(self, visitor: str, customer_id: str | None, started_at: datetime) -> RawRow:
        return self.add(
            "sessions", session_id=self.new_id(), visitor_id=visitor, customer_id=customer_id,
            started_at=self.spell(started_at), channel=self.rng.choice(CHANNELS),
            device=self.rng.choice(["phone", None]), is_bot=self.flag(self.chance(0.05)))

    def add_web_event(self, session: RawRow, event_type: str, occurred_at: datetime, product_ids=()) -> None:
        self.add("web_events", event_id=self.new_id(), session_id=session["session_id"], event_type=event_type,
                 product_id=self.rng.choice(product_ids or [None, "no such product", *self.product_ids]),
                 occurred_at=self.spell(occurred_at))

    # ------------------------------------------------------------ emails, reviews, spend

    def make_email_events(self) -> None:
        """Place unsubscribes before, at and after the consent; by account, by email, by both or neither."""
        for account in [*self.shop["customers"], *({"email": email} for email in self.guest_emails)]:
            for _ in range(self.rng.choice([0, 0, 1, 3])):
                event_type = self.rng.choice(["sent", "delivered", "open", "click", "click"])
                self.add_email_event(account, event_type, self.near_moment(30, 90, 180))
        for account in self.shop["customers"]:
            email = (account["email"] or "").strip().lower()
            is_special = email.startswith("shared") or "@" not in email
            if self.chance(0.4 if is_special else 0.2):
                consented = self.read(account["email_consent_at"] or account["created_at"])
                shift = self.rng.choice([0, 0, 1, -1, 86400 * 30, -86400 * 30])
                self.add_email_event(account, "unsubscribe", self.spell(consented + timedelta(seconds=shift)))
            if self.chance(0.5 if account["is_test"] and oracle.read_flag(account["is_test"]) else 0.15):
                self.make_bounce_or_complaint(account)

    def near_moment(self, *windows: int) -> str:
        """Return a moment, half of the time on the first date of one of the windows or on the date before it."""
        if self.chance(0.5):
            return self.some_moment()
        window = self.rng.choice(windows)
        return self.spell(self.moment(self.days_ago(window - 1, window - 1, window)))

    def make_bounce_or_complaint(self, account: RawRow) -> None:
        """Let it carry no email, none that counts, or that of somebody else."""
        other = self.rng.choice(self.shop["customers"])
        email = self.rng.choice([None, None, "no email", account["email"], other["email"], other["email"]])
        customer_id = account["customer_id"] if self.chance(0.8) else self.rng.choice([None, "nobody"])
        self.add("email_events", event_id=self.new_id(), customer_id=customer_id, email=self.disguised(email),
                 event_type=self.rng.choice(["bounce", "bounce", "complaint"]), occurred_at=self.some_moment())

    def add_email_event(self, account: RawRow, event_type: str, occurred_at: str, campaign: str | None = None) -> None:
        customer_id, email = account.get("customer_id"), self.disguised(account["email"])
        customer_id, email = self.rng.choice([
            (customer_id, email), (customer_id, None), (None, email), ("nobody", email), (None, None)])
        self.add("email_events", event_id=self.new_id(), customer_id=customer_id, email=email,
                 campaign_id=campaign or self.rng.choice(["spring", "Spring", None]), event_type=event_type,
                 occurred_at=occurred_at)

    def make_reviews(self) -> None:
        """Place reviews at the edges of 90 and 365 days; some pairs of the same moment disagree."""
        for account in self.shop["customers"]:
            for _ in range(self.rng.choice([0, 0, 1, 1, 2])):
                customer_id = account["customer_id"] if self.chance(0.95) else "nobody"
                reviewed_at = self.near_moment(90, 365)
                for _ in range(2 if self.chance(0.3) else 1):
                    self.add("reviews", review_id=self.new_id(), customer_id=customer_id,
                             product_id=self.rng.choice(self.product_ids), reviewed_at=reviewed_at,
                             rating=self.rng.choice(["1", "2", "2.0", "2.5", "3", "3.5", "4", "4.0", "4", "5"]))

    def make_marketing_spend(self) -> None:
        """Spend in several currencies, half of it at the edges of months; what comes after the as-of date must stay
        unseen."""
        for _ in range(self.rng.randint(0, 40)):
            day = self.month_end() + self.days_of(0, 1) if self.chance(0.5) else self.day()
            row = self.add(
                "marketing_spend",
                spend_date=str(day),
                channel=self.rng.choice([*CHANNELS, "unknown"]),
                amount=self.rng.choice(["100", "0", "12.345", "20.000001"]),
                currency=self.rng.choice(self.currencies),
            )
            if self.chance(0.2):  # no key: each of two equal rows counts
                self.shop["marketing_spend"].append(dict(row))

    # ------------------------------------------------------------ scenes

    def play_scenes(self) -> None:
        """Play each scene at the edges of a segment or two, with customers who do nothing else."""
        scenes = [
            self.leave_a_cart,
            self.leave_a_cart,
            self.look_around,
            self.buy_in_cadence,
            self.come_back,
            self.click_or_visit,
            self.judge,
            self.subscribe,
            self.fall_silent,
            self.live_and_lapse,
            self.buy_again,
            self.pay_back,
        ]
        for number, scene in enumerate(scenes * self.rng.choice([2, 3, 4])):
            scene(self.make_account(f"actor{number}@example.com"))

    def leave_a_cart(self, account: RawRow) -> None:
        """Leave a cart open at the edge of 30 days, or two at once, and order about when something was first added."""
        started_at = self.moment(self.days_ago(0, 5, 29, 29, 30))
        moments = [started_at + timedelta(minutes=self.rng.choice([0, 1, 5, -5, 24 * 60]))
                   for _ in range(self.rng.choice([1, 2, 2, 2]))]
        for first_added_at in moments:
            session = self.add_session(account["customer_id"], account["customer_id"], started_at)
            for event_type, minutes in self.rng.choice([
                    [("add_to_cart", 0)], [("add_to_cart", 0), ("add_to_cart", 3)],
                    [("add_to_cart", 2), ("add_to_cart", 0), ("remove_from_cart", 1)],
                    [("add_to_cart", 2), ("add_to_cart", 0), ("remove_from_cart", 1)],
                    [("add_to_cart", 0), ("remove_from_cart", 1)],
                    [("add_to_cart", 0), ("remove_from_cart", 60 * 24 * 31)]]):
                self.add_web_event(session, event_type, first_added_at + timedelta(minutes=minutes))
        if self.chance(0.3):  # a later visit that leaves nothing, or an earlier one
            self.make_session(account["customer_id"], self.days_ago(0, 28, 31, 40), account)
        if self.chance(0.7):
            shift = self.rng.choice([0, 0, -1, 1, 10**6 * 60, -10**6 * 86400, 10**6 * 86400])
            ordered_at = self.rng.choice(moments) + timedelta(microseconds=shift)
            status = self.rng.choice(["paid", "paid", "paid", "pending", "cancelled"])
            self.make_plain_order(account, ordered_at, "10.00", status)

    def look_around(self, account: RawRow) -> None:
        """View or add a dear product at the edge of 30 days, with or without a cart and an order there."""
        for _ in range(self.rng.choice([1, 1, 2])):
            day = self.days_ago(29, 29, 30, 3)
            session = self.add_session(self.new_id(), account["customer_id"], self.moment(day - self.days_of(0, 0, 1)))
            self.add_web_event(session, self.rng.choice(["product_view", "product_view", "add_to_cart"]),
                               self.moment(day), self.dear_product_ids)
            if self.chance(0.2):
                self.add_web_event(session, "remove_from_cart", self.moment(day), self.dear_product_ids)
        if self.chance(0.3):
            session = self.add_session(self.new_id(), account["customer_id"], self.moment(self.days_ago(29, 30)))
            self.add_web_event(session, "add_to_cart", self.moment(self.days_ago(29, 30)))
        if self.chance(0.4):
            self.make_plain_order(account, self.moment(self.days_ago(29, 30)), "10.00",
                                  self.rng.choice(["paid", "pending", "cancelled"]))

    def buy_in_cadence(self, account: RawRow) -> None:
        """Buy at regular gaps, the last time 0.8 or 1.2 of them ago, or a day more or less; some buy twice a day."""
        gaps = self.rng.choice(CADENCES)
        usual = Fraction(max(median(gaps), 14)) if len(gaps) >= 2 else 90
        day = self.days_ago(int(usual * self.rng.choice([4, 6]) / 5) + self.rng.choice([-1, 0, 0, 0, 1]))
        for gap in [0, *gaps, *[0] * self.chance(0.4)]:
            day -= timedelta(days=gap)
            self.make_plain_order(account, self.moment(day), self.rng.choice(["10.00", "30.00"]))

    def come_back(self, account: RawRow) -> None:
        """Buy at the edges of 14 to 20 and of 90 days, and about 180 days earlier."""
        last = self.days_ago(0, 13, 14, 20, 21, 89, 90)
        earlier = last - self.days_of(179, 180, 181, 182)
        days = [last, earlier] + [last, earlier - self.days_of(1, 200)] * self.chance(0.3)
        for day in days:
            self.make_plain_order(account, self.moment(day), self.rng.choice(["10.00", "200.00"]))
        if self.chance(0.3):  # no purchase, and so no date
            self.make_plain_order(account, self.moment(last - self.days_of(5, 90)), "10.00",
                                  self.rng.choice(["pending", "cancelled"]))

    def click_or_visit(self, account: RawRow) -> None:
        """Buy at the edges of the stages, some as guests; click or visit at the edges of 30 and 90 days."""
        buyer = {"email": self.rng.choice(self.guest_emails)} if self.chance(0.3) else account
        self.make_plain_order(buyer, self.moment(self.days_ago(0, 89, 90, 135, 136)), "10.00")
        account.update(email_consent="subscribed", email_consent_at=self.some_moment(0, 400))
        day = self.days_ago(29, 29, 30, 89, 89, 90)
        if self.chance(0.7):
            self.add_email_event(buyer, self.rng.choice(["click", "click", "open"]), self.spell(self.moment(day)))
        else:
            self.add_session(self.new_id(), buyer.get("customer_id"), self.moment(day))

    def judge(self, account: RawRow) -> None:
        """Buy often and lately, and review at the edges of 90 and 365 days."""
        for _ in range(self.rng.randint(3, 6)):
            self.make_plain_order(account, self.moment(self.days_ago(0, 1, 2, 3, 7, 28)), "20.00")
        for _ in range(self.rng.choice([1, 1, 2])):
            self.add("reviews", review_id=self.new_id(), customer_id=account["customer_id"],
                     rating=self.rng.choice(["2", "2.01", "3.99", "4", "4", "4.5"]),
                     reviewed_at=self.spell(self.moment(self.days_ago(89, 90, 364, 364, 365))))

    def subscribe(self, account: RawRow) -> None:
        """Subscribe at the edge of 30 days, with an order that does or does not count as one."""
        account.update(email_consent="subscribed",
                       email_consent_at=self.spell(self.moment(self.days_ago(0, 29, 29, 30))))
        if self.chance(0.5):
            status = self.rng.choice(["paid", "pending", "cancelled", "cancelled"])
            ordered_at = self.moment(self.days_ago(-1, 0, 5, 400))
            line = self.make_plain_order(account, ordered_at, "10.00", status)
            if self.chance(0.5):
                self.add("refunds", refund_id=self.new_id(), order_id=line["order_id"], amount="10.00",
                         refunded_at=self.some_moment(0, 30), updated_at=self.updated_at())

    def fall_silent(self, account: RawRow) -> None:
        """Subscribe, receive, click and visit at the edges of 180 days."""
        account.update(email_consent="subscribed",
                       email_consent_at=self.spell(self.moment(self.days_ago(180, 181, 181, 181, 300))))
        for _ in range(self.rng.choice([1, 2, 2])):
            self.add_email_event(account, self.rng.choice(["sent", "sent", "delivered", "delivered", "open"]),
                                 self.spell(self.moment(self.days_ago(0, 179, 179, 179, 180))))
        if self.chance(0.25):
            self.add_email_event(account, "click", self.spell(self.moment(self.days_ago(179, 180))))
        if self.chance(0.25):
            self.add_session(self.new_id(), account["customer_id"], self.moment(self.days_ago(179, 180)))

    def month_end(self, oldest: int = 26) -> date:
        """Return the last day of a month of the past, a year before the as-of date or so among them, or of the current
        one."""
        months_ago = self.rng.choice([0, 1, 2, 6, 11, 12, 12, 13, 24, self.rng.randint(0, oldest)])
        year, month0 = divmod(self.as_of_date.year * 12 + self.as_of_date.month - months_ago, 12)
        return date(year, month0 + 1, 1) - timedelta(days=1)

    def live_and_lapse(self, account: RawRow) -> None:
        """Buy so that the customer's age, silence or year of revenue ends about the end of a month; some come back at
        once."""
        end = self.month_end()
        days = [end - self.days_of(179, 180, 180, 181, 182)]
        if self.chance(0.6):
            days.append(end - self.days_of(89, 90, 90, 91, 364, 365, 365, 366))
        if self.chance(0.4):
            days.append(days[0] + self.days_of(0, 180, 181, 182, 183, 365))
        if self.chance(0.3):
            days.append(end + self.days_of(0, 1, 2))
        for day in days:
            self.make_plain_order(account, self.moment(day), self.rng.choice(["10.00", "25.00", "0.01"]))

    def buy_again(self, account: RawRow) -> None:
        """Buy for the n-th time about 365 days ago, or for the next time about 365 days later."""
        day = self.days_ago(363, 364, 365, 365, 366, 730, 731)
        for gap in self.rng.choice([[], [0], [364], [365], [365], [366], [0, 365], [30, 365], [30, 366]]):
            self.make_plain_order(account, self.moment(day), "20.00")
            day += timedelta(days=gap)
        self.make_plain_order(account, self.moment(day), "15.00")

    def pay_back(self, account: RawRow) -> None:
        """Buy first at the end of a month, and again about 12 months, or some months, later."""
        first = self.month_end() - self.days_of(0, 0, 0, 1, 15)
        later = date(first.year + 1, first.month, min(first.day, 28))
        for day in [first, later + self.days_of(-1, 0, 1, 2), first + self.days_of(27, 28, 29, 30, 31, 59, 61)]:
            if self.chance(0.8):
                self.make_plain_order(account, self.moment(day), self.rng.choice(["10.00", "60.00", "200.00"]))


    # ------------------------------------------------------------ what products lead to

    def use_products(self) -> None:
        """Let customers use products up, and begin with one."""
        for number in range(self.rng.choice([4, 8, 12])):
            self.use_up(self.make_account(f"user{number}@example.com"))
            self.begin_with(self.make_account(f"beginner{number}@example.com"))

    def use_up(self, account: RawRow) -> None:
        """Buy one product at regular gaps, the last time 0.8 or 1.2 of them ago, or a day more or less; some send one
        back, or buy it twice a day."""
        product_id, gaps = self.rng.choice(self.product_ids[:3]), self.rng.choice(CADENCES)
        day = self.days_ago(int(median(gaps) * self.rng.choice([4, 6]) / 5) + self.rng.choice([-1, 0, 0, 0, 1]))
        for gap in [0, *gaps, *[0] * self.chance(0.3)]:
            day -= timedelta(days=gap)
            line = self.make_plain_order(account, self.moment(day), "10.00")
            line["product_id"] = product_id
            if self.chance(0.15):  # with another line, so that the order stays a purchase
                self.add("order_lines", order_line_id=self.new_id(), order_id=line["order_id"],
                         product_id=self.rng.choice(self.product_ids), quantity="1", unit_price="5",
                         updated_at=self.updated_at())
                self.add("refunds", refund_id=self.new_id(), order_id=line["order_id"], amount="10.00",
                         order_line_id=line["order_line_id"], refunded_at=self.some_moment(0, 30),
                         updated_at=self.updated_at())

    def begin_with(self, account: RawRow) -> None:
        """Buy first at the edges of 180 days and of the 365 dates, and again within 180 or 365 dates or just after."""
        first = self.days_ago(179, 180, 180, 181, 363, 364, 364, 365, 500)
        ordered_at = self.moment(first)
        for _ in range(self.rng.choice([1, 1, 1, 2])):  # of two at one moment, one id is the smaller
            line = self.make_plain_order(account, ordered_at, self.rng.choice(["10.00", "30.00"]))
            line["product_id"] = self.rng.choice(self.product_ids[:4])
        for days in self.rng.choice([[], [0], [1], [179], [180], [181], [364], [365], [180, 364, 365]]):
            self.make_plain_order(account, self.moment(first + timedelta(days=days)), "20.00")

    # ------------------------------------------------------------ what shops edit, and who changes

    def play_edits(self, custom_traits: tuple[dict, ...]) -> None:
        """Edit orders, sell gift cards, let addresses change, ask for consents, and lose visitors."""
        self.answer_on_phone_and_ads()
        self.hide_characters()
        self.forget_visitors()
        self.make_gift_cards()
        self.cost_lines()
        for number in range(self.rng.choice([4, 8, 12])):
            self.pay_back_with_discount(self.make_account(f"payer{number}@example.com"))
            self.take_out(self.make_account(f"editor{number}@example.com"))
        for number in range(self.rng.choice([3, 6, 9])):
            self.change_address(number)
        for number in range(6):
            self.begin_late(number)
        self.make_google_mail()
        for account in self.shop["customers"] if custom_traits else ():
            if self.chance(0.3):
                trait = self.rng.choice(custom_traits)["name"]
                self.add(
                    "custom_traits",
                    customer_id=account["customer_id"],
                    trait=trait if self.chance(0.95) else "shoe size",
                    value=self.rng.choice(TRAIT_VALUES[trait]),
                    updated_at=self.updated_at(),
                )

    def answer_on_phone_and_ads(self) -> None:
        """Give accounts the other consents, many at one moment so that answers tie, or about the end of the as-of date.
        """
        tie = self.moment(self.days_ago(5, 100))

        def answered_at(account: RawRow) -> str | None:
            if "shared" in (account["email"] or "").lower() and self.chance(0.8):
                return self.spell(tie)
            return self.rng.choice(
                [
                    None,
                    self.spell(tie),
                    self.spell(tie),
                    self.some_moment(-2, 300),
                    self.spell(self.moment(self.days_ago(0, -1))),
                ]
            )

        for account in self.shop["customers"]:
            account.update(
                last_name=self.rng.choice(["Díaz", "O'Neil", None]),
                postal_code=self.rng.choice(["50667", "EC1A 1BB", None]),
                sms_consent=self.rng.choice(["subscribed", "subscribed", "unsubscribed", "never", None]),
                sms_consent_at=answered_at(account),
                ads_consent=self.rng.choice(["granted", "granted", "denied", None]),
                ads_consent_at=answered_at(account),
            )

    def hide_characters(self) -> None:
        """Put what one does not see around emails, which changes nothing, or into them, which makes them none."""
        for table, share in (("customers", 0.15), ("orders", 0.1), ("email_events", 0.1)):
            for row in self.shop[table]:
                if row["email"] and self.chance(share):
                    unseen = self.rng.choice(INVISIBLE)
                    row["email"] = self.rng.choice(
                        [
                            f"{unseen}{row['email']}",
                            f"{row['email']}{unseen}",
                            f" {unseen}{row['email']}{self.rng.choice(INVISIBLE)} ",
                            row["email"][:2] + unseen + row["email"][2:],
                        ]
                    )

    def forget_visitors(self) -> None:
        """Let some browsers have no id, or one that means none, which many share; let test customers use others'
        devices."""
        for session in self.shop["sessions"]:
            if self.chance(0.08):
                session["visitor_id"] = self.rng.choice(NO_VISITOR)
        tests = [
            account for account in self.shop["customers"] if account["is_test"] and oracle.read_flag(account["is_test"])
        ]
        for _ in range(3 if tests and self.shop["sessions"] else 0):
            visitor = self.rng.choice(self.shop["sessions"])["visitor_id"]
            self.make_session(visitor, self.day(newest=-2, oldest=90), self.rng.choice(tests))

    def make_gift_cards(self) -> None:
        """Sell gift cards alone, and beside goods; some are discounted, cost something, or are given back."""
        self.gift_cards = [
            self.add(
                "products",
                product_id=self.new_id(),
                price=self.rng.choice(["50", None]),
                category=self.rng.choice([None, "cards"]),
                unit_cost=self.rng.choice(["0", None]),
                is_gift_card=self.flag(True),
                updated_at=self.updated_at(),
            )["product_id"]
            for _ in range(2)
        ]
        for product in self.shop["products"][:-2]:
            product["is_gift_card"] = self.flag(False)
        mixed = self.rng.sample(self.shop["orders"], len(self.shop["orders"]) // 15)
        alone = [self.make_order_without_lines(self.rng.choice(self.shop["customers"])) for _ in range(4)]
        for order in [*mixed, *alone, *alone[:1]]:
            line = self.make_line(order)
            line.update(product_id=self.rng.choice(self.gift_cards), unit_cost=self.rng.choice([None, "1"]))
            if self.chance(0.2):
                self.refund(line, self.rng.choice(["0.01", line["unit_price"]]))

    def make_order_without_lines(self, account: RawRow, currency: str | None = None) -> RawRow:
        order = self.add_order(
            account["customer_id"],
            account["email"],
            self.moment(self.day(-1, 400)),
            currency or self.reporting_currency,
        )
        order.update(status="paid", is_test=None)
        return order

    def refund(self, line: RawRow, amount: str, **values) -> None:
        self.add(
            "refunds",
            **{
                "refund_id": self.new_id(),
                "order_id": line["order_id"],
                "order_line_id": line["order_line_id"],
                "amount": amount,
                "refunded_at": self.some_moment(0, 60),
                "updated_at": self.updated_at(),
            }
            | values,
        )

    def cost_lines(self) -> None:
        """Let some lines know their own cost, whole units of any currency; some of them of products without a cost."""
        for line in self.shop["order_lines"]:
            if self.chance(0.12):
                line["unit_cost"] = self.rng.choice(["0", "1", "2", "3.00", "40"])

    def pay_back_with_discount(self, account: RawRow) -> None:
        """Discount an order, and give back of a line what was paid for it, a cent less, or what it would be without
        rounding up."""
        order = self.make_order_without_lines(account, self.rng.choice([self.reporting_currency] * 3 + ["USD"]))
        lines = [self.make_line(order) for _ in range(self.rng.choice([1, 2, 2, 3, 3, 4]))]
        for line in lines:
            line.update(
                unit_price=self.rng.choice(["10", "50", "33.33", "7.5", "0.01", "3.335"]),
                quantity=self.rng.choice(["1", "1", "2", "3"]),
                discount_amount=None,
                list_price=None,
                product_id=self.rng.choice(self.product_ids),
            )
        for share, column, values in (
            (0.3, "discount_amount", ["1", "0.5", "1000"]),
            (0.1, "quantity", ["0"]),
            (0.1, "product_id", self.gift_cards),
        ):
            if self.chance(share):
                self.rng.choice(lines)[column] = self.rng.choice(values)
        nets = [
            Decimal(line["quantity"]) * Decimal(line["unit_price"]) - Decimal(line["discount_amount"] or 0)
            for line in lines
            if line["quantity"] != "0" and line["product_id"] not in self.gift_cards
        ]
        order["discount_amount"] = self.rng.choice(
            ["0.01", "1", "2.5", "10", "20", "0.10", f"{max(sum(nets), Decimal(0)) / 5:.2f}"]
        )
        line = self.rng.choice(lines)
        net, total = (
            Decimal(line["quantity"]) * Decimal(line["unit_price"]) - Decimal(line["discount_amount"] or 0),
            sum(nets),
        )
        if total <= 0 or net <= 0:
            return
        share = Fraction(order["discount_amount"]) * Fraction(net) / Fraction(total)
        paid = net - Decimal(-(-share * 100 // 1)) / 100
        amount = paid + Decimal(self.rng.choice(["0", "0", "0", "-0.01", "-0.001", "-0.01", "0.01"]))
        if amount >= 0:
            self.refund(line, f"{amount:f}")

    def take_out(self, account: RawRow) -> None:
        """Edit a line to quantity 0, or take a refund back by amount 0; the edit may be older than what it edits."""
        order = self.make_order_without_lines(account)
        lines = [self.make_line(order) for _ in range(self.rng.choice([1, 2, 2, 3]))]
        line = self.rng.choice(lines)
        edited_at = self.read(line["updated_at"]) + timedelta(seconds=self.rng.choice([60, 60, 60, -60]))
        if self.chance(0.5):
            self.shop["order_lines"].append(
                line | {"quantity": self.rng.choice(["0", "0.00"]), "updated_at": self.spell(edited_at)}
            )
            if self.chance(0.3):
                self.refund(line, self.rng.choice(["1", "0"]))
        else:
            if self.chance(0.2):
                line["unit_price"] = "0"
            self.refund(line, "1.00")
            refund = self.shop["refunds"][-1]
            edited_at = self.read(refund["updated_at"]) + timedelta(seconds=self.rng.choice([60, 60, 60, -60]))
            self.shop["refunds"].append(
                refund | {"amount": self.rng.choice(["0", "0.00"]), "updated_at": self.spell(edited_at)}
            )

    def change_address(self, number: int) -> None:
        """Let a customer have ordered under another address, which others may carry too, and guests or events after
        that."""
        former = self.rng.choice(
            [f"former{number}@example.net", f"former{number}@example.net", f"FORMER{number // 2}@example.net"]
        )
        account = self.make_account(f"moved{number}@example.com")
        account.update(email_consent="subscribed", email_consent_at=self.some_moment(0, 300))
        if self.chance(0.1):
            account["is_test"] = "yes"
        carried = [account]
        if self.chance(0.25):  # another account of the same customer, or of another one
            carried.append(
                self.make_account(self.rng.choice([f"moved{number}@example.com", f"other{number}@example.com"]))
            )
        for owner in carried:
            order = self.make_order_without_lines(
                {"customer_id": owner["customer_id"], "email": self.disguised(former)}
            )
            order.update(status=self.rng.choice(["paid", "cancelled", "pending"]), is_test=self.flag(self.chance(0.1)),
                         ordered_at=self.spell(self.moment(self.days_ago(-1, 0, 0, 5, 100))))
            self.make_line(order)
        if self.chance(0.1):  # who has it now
            self.make_account(former)
        if self.chance(0.7):
            self.make_plain_order({"email": former}, self.moment(self.days_ago(-1, 0, 10, 200)), "10.00")
        for event_type in self.rng.sample(["click", "unsubscribe", "complaint", "bounce"], self.rng.choice([1, 1, 2])):
            by = self.rng.choice([{}, {}, {}, self.rng.choice(self.shop["customers"])])
            self.add(
                "email_events",
                event_id=self.new_id(),
                customer_id=by.get("customer_id"),
                email=self.disguised(former),
                event_type=event_type,
                campaign_id=self.rng.choice(["trigger", None]),
                occurred_at=self.some_moment(-1, 300),
            )

    def begin_late(self, number: int) -> None:
        """Deliver an account without created_at: it begins with its first order that is no test, its answer or its
        version."""
        account = self.make_account(f"begun{number // 2}@example.com")
        account.update(created_at=None, email_consent_at=self.rng.choice([None, self.some_moment(-2, 400)]))
        for _ in range(self.rng.choice([0, 0, 1, 2])):
            self.make_order(account, self.days_ago(-1, 0, 1, 89, 365))

    def make_google_mail(self) -> None:
        for number in range(4):
            domain = self.rng.choice(["gmail.com", "Gmail.com", "googlemail.com", "mail.gmail.com", "example.com"])
            account = self.make_account(f"Ann.{number}.Lee{self.rng.choice(['', '+news', '+a+b.c'])}@{domain}")
            account.update(email_consent="subscribed", email_consent_at=self.some_moment(0, 28))

    # ------------------------------------------------------------ the funnel

    def play_funnel(self) -> None:
        """Deliver orders, say why money went back, make some channels unknown, and let visits end in orders or not."""
        tiers = self.rng.choice([[], ["0"], ["10.00"], ["0.01", "10", "100"], ["10", "49.90", "250.5"]])
        self.shop["loyalty_tiers"] = [
            {"tier": tier, "from_net_revenue_365d": amount} for tier, amount in zip(("silver", "gold", "Élite"), tiers)
        ]
        for order in self.shop["orders"]:
            if self.chance(0.5):
                ordered_on = self.read(order["ordered_at"]).astimezone(self.zone).date()
                order["delivered_at"] = self.spell(self.moment(
                    self.days_ago(-1, 0, 13, 14, 20, 21) if self.chance(0.3) else ordered_on + self.days_of(0, 1, 3, 7)
                ))
        for refund in self.shop["refunds"]:
            refund["reason"] = self.rng.choice(["too small", "broken", "Broken", None])
        for review in self.shop["reviews"]:
            review["topic"] = self.rng.choice(["size", "delivery", None])
        for session in self.shop["sessions"]:
            session["channel"] = self.rng.choice([session["channel"]] * 3 + ["all", "paid", "unknown", None])
        for number in range(self.rng.choice([4, 8, 12])):
            self.visit_and_order(self.make_account(f"visitor{number}@example.com"))
            self.buy_products(self.make_account(f"collector{number}@example.com"))
            self.sign_up(self.make_account(f"signup{number}@example.com"))
            self.buy_in_a_sale(self.make_account(f"bargain{number}@example.com"))

    def visit_and_order(self, account: RawRow) -> None:
        """Visit once, or twice about the same time, and order at the edges of the visit, of 24 hours and of 7 days."""
        started_at = self.moment(self.day(newest=-1, oldest=100))
        tick = timedelta(microseconds=1)
        edges = [timedelta(0), timedelta(hours=24), timedelta(days=7), timedelta(hours=1)]
        starts = [started_at] + [
            started_at + self.rng.choice([timedelta(0), *edges[1:]]) for _ in range(self.rng.choice([0, 0, 1, 2]))
        ]
        for start in starts:
            session = self.add_session(account["customer_id"], account["customer_id"], start)
            for event_type in self.rng.choice([
                    [], ["product_view"], ["add_to_cart"], ["add_to_cart", "checkout_start"],
                    ["product_view", "add_to_cart", "remove_from_cart"], ["remove_from_cart"], ["checkout_start"]]):
                happened = start + timedelta(minutes=self.rng.choice([0, 1, 24 * 60 * 5]))
                self.add_web_event(session, event_type, happened)
        for _ in range(self.rng.choice([0, 1, 1, 2])):
            ordered_at = self.rng.choice(starts) + self.rng.choice(edges) + self.rng.choice([-1, 0, 0, 1]) * tick
            self.make_plain_order(account, ordered_at, "10.00", self.rng.choice(ORDER_STATUSES))
        if self.chance(0.3):
            self.make_plain_order(account, started_at - self.rng.choice([tick, timedelta(days=40)]), "10.00")

    def buy_products(self, account: RawRow) -> None:
        """Buy several products at one moment or at several, and give some of them back."""
        moments = [self.moment(self.day(newest=0, oldest=400)) for _ in range(self.rng.choice([1, 2, 3]))]
        for moment in moments + moments[:1] * self.chance(0.3):
            order_id = self.make_plain_order(account, moment, "10.00")["order_id"]
            for _ in range(self.rng.choice([0, 1, 3])):
                line = self.add("order_lines", order_line_id=self.new_id(), order_id=order_id, quantity="1",
                                unit_price="5.00", updated_at=self.updated_at(),
                                product_id=self.rng.choice([*self.product_ids, "no such product", None]))
                if self.chance(0.2):
                    self.refund(line, "5.00", reason=self.rng.choice(["broken", None]))

    def sign_up(self, account: RawRow) -> None:
        """Subscribe at the end of a month 30 or 90 days ago, or any other, and order about then or 30 or 90 days later.
        """
        day = self.rng.choice([self.month_end(), self.days_ago(29, 30, 31, 89, 90, 91, 200)])
        account.update(email_consent="subscribed", email_consent_at=self.spell(self.moment(day)))
        if self.chance(0.8):
            ordered_at = self.moment(day + self.days_of(-1, 0, 0, 7, 29, 30, 31, 89, 90, 91, 150))
            self.make_plain_order(account, ordered_at, "10.00", self.rng.choice(ORDER_STATUSES))

    def buy_in_a_sale(self, account: RawRow) -> None:
        """Buy in a sale, after a long silence or for the first time, and again at the edges of 180 days after its end.
        """
        if not self.shop["sale_campaigns"]:
            return
        sale = self.rng.choice(self.shop["sale_campaigns"])
        starts_on, ends_on = date.fromisoformat(sale["starts_on"]), date.fromisoformat(sale["ends_on"])
        first = self.rng.choice([starts_on, ends_on, ends_on, starts_on - self.days_of(1), ends_on + self.days_of(1)])
        days = [first] + [first - self.days_of(179, 180, 181, 364, 365, 366)] * self.chance(0.4)
        days += [ends_on + self.days_of(0, 1, 179, 180, 181)] * self.chance(0.5)
        for day in days:
            self.make_plain_order(account, self.moment(day), self.rng.choice(["10.00", "30.00"]))

    # ------------------------------------------------------------ campaigns

    def send_campaigns(self, accounts: list[RawRow]) -> None:
        """Send campaigns to accounts, guests, shared addresses and strangers, who answer once or twice, or refuse."""
        accounts = accounts + [self.make_odd_account(*odd) for odd in ODD_READERS]
        readers = [
            *accounts,
            *({"email": email} for email in [*self.guest_emails, "stranger@example.net", "Stranger2@Example.net"]),
        ]
        for campaign in ("spring", "Spring", "trigger"):
            for reader in self.rng.sample(readers, len(readers) // self.rng.choice([2, 5, 9])):
                events = [
                    "sent",
                    *self.rng.choice([["delivered"], ["delivered"], ["delivered", "click"], ["bounce"], ["click"], []]),
                ]
                events += [self.rng.choice(["click", "open", "delivered"])] * self.chance(0.3)
                events += [self.rng.choice(["unsubscribe", "complaint", "bounce"])] * self.chance(0.03)
                for event_type in events:
                    self.add_email_event(reader, event_type, self.some_moment(-2, 40), campaign)
        for number in range(5):  # with an email that no customer has: a stranger's, or what a customer's was
            account = self.rng.choice([{}, {}, self.rng.choice(accounts)])
            self.add(
                "email_events",
                event_id=self.new_id(),
                customer_id=account.get("customer_id"),
                campaign_id="trigger",
                email=self.disguised(f"Former{self.rng.choice([number, 0])}@example.net"),
                occurred_at=self.some_moment(-2, 40),
                event_type=self.rng.choice(["unsubscribe", "complaint", "bounce", "click"]),
            )

    def make_odd_account(self, email: str, first_name: str) -> RawRow:
        account = self.make_account(email)
        account.update(first_name=first_name, email_consent="subscribed")
        return account


# Text that a spreadsheet would run as a formula, and a number that it would not.
ODD_READERS = [
    ("=1+1@example.com", "=1+1"),
    ("+ann@example.com", "@sum(A1)"),
    ("a;-b@example.com", "'Ann"),
    ("an+n@example.com", "Ann;-1,=2"),
    ("zoë@example.org", "-5"),
]


def mailing(maker: ShopMaker, accounts: list[RawRow], dirt: float, conflicting_ties: bool) -> Shop:
    """Return campaigns and some more accounts, drawn apart, so that they change nothing else about the shop of a seed.
    """
    maker.rng = random.Random(f"campaigns of {maker.rng.random()}")
    maker.shop = {table: [] for table in CONTRACT}
    maker.send_campaigns(accounts)
    soil(maker.shop, maker.rng, dirt, is_descriptive=True)
    add_versions(maker.shop, maker, conflicting_ties)
    soil(maker.shop, maker.rng, dirt, is_descriptive=False)
    return {table: rows for table, rows in maker.shop.items() if rows}


# ---------------------------------------------------------------- duplicates and dirt

# A newer version says something else about these; ids, dates of facts and currencies stay as they are.
CHANGES = {
    "customers": {
        "city": ["Roma", None],
        "country_code": ["IT"],
        "email_consent": ["unsubscribed", "subscribed"],
        "acquisition_channel": ["print"],
        "sms_consent": ["unsubscribed", "subscribed"],
        "ads_consent": ["denied", "granted", None],
        "created_at": [None],
    },
    "products": {
        "category": ["hats", "lamps", None],
        "unit_cost": ["1.25", None],
        "price": ["9.99"],
        "is_gift_card": ["yes", None],
    },
    "orders": {"status": ["cancelled", "paid", "pending"], "discount_amount": ["1.00", "0", None]},
    "order_lines": {
        "quantity": ["4", "0"],
        "unit_price": ["8.88"],
        "order_id": ["no such order"],
        "unit_cost": ["2", None],
    },
    "refunds": {"amount": ["0.01", "1000", "0"], "order_id": ["no such order"]},
    "custom_traits": {"value": ["M", "yes", "XL"]},
    "sessions": {"is_bot": ["true", "false"], "visitor_id": ["v1"]},
    "web_events": {"event_type": ["remove_from_cart", "add_to_cart"]},
    "email_events": {"event_type": ["sent", "unsubscribe"]},
    "reviews": {"rating": ["1", "5"]},
    "exchange_rates": {},
}


def add_versions(shop: Shop, maker: ShopMaker, conflicting_ties: bool) -> None:
    """Deliver some rows twice: the same, an older, a newer, or the same moment in another spelling."""
    rng = maker.rng
    for table, changes in CHANGES.items():
        time_column = "updated_at" if "updated_at" in {column.name for column in CONTRACT[table]} \
            else oracle.OCCURRENCE.get(table)
        for row in list(shop[table]):
            if rng.random() >= 0.08:
                continue
            copy = dict(row)
            shop[table].append(copy)
            if time_column is None or rng.random() < 0.3:
                continue
            moment = maker.read(row[time_column])
            shift = rng.choice([timedelta(0), timedelta(microseconds=1), timedelta(seconds=-1), timedelta(days=5),
                                timedelta(days=-40)])
            copy[time_column] = maker.spell(moment + shift)
            if changes and (shift or conflicting_ties):
                column = rng.choice(list(changes))
                copy[column] = rng.choice(changes[column])


VERDICTS = [
    "newer broken",
    "newer broken",
    "older broken",
    "tied broken",
    "newer deletion",
    "older deletion",
    "tied deletion",
    "back again",
    "broken deletion",
    "no time",
    "no key",
]


def add_verdicts(shop: Shop, maker: ShopMaker) -> None:
    """Deliver versions that break the contract, or delete: newer, older or of one time as some of the rows, rarely
    enough for a shop to live."""
    rng = maker.rng
    for table in sorted(oracle.VERSIONED & shop.keys()):
        for row in rng.sample(shop[table], min(len(shop[table]), len(shop[table]) // 40 + rng.choice([0, 1, 2, 2]))):
            try:
                updated_at = maker.read(trimmed(row["updated_at"]) or "")
            except ValueError:
                continue
            verdict = rng.choice(VERDICTS)
            shift = {"older": -timedelta(seconds=3), "tied": timedelta(0)}.get(verdict.split()[0], timedelta(seconds=3))
            version = row | {"updated_at": maker.spell(updated_at + shift)}
            shop[table].append(version)
            if verdict.endswith("broken"):
                break_contract(table, version, rng)
            elif verdict in ("newer deletion", "older deletion", "tied deletion", "back again"):
                version["is_deleted"] = maker.flag(True)
                if rng.random() < 0.4:  # the other columns of a deletion need not be right
                    version.update(
                        {
                            column: None
                            for column in version
                            if column not in [*oracle.key_columns(table), "updated_at", "is_deleted"]
                        }
                    )
                elif rng.random() < 0.3:
                    break_contract(table, version, rng)
                if verdict == "back again":
                    shop[table].append(row | {"updated_at": maker.spell(updated_at + 2 * shift)})
            elif verdict == "broken deletion":
                version["is_deleted"] = "perhaps"
            else:
                version[{"no time": "updated_at"}.get(verdict, rng.choice(oracle.key_columns(table)))] = None


def break_contract(table: str, row: RawRow, rng: random.Random) -> None:
    """Write a value that costs the row its place; key and updated_at stay readable."""
    kept = [*oracle.key_columns(table), "updated_at", "is_deleted", "loaded_at"]
    columns = [column for column in CONTRACT[table] if column.name not in kept and not column.is_descriptive
               and (column.kind != "text" or column.is_required)]
    column = rng.choice(columns)
    row[column.name] = bad_value(rng, column, None)


def soil(shop: Shop, rng: random.Random, dirt: float, is_descriptive: bool) -> None:
    """Break the contract in a share of the rows, in their descriptive or in their other columns."""
    for table, rows in shop.items():
        columns = [column for column in CONTRACT.get(table, [])
                   if column.is_descriptive == is_descriptive and column.name != "loaded_at"]
        for row in rows if columns else []:
            if rng.random() < dirt:
                column = rng.choice(columns)
                row[column.name] = bad_value(rng, column, row[column.name])


def write_doubtful_values(shop: Shop, rng: random.Random, dirt: float) -> None:
    for table, columns in CONTRACT.items():
        for row in shop[table]:
            column = rng.choice(columns)
            candidates = DOUBTFUL.get(column.name) or DOUBTFUL.get(column.kind)
            if candidates and rng.random() < 2 * dirt:
                row[column.name] = rng.choice(candidates)


def disguise(shop: Shop, rng: random.Random) -> None:
    """Pad texts, write nulls as blanks, add a column that the contract does not name: nothing changes its meaning."""
    for table, rows in shop.items():
        for row in rows:
            for column, value in row.items():
                if value is not None and rng.random() < 0.02:
                    row[column] = rng.choice([f" {value}", f"{value} ", f"\t{value} \t", f"  {value}"])
                elif value is None and rng.random() < 0.02:
                    row[column] = rng.choice(["", " ", "\t"])
        if rng.random() < 0.2:
            for row in rows:
                row["_extra column"] = rng.choice(["x", None, "1"])
        if table in CONTRACT and rng.random() < 0.3:
            for row in rows:
                row["loaded_at"] = "2025-08-01 04:00:00"


def bad_value(rng: random.Random, column: oracle.Column, value: str | None) -> str | None:
    """Return a value that breaks the contract, or harms nothing where the column allows every text."""
    choices = list(FORBIDDEN.get(column.name, []))
    if column.kind != "text":
        choices += [rng.choice(UNREADABLE[column.kind])]
    if column.is_required:
        choices += [rng.choice([None, "", "  "])]
    return rng.choice(choices) if choices else value


def drop_what_is_optional(shop: Shop, rng: random.Random) -> None:
    """Leave out some optional tables and columns, by seed."""
    for table in OPTIONAL_TABLES:
        chance = rng.random()
        if chance < 0.04:
            del shop[table]
        elif chance < 0.05:
            shop[table] = []
    if rng.random() < 0.04:  # a shop that does not measure visits has null visit scores
        shop.pop("sessions", None)
    for table, columns in CONTRACT.items():
        for column in columns:
            if not column.is_required and rng.random() < 0.03:
                for row in shop.get(table, []):
                    row.pop(column.name, None)


# ---------------------------------------------------------------- writing


def write_shop(shop: Shop, directory: Path | str, file_format: str = "csv", shuffle_seed: int | None = None,
               naive_timestamps: str | dict | None = None) -> None:
    """Write one file, or one folder of two files, per table into the directory.

    file_format: "csv" or "parquet"; both mean the same shop. Parquet columns are typed where every value is readable.
    shuffle_seed: also shuffles rows and columns, splits some tables into folders, adds BOMs and quotes;
        without it the files are plain and the rows in order. Raises KeyError for another format.
    naive_timestamps: the zone of times without an offset, if it is not UTC; Parquet then has them as text or in UTC.
    """
    rng = random.Random(f"layout {shuffle_seed}") if shuffle_seed is not None else None
    write = {"csv": write_csv, "parquet": write_parquet}[file_format]
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    for table, rows in shop.items():
        rows, columns = list(rows), columns_of(table, rows)
        if rng:
            rng.shuffle(rows)
        if rng and len(rows) > 1 and rng.random() < 0.3:
            (directory / table).mkdir()
            half = rng.randint(1, len(rows) - 1)
            parts = [(f"{table}/part-1", rows[:half]), (f"{table}/part-2", rows[half:])]
        else:
            parts = [(table, rows)]
        types = parquet_types(table, rows, columns, rng, naive_timestamps) if file_format == "parquet" else None
        for name, part in parts:
            part_columns = list(columns)
            if rng:
                rng.shuffle(part_columns)
                if len(parts) == 2 and rng.random() < 0.5:
                    part_columns = [column for column in part_columns
                                    if is_needed(table, column) or any(row.get(column) for row in part)]
            write(directory / f"{name}.{file_format}", part, part_columns, types, rng)


def columns_of(table: str, rows: list[RawRow]) -> list[str]:
    """Return the columns that the rows hold; of an empty table, those of the contract."""
    found = list(dict.fromkeys(column for row in rows for column in row))
    return found or SEED_COLUMNS.get(table) or [c.name for c in CONTRACT[table]]


def is_needed(table: str, column: str) -> bool:
    return table not in CONTRACT or any(known.is_required and known.name == column for known in CONTRACT[table])


def write_csv(path: Path, rows: list[RawRow], columns: list[str], _types, rng) -> None:
    has_bom, quoting = rng is not None and rng.random() < 0.3, csv.QUOTE_MINIMAL
    if rng is not None and rng.random() < 0.3:
        quoting = csv.QUOTE_ALL
    with path.open("w", encoding="utf-8-sig" if has_bom else "utf-8", newline="") as file:
        writer = csv.writer(file, quoting=quoting, lineterminator="\n")
        writer.writerow(columns)
        for row in rows:
            writer.writerow([row.get(column) or "" for column in columns])


def write_parquet(path: Path, rows: list[RawRow], columns: list[str], types: dict, _rng) -> None:
    import pyarrow
    import pyarrow.parquet

    arrays = {}
    for column in columns:
        read, arrow_type = types[column]
        texts = [row.get(column) for row in rows]
        if read is None:
            arrays[column] = pyarrow.array(texts, pyarrow.string())
        else:
            texts = map(trimmed, texts)
            arrays[column] = pyarrow.array([read(text) if text is not None else None for text in texts], arrow_type)
    pyarrow.parquet.write_table(pyarrow.table(arrays), path)


def parquet_types(table: str, rows: list[RawRow], columns: list[str], rng, naive_timestamps) -> dict:
    """Return column -> (reader of its texts, arrow type); (None, string) where some text is unreadable."""
    import pyarrow

    kinds = {column.name: column.kind for column in CONTRACT.get(table, [])}
    if table == "sale_campaigns":
        kinds = {"starts_on": "date", "ends_on": "date"}
    if table == "loyalty_tiers":
        kinds = {"from_net_revenue_365d": "number"}
    plain_types = {"date": pyarrow.date32(), "timestamp": pyarrow.timestamp("us", tz="UTC"), "flag": pyarrow.bool_()}
    table_zone, types = oracle.Parameters(date.min, naive_timestamps=naive_timestamps).zone_of(table), {}
    for column in columns:
        kind, zone = kinds.get(column, "text"), oracle.ZONE_OF_UTC if column == "loaded_at" else table_zone
        texts = [text for text in (trimmed(row.get(column)) for row in rows) if text is not None]
        reader = oracle.READERS[kind]
        if kind == "text" or not are_readable(reader, texts):
            types[column] = (None, pyarrow.string())
        elif kind == "number":
            types[column] = number_type([reader(text) for text in texts], rng)
        elif kind == "timestamp" and zone != oracle.ZONE_OF_UTC:
            types[column] = (lambda text, zone=zone: oracle.read_timestamp(text, zone), plain_types[kind])
        elif kind == "timestamp" and rng and rng.random() < 0.5:
            types[column] = (lambda text: oracle.read_timestamp(text).replace(tzinfo=None), pyarrow.timestamp("us"))
        else:
            types[column] = (reader, plain_types[kind])
    return types


def are_readable(reader, texts: list[str]) -> bool:
    try:
        for text in texts:
            reader(text)
    except (ValueError, OverflowError):
        return False
    return True


def number_type(numbers: list[Decimal], rng):
    """Return whole numbers, doubles or decimals, whichever hold all of the numbers exactly as written."""
    import pyarrow

    scale = max((-number.as_tuple().exponent for number in numbers), default=0)
    if scale == 0 and rng and rng.random() < 0.7:
        return lambda text: int(Decimal(text)), pyarrow.int64()
    if rng and rng.random() < 0.5 and all(Decimal(repr(float(number))) == number for number in numbers):
        return float, pyarrow.float64()
    return Decimal, pyarrow.decimal128(18, scale)


# ---------------------------------------------------------------- reading


def read_shop(directory: Path | str) -> Shop:
    """Return the rows of a directory as write_shop (or any shop) lays it out, as text in the contract's grammar.

    A table is a file <table>.csv or <table>.parquet or a folder of such files; other files are left alone.
    """
    shop = {}
    for table in [*CONTRACT, *SEED_COLUMNS]:
        paths = [Path(directory) / f"{table}.{suffix}" for suffix in ("csv", "parquet")]
        paths += sorted((Path(directory) / table).glob("*"))
        parts = [read_file(path) for path in paths if path.is_file() and path.suffix in (".csv", ".parquet")]
        if parts:
            shop[table] = [row for part in parts for row in part]
    return shop


def read_file(path: Path) -> list[RawRow]:
    if path.suffix == ".csv":
        with path.open(encoding="utf-8-sig", newline="") as file:
            return [{column: value or None for column, value in row.items()} for row in csv.DictReader(file)]
    import pyarrow.parquet

    table = pyarrow.parquet.ParquetFile(path).read()
    columns = [column_texts(column) for column in table.columns]
    return [dict(zip(table.column_names, values)) for values in zip(*columns)]


def column_texts(column) -> list[str | None]:
    """Return a Parquet column as text.

    Arrow writes timestamps itself: made into Python's first, they take most of the time.
    """
    import pyarrow

    if pyarrow.types.is_timestamp(column.type):
        column = column.cast(pyarrow.string())
    values = column.to_pylist()
    return values if pyarrow.types.is_string(column.type) else [as_text(value) for value in values]


def as_text(value: object) -> str | None:
    """Return a typed value as the contract writes it."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        value = Decimal(repr(value))
    if isinstance(value, Decimal):
        return f"{value:f}"
    return value.isoformat() if isinstance(value, date) else str(value)  # a datetime is a date


# ---------------------------------------------------------------- coverage


def print_coverage(shops: int) -> None:
    """Print how often each segment is non-empty over so many shops, and its average size."""
    sizes, lives, received = defaultdict(list), defaultdict(int), defaultdict(int)
    for seed in range(shops):
        surroundings = random_surroundings(seed)
        result = oracle.compute(random_shop(seed, **surroundings), **surroundings)
        for segment, members in result.segments.items():
            sizes[segment].append(len(members))
        sizes["(customers)"].append(len(result.customers))
        sizes["(buyers)"].append(sum(customer["purchase_count"] > 0 for customer in result.customers.values()))
        sizes["(rejected rows)"].append(len(result.rejected))
        sizes["(repaired values)"].append(len(result.repaired))
        for table, counts in result.counts.items():
            received[table] += counts.received
            lives[table] += counts.kept
    print(f"{'segment':28}{'non-empty':>10}{'average size':>14}")
    for name, counted in sizes.items():
        print(f"{name:28}{sum(map(bool, counted)) / shops:>10.0%}{sum(counted) / shops:>14.1f}")
    print(f"\n{'table':28}{'rows':>10}{'kept':>14}")
    for table, rows in received.items():
        print(f"{table:28}{rows / shops:>10.1f}{lives[table] / max(rows, 1):>14.0%}")


if __name__ == "__main__":
    print_coverage(int(sys.argv[1]) if len(sys.argv) > 1 else 50)
