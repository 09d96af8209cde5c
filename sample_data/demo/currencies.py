"""The currencies of the demo, and their weekly exchange rates."""

import numpy as np
import pyarrow as pa

from demo.calendar import LAST_DAY
from demo.columns import decimals
from demo.drawing import dice

CURRENCIES = ("EUR", "GBP", "USD", "SEK")
FIRST_RATES = (1_000_000, 1_165_000, 917_000, 85_000)  # millionths of a euro


def make_rates():
    """Weekly exchange rates, in millionths of a euro: a row per Monday, a column per currency."""
    rng = dice("rates")
    mondays = np.arange(np.datetime64("2023-06-26"), LAST_DAY, 7)
    steps = rng.integers(-80, 81, size=(len(mondays), len(CURRENCIES)))  # in 1/10,000 of the first rate
    steps[:, 0] = 0
    return mondays, np.array(FIRST_RATES) * (10_000 + np.cumsum(steps, axis=0) // 2) // 10_000


def exchange_rates_table(rates):
    """One row per Monday and currency but the euro."""
    mondays, millionths = rates
    others = len(CURRENCIES) - 1
    return pa.table({
        "rate_date": pa.array(np.repeat(mondays, others)),
        "currency": pa.array(list(CURRENCIES[1:]) * len(mondays)),
        "rate": decimals(pa.array(millionths[:, 1:].ravel()), 6),
    })
