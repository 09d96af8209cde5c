"""The warnings of the mart `alerts`, as a run tells them at its end, and what they make of its exit code."""

from dbt.contracts.graph.manifest import Manifest

from ecommerce_segments.build.left_out import rows_of

# Published, but with a warning that the settings ask to be told of by the exit code.
WARNED = 3
COLUMNS = ("kind", "subject", "severity", "value", "usual_low", "usual_high", "sentence")
ALERTS = f"""
    select {", ".join(COLUMNS)} from marts.alerts
    order by case severity when 'error' then 1 when 'warning' then 2 else 3 end, kind, subject
"""
BUILT_DATES = "select count(distinct as_of_date) from marts.segment_sizes"
# So many dates before one are needed to say what is usual.
DATES_NEEDED = 4
SEVERITIES = {"never": (), "error": ("error",), "warning": ("error", "warning")}


def alerts_of(manifest: Manifest) -> tuple[list[dict], list[str]]:
    """The alerts of the last build, the worst first, by the columns of the mart, and lines for people about them.

    Raises DbtError with the warehouse's message where they cannot be read.
    """
    alerts = [dict(zip(COLUMNS, row)) for row in rows_of(manifest, ALERTS)]
    ((dates,),) = rows_of(manifest, BUILT_DATES)
    lines = [f"  {alert['severity']}: {alert['sentence']}" for alert in alerts] or ["  none"]
    compared = ""
    if dates <= DATES_NEEDED:
        built = "1 date is" if dates == 1 else f"{dates} dates are"
        compared = f"; segments and shares are compared from the fifth date on, {built} built"
    return alerts, [f"Warnings (docs/alerts.md){compared}:", *lines]


def exit_code(alerts: list[dict], fail_from: str) -> int:
    """3 where an alert is as bad as the setting alerts_fail_from says, else 0."""
    return WARNED if any(alert["severity"] in SEVERITIES[fail_from] for alert in alerts) else 0
