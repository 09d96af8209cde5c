"""The whole demo: all raw tables, in the order in which each follows from those before."""

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from demo.calendar import make_calendar, sale_campaigns_table
from demo.campaigns import EXTRA_ID, campaign_mails, make_campaign_purchases, marketing_campaigns_table
from demo.catalogue import make_products, products_table
from demo.currencies import exchange_rates_table, make_rates
from demo.customers import customers_table, loyalty_tiers_table, make_accounts
from demo.dirt import with_dirt, with_loaded_at
from demo.drawing import dice
from demo.emails import email_events_table, make_consent, make_email_events
from demo.marketing import marketing_spend_table
from demo.orders import (
    make_lines,
    make_orders,
    make_refunds,
    order_lines_table,
    orders_table,
    refunds_table,
    reviews_table,
)
from demo.people import make_people, make_purchases
from demo.sessions import make_sessions, make_web_events, sessions_table, web_events_table


def make_tables():
    """The raw tables by name, one after the other, each with the rows that no dirt falls on if it has any."""
    calendar, rates = make_calendar(), make_rates()
    people = make_people(calendar)
    buyer, bought_at = make_purchases(calendar, people)
    accounts = make_accounts(people, buyer, bought_at)
    products = make_products()
    orders = make_orders(calendar, people, accounts, buyer, bought_at, rates)
    lines = make_lines(people, products, orders)
    make_consent(people, accounts)
    emails = make_email_events(calendar, people, accounts, campaign_mails(people, accounts, orders))
    sessions = make_sessions(calendar, people, accounts, orders, emails)
    extra_buyer, extra_bought_at = make_campaign_purchases(people, orders)
    extra_orders = make_orders(calendar, people, accounts, extra_buyer, extra_bought_at, rates)
    extra_lines = make_lines(people, products, extra_orders)
    yield "customers", customers_table(people, accounts)
    yield "products", products_table(products)
    # What campaigns brought stays clean, so that the rest of the shop is what it would be without them.
    yield "orders", orders_table(people, orders), orders_table(people, extra_orders, EXTRA_ID)
    yield "order_lines", order_lines_table(orders, lines), order_lines_table(extra_orders, extra_lines, EXTRA_ID)
    yield "refunds", refunds_table(make_refunds(orders, lines))
    yield "sessions", sessions_table(sessions, emails)
    yield "web_events", web_events_table(make_web_events(people, orders, lines, sessions))
    yield "email_events", email_events_table(people, accounts, emails)
    yield "reviews", reviews_table(people, orders, lines)
    yield "marketing_spend", marketing_spend_table(calendar, people, orders)
    yield "exchange_rates", exchange_rates_table(rates)


def write_shop(directory):
    """Write all tables into a directory, and print how many rows each has."""
    for name, table, *clean in make_tables():
        table = with_dirt(name, table)
        rng = dice("late rows of " + name)
        table = pa.concat_tables([table, *(with_loaded_at(rng, rows) for rows in clean)], promote_options="default")
        pq.write_table(table, directory / f"{name}.parquet", compression="zstd")
        print(f"{name:<20}{len(table):>10,} rows", flush=True)
    for name, table in (
        ("sale_campaigns", sale_campaigns_table()),
        ("marketing_campaigns", marketing_campaigns_table()),
        ("loyalty_tiers", loyalty_tiers_table()),
    ):
        pyarrow.csv.write_csv(table, directory / f"{name}.csv", pyarrow.csv.WriteOptions(quoting_style="none"))
        print(f"{name:<20}{len(table):>10,} rows")
