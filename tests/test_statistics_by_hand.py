"""The statistics of campaign results: against scipy, published examples, simulated coverage, and a published e-mail
test."""

from math import hypot

import numpy as np
import pytest
from scipy import stats

from statistics_by_hand import newcombe, welch, wilson

# Kevin Hillstrom's MineThatData e-mail test (2008): customers, and how many of them visited and bought within two
# weeks. Published are the rates: visits 18.28, 15.14 and 10.62 %, conversions 1.253, 0.884 and 0.573 %.
HILLSTROM = {"mens": (21_307, 3_894, 267), "womens": (21_387, 3_238, 189), "none": (21_306, 2_262, 122)}


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
@pytest.mark.parametrize(
    ("successes", "trials"), [(0, 1), (1, 1), (0, 10), (10, 10), (1, 7), (267, 21_307), (3_894, 21_307), (500, 1_000)]
)
def test_wilson_is_that_of_scipy(successes, trials, confidence):
    expected = stats.binomtest(successes, trials).proportion_ci(confidence, method="wilson")
    assert wilson(successes, trials, confidence) == pytest.approx(
        (successes / trials, expected.low, expected.high), abs=1e-12
    )


@pytest.mark.parametrize(("first", "second", "low", "high"), [
    ((56, 70), (48, 80), 0.0524, 0.3339),
    ((9, 10), (3, 10), 0.1705, 0.8090),
    ((6, 7), (2, 7), 0.0582, 0.8062),
    ((5, 56), (0, 29), -0.0381, 0.1926),
    ((0, 10), (0, 20), -0.1611, 0.2775),
    ((0, 10), (0, 10), -0.2775, 0.2775),
    ((10, 10), (0, 20), 0.6791, 1.0000),
    ((10, 10), (0, 10), 0.6075, 1.0000),
])
def test_newcombe_is_that_of_his_paper(first, second, low, high):
    """Newcombe (1998), Interval Estimation for the Difference between Independent Proportions, table II, method 10."""
    assert newcombe(*first, *second)[1:] == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(
    ("rate", "other_rate", "trials", "other_trials"),
    [
        (0.1062, 0.1062, 500, 500),
        (0.01253, 0.00573, 2_000, 2_000),
        (0.01253, 0.00573, 9_000, 1_000),
        (0.02, 0.02, 900, 100),
    ],
)
def test_newcombe_holds_the_true_difference_as_often_as_it_says(rate, other_rate, trials, other_trials):
    rng = np.random.default_rng(0)
    draws = zip(rng.binomial(trials, rate, 4_000), rng.binomial(other_trials, other_rate, 4_000))
    intervals = [newcombe(int(successes), trials, int(other), other_trials) for successes, other in draws]
    assert np.mean([interval.low <= rate - other_rate <= interval.high for interval in intervals]) == pytest.approx(
        0.95, abs=0.02
    )


@pytest.mark.parametrize(("count", "other_count", "scale"), [(2, 3, 1), (5, 50, 10), (300, 20, 0.1), (1_000, 1_000, 1)])
def test_welch_is_that_of_scipy(count, other_count, scale):
    rng = np.random.default_rng(count)
    values, other_values = rng.exponential(3, count), rng.normal(2, scale, other_count)
    expected = stats.ttest_ind(values, other_values, equal_var=False).confidence_interval(0.95)
    assert welch(list(values), list(other_values)) == pytest.approx(
        (values.mean() - other_values.mean(), expected.low, expected.high)
    )


def test_the_figures_of_the_email_test_are_those_published():
    assert sum(customers for customers, *_ in HILLSTROM.values()) == 64_000
    rates = {
        arm: (round(100 * visits / customers, 2), round(100 * buyers / customers, 3))
        for arm, (customers, visits, buyers) in HILLSTROM.items()
    }
    assert rates == {"mens": (18.28, 1.253), "womens": (15.14, 0.884), "none": (10.62, 0.573)}


@pytest.mark.parametrize(("arm", "visits", "purchases"), [
    ("mens", (0.07659, 0.06995, 0.08323), (0.00681, 0.00501, 0.00864)),
    ("womens", (0.04523, 0.03889, 0.05157), (0.00311, 0.00150, 0.00475)),
])
def test_what_the_emails_of_the_test_did(arm, visits, purchases):
    """Against no e-mail, with limits put together from scipy's Wilson limits, and a bootstrap of the difference beside
    them."""
    for place, expected in ((1, visits), (2, purchases)):
        (trials, successes), (other_trials, other_successes) = (
            (HILLSTROM[name][0], HILLSTROM[name][place]) for name in (arm, "none")
        )
        found = newcombe(successes, trials, other_successes, other_trials)
        assert found == pytest.approx(expected, abs=5e-6)
        rate, other_rate = successes / trials, other_successes / other_trials
        limits, other_limits = (stats.binomtest(*counts).proportion_ci(method="wilson")
                                for counts in ((successes, trials), (other_successes, other_trials)))
        assert found.low == pytest.approx(rate - other_rate - hypot(rate - limits.low, other_limits.high - other_rate))
        assert found.high == pytest.approx(rate - other_rate + hypot(limits.high - rate, other_rate - other_limits.low))
        rng = np.random.default_rng(0)
        drawn = (
            rng.binomial(trials, rate, 200_000) / trials
            - rng.binomial(other_trials, other_rate, 200_000) / other_trials
        )
        assert found[1:] == pytest.approx(np.quantile(drawn, (0.025, 0.975)), abs=1e-4)
