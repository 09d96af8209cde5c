"""What takes more than SQL, estimated from the last build and written beside its marts.

Reads marts, and replaces the tables of models/estimates/_estimates.yml, all or none; then runs their data tests. Where
a model cannot be fitted, its estimates are null or missing, and the reason is told: that is an answer, with exit code
0. Exit code 2: they could not be written, or fail a test.
"""

from ecommerce_segments.dbt_session import Session
from ecommerce_segments.engines.source_tables import replace
from ecommerce_segments.estimate.buyers import predict, read_buyers
from ecommerce_segments.estimate.calibration import calibrate, read_histories
from ecommerce_segments.estimate.channels import read_transitions, removal_effects, told_of

TABLES = ("customer_predictions", "prediction_fits", "prediction_calibration", "channel_removal_effects")


def estimate_all(session: Session) -> list[str]:
    """Estimate, write the tables and test them. Returns what there is to tell.

    Raises DbtError where they are not written or fail.
    """
    minimum = int(session.rows("select {{ var('prediction_min_repeat_buyers') }} as buyers")[0]["buyers"])
    predictions = predict(read_buyers(session), session.as_of_date, minimum)
    calibration, told = calibrate(read_histories(session), minimum)
    effects = removal_effects(read_transitions(session))
    found = (calibration.assign(as_of_date=session.as_of_date), effects.assign(as_of_date=session.as_of_date))
    replace(session.manifest, "estimates", predictions.tables | dict(zip(TABLES[2:], found)))
    session.invoke("test", "--select", "source:estimates")
    return [*predictions.told, told, told_of(effects)]
