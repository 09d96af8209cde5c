"""Airflow: the shop's segments every night.

The command stands in an environment of its own, so that its packages and Airflow's never meet.
"""

from datetime import datetime, timedelta

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import dag


@dag(schedule="30 2 * * *", start_date=datetime(2026, 1, 1), catchup=False, max_active_runs=1)
def customer_segments():
    BashOperator(
        task_id="nightly",
        bash_command="/srv/ecommerce-segments/.venv/bin/segments nightly --shop /srv/shop",
        # The last line of the task's log says what went wrong. A run that could not start (2) fails again in seconds.
        retries=1,
        retry_delay=timedelta(minutes=20),
        execution_timeout=timedelta(hours=3),
    )


customer_segments()
