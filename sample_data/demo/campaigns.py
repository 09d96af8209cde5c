"""The campaigns of the demo, with holdouts, and the purchases that they bring."""

import hashlib

import numpy as np
import pyarrow as pa

from demo.calendar import DAY, FIRST_DAY, NEVER, time_of_day
from demo.drawing import chance, dice
from demo.people import PEOPLE

# id, segment, first and last day, percent held out, percent of those treated whom it moves who buy because of it
CAMPAIGNS = (
    ("win-back-2026", "becoming_inactive", "2026-05-04", "2026-05-24", 30, 10),
    ("spring-news-2026", "discount_buyers", "2026-05-04", "2026-05-24", 20, 0),
    ("collection-2026", "category_repeat_buyers", "2026-05-04", "2026-05-24", 30, 30),
)
# Of each: what a message costs, and what is offered beside it, in euros.
COSTS = (("0.05", "400.00"), ("0.05", None), ("0.05", "300.00"))
EXTRA_ID = 900_000  # from which on the orders that campaigns brought are numbered, and their lines


def make_campaigns(people, orders):
    """Of each campaign its id, first and last day, who of the treated gets its mail, whom it may move, and the percent.

    The generator knows no segments: who gets the mail is about who is in the segment.
    """
    for campaign, _, starts_on, ends_on, holdout, effect in CAMPAIGNS:
        first, last = ((np.datetime64(day) - FIRST_DAY).astype(int) for day in (starts_on, ends_on))
        digits = (
            hashlib.sha256(f"{campaign}:C{account:05}".encode()).hexdigest()[:8] for account in people.first_account
        )
        is_treated = np.array([int(text, 16) % 10_000 >= 100 * holdout for text in digits])
        is_treated &= people.first_account >= 0
        is_mailed, is_moved = AUDIENCES[campaign](people, *past_purchases(orders, first * DAY))
        yield campaign, first, last, is_treated & is_mailed, is_treated & is_moved, effect


def past_purchases(orders, second):
    """Per person the days since the last order of two years, the number of these orders, and their average in cents."""
    kept = (orders.ordered_at < second) & (orders.ordered_at > second - 730 * DAY) & (orders.status != "cancelled")
    bought_at = np.full(PEOPLE, -NEVER)
    np.maximum.at(bought_at, orders.person[kept], orders.ordered_at[kept] - second)
    counts = np.bincount(orders.person[kept], minlength=PEOPLE)
    cents = orders.net[kept] * orders.rate[kept] // 1_000_000
    spent = np.bincount(orders.person[kept], weights=cents, minlength=PEOPLE).astype(np.int64)
    return -bought_at // DAY, counts, spent // np.maximum(counts, 1)


def quiet_ones(people, silent_days, counts, mean):
    """Who has bought nothing for one to nine months."""
    is_quiet = (silent_days >= 30) & (silent_days < 270)
    return is_quiet, is_quiet


def discount_lovers(people, silent_days, counts, mean):
    """Nobody is moved."""
    return people.likes_discounts & (silent_days < 365), np.zeros(PEOPLE, dtype=bool)


def returning_ones(people, silent_days, counts, mean):
    """Moved are those who spend more per order than two buyers of three."""
    spends_much = mean > np.sort(mean[counts > 0])[(counts > 0).sum() * 2 // 3]
    return (counts > 1) & (silent_days < 365), (silent_days < 365) & spends_much


AUDIENCES = {
    "win-back-2026": quiet_ones, "spring-news-2026": discount_lovers, "collection-2026": returning_ones,
}


def campaign_mails(people, accounts, orders):
    """The mail of each campaign, as emails.py takes it."""
    return [
        (campaign, first, is_mailed[accounts.person] & ~accounts.is_second)
        for campaign, first, _, is_mailed, *_ in make_campaigns(people, orders)
    ]


def make_campaign_purchases(people, orders):
    """Purchases that campaigns bring, of the treated whom they move."""
    rng = dice("campaigns")
    buyers, times = [], []
    for _, first, last, _, is_moved, effect in make_campaigns(people, orders):
        buyer = np.flatnonzero(is_moved & chance(rng, effect, PEOPLE))
        day = first + rng.integers(last - first + 1, size=len(buyer))
        buyers.append(buyer)
        times.append(day * DAY + time_of_day(rng, len(buyer)))
    return np.concatenate(buyers), np.concatenate(times)


def marketing_campaigns_table():
    """One row per campaign."""
    names = ("marketing_campaign_id", "segment", "starts_on", "ends_on", "holdout_percent")
    campaigns = pa.table({name: pa.array([one[column] for one in CAMPAIGNS]) for column, name in enumerate(names)})
    for column, name in enumerate(("cost_per_message", "offer_cost")):
        campaigns = campaigns.append_column(name, pa.array([costs[column] for costs in COSTS], type=pa.string()))
    return campaigns
