"""What marketing costs in the demo."""

import numpy as np
import pyarrow as pa

from demo.calendar import DAY, DAYS
from demo.columns import money
from demo.currencies import CURRENCIES, FIRST_RATES
from demo.drawing import dice
from demo.people import CHANNELS, PEOPLE

# channel: currency of the invoice, euro cents per new buyer in the first month, and how much dearer each month makes it
SPEND = {
    "organic_search": ("EUR", 800, 5), "paid_search": ("EUR", 2_800, 40), "paid_social": ("USD", 3_800, 65),
    "affiliate": ("EUR", 1_800, 12), "referral": ("EUR", 1_300, 8),
}


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
