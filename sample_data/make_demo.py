"""Simulate the demo shop and write its raw tables.

Usage: python sample_data/make_demo.py OUTPUT_DIR

Nobody in this shop exists; docs/demo_shop.md tells what is simulated. The same values come out on every machine:
weighted draws use whole numbers, and other draws are rounded to whole days before anything depends on them.

How to read it: people come first, their purchases follow, everything else is built around these. Times are whole
seconds of the shop's local clock since FIRST_DAY and become UTC when a table is made; money is in whole cents.
Where a column points to a row of another table, -1 means none. Dirt is added last, to the finished tables.
"""

import argparse
import hashlib
import signal
import sys
import tempfile
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

SEED = 20260630
FIRST_DAY = np.datetime64("2023-07-01")  # the shop opens
LAST_DAY = np.datetime64("2026-07-03")  # three days beyond the as-of date: late facts
DAYS = int((LAST_DAY - FIRST_DAY).astype(int)) + 1
HOUR, DAY = 3600, 86_400  # seconds
END = DAYS * DAY
NEVER = 10 * END

# The clock of Europe/Berlin: summer time from and until, in local time
SUMMER_TIME = (
    ("2023-03-26T02", "2023-10-29T03"), ("2024-03-31T02", "2024-10-27T03"),
    ("2025-03-30T02", "2025-10-26T03"), ("2026-03-29T02", "2026-10-25T03"),
)

# How busy the shop is, in percent of an ordinary month, weekday (from Monday) and hour
MONTH_PERCENT = (92, 86, 95, 98, 100, 98, 94, 90, 100, 106, 118, 123)
WEEKDAY_PERCENT = (106, 100, 96, 98, 92, 96, 112)
HOUR_PERCENT = (20, 10, 5, 4, 4, 8, 25, 50, 75, 95, 110, 115, 125, 120, 110, 105, 110, 120, 135, 160, 180, 170, 120, 60)

# id, name, first and last day, id of the edition a year earlier, markdown in percent, busyness in percent
SALES = (
    ("summer-2023", "Summer sale 2023", "2023-07-03", "2023-07-23", None, 30, 170),
    ("black-friday-2023", "Black Friday 2023", "2023-11-20", "2023-11-27", None, 20, 260),
    ("winter-2024", "Winter sale 2024", "2023-12-27", "2024-01-21", None, 30, 170),
    ("summer-2024", "Summer sale 2024", "2024-06-17", "2024-07-14", "summer-2023", 30, 180),
    ("black-friday-2024", "Black Friday 2024", "2024-11-25", "2024-12-02", "black-friday-2023", 20, 260),
    ("winter-2025", "Winter sale 2025", "2024-12-27", "2025-01-19", "winter-2024", 30, 170),
    ("summer-2025", "Summer sale 2025", "2025-06-16", "2025-07-13", "summer-2024", 30, 180),
    ("black-friday-2025", "Black Friday 2025", "2025-11-24", "2025-12-01", "black-friday-2024", 25, 260),
    ("winter-2026", "Winter sale 2026", "2025-12-27", "2026-01-18", "winter-2025", 35, 170),
    ("summer-2026", "Summer sale 2026", "2026-06-15", "2026-07-12", "summer-2025", 30, 180),
)

# id, segment, first and last day, percent held out, percent of the treated who buy because of it
CAMPAIGNS = (
    ("win-back-2026", "becoming_inactive", "2026-05-04", "2026-05-24", 30, 10),
    ("spring-news-2026", "discount_buyers", "2026-05-04", "2026-05-24", 20, 0),
)

EXTRA_ID = 900_000  # from which on the orders that campaigns brought are numbered, and their lines

# Kinds of people, and how many of each. All but the guests have an account.
BUYER, LEAD, LATE_REGISTRANT, GUEST, TESTER = range(5)
PEOPLE_OF_KIND = (15_200, 4_180, 600, 4_000, 20)
PEOPLE = sum(PEOPLE_OF_KIND)
SECOND_ACCOUNTS = 150  # people with two accounts under one email
SHARED_MAILBOXES = 36  # people who all gave info@example.com

# Rhythms of buyers: weight, mean days between purchases, shape of their gamma distribution (the larger, the steadier),
# percent who leave after a purchase
ONE_OFF = 0
RHYTHMS = np.array([(36, 120, 1, 80), (27, 145, 2, 17), (24, 70, 6, 9), (13, 31, 6, 5)])

# Habits of visitors: weight, visits in 30 days, over at most the last so many days of their interest
VISIT_HABITS = np.array([(47, 0.7, 2000), (38, 2.4, 2000), (11, 6, 2000), (4, 19, 100)])

# country: weight, currency, cities, and the phone numbers set aside for fiction, if any: prefix, first, last, digits
COUNTRIES = {
    "DE": (46, "EUR", ("Berlin", "Hamburg", "Köln", "Leipzig", "München"), ("+493023125", 0, 999, 3)),
    "FR": (12, "EUR", ("Lille", "Lyon", "Nantes", "Paris"), ("+3363998", 0, 9999, 4)),
    "GB": (10, "GBP", ("Bristol", "Leeds", "London", "York"), ("+447700900", 0, 999, 3)),
    "AT": (8, "EUR", ("Graz", "Linz", "Wien"), None),
    "NL": (8, "EUR", ("Amsterdam", "Rotterdam", "Utrecht"), None),
    "IT": (7, "EUR", ("Bologna", "Milano", "Torino"), None),
    "SE": (6, "SEK", ("Göteborg", "Malmö", "Stockholm"), ("+46701740", 605, 699, 3)),
    "US": (3, "USD", ("Boston", "Chicago", "Seattle"), ("+1202555", 100, 199, 4)),
}
CURRENCIES = ("EUR", "GBP", "USD", "SEK")
FIRST_RATES = (1_000_000, 1_165_000, 917_000, 85_000)  # millionths of a euro
FIRST_NAMES = (
    "Alex Alva Bo Charlie Dana Eli Emma Finn Flo Gabi Hanna Ida Jo Jona Kim Lea Lou Luca Maja Max Mika Mila Nico Noa "
    "Oda Paul Pia Robin Romy Sam Sascha Sina Sofia Tara Theo Toni Uli Vera Yuki Zoe"
).split()
LAST_NAMES = (
    "Baker Berg Bianchi Bloom Carter Dahl Dubois Fischer Green Hill Jansen Keller Lind Martin Meyer Moreau Noble "
    "Olsen Rossi Wolf"
).split()

# category: price of its cheapest and its dearest product, in EUR
CATEGORIES = {
    "Accessories": (6, 60), "Bags": (19, 150), "Bedding": (15, 110), "Decoration": (6, 80), "Dresses": (22, 140),
    "Kitchen": (5, 90), "Lighting": (15, 180), "Outerwear": (35, 240), "Shoes": (25, 150), "Tops": (9, 65),
}
PER_CATEGORY = 60  # products, from the cheapest to the dearest

PERCENT_WITH_VISIT = 92  # of the orders; the others come by telephone or from visits that were not tracked
CHANNELS = ("direct", "organic_search", "paid_search", "paid_social", "email", "affiliate", "referral")
ACQUISITION_WEIGHTS = (24, 24, 21, 17, 0, 6, 8)
VISIT_WEIGHTS = (30, 25, 18, 13, 3, 5, 6)
# channel: currency of the invoice, euro cents per new buyer in the first month, and how much dearer each month makes it
SPEND = {
    "organic_search": ("EUR", 1_500, 10), "paid_search": ("EUR", 5_500, 90), "paid_social": ("USD", 7_500, 150),
    "affiliate": ("EUR", 3_500, 25), "referral": ("EUR", 2_500, 15),
}
DEVICES = ("mobile", "desktop", "tablet")

EVENT_TYPES = (
    "product_view", "recommendation_click", "wishlist_add", "add_to_cart", "remove_from_cart", "checkout_start"
)
VIEW, RECOMMENDATION, WISH, ADD, REMOVE, CHECKOUT = range(6)  # the contract does not know wishes, and ignores them
EVENT_SECONDS = ((5, 400), (5, 400), (5, 400), (401, 600), (601, 660), (661, 840))  # when in a session it happens
BY_ORDER, BY_INTEREST, BY_EMAIL, BY_STRANGER, BY_BOT = range(5)  # what brought a session about
# for each of these: weights of 0 to 4 product views
VIEW_WEIGHTS = ((0, 35, 35, 20, 10), (18, 30, 25, 17, 10), (10, 40, 30, 12, 8), (38, 34, 16, 8, 4), (0, 0, 0, 0, 1))
STRANGER_VISITS, BOT_VISITS = 60_000, 9_000

CONSENTS = ("subscribed", "unsubscribed", "never", "perhaps")  # the last is no answer that the contract knows
CONSENT_WEIGHTS = (620, 60, 319, 1)
EMAIL_TYPES = ("sent", "delivered", "open", "click", "unsubscribe", "bounce", "complaint")
SENT, DELIVERED, OPEN, CLICK, UNSUBSCRIBE, BOUNCE, COMPLAINT = range(7)
FIRST_THURSDAY = 5  # days after FIRST_DAY
PERCENT_MAILED = 45  # of the subscribers, by a usual campaign

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
# What an older version of a row said in one column
OLDER_VALUES = {
    "customers": ("city", "Bonn"), "products": ("category", "New arrivals"), "orders": ("status", "pending"),
    "order_lines": ("quantity", 1), "refunds": ("amount", Decimal(1)),
}


# Drawing

def dice(name):
    """A generator of its own for each table, so that a change to one leaves the others as they are."""
    return np.random.Generator(np.random.PCG64([SEED, *name.encode()]))


def weighted(rng, weights, size):
    """Positions in `weights` (whole numbers), drawn in proportion to them."""
    cumulative = np.cumsum(weights)
    return np.searchsorted(cumulative, rng.integers(cumulative[-1], size=size), side="right")


def chance(rng, percent, size):
    """True in `percent` of the cases; `percent` may differ from case to case."""
    return rng.random(size) * 100 < percent


def gamma_days(rng, shape, mean, size=None):
    return np.maximum(1, np.rint(rng.gamma(shape, 1.0, size) * mean / shape)).astype(np.int64)


def time_of_day(rng, size):
    return weighted(rng, HOUR_PERCENT, size) * HOUR + rng.integers(HOUR, size=size)


def repeat_counts(counts):
    """The position of each element of `counts`, as often as it says."""
    return np.repeat(np.arange(len(counts)), counts)


# Columns

def utc(seconds):
    """UTC timestamps from seconds of the shop's local clock."""
    local = FIRST_DAY.astype("M8[s]") + np.asarray(seconds).astype("m8[s]")
    is_summer = np.zeros(len(local), dtype=bool)
    for start, stop in SUMMER_TIME:
        is_summer |= (local >= np.datetime64(start)) & (local < np.datetime64(stop))
    return pa.array((local - np.where(is_summer, 2 * HOUR, HOUR).astype("m8[s]")).astype("M8[us]"))


def nullable(numbers):
    return pa.array(numbers, mask=np.asarray(numbers) < 0)


def ids(prefix, numbers, digits):
    """Text ids such as C00042; null where the number is -1."""
    text = pc.utf8_lpad(nullable(numbers).cast(pa.string()), digits, "0")
    return pc.binary_join_element_wise(prefix, text, "")


def decimals(whole, places):
    """Whole numbers of the last decimal place as decimals, without a detour over floats."""
    unit = pa.scalar(Decimal(1).scaleb(-places))
    return pc.multiply(whole.cast(pa.decimal128(19, 0)), unit).cast(pa.decimal128(18, places))


def money(cents, keep=None):
    """Decimals from whole cents; null where `keep` is false."""
    return decimals(pa.array(cents, mask=None if keep is None else ~keep), 2)


def names_of(codes, names):
    return pa.array(names, type=pa.string()).take(nullable(codes))


# The calendar

def make_calendar():
    """How busy each day is, the sale running on it, and a clock that runs faster on busy days."""
    dates = FIRST_DAY + np.arange(DAYS)
    month = dates.astype("M8[M]").astype(int) % 12
    weekday = (dates.astype(int) + 3) % 7
    busy = np.array(MONTH_PERCENT)[month] * np.array(WEEKDAY_PERCENT)[weekday] * 100
    markdown = np.zeros(DAYS, dtype=np.int64)
    is_opening_week = np.zeros(DAYS, dtype=bool)
    for *_, first, last, _, percent, busyness in SALES:
        days = (dates >= np.datetime64(first)) & (dates <= np.datetime64(last))
        busy[days] = busy[days] * busyness // 100
        markdown[days] = percent
        is_opening_week |= (dates >= np.datetime64(first)) & (dates < np.datetime64(first) + 7)
    clock = np.concatenate([[0], np.cumsum(busy)])
    return SimpleNamespace(
        dates=dates, busy=busy, markdown=markdown, is_opening_week=is_opening_week, clock=clock,
        clock_per_day=clock[-1] // DAYS,
    )


def make_rates():
    """Weekly exchange rates, in millionths of a euro: a row per Monday, a column per currency."""
    rng = dice("rates")
    mondays = np.arange(np.datetime64("2023-06-26"), LAST_DAY, 7)
    steps = rng.integers(-80, 81, size=(len(mondays), len(CURRENCIES)))  # in 1/10,000 of the first rate
    steps[:, 0] = 0
    return mondays, np.array(FIRST_RATES) * (10_000 + np.cumsum(steps, axis=0) // 2) // 10_000


# People

def make_people(calendar):
    """Everybody who ever buys or registers, in the order in which they first appear."""
    rng = dice("people")
    kind = rng.permutation(np.repeat(np.arange(len(PEOPLE_OF_KIND)), PEOPLE_OF_KIND))
    growth = 75 + np.arange(DAYS) * 50 // DAYS
    rhythm = weighted(rng, RHYTHMS[:, 0], PEOPLE)
    rhythm[(kind == GUEST) & chance(rng, 75, PEOPLE)] = ONE_OFF
    category = rng.permuted(np.tile(np.arange(len(CATEGORIES)), (PEOPLE, 1)), axis=1)
    people = SimpleNamespace(
        kind=kind,
        has_account=kind != GUEST,
        join_day=np.sort(weighted(rng, calendar.busy * growth, PEOPLE)),
        mean_gap=gamma_days(rng, 5, RHYTHMS[rhythm, 1]),
        gap_shape=RHYTHMS[rhythm, 2],
        leave_percent=RHYTHMS[rhythm, 3],
        country=weighted(rng, [country[0] for country in COUNTRIES.values()], PEOPLE),
        first_name=rng.integers(len(FIRST_NAMES), size=PEOPLE),
        channel=np.where(chance(rng, 96, PEOPLE), weighted(rng, ACQUISITION_WEIGHTS, PEOPLE), -1),
        favourites=category[:, :2],
        price_rank=(rng.integers(PER_CATEGORY, size=PEOPLE) + rng.integers(PER_CATEGORY, size=PEOPLE)) // 2,
        likes_discounts=chance(rng, 30, PEOPLE),
        is_grumpy=chance(rng, 20, PEOPLE),
        likes_email=chance(rng, 38, PEOPLE),
        habit=weighted(rng, VISIT_HABITS[:, 0].astype(int), PEOPLE),
        devices=1 + weighted(rng, (60, 32, 8), PEOPLE),
    )
    currency_of_country = [CURRENCIES.index(country[1]) for country in COUNTRIES.values()]
    people.currency = np.array(currency_of_country)[people.country]
    people.email = make_emails(rng, people)
    return people


def make_emails(rng, people):
    """An address per person; a few people of every kind share the mailbox of an office."""
    last_name = rng.integers(len(LAST_NAMES), size=PEOPLE)
    ending = rng.integers(3, size=PEOPLE)
    emails = [
        f"{FIRST_NAMES[first]}.{LAST_NAMES[last]}{number}@example.{('com', 'net', 'org')[end]}".lower()
        for number, (first, last, end) in enumerate(zip(people.first_name, last_name, ending))
    ]
    for number, person in enumerate(rng.permutation(PEOPLE)[:SHARED_MAILBOXES]):
        emails[person] = ("info@example.com", "Info@Example.com ")[number % 2]
    return np.array(emails, dtype=object)


def make_purchases(calendar, people):
    """Who buys when: a person and a second per purchase. Also notes the day on which each person's interest ended."""
    rng = dice("purchases")
    delay = np.where(chance(rng, 70, PEOPLE), 0, gamma_days(rng, 1, 35, PEOPLE))
    ticks = calendar.clock[people.join_day] + delay * calendar.clock_per_day
    people.gone_day = np.minimum(people.join_day + gamma_days(rng, 1, 90, PEOPLE), DAYS)
    buying = np.flatnonzero((people.kind != LEAD) & (ticks < calendar.clock[-1]))
    buyers, days = [], []
    while len(buying):
        day = np.searchsorted(calendar.clock, ticks[buying], side="right") - 1
        buyers.append(buying)
        days.append(day)
        stays = ~chance(rng, people.leave_percent[buying], len(buying))
        people.gone_day[buying] = np.where(stays, DAYS, np.minimum(DAYS, day + gamma_days(rng, 2, 40, len(buying))))
        buying = buying[stays]
        ticks[buying] += gamma_days(rng, people.gap_shape[buying], people.mean_gap[buying]) * calendar.clock_per_day
        buying = buying[ticks[buying] < calendar.clock[-1]]
    person, day = np.concatenate(buyers), np.concatenate(days)
    second = day * DAY + time_of_day(rng, len(day))
    order = np.lexsort((person, second))
    return person[order], second[order]


def make_accounts(people, buyer, bought_at):
    """One account per person who is not a guest, and a second one for a few."""
    rng = dice("accounts")
    created = people.join_day * DAY + time_of_day(rng, PEOPLE)
    first_buyers, first = np.unique(buyer, return_index=True)
    created[first_buyers] = np.minimum(created[first_buyers], np.maximum(bought_at[first] - 5 * 60, 0))
    late = people.kind == LATE_REGISTRANT
    created[late] = np.minimum(created[late] + rng.integers(20, 300, size=late.sum()) * DAY, END - HOUR)
    owner = np.flatnonzero(people.has_account)
    twice = np.sort(rng.choice(owner[people.join_day[owner] < DAYS - 60], SECOND_ACCOUNTS, replace=False))
    second_created = (created[twice] + END) // 2
    person = np.concatenate([owner, twice])
    created_at = np.concatenate([created[owner], second_created])
    is_second = np.arange(len(person)) >= len(owner)
    order = np.argsort(created_at, kind="stable")
    accounts = SimpleNamespace(person=person[order], created_at=created_at[order], is_second=is_second[order])
    for name, rows in (("first_account", ~accounts.is_second), ("second_account", accounts.is_second)):
        of_person = np.full(PEOPLE, -1)
        of_person[accounts.person[rows]] = np.flatnonzero(rows)
        setattr(people, name, of_person)
    return accounts


def account_at(people, accounts, person, second):
    """The account that a person uses at a time; -1 while there is none."""
    first, later = people.first_account[person], people.second_account[person]
    has_first = (first >= 0) & (accounts.created_at[first] <= second)
    has_second = (later >= 0) & (accounts.created_at[later] <= second)
    return np.where(has_second, later, np.where(has_first, first, -1))


def choose_products(rng, people, person):
    """A product for each person named: mostly of a favourite category, and near the usual price level."""
    kind = weighted(rng, (55, 25, 20), len(person))
    anything = rng.integers(len(CATEGORIES), size=len(person))
    category = np.choose(kind, [people.favourites[person, 0], people.favourites[person, 1], anything])
    rank = np.clip(people.price_rank[person] + rng.integers(-12, 13, size=len(person)), 0, PER_CATEGORY - 1)
    return category * PER_CATEGORY + rank


# Orders

def make_products():
    rng = dice("products")
    low, high = np.repeat(np.array(list(CATEGORIES.values())), PER_CATEGORY, axis=0).T
    rank = np.tile(np.arange(PER_CATEGORY), len(CATEGORIES))
    price = (low + (high - low) * rank**2 // (PER_CATEGORY - 1) ** 2) * 100 + 90  # euro cents
    cost = price * rng.integers(35, 60, size=len(price)) // 100
    cost[rng.permutation(len(cost))[:2]] *= -1
    updated_at = rng.integers(-90, 0, size=len(price)) * DAY
    return SimpleNamespace(price=price, cost=cost, has_cost=chance(rng, 99, len(price)), updated_at=updated_at)


def make_orders(calendar, people, accounts, buyer, bought_at, rates):
    """The head of each order. Young orders are pending or paid, older ones fulfilled; some are cancelled."""
    rng = dice("orders")
    size = len(buyer)
    age = (END - bought_at) // DAY
    status = np.where(age < 4, "paid", "fulfilled")
    status = np.where(chance(rng, np.where(age < 3, 30, 0.3), size), "pending", status)
    status = np.where(chance(rng, 4, size), "cancelled", status)
    account = account_at(people, accounts, buyer, bought_at)
    account[chance(rng, 5, size)] = -1  # forgot to log in
    currency = people.currency[buyer]
    week = np.searchsorted(rates[0], calendar.dates[bought_at // DAY], side="right") - 1
    return SimpleNamespace(
        person=buyer, ordered_at=bought_at, status=status, account=account, currency=currency,
        rate=rates[1][week, currency],
        markdown=calendar.markdown[bought_at // DAY],
        has_coupon=chance(rng, np.where(people.likes_discounts[buyer], 14, 3), size),
        is_nameless=chance(rng, 0.15, size),  # taken by telephone: neither account nor email
        is_unknown_account=chance(rng, 0.1, size),
        is_test=chance(rng, 0.1, size),
        updated_at=np.minimum(bought_at + rng.integers(1, 5 * 24, size=size) * HOUR, END - 1),
    )


def make_lines(people, products, orders):
    """One to several lines per order, in the currency of the order; also sets the discount of each order."""
    rng = dice("lines")
    order = repeat_counts(1 + np.minimum(rng.poisson(1.3, len(orders.person)), 7))
    size = len(order)
    product = choose_products(rng, people, orders.person[order])
    list_price = products.price[product] * 1_000_000 // orders.rate[order]
    markdown = orders.markdown[order] * chance(rng, 70, size)
    price = list_price * (100 - markdown) // 100
    quantity = 1 + weighted(rng, (88, 9, 3), size)
    has_discount = chance(rng, np.where(people.likes_discounts[orders.person[order]], 10, 2), size)
    discount = price * quantity * has_discount * 15 // 100
    net = price * quantity - discount
    orders.net = np.bincount(order, weights=net).astype(np.int64)
    orders.discount = orders.net * orders.has_coupon // 10
    orders.net -= orders.discount
    return SimpleNamespace(
        order=order, quantity=quantity, price=price, discount=discount, net=net,
        product=np.where(chance(rng, 99.9, size), product, -1),
        list_price=np.where(chance(rng, 0.02, size), -1, list_price), has_list_price=chance(rng, 92, size),
    )


def make_campaign_purchases(people, accounts, orders):
    """Purchases that campaigns bring: of the treated who had bought nothing for one to eight months."""
    rng = dice("campaigns")
    buyers, times = [], []
    for campaign, _, starts_on, ends_on, holdout, effect in CAMPAIGNS:
        first, last = ((np.datetime64(day) - FIRST_DAY).astype(int) * DAY for day in (starts_on, ends_on))
        bought_at = np.full(PEOPLE, -NEVER)
        before = orders.ordered_at < first
        np.maximum.at(bought_at, orders.person[before], orders.ordered_at[before])
        is_quiet = (bought_at < first - 30 * DAY) & (bought_at > first - 240 * DAY) & (people.first_account >= 0)
        digits = (hashlib.sha256(f"{campaign}:C{account:05}".encode()).hexdigest()[:8] for account in people.first_account)
        is_treated = np.array([int(text, 16) % 10_000 >= 100 * holdout for text in digits])
        buyer = np.flatnonzero(is_quiet & is_treated & chance(rng, effect, PEOPLE))
        day = first // DAY + rng.integers((last - first) // DAY + 1, size=len(buyer))
        buyers.append(buyer)
        times.append(day * DAY + time_of_day(rng, len(buyer)))
    return np.concatenate(buyers), np.concatenate(times)


def make_refunds(orders, lines):
    """Lines sent back (each named), whole orders, and small amounts for goodwill."""
    rng = dice("refunds")
    can_refund = np.isin(orders.status, ("paid", "fulfilled"))
    kind = np.where(can_refund & chance(rng, 12, len(can_refund)), weighted(rng, (60, 25, 15), len(can_refund)), -1)
    may_return = (kind[lines.order] == 0) & (orders.discount[lines.order] == 0)
    by_line = np.flatnonzero(may_return & chance(rng, 60, len(may_return)))
    by_order = np.flatnonzero(kind > 0)
    share = np.where(kind[by_order] == 1, 100, rng.integers(10, 30, size=len(by_order)))
    refund = SimpleNamespace(
        order=np.concatenate([lines.order[by_line], by_order]),
        line=np.concatenate([by_line, np.full(len(by_order), -1)]),
        amount=np.concatenate([lines.net[by_line], orders.net[by_order] * share // 100]),
    )
    refund.refunded_at = orders.ordered_at[refund.order] + rng.integers(3 * DAY, 35 * DAY, size=len(refund.order))
    kept = np.flatnonzero((refund.refunded_at < END) & (refund.amount > 0))
    kept = kept[np.argsort(refund.refunded_at[kept], kind="stable")]
    return SimpleNamespace(**{name: column[kept] for name, column in vars(refund).items()})


# Email

def make_consent(people, accounts):
    """What each account answered, and when. A second account has never been asked."""
    rng = dice("consent")
    size = len(accounts.person)
    delay = np.where(chance(rng, 78, size), 0, rng.integers(DAY, 250 * DAY, size=size))
    accounts.consent = weighted(rng, CONSENT_WEIGHTS, size)
    accounts.consent_at = accounts.created_at + delay
    accounts.consent[accounts.is_second | (accounts.consent_at >= END)] = CONSENTS.index("never")


def make_email_events(calendar, people, accounts):
    """A campaign every Thursday. Whoever unsubscribes, complains or cannot be reached gets no more of them."""
    rng = dice("email")
    stopped_at = np.full(len(accounts.person), NEVER)
    subscribed_at = np.where(accounts.consent == 0, accounts.consent_at, NEVER)
    gone_at = people.gone_day[accounts.person] * DAY
    blocks = []
    for campaign, day in enumerate(range(FIRST_THURSDAY, DAYS, 7)):
        sent_at = day * DAY + 10 * HOUR
        percent = 90 if calendar.is_opening_week[day] else PERCENT_MAILED
        is_chosen = chance(rng, percent, len(stopped_at))
        mailed = np.flatnonzero(is_chosen & (subscribed_at < sent_at) & (stopped_at > sent_at))
        luck = rng.random((len(mailed), 5)) * 100
        click_percent = np.where(people.likes_email[accounts.person[mailed]], 20, 1)
        click_percent = np.where(gone_at[mailed] > sent_at, click_percent, click_percent * 0.35)
        is_bounced = luck[:, 0] < 0.15
        is_clicked = ~is_bounced & (luck[:, 1] < click_percent)
        happened = {
            SENT: mailed, BOUNCE: mailed[is_bounced], DELIVERED: mailed[~is_bounced], CLICK: mailed[is_clicked],
            OPEN: mailed[is_clicked | (~is_bounced & (luck[:, 2] < 28))],
            UNSUBSCRIBE: mailed[~is_bounced & (luck[:, 3] < 0.25)],
            COMPLAINT: mailed[~is_bounced & (luck[:, 4] < 0.02)],
        }
        for kind, account in happened.items():
            second = sent_at + email_delay(rng, kind, len(account))
            blocks.append((account, np.full_like(account, campaign), np.full_like(account, kind), second))
            if kind in (UNSUBSCRIBE, BOUNCE, COMPLAINT):
                stopped_at[account] = second
            if kind == UNSUBSCRIBE:
                noted = account[chance(rng, 85, len(account))]  # the others are known from the event alone
                accounts.consent[noted], accounts.consent_at[noted] = 1, stopped_at[noted]
    account, campaign, kind, second = np.concatenate(blocks, axis=1)
    order = np.lexsort((kind, account, second))
    return SimpleNamespace(
        account=account[order], campaign=campaign[order], kind=kind[order], occurred_at=second[order]
    )


def email_delay(rng, kind, size):
    """Seconds after the sending: none, under a minute for what machines do, hours for what people do."""
    if kind == SENT:
        return np.zeros(size, dtype=np.int64)
    if kind in (DELIVERED, BOUNCE):
        return rng.integers(5, 60, size=size)
    return rng.integers(2, 60, size=size) ** 2 * 20


# Visits

def interest_visits(rng, calendar, people):
    """Visits of people while they are interested; the first year was tracked sparsely."""
    habit = VISIT_HABITS[people.habit]
    start = np.maximum(people.join_day, people.gone_day - habit[:, 2].astype(int))
    person = repeat_counts(rng.poisson((people.gone_day - start) * habit[:, 1] / 30))
    tick = rng.integers(calendar.clock[start[person]], calendar.clock[people.gone_day[person]])
    day = np.searchsorted(calendar.clock, tick, side="right") - 1
    kept = chance(rng, np.minimum(100, 15 + 90 * day // DAYS), len(day))
    return person[kept], day[kept] * DAY + time_of_day(rng, kept.sum())


def make_sessions(calendar, people, accounts, orders, emails):
    """Visits that led to an order, came from interest or from an email, and those of strangers and bots."""
    rng = dice("sessions")
    ordering = np.flatnonzero(chance(rng, PERCENT_WITH_VISIT, len(orders.person)))
    clicks = np.flatnonzero((emails.kind == CLICK) & (emails.occurred_at < END))
    interested, interest_at = interest_visits(rng, calendar, people)
    sizes = (len(ordering), len(interested), len(clicks), STRANGER_VISITS, BOT_VISITS)
    others = STRANGER_VISITS + BOT_VISITS
    sessions = SimpleNamespace(
        cause=np.repeat(np.arange(5), sizes),
        order=np.concatenate([ordering, np.full(sum(sizes[1:]), -1)]),
        person=np.concatenate([
            orders.person[ordering], interested, accounts.person[emails.account[clicks]], np.full(others, -1),
        ]),
        started_at=np.concatenate([
            orders.ordered_at[ordering] - rng.integers(900, 2700, size=len(ordering)),
            interest_at,
            emails.occurred_at[clicks] + 2,
            weighted(rng, calendar.busy * (15 + 90 * np.arange(DAYS) // DAYS), others) * DAY + time_of_day(rng, others),
        ]),
    )
    order = np.argsort(sessions.started_at, kind="stable")
    sessions = SimpleNamespace(**{name: column[order] for name, column in vars(sessions).items()})
    identify_visitors(rng, people, accounts, orders, sessions)
    return sessions


def identify_visitors(rng, people, accounts, orders, sessions):
    """Which device was used, and whether its user was logged in."""
    size = len(sessions.person)
    is_known = sessions.person >= 0
    sessions.device = np.where(is_known, rng.integers(people.devices[sessions.person]), weighted(rng, (6, 3, 1), size))
    owner = sessions.person.copy()
    shared = (owner % 90 == 1) & (sessions.device == 0)  # these use the telephone of the person before them in the list
    owner[shared] -= 1
    stranger = PEOPLE + rng.integers(STRANGER_VISITS // 2, size=size)
    sessions.visitor = np.where(is_known, owner, stranger) * 3 + sessions.device
    logged_in = account_at(people, accounts, sessions.person, sessions.started_at)
    logged_in = np.where(sessions.order >= 0, orders.account[sessions.order], logged_in)
    may_log_in = is_known & ((sessions.order >= 0) | chance(rng, 55, size))
    sessions.account = np.where(may_log_in, logged_in, -1)
    sessions.channel = np.where(sessions.cause == BY_EMAIL, CHANNELS.index("email"), weighted(rng, VISIT_WEIGHTS, size))
    sessions.channel[chance(rng, 1, size)] = -1


def make_web_events(people, orders, lines, sessions):
    """What happens in the sessions: all of it within 14 minutes, and before the order, if there is one."""
    rng = dice("web")
    size = len(sessions.cause)
    views = np.zeros(size, dtype=np.int64)
    for cause, weights in enumerate(VIEW_WEIGHTS):
        rows = sessions.cause == cause
        views[rows] = weighted(rng, weights, rows.sum())
    is_browsing = (sessions.cause == BY_INTEREST) | (sessions.cause == BY_EMAIL)
    clicks = chance(rng, np.where(sessions.cause == BY_BOT, 0, 6), size)
    carts = chance(rng, np.where(is_browsing, 11, np.where(sessions.cause == BY_STRANGER, 3, 0)), size)
    added = carts * (1 + weighted(rng, (7, 3), size))
    emptied = carts & chance(rng, 20, size)
    checked_out = (sessions.cause == BY_ORDER) | (carts & ~emptied & chance(rng, 35, size))
    session_of_order = np.full(len(orders.person), -1)
    session_of_order[sessions.order[sessions.order >= 0]] = np.flatnonzero(sessions.order >= 0)
    bought = np.flatnonzero((session_of_order[lines.order] >= 0) & (lines.product >= 0))
    carted = repeat_counts(added)
    cart_products = choose_products(rng, people, taste_of(rng, sessions.person[carted]))
    return join_events(rng, people, sessions, (
        (VIEW, repeat_counts(views), None),
        (RECOMMENDATION, np.flatnonzero(clicks), None),
        (WISH, np.flatnonzero(chance(rng, 1, size)), None),
        (ADD, session_of_order[lines.order[bought]], lines.product[bought]),
        (ADD, carted, cart_products),
        (REMOVE, carted[emptied[carted]], cart_products[emptied[carted]]),
        (CHECKOUT, np.flatnonzero(checked_out), -1),
    ))


def taste_of(rng, person):
    """Strangers have the taste of anybody."""
    return np.where(person >= 0, person, rng.integers(PEOPLE, size=len(person)))


def join_events(rng, people, sessions, blocks):
    """One list from blocks of (event type, sessions, products), in the order of time."""
    session, kind, product, second = [], [], [], []
    for event_type, rows, products in blocks:
        if products is None:
            products = choose_products(rng, people, taste_of(rng, sessions.person[rows]))
        session.append(rows)
        kind.append(np.full(len(rows), event_type))
        product.append(np.broadcast_to(products, len(rows)))
        second.append(sessions.started_at[rows] + rng.integers(*EVENT_SECONDS[event_type], size=len(rows)))
    session, kind, product, second = (np.concatenate(parts) for parts in (session, kind, product, second))
    order = np.lexsort((kind, session, second))
    return SimpleNamespace(session=session[order], kind=kind[order], product=product[order], occurred_at=second[order])


# Tables

def customers_table(people, accounts):
    """One row per account. A second account writes the email in its own way."""
    rng = dice("customers")
    person, size = accounts.person, len(accounts.person)
    country = people.country[person]
    cities = [cities for _, _, cities, _ in COUNTRIES.values()]
    any_city = rng.integers(60, size=size)
    email = people.email[person].astype(str)
    email = np.where(accounts.is_second, np.char.title(email), email)
    born = np.datetime64("1948-01-01") + rng.integers(0, 58 * 365, size=size)
    birth_date = np.where(chance(rng, 0.5, size), "31.02.1980", born.astype(str)).astype(object)
    birth_date[~chance(rng, 60, size)] = None
    answered = accounts.consent != CONSENTS.index("never")
    consent_at = utc(accounts.consent_at)
    last_known_change = np.maximum(accounts.created_at, accounts.consent_at * answered)
    return pa.table({
        "customer_id": ids("C", np.arange(size), 5),
        "email": pa.array([None if missing else text for text, missing in zip(email.tolist(), chance(rng, 0.5, size))]),
        "phone": pa.array(make_phones(rng, country)),
        "first_name": names_of(people.first_name[person], FIRST_NAMES),
        "birth_date": pa.array(birth_date, type=pa.string()),
        "country_code": names_of(country, list(COUNTRIES)),
        "city": pa.array([cities[place][draw % len(cities[place])] for place, draw in zip(country, any_city)]),
        "created_at": utc(accounts.created_at),
        "acquisition_channel": names_of(people.channel[person], CHANNELS),
        "email_consent": names_of(accounts.consent, CONSENTS),
        "email_consent_at": pc.if_else(pa.array(answered), consent_at, pa.scalar(None, consent_at.type)),
        "is_test": pa.array(people.kind[person] == TESTER),
        "updated_at": utc(np.minimum(last_known_change + rng.integers(200, size=size) * DAY, END - 1)),
    })


def make_phones(rng, country):
    """Numbers set aside for fiction, for half of the accounts where a country has any; some were typed badly."""
    ranges = [numbers for *_, numbers in COUNTRIES.values()]
    size = len(country)
    draws = zip(country, rng.integers(1 << 30, size=size), chance(rng, 50, size), chance(rng, 0.5, size))
    phones = []
    for place, draw, is_given, is_bad in draws:
        numbers = ranges[place]
        if numbers is None or not is_given:
            phones.append(None)
        elif is_bad:
            phones.append("call the office")
        else:
            prefix, first, last, digits = numbers
            phones.append(f"{prefix}{first + draw % (last - first + 1):0{digits}}")
    return phones


def products_table(products):
    number = np.arange(len(products.price))
    category = names_of(number // PER_CATEGORY, list(CATEGORIES))
    rank = pa.array(number % PER_CATEGORY + 1).cast(pa.string())
    return pa.table({
        "product_id": ids("P", number, 4),
        "product_name": pc.binary_join_element_wise(category, rank, " no. "),
        "category": category,
        "price": money(products.price),
        "unit_cost": money(products.cost, products.has_cost),
        "updated_at": utc(products.updated_at),
    })


def orders_table(people, orders, first_id=0):
    rng = dice("order heads")
    size = len(orders.person)
    account = np.where(orders.is_unknown_account, 90_000 + np.arange(size) % 1000, orders.account)
    has_email = ~orders.is_nameless & ~orders.is_unknown_account & ((orders.account < 0) | chance(rng, 90, size))
    emails = pa.array(people.email, type=pa.string())
    return pa.table({
        "order_id": ids("O", first_id + np.arange(size), 6),
        "customer_id": ids("C", np.where(orders.is_nameless, -1, account), 5),
        "email": emails.take(nullable(np.where(has_email, orders.person, -1))),
        "ordered_at": utc(orders.ordered_at),
        "status": pa.array(orders.status),
        "currency": names_of(orders.currency, CURRENCIES),
        "discount_amount": money(orders.discount, orders.discount > 0),
        "is_test": pa.array(orders.is_test),
        "updated_at": utc(orders.updated_at),
    })


def order_lines_table(orders, lines, first_id=0):
    return pa.table({
        "order_line_id": ids("L", first_id + np.arange(len(lines.order)), 6),
        "order_id": ids("O", first_id + lines.order, 6),
        "product_id": ids("P", lines.product, 4),
        "quantity": pa.array(lines.quantity.astype(np.int32)),
        "unit_price": money(lines.price),
        "list_price": money(lines.list_price, lines.has_list_price),
        "discount_amount": money(lines.discount, lines.discount > 0),
        "updated_at": utc(orders.updated_at[lines.order]),
    })


def refunds_table(refunds):
    return pa.table({
        "refund_id": ids("R", np.arange(len(refunds.order)), 5),
        "order_id": ids("O", refunds.order, 6),
        "order_line_id": ids("L", refunds.line, 6),
        "refunded_at": utc(refunds.refunded_at),
        "amount": money(refunds.amount),
        "updated_at": utc(refunds.refunded_at + HOUR),
    })


def sessions_table(sessions):
    rng = dice("session heads")
    size = len(sessions.person)
    is_deleted = (sessions.account >= 0) & chance(rng, 0.1, size)  # the account is not known any more
    return pa.table({
        "session_id": ids("S", np.arange(size), 6),
        "visitor_id": ids("V", sessions.visitor, 6),
        "customer_id": ids("C", np.where(is_deleted, 91_000, sessions.account), 5),
        "started_at": utc(sessions.started_at),
        "channel": names_of(sessions.channel, CHANNELS),
        "device": names_of(sessions.device, DEVICES),
        "is_bot": pa.array(sessions.cause == BY_BOT),
    })


def web_events_table(events):
    return pa.table({
        "event_id": ids("W", np.arange(len(events.kind)), 7),
        "session_id": ids("S", events.session, 6),
        "event_type": names_of(events.kind, EVENT_TYPES),
        "product_id": ids("P", events.product, 4),
        "occurred_at": utc(events.occurred_at),
    })


def email_events_table(calendar, people, accounts, events):
    rng = dice("email heads")
    size = len(events.kind)
    known_by = weighted(rng, (90, 6, 4), size)  # both, customer id only, email only
    names = [f"newsletter-{date}" for date in calendar.dates[FIRST_THURSDAY::7]]
    emails = pa.array(people.email, type=pa.string())
    return pa.table({
        "event_id": ids("E", np.arange(size), 7),
        "customer_id": ids("C", np.where(known_by == 2, -1, events.account), 5),
        "email": emails.take(nullable(np.where(known_by == 1, -1, accounts.person[events.account]))),
        "campaign_id": names_of(events.campaign, names),
        "event_type": names_of(events.kind, EMAIL_TYPES),
        "occurred_at": utc(events.occurred_at),
    })


def reviews_table(people, orders, lines):
    """One order in eight is reviewed, by its first line, within four weeks; one person in five is hard to please."""
    rng = dice("reviews")
    size = len(orders.person)
    reviewed_at = orders.ordered_at + rng.integers(7 * DAY, 28 * DAY, size=size)
    may_review = (orders.status == "fulfilled") & (orders.account >= 0) & (reviewed_at < END)
    order = np.flatnonzero(may_review & chance(rng, 12.5, size))
    order = order[np.argsort(reviewed_at[order], kind="stable")]
    happy, grumpy = (1 + weighted(rng, weights, len(order)) for weights in ((2, 4, 10, 34, 50), (25, 25, 25, 15, 10)))
    first_line = np.searchsorted(lines.order, order)
    return pa.table({
        "review_id": ids("RV", np.arange(len(order)), 5),
        "customer_id": ids("C", orders.account[order], 5),
        "order_id": ids("O", order, 6),
        "product_id": ids("P", lines.product[first_line], 4),
        "rating": pa.array(np.where(people.is_grumpy[orders.person[order]], grumpy, happy).astype(np.int32)),
        "reviewed_at": utc(reviewed_at[order]),
    })


def marketing_spend_table(calendar, people, orders):
    """Daily invoices. What a month costs follows from the new buyers that it brought, and new buyers get dearer."""
    rng = dice("marketing")
    month = calendar.dates.astype("M8[M]").astype(int)
    month -= month[0]
    first_buyers, first = np.unique(np.where(orders.status == "cancelled", PEOPLE, orders.person), return_index=True)
    first, first_buyers = first[first_buyers < PEOPLE], first_buyers[first_buyers < PEOPLE]
    days, channels, cents = [], [], []
    for channel, (currency, cost, rise) in SPEND.items():
        is_theirs = people.has_account[first_buyers] & (people.channel[first_buyers] == CHANNELS.index(channel))
        new_buyers = np.bincount(month[orders.ordered_at[first[is_theirs]] // DAY], minlength=month[-1] + 1)
        monthly = np.maximum(new_buyers, 3) * (cost + rise * np.arange(len(new_buyers)))
        monthly = monthly * 1_000_000 // FIRST_RATES[CURRENCIES.index(currency)]
        days.append(calendar.dates)
        channels += [channel] * DAYS
        cents.append(monthly[month] // 30 * rng.integers(85, 116, size=DAYS) // 100)
    return pa.table({
        "spend_date": pa.array(np.concatenate(days)),
        "channel": pa.array(channels),
        "amount": money(np.concatenate(cents)),
        "currency": pa.array([SPEND[channel][0] for channel in channels]),
    })


def exchange_rates_table(rates):
    mondays, millionths = rates
    others = len(CURRENCIES) - 1
    return pa.table({
        "rate_date": pa.array(np.repeat(mondays, others)),
        "currency": pa.array(list(CURRENCIES[1:]) * len(mondays)),
        "rate": decimals(pa.array(millionths[:, 1:].ravel()), 6),
    })


# Dirt

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
    parts = [table]
    for number, (column, value, rows) in enumerate(BAD_ROWS[name]):
        bad = table.take(rng.integers(len(table), size=rows))
        if table.schema.field(0).type == pa.string():
            fresh_keys = np.array([f"bad-{number}-{row}" for row in range(rows)], dtype=object)
            bad = replaced(bad, table.column_names[0], fresh_keys)
        parts.append(replaced(bad, column, value))
    return pa.concat_tables(parts)


def with_dirt(name, table):
    rng = dice("dirt of " + name)
    table = with_loaded_at(rng, table)
    if name != "marketing_spend":  # it has no key: each of its rows counts
        table = add_redelivered(rng, name, table)
    return add_bad_rows(rng, name, table)


# The shop

def make_tables():
    """The raw tables by name, one after the other, each with the rows that no dirt falls on if it has any."""
    calendar, rates = make_calendar(), make_rates()
    people = make_people(calendar)
    buyer, bought_at = make_purchases(calendar, people)
    accounts = make_accounts(people, buyer, bought_at)
    products = make_products()
    orders = make_orders(calendar, people, accounts, buyer, bought_at, rates)
    lines = make_lines(people, products, orders)
    make_consent(people, accounts)
    emails = make_email_events(calendar, people, accounts)
    sessions = make_sessions(calendar, people, accounts, orders, emails)
    extra_orders = make_orders(calendar, people, accounts, *make_campaign_purchases(people, accounts, orders), rates)
    extra_lines = make_lines(people, products, extra_orders)
    yield "customers", customers_table(people, accounts)
    yield "products", products_table(products)
    # What campaigns brought stays clean, so that the rest of the shop is what it would be without them.
    yield "orders", orders_table(people, orders), orders_table(people, extra_orders, EXTRA_ID)
    yield "order_lines", order_lines_table(orders, lines), order_lines_table(extra_orders, extra_lines, EXTRA_ID)
    yield "refunds", refunds_table(make_refunds(orders, lines))
    yield "sessions", sessions_table(sessions)
    yield "web_events", web_events_table(make_web_events(people, orders, lines, sessions))
    yield "email_events", email_events_table(calendar, people, accounts, emails)
    yield "reviews", reviews_table(people, orders, lines)
    yield "marketing_spend", marketing_spend_table(calendar, people, orders)
    yield "exchange_rates", exchange_rates_table(rates)


def sale_campaigns_table():
    names = ("sale_campaign_id", "sale_name", "starts_on", "ends_on", "prior_sale_campaign_id")
    return pa.table({name: pa.array([sale[column] for sale in SALES]) for column, name in enumerate(names)})


def marketing_campaigns_table():
    names = ("marketing_campaign_id", "segment", "starts_on", "ends_on", "holdout_percent")
    return pa.table({name: pa.array([campaign[column] for campaign in CAMPAIGNS]) for column, name in enumerate(names)})


def write_shop(directory):
    for name, table, *clean in make_tables():
        table = with_dirt(name, table)
        rng = dice("late rows of " + name)
        table = pa.concat_tables([table, *(with_loaded_at(rng, rows) for rows in clean)])
        pq.write_table(table, directory / f"{name}.parquet", compression="zstd")
        print(f"{name:<20}{len(table):>10,} rows", flush=True)
    for name, table in (("sale_campaigns", sale_campaigns_table()), ("marketing_campaigns", marketing_campaigns_table())):
        pyarrow.csv.write_csv(table, directory / f"{name}.csv", pyarrow.csv.WriteOptions(quoting_style="none"))
        print(f"{name:<20}{len(table):>10,} rows")


def main():
    parser = argparse.ArgumentParser(description="Simulate the demo shop and write its raw tables.")
    parser.add_argument("output_dir", type=Path, help="the directory to write; a former demo shop there is replaced")
    output = parser.parse_args().output_dir.resolve()
    ours = {f"{name}.parquet" for name in BAD_ROWS} | {"sale_campaigns.csv", "marketing_campaigns.csv"}
    others = sorted(path.name for path in output.iterdir() if path.name not in ours) if output.exists() else []
    if others:
        sys.exit(f"{output} holds other files ({', '.join(others[:3])}); give the demo shop a directory of its own")
    output.parent.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    with tempfile.TemporaryDirectory(prefix=f".{output.name}-", dir=output.parent) as work:
        fresh = Path(work) / "fresh"
        fresh.mkdir()
        write_shop(fresh)
        if output.exists():
            output.rename(Path(work) / "former")
        fresh.rename(output)


if __name__ == "__main__":
    main()
