"""Columns of the raw tables, from whole numbers: times in UTC, ids, decimals and names."""

from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from demo.calendar import FIRST_DAY, HOUR

# The clock of Europe/Berlin: summer time from and until, in local time
SUMMER_TIME = (
    ("2023-03-26T02", "2023-10-29T03"), ("2024-03-31T02", "2024-10-27T03"),
    ("2025-03-30T02", "2025-10-26T03"), ("2026-03-29T02", "2026-10-25T03"),
)


def utc(seconds):
    """UTC timestamps from seconds of the shop's local clock."""
    local = FIRST_DAY.astype("M8[s]") + np.asarray(seconds).astype("m8[s]")
    is_summer = np.zeros(len(local), dtype=bool)
    for start, stop in SUMMER_TIME:
        is_summer |= (local >= np.datetime64(start)) & (local < np.datetime64(stop))
    return pa.array((local - np.where(is_summer, 2 * HOUR, HOUR).astype("m8[s]")).astype("M8[us]"))


def nullable(numbers):
    """Whole numbers as a column, null where they are below 0."""
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
    """The names that codes stand for, null where a code is -1."""
    return pa.array(names, type=pa.string()).take(nullable(codes))
