"""The days of the demo: how busy each is, which sale runs on it, and a clock that runs faster on busy days."""

from types import SimpleNamespace

import numpy as np
import pyarrow as pa

from demo.drawing import weighted

FIRST_DAY = np.datetime64("2023-07-01")  # the shop opens
LAST_DAY = np.datetime64("2026-07-03")  # three days beyond the as-of date: late facts
DAYS = int((LAST_DAY - FIRST_DAY).astype(int)) + 1
HOUR, DAY = 3600, 86_400  # seconds
END = DAYS * DAY
NEVER = 10 * END

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


def time_of_day(rng, size):
    """Seconds since midnight, more of them in busy hours."""
    return weighted(rng, HOUR_PERCENT, size) * HOUR + rng.integers(HOUR, size=size)


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


def sale_campaigns_table():
    """One row per sale."""
    names = ("sale_campaign_id", "sale_name", "starts_on", "ends_on", "prior_sale_campaign_id")
    return pa.table({name: pa.array([sale[column] for sale in SALES]) for column, name in enumerate(names)})
