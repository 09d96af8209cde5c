"""How the demo draws: each table from a generator of its own, and weighted draws in whole numbers."""

import numpy as np

SEED = 20260630


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
    """Whole days, at least 1, of a gamma distribution with this shape and mean."""
    return np.maximum(1, np.rint(rng.gamma(shape, 1.0, size) * mean / shape)).astype(np.int64)


def repeat_counts(counts):
    """The position of each element of `counts`, as often as it says."""
    return np.repeat(np.arange(len(counts)), counts)
