"""The campaigns of the demo, with holdouts, and the purchases that they bring."""

import hashlib

import numpy as np
import pyarrow as pa

from demo.calendar import DAY, FIRST_DAY, NEVER, time_of_day
from demo.drawing import chance, dice
from demo.people import PEOPLE

# id, segment, first and last day, percent held out, percent of the treated who buy because of it
CAMPAIGNS = (
    ("win-back-2026", "becoming_inactive", "2026-05-04", "2026-05-24", 30, 10),
    ("spring-news-2026", "discount_buyers", "2026-05-04", "2026-05-24", 20, 0),
)
# Of each: what a message costs, and what is offered beside it, in euros.
COSTS = (("0.05", "400.00"), ("0.05", None))
EXTRA_ID = 900_000  # from which on the orders that campaigns brought are numbered, and their lines


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
        digits = (
            hashlib.sha256(f"{campaign}:C{account:05}".encode()).hexdigest()[:8] for account in people.first_account
        )
        is_treated = np.array([int(text, 16) % 10_000 >= 100 * holdout for text in digits])
        buyer = np.flatnonzero(is_quiet & is_treated & chance(rng, effect, PEOPLE))
        day = first // DAY + rng.integers((last - first) // DAY + 1, size=len(buyer))
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
