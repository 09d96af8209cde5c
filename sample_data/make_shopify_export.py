"""Write sample_data/shopify_export: one in forty customers of the demo shop, those who pay in euros, as Shopify's
admin page exports them. The customers are as Excel leaves a file that somebody opened and saved.

Usage: python sample_data/make_shopify_export.py
"""

import csv
from pathlib import Path

import duckdb

from make_source import demo_tables
from sources import shopify_csv

# Of who is known by an email, or else by an id, those whose hash begins with so little.
IS_CHOSEN = "md5(lower(coalesce(email, customer_id))) < '065'"
CHOSEN = {
    "customers": f"from customers where {IS_CHOSEN} and country_code not in ('GB', 'SE', 'US')",
    # A shop of Shopify has one currency.
    "orders": f"""
        from orders
        where currency = 'EUR'
            and (customer_id in (select customer_id from chosen_customers) or customer_id is null and email is not
                null and {IS_CHOSEN})
    """,
    "order_lines": "from order_lines semi join chosen_orders using (order_id)",
    "refunds": "from refunds semi join chosen_orders using (order_id)",
    "products": "from products semi join chosen_order_lines using (product_id)",
}


def main():
    connection = duckdb.connect()
    for name, table in demo_tables().items():
        if name in shopify_csv.FEEDS:
            connection.register(name, table)
    for name, sql in CHOSEN.items():
        connection.execute(f"create table chosen_{name} as {sql}")
    chosen = {name: connection.table(f"chosen_{name}").to_arrow_table() for name in CHOSEN}
    directory = Path(__file__).with_name("shopify_export")
    shopify_csv.write(chosen, directory)
    save_in_excel(directory / "customers_export.csv")
    print(", ".join(f"{len(table):,} {name}" for name, table in chosen.items()))


def save_in_excel(file: Path) -> None:
    """Write a CSV file as Excel does where a comma stands in numbers: with semicolons, in Windows-1252."""
    with file.open(encoding="utf-8", newline="") as opened:
        header, *rows = csv.reader(opened)
    money = header.index("Total Spent")
    with file.open("w", encoding="windows-1252", newline="") as written:
        writer = csv.writer(written, delimiter=";")
        writer.writerow(header)
        writer.writerows([*row[:money], row[money].replace(".", ","), *row[money + 1 :]] for row in rows)


if __name__ == "__main__":
    main()
