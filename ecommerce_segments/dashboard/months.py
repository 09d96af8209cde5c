"""Rows of calendar months, as the sections on money read them: the latest, their span, and sums and ratios that may be
unknown."""

from datetime import date
from decimal import Decimal


def calendar_month(day: date) -> str:
    """The month of a date, as YYYY-MM."""
    return f"{day:%Y-%m}"


def months_before(month: date, count: int) -> date:
    """The first day of the month so many before that of a first day."""
    year, place = divmod(12 * month.year + month.month - 1 - count, 12)
    return date(year, place + 1, 1)


def last_months(rows: list[dict], count: int = 12) -> list[dict]:
    """The rows of the calendar months that end with the latest one among them."""
    return [row for row in rows if row["month"] > months_before(max(row["month"] for row in rows), count)]


def span(rows: list[dict]) -> str:
    """The months of the rows, from the first to the last."""
    months = sorted({calendar_month(row["month"]) for row in rows})
    return months[0] if len(months) == 1 else f"{months[0]} to {months[-1]}"


def total(rows: list[dict], column: str) -> Decimal | int | None:
    """The sum over the rows; null where one is null."""
    values = [row[column] for row in rows]
    return None if None in values else sum(values)


def ratio(part: Decimal | int | None, whole: Decimal | int | None) -> Decimal | None:
    """One figure over another; none where either is unknown or the whole is 0."""
    return Decimal(part) / Decimal(whole) if part is not None and whole else None
