"""How right the probability of an order is: a fit without the last 90 days, against what buyers did in them."""

import numpy as np
import pandas as pd

from ecommerce_segments.dbt_session import Session
from ecommerce_segments.engines.source_tables import read
from ecommerce_segments.estimate.buy_till_you_die import fit_bg_nbd
from ecommerce_segments.estimate.buyers import attempt

DAYS = 90
# The history of each buyer up to 90 days before the as-of date, and whether they bought since.
HISTORIES = """
    select
        customer_id,
        sum(case when purchased_on <= {{ days_ago(90) }} then 1 else 0 end) - 1 as repeat_purchase_days,
        {{ days_between(
            'min(purchased_on)', 'max(case when purchased_on <= ' ~ days_ago(90) ~ ' then purchased_on end)'
        ) }} as days_first_to_last,
        {{ days_between('min(purchased_on)', days_ago(90)) }} as days_first_to_cut,
        max(case when purchased_on > {{ days_ago(90) }} then 1 else 0 end) as has_bought
    from (select distinct customer_id, purchased_on from {{ ref('int_purchase_sequence') }}) as purchase_days
    group by customer_id
    having min(purchased_on) <= {{ days_ago(90) }}
    order by {{ binary_collation('customer_id') }}
"""


def read_histories(session: Session) -> pd.DataFrame:
    """The rows of HISTORIES."""
    return read(session, HISTORIES)


def calibrate(histories: pd.DataFrame, minimum: int) -> tuple[pd.DataFrame, str]:
    """The rows of prediction_calibration, without its date, and a sentence about them; none where nothing is predicted.

    histories: those of HISTORIES, times in days. minimum: as many must have come back, as for predictions.
    """
    columns = ["fifth", "buyers", "predicted_share", "actual_share", "brier_score", "auc"]
    x = histories["repeat_purchase_days"].to_numpy(float)
    t_x, T = (histories[name].to_numpy(float) / 7 for name in ("days_first_to_last", "days_first_to_cut"))
    bought = histories["has_bought"].to_numpy(float)
    fit, reason = attempt(fit_bg_nbd, x, t_x, T, repeat_buyers=int((x > 0).sum()), minimum=max(minimum, 1))
    if not fit:
        return pd.DataFrame(columns=columns), f"{DAYS} days ago. {reason}"
    predicted = fit.model.probability_of_order(x, t_x, T, DAYS / 7).round(8)
    table = pd.DataFrame({"fifth": fifths(predicted), "predicted": predicted, "bought": bought})
    found = table.groupby("fifth").agg(
        buyers=("bought", "size"), predicted_share=("predicted", "mean"), actual_share=("bought", "mean")
    )
    brier, auc = ((predicted - bought) ** 2).mean(), area_under_curve(predicted, bought)
    told = (
        f"Tried on the last {DAYS} days: {predicted.mean():.1%} of the buyers were expected to order,"
        f" {bought.mean():.1%} did; Brier score {brier:.3f}, AUC {auc:.2f}"
    )
    return found.assign(brier_score=brier, auc=auc).reset_index()[columns], told


def fifths(values: np.ndarray) -> np.ndarray:
    """1 (lowest) to 5 for each value, by how many are strictly lower: equal values share a fifth."""
    return 1 + 5 * np.searchsorted(np.sort(values), values, side="left") // len(values)


def area_under_curve(predicted: np.ndarray, bought: np.ndarray) -> float:
    """The chance that of a buyer who ordered and one who did not the first had the higher probability; equal ones count
    half. NaN where all did the same."""
    ranks = pd.Series(predicted).rank().to_numpy()
    did, did_not = (bought == 1).sum(), (bought == 0).sum()
    return (ranks[bought == 1].sum() - did * (did + 1) / 2) / (did * did_not) if did and did_not else np.nan
