"""The statistics of a comparison of two groups, in plain Python from their formulas: what the SQL of campaign results
is held to.

All intervals are two-sided; `confidence` is between 0 and 1.
"""

from math import log, sqrt
from statistics import NormalDist, fmean
from typing import NamedTuple

from scipy.stats import t as student


class Interval(NamedTuple):
    """An estimate, and the limits of its interval, in the unit of what is estimated."""

    estimate: float
    low: float
    high: float


def wilson(successes: int, trials: int, confidence: float = 0.95) -> Interval:
    """A proportion with Wilson's score interval (1927), without continuity correction. trials: at least 1."""
    z2 = NormalDist().inv_cdf((1 + confidence) / 2) ** 2
    proportion = successes / trials
    middle = (successes + z2 / 2) / (trials + z2)
    half = sqrt(z2 * (proportion * (1 - proportion) / trials + z2 / (4 * trials**2))) / (1 + z2 / trials)
    # At 0 and at all trials the limit is the edge itself, which rounding must not miss.
    return Interval(proportion, 0 if successes == 0 else middle - half, 1 if successes == trials else middle + half)


def newcombe(
    successes: int, trials: int, other_successes: int, other_trials: int, confidence: float = 0.95
) -> Interval:
    """One proportion less another, with the interval of Newcombe (1998), his method 10: both Wilson intervals, put
    together."""
    first, second = wilson(successes, trials, confidence), wilson(other_successes, other_trials, confidence)
    difference = first.estimate - second.estimate
    return Interval(difference,
                    difference - sqrt((first.estimate - first.low) ** 2 + (second.high - second.estimate) ** 2),
                    difference + sqrt((first.high - first.estimate) ** 2 + (second.estimate - second.low) ** 2))


def welch(values: list[float], other_values: list[float], confidence: float = 0.95) -> Interval:
    """The mean of some values less that of others, with Welch's interval (1947), which lets their variances differ.

    Both lists hold at least 2 values, and one of them values that differ.
    """
    mean, squared_error, count = mean_and_squared_error(values)
    other_mean, other_squared_error, other_count = mean_and_squared_error(other_values)
    together = squared_error + other_squared_error
    degrees_of_freedom = together**2 / (squared_error**2 / (count - 1) + other_squared_error**2 / (other_count - 1))
    half = float(student.ppf((1 + confidence) / 2, degrees_of_freedom)) * sqrt(together)
    return Interval(mean - other_mean, mean - other_mean - half, mean - other_mean + half)


def mean_and_squared_error(values: list[float]) -> tuple[float, float, int]:
    """Mean, square of its standard error, and number of values."""
    mean = sum(values) / len(values)
    return mean, sum((value - mean) ** 2 for value in values) / (len(values) - 1) / len(values), len(values)


def sequence_quantile(customers: int, expected: int, alpha: float = 0.05) -> float:
    """Standard errors from the estimate to the limits of the Gaussian-mixture asymptotic confidence sequence of
    Waudby-Smith et al. (arXiv 2103.06476, equation 9), with the rho that makes it tightest at the expected number."""
    rho_squared = (-2 * log(alpha) + log(-2 * log(alpha) + 1)) / expected
    mixed = customers * rho_squared + 1
    return sqrt(2 * mixed / (customers**2 * rho_squared) * log(sqrt(mixed) / alpha)) * sqrt(customers)


def sequence_confidence(customers: int) -> float:
    """The confidence of the fixed interval that is as wide as the sequence, tuned to the number of customers."""
    return 2 * NormalDist().cdf(sequence_quantile(customers, customers)) - 1


def cuped(values: list[float], past: list[float]) -> tuple[list[float], float]:
    """Values less what others before them foretell (Deng et al. 2013), and the squared correlation of the two."""
    mean, mean_past = fmean(values), fmean(past)
    both = sum((value - mean) * (before - mean_past) for value, before in zip(values, past, strict=True))
    of_past = sum((before - mean_past) ** 2 for before in past)
    of_values = sum((value - mean) ** 2 for value in values)
    if len(set(values)) == 1 or len(set(past)) == 1:
        return values, 0.0
    theta = both / of_past
    adjusted = [value - theta * (before - mean_past) for value, before in zip(values, past, strict=True)]
    return adjusted, both**2 / of_past / of_values


def stratified(strata: list[tuple[list[float], list[float]]], is_final: bool = True) -> Interval | None:
    """The differences of two means in strata, weighted by the strata's sizes, with the interval of Welch and
    Satterthwaite, or else the limits of the confidence sequence. None where an arm of a stratum holds fewer than 2."""
    if min(len(arm) for arms in strata for arm in arms) < 2:
        return None
    size = sum(len(arm) for arms in strata for arm in arms)
    difference = squared_error = uncertainty = 0.0
    for arms in strata:
        weight = sum(map(len, arms)) / size
        (mean, error, count), (other_mean, other_error, other_count) = map(mean_and_squared_error, arms)
        difference += weight * (mean - other_mean)
        squared_error += weight**2 * (error + other_error)
        uncertainty += weight**4 * (error**2 / (count - 1) + other_error**2 / (other_count - 1))
    if not squared_error:
        return Interval(difference, difference, difference)
    quantile = float(student.ppf(0.975, squared_error**2 / uncertainty)) if is_final else sequence_quantile(size, size)
    half = quantile * sqrt(squared_error)
    return Interval(difference, difference - half, difference + half)
