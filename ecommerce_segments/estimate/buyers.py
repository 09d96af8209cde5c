"""Predict for each buyer of the last build what they will do in the next 365 days, and when they will order.

From the mart customer_value; step.py writes what is found.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from math import ceil

import numpy as np
import pandas as pd

from ecommerce_segments.dbt_session import DbtError, NotBuilt, Session
from ecommerce_segments.engines.source_tables import read
from ecommerce_segments.estimate.buy_till_you_die import (
    BgNbd,
    Fit,
    GammaGamma,
    Model,
    NotFitted,
    fit_bg_nbd,
    fit_gamma_gamma,
)

DAYS = 365
ORDER_DAYS = (30, 90, 365)
BUYERS = """
    select customer_id, as_of_date, repeat_purchase_days, days_first_to_last,
        days_first_to_as_of, revenue_per_repeat_day
    from {{ ref('customer_value') }}
    where repeat_purchase_days is not null
    order by {{ binary_collation('customer_id') }}
"""


@dataclass
class Predictions:
    """The tables by name, with the columns of _estimates.yml (missing ones are null), and what there is to tell of
    them."""

    tables: dict[str, pd.DataFrame]
    told: list[str]


def predict(buyers: pd.DataFrame, as_of_date: str, minimum: int) -> Predictions:
    """The predictions of all buyers.

    buyers: one row per buyer in the columns of BUYERS, times in days, money in the reporting currency and null without
    a repeat. as_of_date: that of the build, YYYY-MM-DD. minimum: as many of them must have come back on a second day,
    or nothing is predicted.
    """
    minimum = max(minimum, 1)
    x = buyers["repeat_purchase_days"].to_numpy(float)
    t_x, T = buyers["days_first_to_last"].to_numpy(float) / 7, buyers["days_first_to_as_of"].to_numpy(float) / 7
    z = buyers["revenue_per_repeat_day"].to_numpy(float)
    has_money = (x > 0) & (z > 0)
    purchases, no_purchases = attempt(fit_bg_nbd, x, t_x, T, repeat_buyers=(x > 0).sum(), minimum=minimum)
    money, no_money = attempt(
        fit_gamma_gamma, x[has_money], z[has_money], repeat_buyers=has_money.sum(), minimum=minimum
    )
    correlation = pd.Series(x[has_money]).corr(pd.Series(z[has_money])) if money else np.nan

    table = buyers[["customer_id"]].assign(as_of_date=as_of_date)
    told = [f"{len(buyers):,} buyers as of {as_of_date}"]
    if purchases:
        table["probability_alive"] = purchases.model.probability_alive(x, t_x, T)
        table["expected_purchases_365d"] = purchases.model.expected_purchases(x, t_x, T, DAYS / 7)
        for days in ORDER_DAYS:
            table[f"probability_of_order_{days}d"] = purchases.model.probability_of_order(x, t_x, T, days / 7)
        table["next_order_by"] = dates_after(as_of_date, 7 * purchases.model.weeks_to_even_odds(x, t_x, T))
        table["churn_risk_90d"] = 1 - table["probability_of_order_90d"]
        told.append(f"How often they buy (BG/NBD): {named(purchases.model)}; in the next {DAYS} days "
                    f"{table['expected_purchases_365d'].sum():,.0f} purchases")
    if money:
        table["expected_revenue_per_purchase"] = money.model.expected_revenue(x, z)
        told.append(f"What they spend (Gamma-Gamma): {named(money.model)}; {money.customers:,} repeat buyers, "
                    f"their frequency and money correlate at {correlation:.2f}")
    if purchases and money:
        table["expected_value_365d"] = table["expected_purchases_365d"] * table["expected_revenue_per_purchase"]
        told.append(f"Together: {table['expected_value_365d'].sum():,.0f} of net revenue to expect of them")
    told += [reason for reason in (no_purchases, no_money) if reason]
    fits = pd.DataFrame(
        [
            {
                "model": "bg_nbd",
                "as_of_date": as_of_date,
                "customers": len(buyers),
                "reason": no_purchases,
                **parameters(purchases),
            },
            {
                "model": "gamma_gamma",
                "as_of_date": as_of_date,
                "customers": has_money.sum(),
                "reason": no_money,
                **parameters(money),
                "correlation": correlation,
            },
        ]
    )
    return Predictions({"customer_predictions": table, "prediction_fits": fits}, told)


def dates_after(day: str, days: np.ndarray) -> list[str | None]:
    """The dates (YYYY-MM-DD) that so many days after one have been reached; None where there is no number, or the date
    would be after the year 9999."""
    first = date.fromisoformat(day)
    most = (date.max - first).days
    return [
        (first + timedelta(days=ceil(some))).isoformat() if some <= most else None for some in np.round(days, 6)
    ]


def attempt(
    fit: Callable[..., Fit[Model]], *data: np.ndarray, repeat_buyers: int, minimum: int
) -> tuple[Fit[Model] | None, str | None]:
    """The fit, or the sentence that says why there is none."""
    what = "how often buyers buy" if fit is fit_bg_nbd else "what buyers spend"
    if repeat_buyers < minimum:
        return None, (f"Nothing is predicted of {what}: {repeat_buyers:,} buyers came back, but at least "
                      f"{minimum:,} are needed (prediction_min_repeat_buyers).")
    try:
        return fit(*data), None
    except NotFitted as reason:
        return None, f"Nothing is predicted of {what}: {reason}."


def parameters(fit: Fit | None) -> dict[str, float]:
    """The columns of prediction_fits that a fit has; none without a fit."""
    return {"log_likelihood": fit.log_likelihood, **fit.model._asdict()} if fit else {}


def named(model: BgNbd | GammaGamma) -> str:
    """A model's parameters, in words."""
    return ", ".join(f"{name} = {value:.4g}" for name, value in model._asdict().items())


def read_buyers(session: Session) -> pd.DataFrame:
    """The rows of BUYERS. Raises DbtError where the last build left none, or only those of an earlier one."""
    try:
        buyers = read(session, BUYERS)
    except NotBuilt as error:
        raise DbtError("The mart customer_value is not built here yet: run `segments run` first.") from error
    if dates := {str(day) for day in buyers["as_of_date"]} - {session.as_of_date}:
        raise DbtError(
            f"The mart customer_value is of {min(dates)}, but the last build of {session.as_of_date}: build again"
            " first."
        )
    return buyers
