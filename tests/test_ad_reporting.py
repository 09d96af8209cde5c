"""Spend on ads as loaders land it, against rows of marketing_spend worked out by hand."""

import random
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow
import pytest

from connected_shops import ConnectedProject, rows
from sample_data.sources import ad_reporting

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


def test_there_and_back(connected, tmp_path):
    """Spend as Fivetran lands it gives the sums per date, channel and currency; what is no ad stays the shop's own."""
    rng = random.Random(1)
    spend = [
        {
            "spend_date": date(2026, 5, 1) + timedelta(days=rng.randrange(20)),
            "channel": rng.choice(["paid_search", "paid_social", "affiliate"]),
            "amount": Decimal(rng.randrange(10_000_000)) / 1_000_000,
            "currency": rng.choice(["EUR", "USD"]),
        }
        for _ in range(300)
    ]
    tables = {"marketing_spend": pyarrow.Table.from_pylist(spend)}
    told = ad_reporting.write(tables, tmp_path / "ad_reporting")["marketing_spend"]
    expected = sorted((tuple(row[name] for name in COLUMNS) for row in told.to_pylist()), key=repr)
    assert sum(row["amount"] for row in spend if row["channel"] != "affiliate") == sum(row[2] for row in expected)
    assert rows(connected.read(tmp_path), "ad_reporting__marketing_spend", *COLUMNS) == expected
    assert set(ad_reporting.rest(tables)["marketing_spend"]["channel"].to_pylist()) == {"affiliate"}
