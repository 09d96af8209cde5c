"""Predicted value: the published figures of CDNOW, the formulas against integrals and simulations, and the step that
writes it.

Nothing here uses the code under test to compute what it is held to: CDNOW's histories, likelihoods and integrals are
this file's own.
"""

import shutil
import tempfile
from contextlib import chdir
from datetime import date, timedelta
from math import lgamma
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
import yaml
from scipy.special import hyp2f1
from scipy.stats import betaprime, gamma

from ecommerce_segments.dbt_session import DbtError, Session
from ecommerce_segments.engines.source_tables import replace
from ecommerce_segments.estimate import buyers as step
from ecommerce_segments.estimate.backtest import (
    CDNOW_CUT,
    COMPLETE_JOURNEY_CUT,
    PAGE,
    holdout,
    plot,
    section,
    with_part,
)
from ecommerce_segments.estimate.buy_till_you_die import BgNbd, GammaGamma, NotFitted, fit_bg_nbd, fit_gamma_gamma
from ecommerce_segments.estimate.calibration import area_under_curve, calibrate, fifths
from ecommerce_segments.estimate.step import estimate_all
from project import PROJECT, environment, messages
from random_shops import random_shop, write_shop

# One worker runs them all: the step's tests share a scratch database.
pytestmark = pytest.mark.xdist_group("predictions")

PUBLISHED = BgNbd(r=0.243, alpha=4.414, a=0.793, b=2.426)
PUBLISHED_MONEY = GammaGamma(p=6.25, q=3.74, v=15.44)


@pytest.fixture(scope="module")
def cdnow() -> pd.DataFrame:
    """x, t_x, T (weeks) and z of CDNOW's customers, by id, from their transactions up to 30 September 1997."""
    days: dict[str, dict[date, float]] = {}
    for customer, day, amount in duckdb.sql(
            f"select customer_id, purchased_on, amount from '{PROJECT}/data/cdnow/transactions.parquet'").fetchall():
        if day <= date(1997, 9, 30):
            bought = days.setdefault(customer, {})
            bought[day] = bought.get(day, 0) + float(amount)
    rows = {}
    for customer, bought in days.items():
        first, *repeats = sorted(bought)
        rows[customer] = (
            len(repeats),
            (max(bought) - first) / timedelta(weeks=1),
            (date(1997, 9, 30) - first) / timedelta(weeks=1),
            sum(bought[day] for day in repeats) / len(repeats) if repeats else np.nan,
        )
    return pd.DataFrame.from_dict(rows, orient="index", columns=["x", "t_x", "T", "z"])


def test_bg_nbd_gives_the_published_parameters(cdnow):
    """Fader, Hardie and Lee (2005), table 2: the 2,357 customers of CDNOW."""
    model, log_likelihood, customers = fit_bg_nbd(cdnow["x"], cdnow["t_x"], cdnow["T"])
    assert customers == 2357 and round(log_likelihood, 1) == -9582.4
    assert tuple(round(value, 3) for value in model) == PUBLISHED


def test_gamma_gamma_gives_the_published_parameters(cdnow):
    """Fader and Hardie (2013): 946 customers came back, and spent 35.08 dollars at each repeat purchase on average (sd
    30.28)."""
    repeat = cdnow[cdnow["x"] > 0]
    assert (len(repeat), round(repeat["z"].mean(), 2), round(repeat["z"].std(), 2)) == (946, 35.08, 30.28)
    assert tuple(round(value, 2) for value in fit_gamma_gamma(repeat["x"], repeat["z"]).model) == PUBLISHED_MONEY


def test_one_customer_is_expected_to_buy_as_often_as_published(cdnow):
    """Id 0001: 1.226 purchases in the next 39 weeks."""
    x, t_x, T, z = cdnow.loc["0001"]
    assert (x, round(t_x, 2), round(T, 2)) == (2, 30.43, 38.86)
    assert PUBLISHED.expected_purchases([x], [t_x], [T], 39).round(3) == [1.226]


def plain_log_likelihood(model: BgNbd, x: int, t_x: float, T: float) -> float:
    """The paper's likelihood of one customer as it is written there, before any rearrangement."""
    r, alpha, a, b = model

    def log_beta(one, other):
        return lgamma(one) + lgamma(other) - lgamma(one + other)

    rate = lgamma(r + x) - lgamma(r) + r * np.log(alpha)
    alive = np.exp(log_beta(a, b + x) - log_beta(a, b) + rate) / (alpha + T) ** (r + x)
    left = np.exp(log_beta(a + 1, b + x - 1) - log_beta(a, b) + rate) / (alpha + t_x) ** (r + x) if x > 0 else 0
    return np.log(alive + left)


def test_no_neighbour_of_the_fitted_parameters_is_likelier(cdnow):
    some = cdnow.sample(600, random_state=1)
    model, log_likelihood, _ = fit_bg_nbd(some["x"], some["t_x"], some["T"])

    def likelihood(candidate: BgNbd) -> float:
        return sum(plain_log_likelihood(candidate, *row) for row in some[["x", "t_x", "T"]].itertuples(index=False))

    assert likelihood(model) == pytest.approx(log_likelihood, abs=1e-6)
    for name, value in model._asdict().items():
        assert max(likelihood(model._replace(**{name: value * factor})) for factor in (0.98, 1.02)) < log_likelihood


def test_no_neighbour_of_the_fitted_money_parameters_is_likelier(cdnow):
    some = cdnow[cdnow["x"] > 0].sample(300, random_state=1)
    model, log_likelihood, _ = fit_gamma_gamma(some["x"], some["z"])

    def likelihood(candidate: GammaGamma) -> float:
        """Money of x purchases, in units of v, is a gamma over a gamma: beta prime."""
        p, q, v = candidate
        return (betaprime.logpdf(some["x"] * some["z"] / v, p * some["x"], q) + np.log(some["x"] / v)).sum()

    assert likelihood(model) == pytest.approx(log_likelihood, abs=1e-6)
    for name, value in model._asdict().items():
        assert max(likelihood(model._replace(**{name: value * factor})) for factor in (0.98, 1.02)) < log_likelihood


# Parameters and histories (x, t_x, T in weeks): published ones, the places where the closed form has no value (a = 1; a
# + b = 1 without a repeat purchase), and a grocery's customer of 200 purchases.
HISTORIES = [
    (0, 0, 38.86),
    (0, 0, 0),
    (1, 1.71, 38.86),
    (2, 30.43, 38.86),
    (7, 29.43, 38.86),
    (26, 20, 30),
    (3, 1 / 7, 100),
]
GRID = [
    (model, history)
    for model in (PUBLISHED, BgNbd(0.55, 10.58, 1, 2.5), BgNbd(1.2, 0.8, 0.3, 0.7), BgNbd(4, 40, 3, 30))
    for history in HISTORIES
] + [(BgNbd(1.4, 1.3, 0.2, 50), (200, 155, 156)), (BgNbd(1.4, 1.3, 0.2, 50), (200, 120, 156))]


def integrated(model: BgNbd, x: int, t_x: float, T: float, weeks: float) -> tuple[float, float]:
    """Probability of being alive and expected purchases, by adding up over the customer's rate and chance to leave.

    Each point counts by its prior times the likelihood of the history: bought x times at the rate, survived each, and
    then is alive and silent up to T, or has left at t_x. Whoever is alive goes on buying at the rate for as long as
    they survive.
    """
    r, alpha, a, b = model
    # The logarithm of the rate, and the logit of the chance: the integrand falls off on both sides of each.
    log_rate = np.linspace(-36 / min(r + x, 1), np.log(60 * (1 + r + x) / alpha), 1200)[:, None]
    logit = np.linspace(-36 / min(a, 1), 36 / min(b + max(x - 1, 0.5), 1), 1600)[None, :]
    rate, log_chance, log_survival = np.exp(log_rate), -np.logaddexp(0, -logit), -np.logaddexp(0, logit)
    prior = r * log_rate - alpha * rate + a * log_chance + b * log_survival
    alive = np.exp(prior + x * log_rate - rate * T + x * log_survival)
    left = np.exp(prior + x * log_rate - rate * t_x + log_chance + (x - 1) * log_survival) if x > 0 else np.zeros(1)
    chance = np.exp(log_chance)
    purchases = -np.expm1(-rate * chance * weeks) / chance
    everything = alive.sum() + left.sum()
    return alive.sum() / everything, (alive * purchases).sum() / everything


@pytest.mark.parametrize(("model", "history"), GRID)
def test_predictions_are_those_of_an_integral_over_rate_and_chance(model, history):
    x, t_x, T = history
    alive, purchases = integrated(model, *history, weeks=365 / 7)
    assert model.probability_alive([x], [t_x], [T]) == pytest.approx([alive], rel=1e-6)
    assert model.expected_purchases([x], [t_x], [T], 365 / 7) == pytest.approx([purchases], rel=1e-6)


def test_the_sum_of_positive_terms_is_the_published_closed_form():
    """Where scipy's Gaussian hypergeometric function can be trusted, that is for small x and a away from 1."""
    for r, alpha, a, b in (PUBLISHED, (0.37, 6.8, 0.73, 6.2), (2, 30, 2.5, 8), (0.9, 3, 0.05, 1.4)):
        x, T = (values.ravel().astype(float) for values in np.meshgrid(range(12), (0, 1, 10, 39, 156)))
        u = 52 / (alpha + T + 52)
        closed_form = (a + b + x - 1) / (a - 1) * (1 - (1 - u) ** (r + x) * hyp2f1(r + x, b + x, a + b + x - 1, u))
        assert BgNbd(r, alpha, a, b).expected_purchases_if_alive(x, T, 52) == pytest.approx(closed_form, rel=1e-9)


def simulated(model: BgNbd, customers: int, T: float, weeks: float) -> pd.DataFrame:
    """x, t_x, whether still alive at T, and the purchases in the weeks after it, of customers who do as the model says.
    """
    rng = np.random.default_rng(0)
    rate, chance = rng.gamma(model.r, 1 / model.alpha, customers), rng.beta(model.a, model.b, customers)
    found = pd.DataFrame({"x": 0, "t_x": 0.0, "is_alive": True, "purchases": 0}, index=range(customers))
    x, t_x, is_alive, purchases = (found[name].to_numpy(copy=True) for name in found)
    now, here = np.zeros(customers), np.arange(customers)
    while len(here):
        now[here] += rng.exponential(1 / rate[here])
        here = here[now[here] <= T + weeks]
        is_before = now[here] <= T
        before, after = here[is_before], here[~is_before]
        x[before] += 1
        t_x[before] = now[before]
        purchases[after] += 1
        has_left = rng.random(len(here)) < chance[here]
        is_alive[here[has_left & is_before]] = False
        here = here[~has_left]
    return pd.DataFrame({"x": x, "t_x": t_x, "is_alive": is_alive, "purchases": purchases})


def test_simulated_customers_do_what_is_predicted_of_them():
    T, weeks = 39, 52
    customers = simulated(PUBLISHED, 300_000, T, weeks)
    customers["alive"] = PUBLISHED.probability_alive(customers["x"], customers["t_x"], T)
    customers["expected"] = PUBLISHED.expected_purchases(
        customers["x"], customers["t_x"], np.full(len(customers), T), weeks
    )
    # By how often they came back, and when last.
    classes = [customers["x"].clip(upper=12), pd.cut(customers["t_x"], [-1, 0, 5, 15, 30, 39])]
    groups = [group for _, group in customers.groupby(classes, observed=True) if len(group) >= 300]
    assert len(groups) > 30
    for group in groups:
        for predicted, happened in (("alive", "is_alive"), ("expected", "purchases")):
            # A thousandth allows for groups of whom nobody, or everybody, is alive.
            error = group[happened].std() / len(group) ** 0.5 + 0.001
            assert abs(group[happened].mean() - group[predicted].mean()) < 4 * error, (
                group[["x", "t_x"]].iloc[0],
                predicted,
            )


def test_the_probability_of_an_order_is_that_of_one_customer_of_the_paper():
    """x = 2, t_x = 30.43 and T = 38.86 weeks, with the published parameters; 90 days are 90/7 weeks."""
    x, t_x, T = 2, 30.43, 38.86
    assert PUBLISHED.probability_alive(x, t_x, T) == pytest.approx(0.7266, abs=5e-5)
    assert PUBLISHED.probability_of_order(x, t_x, T, 90 / 7) == pytest.approx(0.3212, abs=5e-5)


@pytest.mark.parametrize(("model", "history"), GRID)
@pytest.mark.parametrize("days", [30, 90, 365])
def test_the_probability_of_an_order_is_an_integral_over_the_rate(model, history, days):
    """Given that the customer is alive, the rate is Gamma(r + x, alpha + T), and silence has the chance exp(-rate w).
    """
    x, t_x, T = history
    rate = gamma(model.r + x, scale=1 / (model.alpha + T))
    silence = rate.expect(lambda rates: np.exp(-rates * days / 7), epsabs=1e-12, limit=500)
    alive = float(model.probability_alive(x, t_x, T))
    assert float(model.probability_of_order(x, t_x, T, days / 7)) == pytest.approx(alive * (1 - silence), rel=1e-5)


@pytest.mark.parametrize(("model", "history"), GRID)
def test_the_next_order_is_due_when_its_probability_reaches_one_half(model, history):
    x, t_x, T = history
    weeks = float(model.weeks_to_even_odds(x, t_x, T))
    if float(model.probability_alive(x, t_x, T)) <= 0.5:
        assert np.isnan(weeks)
    elif np.isfinite(weeks):
        assert float(model.probability_of_order(x, t_x, T, weeks)) == pytest.approx(0.5, abs=1e-9)


def test_dates_are_the_first_ones_that_are_reached_and_end_with_the_year_9999():
    days = np.array([0.2, 1.0, 1.00001, np.nan, np.inf, 3e6])
    assert step.dates_after("2026-06-30", days) == ["2026-07-01", "2026-07-01", "2026-07-02", None, None, None]


def test_fifths_are_by_how_many_are_lower_and_equal_values_share_one():
    assert fifths(np.array([0.5, 0.1, 0.2, 0.3, 0.4])).tolist() == [5, 1, 2, 3, 4]
    assert fifths(np.array([0.1, 0.1, 0.1, 0.2, 0.2])).tolist() == [1, 1, 1, 4, 4]


def test_the_area_under_the_curve_counts_pairs():
    predicted, bought = np.array([0.1, 0.4, 0.4, 0.8]), np.array([0, 1, 0, 1])
    # Of the four pairs of one who bought and one who did not three are in order, and one is a tie.
    assert area_under_curve(predicted, bought) == 3.5 / 4
    assert np.isnan(area_under_curve(predicted, np.ones(4)))


def test_calibration_compares_a_fit_without_the_last_90_days_with_them():
    """Simulated buyers of the published model, of whom 90 days more are known: what is predicted of a fifth comes true.
    """
    rng = np.random.default_rng(3)
    n, cut = 20_000, 400
    rate, leave = rng.gamma(PUBLISHED.r, 1 / PUBLISHED.alpha, n), rng.beta(PUBLISHED.a, PUBLISHED.b, n)
    found = []
    for number in range(n):
        first = int(rng.integers(0, cut))
        day, days, alive = float(first), [], True
        while alive and day <= cut + 90:
            day += 7 * rng.exponential(1 / max(rate[number], 1e-12))
            days.append(day)
            alive = rng.random() >= leave[number]
        seen = [day for day in days if day <= cut]
        last = seen[-1] if seen else first
        found.append((len(seen), last - first, cut - first, int(any(cut < day <= cut + 90 for day in days))))
    columns = ["repeat_purchase_days", "days_first_to_last", "days_first_to_cut", "has_bought"]
    histories = pd.DataFrame(found, columns=columns)
    table, told = calibrate(histories, 200)
    assert table["buyers"].sum() == n and len(table) >= 4
    for row in table.itertuples():
        chance = 4 * np.sqrt(row.actual_share * (1 - row.actual_share) / row.buyers)
        assert row.predicted_share == pytest.approx(row.actual_share, abs=chance + 0.005)
    assert table["predicted_share"].is_monotonic_increasing and 0.5 < table["auc"][0] < 1
    assert "Brier score" in told
    nothing, reason = calibrate(histories.head(100), 200)
    assert nothing.empty and "at least 200 are needed" in reason


def test_the_fit_finds_the_parameters_of_simulated_customers():
    customers = simulated(PUBLISHED, 100_000, 39, 0)
    assert fit_bg_nbd(customers["x"], customers["t_x"], np.full(len(customers), 39)).model == pytest.approx(
        PUBLISHED, rel=0.1
    )


@pytest.mark.parametrize(("x", "z"), [(1, 20.0), (2, 22.35), (30, 400.0), (3, 0.01)])
def test_expected_revenue_is_that_of_an_integral(x, z):
    """Over the customer's nu: money of a purchase is Gamma(p, nu), so the mean of x of them is Gamma(px, nu x)."""
    p, q, v = PUBLISHED_MONEY
    log_nu = np.linspace(-40, 10, 20_000)
    nu = np.exp(log_nu)
    weight = np.exp((q + p * x) * log_nu - (v + x * z) * nu - ((q + p * x) * log_nu - (v + x * z) * nu).max())
    assert PUBLISHED_MONEY.expected_revenue([x], [z]) == pytest.approx(
        [(weight * p / nu).sum() / weight.sum()], rel=1e-8
    )


def test_who_never_came_back_is_expected_to_spend_the_mean_and_refunds_count_as_nothing():
    p, q, v = PUBLISHED_MONEY
    nu = np.random.default_rng(0).gamma(q, 1 / v, 4_000_000)
    alone, unprofitable, free = PUBLISHED_MONEY.expected_revenue([0, 2, 2], [np.nan, -5, 0])
    assert alone == pytest.approx((p / nu).mean(), rel=0.002)
    assert 0 < unprofitable == free < alone


def buyers(cdnow: pd.DataFrame) -> pd.DataFrame:
    """CDNOW as rows of customer_value."""
    return pd.DataFrame(
        {
            "customer_id": cdnow.index,
            "as_of_date": date(1997, 9, 30),
            "repeat_purchase_days": cdnow["x"],
            "days_first_to_last": (cdnow["t_x"] * 7).round(),
            "days_first_to_as_of": (cdnow["T"] * 7).round(),
            "revenue_per_repeat_day": cdnow["z"],
        }
    ).reset_index(drop=True)


def test_predictions_multiply_purchases_and_revenue(cdnow):
    predictions = step.predict(buyers(cdnow), "1997-09-30", 200)
    table = predictions.tables["customer_predictions"].set_index("customer_id")
    purchases, money = predictions.tables["prediction_fits"].to_dict("records")
    # Who has left with a probability of one half or more is expected by no date.
    has_date = table["next_order_by"].notna()
    assert (has_date == (table["probability_alive"] > 0.5)).all() and 0 < has_date.sum() < len(table)
    assert list(table.index) == list(cdnow.index) and table.drop(columns="next_order_by").notna().all(axis=None)
    assert (table["churn_risk_90d"] == 1 - table["probability_of_order_90d"]).all()
    assert [round(purchases[name], 3) for name in BgNbd._fields] == [0.243, 4.414, 0.793, 2.426]
    assert (purchases["customers"], money["customers"], round(money["correlation"], 2)) == (2357, 946, 0.11)
    assert (purchases["reason"], money["reason"]) == (None, None)
    names = ["probability_alive", "expected_purchases_365d", "expected_revenue_per_purchase", "expected_value_365d"]
    alive, expected, revenue, value = table.loc["0001", names]
    in_90_days, next_order_by = table.loc["0001", ["probability_of_order_90d", "next_order_by"]]
    assert in_90_days == pytest.approx(0.3212, abs=5e-5) and next_order_by > "1997-12-29"
    assert (alive, expected) == pytest.approx(
        integrated(BgNbd(*(purchases[name] for name in BgNbd._fields)), 2, 213 / 7, 272 / 7, 365 / 7), rel=1e-6
    )
    assert value == expected * revenue
    assert table["probability_alive"][cdnow["x"] == 0].eq(1).all()


def test_predictions_do_not_depend_on_the_currency_or_the_order_of_rows(cdnow):
    rows = buyers(cdnow)
    other = rows.assign(revenue_per_repeat_day=rows["revenue_per_repeat_day"] * 5_000).sample(frac=1, random_state=0)
    here, there = (
        step.predict(table, "1997-09-30", 200).tables["customer_predictions"].set_index("customer_id")
        for table in (rows, other)
    )
    there = there.loc[here.index]
    assert np.allclose(here["expected_value_365d"] * 5_000, there["expected_value_365d"], rtol=1e-4)
    assert np.allclose(here["expected_purchases_365d"], there["expected_purchases_365d"], rtol=1e-6)


@pytest.mark.parametrize(("minimum", "with_purchases"), [(946, True), (947, False)])
def test_a_small_shop_gets_a_sentence_and_no_numbers(cdnow, minimum, with_purchases):
    predictions = step.predict(buyers(cdnow), "1997-09-30", minimum)
    table = predictions.tables["customer_predictions"].reindex(
        columns=["probability_alive", "expected_purchases_365d", "expected_value_365d"]
    )
    assert (
        len(table) == 2357
        and table.notna().all(axis=None) == with_purchases
        and table.isna().all(axis=None) != with_purchases
    )
    reason = (
        "Nothing is predicted of how often buyers buy: 946 buyers came back, but at least 947 are needed"
        " (prediction_min_repeat_buyers)."
    )
    assert (reason in predictions.told) != with_purchases
    assert (predictions.tables["prediction_fits"]["reason"][0] == reason) != with_purchases


def test_a_shop_without_buyers_has_empty_predictions(cdnow):
    predictions = step.predict(buyers(cdnow).head(0), "1997-09-30", 0)
    assert (
        len(predictions.tables["customer_predictions"]) == 0
        and predictions.tables["prediction_fits"]["reason"].notna().all()
    )


def test_data_that_determine_no_model_are_refused():
    """Where nobody leaves, where everybody spends the same, and where a few spend without measure."""
    rng = np.random.default_rng(0)
    weeks = np.full(500, 50.0)
    with pytest.raises(NotFitted, match="is greatest at a limit of the parameters"):
        fit_bg_nbd(rng.poisson(5, 500) + 1, weeks - 0.1, weeks)
    with pytest.raises(NotFitted, match="is greatest at a limit of the parameters"):
        fit_gamma_gamma(np.full(500, 2), np.full(500, 9.99))
    with pytest.raises(NotFitted, match="knows no mean"):
        fit_gamma_gamma(np.full(2000, 2), rng.gamma(6, 0.5, 2000) / rng.gamma(0.7, 1, 2000))


def test_no_build_runs_the_tests_of_predictions(project, tmp_path):
    nightly = project.dbt("list", "--selector", "nightly", raw_dir=tmp_path).result
    step_tests = project.dbt("list", "--select", "source:estimates", raw_dir=tmp_path).result
    assert {name.rpartition(".")[2] for name in step_tests} >= {"customer_predictions_hold", "prediction_fits_hold"}
    assert {node for node in nightly if "prediction" in node} == set()


@pytest.fixture
def warehouse(project, tmp_path):
    """The parsed project, and an empty DuckDB file with the schema marts, for `replace` to write into."""
    file = tmp_path / "shop.duckdb"
    with duckdb.connect(file) as connection:
        connection.execute("create schema marts")
    assert project.attempt("list", database=file).success
    return project.manifest, file


def rows(file: Path, sql: str) -> list[tuple]:
    with duckdb.connect(file) as connection:
        return connection.execute(sql).fetchall()


def test_both_tables_are_replaced_or_neither(warehouse, cdnow):
    manifest, file = warehouse
    tables = step.predict(buyers(cdnow), "1997-09-30", 200).tables
    replace(manifest, "estimates", tables)
    before = [rows(file, f"from marts.{name} order by all") for name in tables]
    assert [len(table) for table in before] == [2357, 2]
    broken = tables["prediction_fits"].assign(as_of_date="soon")
    for name, table, said in (
        ("prediction_fits", broken, "soon"),
        ("undeclared", tables["prediction_fits"], "undeclared"),
    ):
        with pytest.raises(DbtError, match=said):
            replace(
                manifest, "estimates", {"customer_predictions": tables["customer_predictions"].head(1), name: table}
            )
        assert [rows(file, f"from marts.{name} order by all") for name in tables] == before
    replace(manifest, "estimates", tables)
    assert [rows(file, f"from marts.{name} order by all") for name in tables] == before
    assert rows(file, "select count(*) from duckdb_tables()") == [(2,)]


def test_what_is_written_has_the_declared_columns_and_rounding(warehouse, cdnow):
    manifest, file = warehouse
    predictions = step.predict(buyers(cdnow), "1997-09-30", 200)
    odd = (
        predictions.tables["customer_predictions"]
        .head(2)
        .assign(customer_id=['a "b"\n,c', "007"], expected_value_365d=[12.345000001, np.nan])
    )
    replace(manifest, "estimates", predictions.tables | {"customer_predictions": odd})
    declared = yaml.safe_load((PROJECT / "models" / "estimates" / "_estimates.yml").read_text())["sources"][0][
        "tables"
    ]
    types = {
        "text": "VARCHAR",
        "date": "DATE",
        "bigint": "BIGINT",
        "decimal(18,8)": "DECIMAL(18,8)",
        "decimal(18,2)": "DECIMAL(18,2)",
    }
    for table in declared:
        if table["name"] not in predictions.tables:
            continue
        found = rows(
            file,
            f"select column_name, data_type from duckdb_columns() where table_name = '{table['name']}' order by"
            " column_index",
        )
        assert found == [(column["name"], types[column["data_type"]]) for column in table["columns"]]
    assert rows(
        file, "select customer_id, expected_value_365d::varchar from marts.customer_predictions order by 1"
    ) == [("007", None), ('a "b"\n,c', "12.35")]


def test_the_step_writes_every_buyer_even_of_a_shop_that_is_too_small(project, tmp_path):
    write_shop(random_shop(3, date(2025, 3, 31)), tmp_path / "raw", "parquet")
    settings = {"as_of_date": "2025-03-31", "max_rejected_rows": 1_000_000}
    file = tmp_path / "shop.duckdb"
    built = project.attempt(
        "build", "--exclude-resource-type", "test", "unit_test", raw_dir=tmp_path / "raw", database=file, **settings
    )
    assert built.success, messages(built)
    with (
        chdir(PROJECT),
        environment(
            RAW_DIR=tmp_path / "raw",
            DUCKDB_PATH=file,
            DBT_TARGET_PATH=tmp_path,
            DBT_LOG_PATH=tmp_path,
            DBT_TARGET="duckdb",
        ),
    ):
        told = "\n".join(estimate_all(Session(settings)))
        rows(file, "checkpoint")
        for wrong in (
            "update marts.customer_predictions set probability_alive = 1.5",
            "update marts.prediction_fits set reason = null",
            "insert into marts.customer_predictions from marts.customer_predictions limit 1",
        ):
            broken = Path(tempfile.mkdtemp(dir=tmp_path)) / file.name
            shutil.copy(file, broken)
            rows(broken, wrong)
            tested = project.attempt(
                "test", "--select", "source:estimates", raw_dir=tmp_path / "raw", database=broken, **settings
            )
            assert [run.status for run in tested.result].count("fail") == 1, wrong
        rows(file, "update marts.customer_value set as_of_date = '2025-03-30'")
        with pytest.raises(DbtError, match="customer_value is of 2025-03-30, but the last build of 2025-03-31: build"):
            estimate_all(Session(settings))
    assert "buyers as of 2025-03-31" in told and "at least 200 are needed (prediction_min_repeat_buyers)." in told
    assert rows(file, "select customer_id, probability_alive from marts.customer_predictions order by 1") == rows(
        file, "select customer_id, null from marts.customers where purchase_count > 0 order by 1")
    assert rows(file, "select model, as_of_date from marts.prediction_fits order by 1") == [
        ("bg_nbd", date(2025, 3, 31)), ("gamma_gamma", date(2025, 3, 31))]


@pytest.mark.parametrize("cut", [CDNOW_CUT, COMPLETE_JOURNEY_CUT])
def test_the_page_of_predictions_is_up_to_date(cut):
    with duckdb.connect() as files:
        found = holdout(cut, files)
    assert PAGE.read_text() == with_part(PAGE.read_text(), cut.name, section(found)), "run segments backtest"
    assert (PAGE.parent / "images" / f"predictions_{cut.name}.svg").read_text() == plot(found), "run segments backtest"
