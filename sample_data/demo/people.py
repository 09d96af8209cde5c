"""Everybody who ever buys or registers in the demo, and who buys when."""

from types import SimpleNamespace

import numpy as np

from demo.calendar import DAY, DAYS, time_of_day
from demo.catalogue import CATEGORIES, OPENERS, PARTNER_OF, PER_CATEGORY, RIVAL_OF, STAPLE_RANKS
from demo.currencies import CURRENCIES
from demo.drawing import chance, dice, gamma_days, weighted

# Kinds of people, and how many of each. All but the guests have an account.
BUYER, LEAD, LATE_REGISTRANT, GUEST, TESTER = range(5)
PEOPLE_OF_KIND = (15_200, 4_180, 600, 4_000, 20)
PEOPLE = sum(PEOPLE_OF_KIND)
SHARED_MAILBOXES = 36  # people who all gave info@example.com

# Cadences of buyers: weight, mean days between purchases, shape of their gamma distribution (the larger, the steadier),
# percent who leave after a purchase
ONE_OFF = 0
CADENCES = np.array([(38, 120, 1, 84), (28, 145, 2, 40), (24, 70, 6, 28), (10, 31, 6, 14)])
PERCENT_STAYING_OF_SALE_WON = 14  # of those who would stay if they had not begun in a sale

# Habits of visitors: weight, visits in 30 days, over at most the last so many days of their interest
VISIT_HABITS = np.array([(47, 1.1, 2000), (38, 3.8, 2000), (11, 9, 2000), (4, 26, 100)])

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
FIRST_NAMES = (
    "Alex Alva Bo Charlie Dana Eli Emma Finn Flo Gabi Hanna Ida Jo Jona Kim Lea Lou Luca Maja Max Mika Mila Nico Noa "
    "Oda Paul Pia Robin Romy Sam Sascha Sina Sofia Tara Theo Toni Uli Vera Yuki Zoe"
).split()
LAST_NAMES = (
    "Baker Berg Bianchi Bloom Carter Dahl Dubois Fischer Green Hill Jansen Keller Lind Martin Meyer Moreau Noble "
    "Olsen Rossi Wolf"
).split()
CHANNELS = ("direct", "organic_search", "paid_search", "paid_social", "email", "affiliate", "referral")
ACQUISITION_WEIGHTS = (24, 24, 21, 17, 0, 6, 8)


def make_people(calendar):
    """Everybody who ever buys or registers, in the order in which they first appear."""
    rng = dice("people")
    kind = rng.permutation(np.repeat(np.arange(len(PEOPLE_OF_KIND)), PEOPLE_OF_KIND))
    growth = 75 + np.arange(DAYS) * 50 // DAYS
    cadence = weighted(rng, CADENCES[:, 0], PEOPLE)
    cadence[(kind == GUEST) & chance(rng, 75, PEOPLE)] = ONE_OFF
    category = rng.permuted(np.tile(np.arange(len(CATEGORIES)), (PEOPLE, 1)), axis=1)
    people = SimpleNamespace(
        kind=kind,
        has_account=kind != GUEST,
        join_day=np.sort(weighted(rng, calendar.busy * growth, PEOPLE)),
        mean_gap=gamma_days(rng, 5, CADENCES[cadence, 1]),
        gap_shape=CADENCES[cadence, 2],
        leave_percent=CADENCES[cadence, 3],
        country=weighted(rng, [country[0] for country in COUNTRIES.values()], PEOPLE),
        first_name=rng.integers(len(FIRST_NAMES), size=PEOPLE),
        channel=np.where(chance(rng, 96, PEOPLE), weighted(rng, ACQUISITION_WEIGHTS, PEOPLE), -1),
        favourites=make_favourites(rng, category),
        is_curious=chance(rng, 14, PEOPLE),
        staple=np.where(chance(rng, 45, PEOPLE), rng.integers(len(STAPLE_RANKS), size=PEOPLE), -1),
        opener=weighted(rng, [*(percent for _, percent, _ in OPENERS), 100 - sum(one[1] for one in OPENERS)], PEOPLE),
        price_rank=(rng.integers(PER_CATEGORY, size=PEOPLE) + rng.integers(PER_CATEGORY, size=PEOPLE)) // 2,
        likes_discounts=chance(rng, 30, PEOPLE),
        is_grumpy=chance(rng, 20, PEOPLE),
        likes_email=chance(rng, 38, PEOPLE),
        habit=weighted(rng, VISIT_HABITS[:, 0].astype(int), PEOPLE),
        devices=1 + weighted(rng, (60, 32, 8), PEOPLE),
    )
    currency_of_country = [CURRENCIES.index(country[1]) for country in COUNTRIES.values()]
    people.currency = np.array(currency_of_country)[people.country]
    people.last_name = rng.integers(len(LAST_NAMES), size=PEOPLE)
    people.email = make_emails(rng, people)
    return people


def make_favourites(rng, category):
    """Two favourite categories per person, from all in random order: often partners, never rivals."""
    first, second = category[:, 0], category[:, 1]
    second = np.where(RIVAL_OF[first] == second, category[:, 2], second)
    partner = PARTNER_OF[first]
    return np.stack([first, np.where((partner >= 0) & chance(rng, 50, PEOPLE), partner, second)], axis=1)


def make_emails(rng, people):
    """An address per person; a few people of every kind share the mailbox of an office."""
    ending = rng.integers(3, size=PEOPLE)
    emails = [
        f"{FIRST_NAMES[first]}.{LAST_NAMES[last]}{number}@example.{('com', 'net', 'org')[end]}".lower()
        for number, (first, last, end) in enumerate(zip(people.first_name, people.last_name, ending))
    ]
    for number, person in enumerate(rng.permutation(PEOPLE)[:SHARED_MAILBOXES]):
        emails[person] = ("info@example.com", "Info@Example.com ")[number % 2]
    return np.array(emails, dtype=object)


def make_purchases(calendar, people):
    """Who buys when: a person and a second per purchase. Also notes when each person's first purchase was, and the day
    on which their interest ended."""
    rng = dice("purchases")
    delay = np.where(chance(rng, 55, PEOPLE), 0, gamma_days(rng, 1, 35, PEOPLE))
    ticks = calendar.clock[people.join_day] + delay * calendar.clock_per_day
    people.gone_day = np.minimum(people.join_day + gamma_days(rng, 1, 90, PEOPLE), DAYS)
    buying = np.flatnonzero((people.kind != LEAD) & (ticks < calendar.clock[-1]))
    buyers, days = [], []
    leave_percent = first_leave_percent(calendar, people, np.searchsorted(calendar.clock, ticks, side="right") - 1)
    while len(buying):
        day = np.searchsorted(calendar.clock, ticks[buying], side="right") - 1
        buyers.append(buying)
        days.append(day)
        stays = ~chance(rng, leave_percent[buying], len(buying))
        leave_percent = people.leave_percent
        people.gone_day[buying] = np.where(stays, DAYS, np.minimum(DAYS, day + gamma_days(rng, 2, 40, len(buying))))
        buying = buying[stays]
        ticks[buying] += gamma_days(rng, people.gap_shape[buying], people.mean_gap[buying]) * calendar.clock_per_day
        buying = buying[ticks[buying] < calendar.clock[-1]]
    person, day = np.concatenate(buyers), np.concatenate(days)
    second = day * DAY + time_of_day(rng, len(day))
    order = np.lexsort((person, second))
    person, second = person[order], second[order]
    people.first_bought_at = np.full(PEOPLE, -1)
    people.first_bought_at[person[::-1]] = second[::-1]
    return person, second


def first_leave_percent(calendar, people, day):
    """Percent who leave after their first purchase, made on a day: it depends on what they came for, and on a sale."""
    percent = np.array([*(leaving for *_, leaving in OPENERS), 0])[people.opener]
    percent = np.where(people.opener < len(OPENERS), percent, people.leave_percent)
    is_sale_won = calendar.markdown[np.minimum(day, DAYS - 1)] > 0
    return np.where(is_sale_won, 100 - (100 - percent) * PERCENT_STAYING_OF_SALE_WON / 100, percent)
