"""Values of the marts as the page says them: words, counts, amounts, shares and changes."""

from decimal import Decimal

# The order in which readers expect the lifecycle stages.
STAGES = ["lead", "new", "active", "at_risk", "inactive"]


def number(value: int | Decimal) -> str:
    """A whole number with commas between thousands."""
    return f"{value:,.0f}".replace("-", "\N{MINUS SIGN}")


def people(customers: int) -> str:
    """So many customers, in words."""
    return f"{number(customers)} customer{'' if customers == 1 else 's'}"


def amount(value: Decimal) -> str:
    """An amount without its currency, with cents where it is below 1,000."""
    return f"{value:,.{2 if 0 < abs(value) < 1000 else 0}f}".replace("-", "\N{MINUS SIGN}")


def compact(amount: Decimal) -> str:
    """An amount in at most three digits or so, for a small cell: 950, 12.3 k, 1.23 M."""
    for size, unit in ((1_000_000, "M"), (1_000, "k")):
        if amount >= size:
            figure = amount / size
            return f"{figure:,.{2 if figure < 10 else 1 if figure < 100 else 0}f}\N{NO-BREAK SPACE}{unit}"
    return number(amount)


def change(value: int) -> str:
    """A whole number with its sign; no change is plain 0."""
    return "\N{PLUS-MINUS SIGN}0" if value == 0 else ("+" if value > 0 else "") + number(value)


def percent(share: float | Decimal) -> str:
    """A share from 0 to 1, with one decimal."""
    return f"{100 * share:,.1f}\N{NO-BREAK SPACE}%".replace("-", "\N{MINUS SIGN}")


def points(difference: Decimal) -> str:
    """A difference of two shares in percentage points, with its sign."""
    return f"{100 * difference:+.1f}".replace("-", "\N{MINUS SIGN}")


def share_of(part: int | Decimal, whole: int | Decimal) -> float:
    """A part of a whole, from 0 to 1; 0 where the whole is 0."""
    return float(part / whole) if whole else 0.0


def words(name: str) -> str:
    """A value of the marts as people say it: at_risk is At risk."""
    special = {"unscored": "Without a score", "cant_lose_them": "Can't lose them"}
    return special.get(name) or name.replace("_", " ").capitalize()
