"""Spend on ads as Fivetran lands it: of Google Ads per account, date and device, of Meta per ad and date.

An account has one currency, so each currency is one account. Only ads are told: what else marketing costs, such as
affiliates, is the
shop's own file (`rest`).
"""

from pathlib import Path

import duckdb
import pyarrow as pa

FEEDS = ("marketing_spend",)

FILES = {
    # Two devices, the first with a third of the spend.
    "google_ads_account_stats": """
        select account as customer_id, spend_date as date, device, millionths as cost_micros, synced_at as
            _fivetran_synced
        from (
            select *, 'MOBILE' as device, spent // 3 as millionths from spend
            union all select *, 'DESKTOP', spent - spent // 3 from spend
        )
        where channel = 'paid_search'
    """,
    # An account has many versions, and had another currency at first.
    "google_ads_account_history": """
        select account as id, timestamp '2020-01-01' + to_days(version) as updated_at,
            case when version = 1 then 'XXX' else currency end as currency_code
        from accounts cross join range(1, 60) as versions(version) where channel = 'paid_search'
    """,
    "facebook_ads_basic_ad": """
        select ad_id, account as account_id, spend_date as date, cast(millionths as decimal(28, 0)) * 0.000001 as
            spend, synced_at as _fivetran_synced
        from (
            select *, 71 as ad_id, spent // 2 as millionths from spend
            union all select *, 72, spent - spent // 2 from spend
        )
        where channel = 'paid_social'
    """,
    "facebook_ads_account_history": """
        select account as id, currency, timestamp '2020-01-01' as _fivetran_synced from accounts where channel =
            'paid_social'
    """,
}


def write(tables: dict[str, pa.Table], directory: Path) -> dict[str, pa.Table]:
    """Write the spend of a shop, given as tables of the raw contract, as Fivetran lands it.

    Returns the spend that is told: paid_search as Google's, paid_social as Meta's, summed by date, channel and
    currency.
    """
    directory.mkdir(parents=True, exist_ok=True)
    connection = duckdb.connect()
    connection.register("given", tables["marketing_spend"])
    connection.execute("""
        create table told as
            select spend_date, channel, cast(sum(amount) as decimal(18, 6)) as amount, currency
            from given where channel in ('paid_search', 'paid_social') group by all;
        create table accounts as
            select *, 1000 + row_number() over (order by channel, currency) as account
            from (select distinct channel, currency from told);
        create table spend as
            select told.*, account, cast(amount * 1000000 as bigint) as spent, spend_date + interval 32 hours as
                synced_at
            from told inner join accounts using (channel, currency) order by spend_date, account
    """)
    for name, sql in FILES.items():
        connection.execute(f"copy ({sql}) to '{directory / name}.parquet' (compression zstd)")
    return {"marketing_spend": connection.table("told").order("spend_date, channel, currency").to_arrow_table()}


def rest(tables: dict[str, pa.Table]) -> dict[str, pa.Table]:
    """The rows of the tables it feeds that are the shop's own to tell."""
    given = tables["marketing_spend"]
    return {
        "marketing_spend": duckdb.from_arrow(given)
        .filter("channel not in ('paid_search', 'paid_social')")
        .to_arrow_table()
    }
