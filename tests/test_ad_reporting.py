"""Spend on ads as loaders land it, against rows of marketing_spend worked out by hand."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from connected_shops import ConnectedProject, rows

REPORTED = "ad_reporting__account_report.csv"
GOOGLE = "google_ads_account_stats.csv"
COLUMNS = ("spend_date", "channel", "amount", "currency")


@pytest.fixture(scope="module")
def connected(tmp_path_factory):
    return ConnectedProject(tmp_path_factory.mktemp("ads"), {"ad_reporting": {"channels": {"tiktok_ads": "video"}}})


def write(directory: Path, files: dict[str, str]) -> Path:
    """Write the files of the connector. Returns the directory of the shop."""
    (directory / "ad_reporting").mkdir()
    for name, text in files.items():
        (directory / "ad_reporting" / name).write_text(text)
    return directory


def test_spend_is_summed_over_accounts_in_the_currency_of_their_newest_version(connected, tmp_path):
    shop = write(tmp_path, {
        GOOGLE: "customer_id,date,cost_micros\n1,2026-05-01,20836690\n1,2026-05-01,1000000\n2,2026-05-01,500000\n",
        "google_ads_account_history.csv": "id,currency_code,updated_at\n"
            "1,USD,2024-01-01 00:00:00\n1,EUR,2025-01-01 00:00:00\n2,EUR,2025-01-01 00:00:00\n",
        "BASIC_AD.csv": "AD_ID,ACCOUNT_ID,DATE,SPEND\n7,9,2026-05-01,3.5\n8,9,2026-05-01,1.25\n",
        "facebook_ads_account_history.csv": "id,currency\n9,EUR\n",
    })  # fmt: skip
    assert rows(connected.read(shop), "ad_reporting__marketing_spend", *COLUMNS) == [
        (date(2026, 5, 1), "paid_search", Decimal("22.336690"), "EUR"),
        (date(2026, 5, 1), "paid_social", Decimal("4.750000"), "EUR"),
    ]


def test_a_report_takes_the_place_of_the_loaders_tables(connected, tmp_path):
    shop = write(tmp_path, {
        REPORTED: "date_day,platform,account_id,spend\n2026-05-01,tiktok_ads,3,8\n2026-05-01,google_ads,1,5\n",
        GOOGLE: "customer_id,date,cost_micros\n1,2026-05-01,20836690\n",
    })  # fmt: skip
    assert [row[:3] for row in rows(connected.read(shop), "ad_reporting__marketing_spend", *COLUMNS)] == [
        (date(2026, 5, 1), "paid_search", Decimal(5)),
        (date(2026, 5, 1), "video", Decimal(8)),
    ]
