"""Make a shop of any size in the raw contract's tables, as Parquet files, for measurements. Not a shop to learn from:
that is the demo.

Usage: python benchmarks/shop.py SCALE DIRECTORY [--seed 1]

Scale 1 has 100,000 accounts, 400,000 orders with 1 million lines, 1 million web sessions with 5 million events, and 2
million email events, over three years up to 2026-06-30. All else is in proportion, but for 5,000 products. The shop
grows: what happens is spread over the past like its accounts, and in the files it stands in the order of time, as logs
do. A few customers buy most, a few products sell best. Ids are text: numbers of 13 to 15 digits, sessions and events 16
hex digits.

The dirt is that of real deliveries: rows that arrive twice, late versions, rows that break the contract, guests, people
with more than one account, an address that hundreds share, tests and bots.

The same scale and seed give the same rows. DuckDB writes the files in streams, so that memory does not grow with the
scale.
"""

import argparse
import sys
from pathlib import Path

import duckdb

AS_OF_DATE = "2026-06-30"
SETTINGS = {"as_of_date": AS_OF_DATE, "shop_timezone": "Europe/Berlin", "reporting_currency": "EUR"}
DAYS = 3 * 365
PRODUCTS = 5_000
ACCOUNTS, ORDERS, SESSIONS, MAILS = 100_000, 400_000, 1_000_000, 2_000_000

# u(i, n): the n-th random number of row i, from 0 to below 1. moment(share): when that share of all had happened (UTC).
# buyer(i, share): an account that existed then; one time in ten a heavy user, else one of the first or of
# the newer.
# visitor(i, share): the same, but for a few who look again and again. night_after(happened): when a row arrived.
MACROS = f"""
create macro u(i, n) as hash(i, n, getvariable('seed')) / 18446744073709551616.0;
create macro moment(share) as timestamp '2023-07-01' + to_microseconds(cast({DAYS * 86_400} * power(share, 0.7) as bigint) * 1000000);
create macro buyer(i, share, accounts) as cast(
    case
        when u(i, 90) < 0.1 then floor(accounts * share * 0.005 * u(i, 91))
        when u(i, 90) < 0.5 then floor(accounts * share * power(u(i, 91), 2))
        else floor(accounts * share * (1 - 0.4 * power(u(i, 91), 2)))
    end as bigint);
create macro visitor(i, share, accounts) as case
    when u(i, 92) < 0.06 then cast(floor(accounts * (0.02 + 0.001 * u(i, 93))) as bigint) else buyer(i, share, accounts) end;
create macro number_id(first, i) as cast(first + i * 32768 as varchar);
create macro hex_id(i, n) as to_hex(hash(i, n, getvariable('seed')));
create macro address(i) as case
    when u(i, 80) < 0.002 then 'office@partner.example'
    else 'user' || case when u(i, 80) < 0.03 then i - 1 else i end || '@mail' || i % 40 || '.example' end;
create macro night_after(happened) as date_trunc('day', happened) + interval 27 hour;
"""  # noqa: E501

TABLES = {
    "customers": """
        with accounts as (
            select range as i, moment(range / {accounts}) as created_at, unnest(range(case when u(range, 1) < 0.05 then 2 else 1 end)) as version
            from range({accounts})
        )
        select
            number_id(6000000000000, i) as customer_id,
            case when u(i, 2) < 0.97 then case when u(i, 3) < 0.03 then upper(address(i)) || ' ' else address(i) end end as email,
            case when u(i, 4) < 0.6 then '+4915' || cast(100000000 + i as varchar) when u(i, 4) < 0.62 then '0151 ' || i end as phone,
            'Name' || cast(floor(500 * u(i, 5)) as integer) as first_name,
            case when u(i, 6) < 0.7 then date '1950-01-01' + cast(floor(20000 * u(i, 7)) as integer) end as birth_date,
            ['DE', 'AT', 'CH', 'FR', 'NL'][1 + cast(floor(5 * power(u(i, 8), 3)) as integer)] as country_code,
            'City ' || cast(floor(300 * power(u(i, 9), 2)) as integer) as city,
            created_at,
            ['search', 'social', 'email', 'partners', null][1 + cast(floor(5 * u(i, 10)) as integer)] as acquisition_channel,
            case when u(i, 11) < 0.45 then 'subscribed' when u(i, 11) < 0.6 then 'unsubscribed' when u(i, 11) < 0.9 then 'never' end as email_consent,
            case when u(i, 11) < 0.6 then created_at + to_minutes(cast(floor(100000 * u(i, 12)) as integer)) end as email_consent_at,
            u(i, 13) < 0.001 as is_test,
            case when u(i, 14) < 0.0005 then null else created_at + to_days(cast(40 * version as integer)) end as updated_at,
            night_after(created_at) as loaded_at
        from accounts""",  # noqa: E501
    "products": """
        select
            number_id(8000000000000, range) as product_id,
            'Product ' || range as product_name,
            case when u(range, 1) < 0.98 then 'Category ' || cast(floor(25 * power(u(range, 2), 2)) as integer) end as category,
            cast(5 + 200 * power(u(range, 3), 4) as decimal(18, 2)) as price,
            case when u(range, 4) < 0.97 then cast((5 + 200 * power(u(range, 3), 4)) * 0.6 as decimal(18, 2)) end as unit_cost,
            timestamp '2026-01-01' as updated_at,
            timestamp '2026-01-01' as loaded_at
        from range({products})""",  # noqa: E501
    "orders": """
        with versions as (
            select range as i, 0 as version from range({orders})
            union all
            select range as i, 1 as version from range({orders}) where u(range, 1) < 0.02
        ),
        orders as (
            select *, moment(i / {orders}) as ordered_at, buyer(i, i / {orders}, {accounts}) as account, u(i, 2) as kind from versions
        )
        select
            number_id(5000000000000, i) as order_id,
            case when kind < 0.85 then number_id(6000000000000, account) when kind < 0.852 then 'unknown' end as customer_id,
            case when kind < 0.5 or kind between 0.85 and 0.87 then address(account) when kind between 0.87 and 0.998 then 'guest' || cast(account // 3 as varchar) || '@mail.example' end as email,
            ordered_at,
            case
                when u(i, 3) < 0.001 then 'lost'
                when version = 0 and u(i, 1) < 0.02 then 'pending'
                when u(i, 3) < 0.08 then 'cancelled'
                when u(i, 3) < 0.10 then 'pending'
                when u(i, 3) < 0.20 then 'paid'
                else 'fulfilled'
            end as status,
            case when u(i, 4) < 0.85 then 'EUR' when u(i, 4) < 0.95 then 'USD' else 'GBP' end as currency,
            case when u(i, 5) < 0.08 then cast(5 + floor(10 * u(i, 6)) as decimal(18, 2)) end as discount_amount,
            u(i, 7) < 0.001 as is_test,
            ordered_at + to_days(cast(3 * version as integer)) as updated_at,
            night_after(ordered_at + to_days(cast(3 * version as integer))) as loaded_at
        from orders""",  # noqa: E501
    "order_lines": """
        with orders as (
            select range as o, moment(range / {orders}) as ordered_at, unnest(range(1 + cast(floor(least(12, -2.05 * ln(1 - u(range, 20)))) as integer))) as n
            from range({orders})
        ),
        lines as (select *, 16 * o + n as i from orders),
        versions as (
            select *, 0 as version from lines
            union all
            select *, 1 as version from lines where u(i, 21) < 0.01
        ),
        products as (select *, cast(floor({products} * power(u(i, 22), 3)) as bigint) as product from versions),
        priced as (select *, cast(5 + 200 * power(u(product, 3), 4) as decimal(18, 2)) as list_price from products)
        select
            cast(70000000000000 + i as varchar) as order_line_id,
            number_id(5000000000000, case when u(i, 23) < 0.0005 then 1000000000 else o end) as order_id,
            case when u(i, 24) < 0.005 then 'gone' else number_id(8000000000000, product) end as product_id,
            case when u(i, 25) < 0.001 then 0 else 1 + cast(floor(3 * power(u(i, 26), 4)) as integer) end as quantity,
            case when u(i, 27) < 0.2 then cast(0.8 * list_price as decimal(18, 2)) else list_price end as unit_price,
            list_price,
            case when u(i, 28) < 0.1 then cast(1 + floor(3 * u(i, 29)) as decimal(18, 2)) end as discount_amount,
            ordered_at + to_days(cast(2 * version as integer)) as updated_at,
            night_after(ordered_at + to_days(cast(2 * version as integer))) as loaded_at
        from priced""",  # noqa: E501
    "refunds": """
        with refunds as (
            select range as i, moment(range / {orders}) + to_days(cast(3 + floor(20 * u(range, 31)) as integer)) as refunded_at
            from range({orders})
            where u(range, 30) < 0.06
        )
        select
            cast(90000000000000 + i as varchar) as refund_id,
            number_id(5000000000000, i) as order_id,
            case when u(i, 32) < 0.8 then cast(70000000000000 + 16 * i as varchar) end as order_line_id,
            refunded_at,
            cast(3 + 120 * power(u(i, 33), 2) as decimal(18, 2)) as amount,
            refunded_at as updated_at,
            night_after(refunded_at) as loaded_at
        from refunds""",  # noqa: E501
    "sessions": """
        with sessions as (
            select range as i, moment(range / {sessions}) as started_at, visitor(range, range / {sessions}, {accounts}) as account, u(range, 40) as kind
            from range({sessions})
        )
        select
            hex_id(i, 41) as session_id,
            case when kind < 0.6 then hex_id(account, case when u(i, 42) < 0.7 then 43 else 44 end) else hex_id(cast(floor({sessions} / 2 * u(i, 45)) as bigint), 46) end as visitor_id,
            case when kind < 0.35 then number_id(6000000000000, account) end as customer_id,
            started_at,
            ['search', 'social', 'email', 'direct'][1 + cast(floor(4 * u(i, 47)) as integer)] as channel,
            case when u(i, 48) < 0.65 then 'mobile' else 'desktop' end as device,
            u(i, 49) < 0.02 as is_bot,
            night_after(started_at) as loaded_at
        from sessions""",  # noqa: E501
    "web_events": """
        with sessions as (
            select range as s, moment(range / {sessions}) as started_at, unnest(range(1 + cast(floor(least(60, -4.45 * ln(1 - u(range, 50)))) as integer))) as n
            from range({sessions})
        ),
        events as (select *, 64 * s + n as i, unnest(range(case when u(64 * s + n, 51) < 0.005 then 2 else 1 end)) as copy from sessions)
        select
            hex_id(i, 52) as event_id,
            hex_id(s, 41) as session_id,
            case
                when u(i, 53) < 0.0005 then null
                when u(i, 53) < 0.80 then 'product_view'
                when u(i, 53) < 0.90 then 'add_to_cart'
                when u(i, 53) < 0.935 then 'remove_from_cart'
                when u(i, 53) < 0.965 then 'checkout_start'
                else 'recommendation_click'
            end as event_type,
            number_id(8000000000000, cast(floor({products} * power(u(i, 54), 3)) as bigint)) as product_id,
            started_at + to_seconds(cast(40 * n + copy as integer)) as occurred_at,
            night_after(started_at) as loaded_at
        from events""",  # noqa: E501
    "email_events": """
        with events as (
            select
                range as i, moment(range / {mails}) as occurred_at,
                cast(floor({accounts} * range / {mails} * u(range, 60)) as bigint) as account,
                unnest(range(case when u(range, 61) < 0.003 then 2 else 1 end)) as copy
            from range({mails})
        )
        select
            hex_id(i, 62) as event_id,
            case when u(i, 63) < 0.9 then number_id(6000000000000, account) end as customer_id,
            case when u(i, 63) > 0.6 then address(account) end as email,
            'campaign-' || date_diff('week', timestamp '2023-07-01', occurred_at) as campaign_id,
            case
                when u(i, 64) < 0.0005 then 'seen'
                when u(i, 64) < 0.44 then 'sent'
                when u(i, 64) < 0.86 then 'delivered'
                when u(i, 64) < 0.97 then 'open'
                when u(i, 64) < 0.99 then 'click'
                when u(i, 64) < 0.995 then 'unsubscribe'
                when u(i, 64) < 0.999 then 'bounce'
                else 'complaint'
            end as event_type,
            occurred_at + to_seconds(cast(copy as integer)) as occurred_at,
            night_after(occurred_at) as loaded_at
        from events""",
    "reviews": """
        with reviews as (select range as i, moment(range / {orders}) + interval 10 day as reviewed_at from range({orders}) where u(range, 70) < 0.08)
        select
            cast(95000000000000 + i as varchar) as review_id,
            number_id(6000000000000, buyer(i, i / {orders}, {accounts})) as customer_id,
            number_id(5000000000000, i) as order_id,
            number_id(8000000000000, cast(floor({products} * power(u(i, 71), 3)) as bigint)) as product_id,
            5 - cast(floor(5 * power(u(i, 72), 2)) as integer) as rating,
            reviewed_at,
            night_after(reviewed_at) as loaded_at
        from reviews""",  # noqa: E501
    "exchange_rates": """
        select date '2023-06-01' + cast(day.range as integer) as rate_date, currency, cast(base * (0.95 + 0.1 * u(day.range, 75)) as decimal(20, 12)) as rate
        from range({days} + 60) as day cross join (values ('USD', 0.92), ('GBP', 1.17)) as currencies (currency, base)""",  # noqa: E501
    "marketing_spend": """
        select date '2023-07-01' + cast(day.range as integer) as spend_date, channel, cast(50 + 500 * u(day.range, 76) as decimal(18, 2)) as amount, 'EUR' as currency
        from range({days}) as day cross join (values ('search'), ('social'), ('partners')) as channels (channel)""",  # noqa: E501
    "sale_campaigns": """
        select * from (values
            ('summer-2025', 'Summer sale 2025', date '2025-06-09', date '2025-06-27', null),
            ('summer-2026', 'Summer sale 2026', date '2026-06-08', date '2026-06-26', 'summer-2025')
        ) as sales (sale_campaign_id, sale_name, starts_on, ends_on, prior_sale_campaign_id)""",
}


def make_shop(scale: float, directory: Path, seed: int = 1) -> None:
    """Write one Parquet file per table into `directory`, which is made. scale: 1 is 100,000 accounts; seed: another
    one, another shop."""
    directory.mkdir(parents=True, exist_ok=True)
    sizes = {"accounts": ACCOUNTS, "orders": ORDERS, "sessions": SESSIONS, "mails": MAILS}
    sizes = {name: max(1, round(scale * size)) for name, size in sizes.items()} | {"products": PRODUCTS, "days": DAYS}
    with duckdb.connect() as connection:
        connection.execute(f"set TimeZone = 'UTC'; set memory_limit = '2GB'; set variable seed = {int(seed)}; {MACROS}")
        for table, sql in TABLES.items():
            # The newest updated_at of an account or order may lie after the last day: versions are no facts.
            connection.execute(
                f"copy ({sql.format(**sizes)}) to '{directory / table}.parquet' (format parquet, compression zstd)"
            )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("scale", type=float)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    if arguments.scale <= 0:
        print("The scale must be above 0.", file=sys.stderr)
        return 2
    make_shop(arguments.scale, arguments.directory, arguments.seed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
