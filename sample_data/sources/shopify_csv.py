"""A shop as Shopify's admin page exports it: customers_export.csv, products_export_1.csv, and two orders_export files
that overlap.

What the files cannot say of a shop: whose an order is, but for its email; when a customer came, by which channel, when
they consented, that they refused (`no` is both), their birth date, whether they are a test, what they said to ads;
refunds one by one, their dates, lines and reasons; costs of lines; when goods were delivered; ids of lines; versions;
that a product has no price. `write` returns the shop as far as they say it.
"""

from pathlib import Path

import duckdb
import pyarrow as pa

FEEDS = ("customers", "products", "orders", "order_lines", "refunds")

ORDERS_HEADER = (
    "Name,Email,Financial Status,Paid at,Fulfillment Status,Fulfilled at,Accepts Marketing,Currency,Subtotal,"
    "Shipping,Taxes,Total,Discount Code,Discount Amount,Shipping Method,Created at,Lineitem quantity,Lineitem name,"
    "Lineitem price,Lineitem compare at price,Lineitem sku,Lineitem requires shipping,Lineitem taxable,"
    "Lineitem fulfillment status,Billing Name,Billing Street,Billing Address1,Billing Address2,Billing Company,"
    "Billing City,Billing Zip,Billing Province,Billing Country,Billing Phone,Shipping Name,Shipping Street,"
    "Shipping Address1,Shipping Address2,Shipping Company,Shipping City,Shipping Zip,Shipping Province,"
    "Shipping Country,Shipping Phone,Notes,Note Attributes,Cancelled at,Payment Method,Payment Reference,"
    "Refunded Amount,Vendor,Outstanding Balance,Employee,Location,Device ID,Id,Tags,Risk Level,Source,"
    "Lineitem discount,Tax 1 Name,Tax 1 Value,Tax 2 Name,Tax 2 Value,Tax 3 Name,Tax 3 Value,Tax 4 Name,Tax 4 Value,"
    "Tax 5 Name,Tax 5 Value,Phone,Receipt Number,Duties,Billing Province Name,Shipping Province Name,Payment ID,"
    "Payment Terms Name,Next Payment Due At,Payment References"
).split(",")
CUSTOMERS_HEADER = (
    "Customer ID,First Name,Last Name,Email,Accepts Email Marketing,Default Address Company,"
    "Default Address Address1,Default Address Address2,Default Address City,Default Address Province Code,"
    "Default Address Country Code,Default Address Zip,Default Address Phone,Phone,Accepts SMS Marketing,"
    "Total Spent,Total Orders,Note,Tax Exempt,Tags"
).split(",")
PRODUCTS_HEADER = (
    "Handle,Title,Body (HTML),Vendor,Product Category,Type,Tags,Published,Option1 Name,Option1 Value,"
    "Option1 Linked To,Option2 Name,Option2 Value,Option2 Linked To,Option3 Name,Option3 Value,Option3 Linked To,"
    "Variant SKU,Variant Grams,Variant Inventory Tracker,Variant Inventory Policy,Variant Fulfillment Service,"
    "Variant Price,Variant Compare At Price,Variant Requires Shipping,Variant Taxable,Variant Barcode,Image Src,"
    "Image Position,Image Alt Text,Gift Card,SEO Title,SEO Description,Variant Image,Variant Weight Unit,"
    "Variant Tax Code,Cost per item,Status"
).split(",")

SHIPPING, TAX_ON_TOP = "5.00", "0.19"
# What prices with tax in them are of those without.
TAX_FACTOR = "1.2"
# Of the orders by time, the share that the first file ends with, and the share that the second one begins with.
FIRST_FILE_UNTIL, SECOND_FILE_FROM = 0.6, 0.5

# An email as the project compares it, and a time as Shopify writes it: on the shop's clocks, with their offset.
BLANKS = " \t\r\n\u00a0\u200b\u200c\u200d\u2060\ufeff"
MACROS = rf"""
create macro compared(email) as case
    when regexp_full_match(trim(email, '{BLANKS}'), '[^@{BLANKS}]+@[^@{BLANKS}]+[.][^@{BLANKS}]+')
        then lower(trim(email, '{BLANKS}'))
    end;
create macro written(moment) as
    strftime(moment + to_hours(case when month(moment) between 4 and 10 then 2 else 1 end), '%Y-%m-%d %H:%M:%S')
    || case when microsecond(moment) % 1000000 > 0 then strftime(moment, '.%f') else '' end
    || case when month(moment) between 4 and 10 then ' +0200' else ' +0100' end;
create macro quoted(id) as '''' || id;
create macro money(amount) as regexp_replace(cast(cast(amount as decimal(18, 6)) as text), '0{{1,4}}$', '');
create macro has_cents(amount) as coalesce(amount * {TAX_FACTOR} = round(amount * {TAX_FACTOR}, 2), true);
"""

STEPS = {
    # Where an account has an email, its orders are exported with it.
    "emailed_orders": """
        select
            orders.*,
            case when compared(accounts.email) is not null then accounts.email else orders.email end as given_email
        from orders left join customers as accounts on orders.customer_id = accounts.customer_id
    """,
    "owners": """
        select compared(email) as compared_email, max(customer_id) as customer_id
        from customers where compared(email) is not null group by all having count(*) = 1
    """,
    "items": """
        select
            order_lines.* replace (coalesce(order_lines.discount_amount, 0) as discount_amount),
            coalesce(products.product_name, order_lines.product_id, 'Custom item') as item_name,
            coalesce(products.is_gift_card, false) as is_gift_card,
            case when quantity > 0 then quantity * unit_price - coalesce(order_lines.discount_amount, 0) else 0 end
                as amount,
            row_number() over (partition by order_lines.order_id order by order_line_id) as place
        from order_lines left join products on order_lines.product_id = products.product_id
    """,
    "refunded": "select order_id, sum(amount) as refunded from refunds group by all",
    "sums": """
        select
            orders.order_id,
            coalesce(sum(amount), 0) - coalesce(any_value(orders.discount_amount), 0) as subtotal,
            coalesce(sum(amount) filter (not is_gift_card), 0) - coalesce(any_value(orders.discount_amount), 0)
                as goods,
            any_value(refunded) as refunded,
            coalesce(bool_and(
                has_cents(unit_price) and has_cents(list_price) and has_cents(items.discount_amount)
                and has_cents(amount) and has_cents(orders.discount_amount) and has_cents(refunded)
            ), true) as has_cents
        from orders
        left join items on orders.order_id = items.order_id
        left join refunded on orders.order_id = refunded.order_id
        group by all
    """,
    # What goes back is a share of the total: of an order that is refunded in part, that is said exactly where nothing
    # is on top.
    "priced": """
        select
            emailed_orders.*,
            sums.* exclude (order_id),
            row_number() over (order by ordered_at, order_id) as number,
            count(*) over () as orders,
            refunded > 0 and refunded < goods as is_refunded_in_part,
            case when subtotal > 0 and number % 4 > 1 and has_cents then {tax_factor} else 1 end as tax_factor,
            case when subtotal > 0 and number % 3 = 0 and not is_refunded_in_part is true then {shipping} else 0 end
                as net_shipping,
            case when tax_factor = 1 and subtotal > 0 and number % 4 = 1 and not is_refunded_in_part is true
                then round(subtotal * {tax_on_top}, 2) else 0 end as tax_on_top,
            cast((subtotal + net_shipping) * tax_factor + tax_on_top as decimal(18, 6)) as total
        from emailed_orders inner join sums using (order_id)
    """,
    "heads": """
        select
            priced.*,
            cast(case when refunded > 0 and goods > 0 then
                case when is_refunded_in_part then refunded * (subtotal / goods) * tax_factor else total end
            end as decimal(18, 6)) as refunded_amount,
            case
                when status = 'pending' then case when number % 2 = 0 then 'pending' else 'authorized' end
                when status = 'cancelled' and number % 2 = 0 then 'voided'
                when is_refunded_in_part then 'partially_refunded'
                when refunded > 0 then 'refunded'
                else 'paid'
            end as financial_status,
            -- What happened last to a pending order is not told.
            case when status = 'pending' then ordered_at else greatest(ordered_at, updated_at) end as changed_at
        from priced
    """,
}

TOLD = {
    "orders": """
        select
            heads.* exclude (customer_id, email, given_email, is_test, delivered_at, updated_at, discount_amount),
            owners.customer_id, given_email as email,
            coalesce(is_test, false) as is_test, cast(null as timestamp) as delivered_at,
            coalesce(discount_amount, 0) as discount_amount,
            changed_at as updated_at
        from heads left join owners on compared(given_email) = owners.compared_email
    """,
    "customers": """
        with updated as (select compared(email) as email, max(updated_at) as updated_at from told_orders group by all)
        select
            customers.* replace (
                cast(null as date) as birth_date, cast(null as timestamp) as created_at,
                cast(null as text) as acquisition_channel, cast(null as boolean) as is_test,
                case when email_consent = 'subscribed' then email_consent else 'never' end as email_consent,
                case when sms_consent = 'subscribed' then sms_consent else 'never' end as sms_consent,
                cast(null as timestamp) as email_consent_at, cast(null as timestamp) as sms_consent_at,
                cast(null as text) as ads_consent, cast(null as timestamp) as ads_consent_at,
                coalesce(updated.updated_at, (select min(ordered_at) from orders)) as updated_at
            )
        from customers left join updated on compared(customers.email) = updated.email
    """,
    "products": """
        select products.* replace (
            coalesce(is_gift_card, false) as is_gift_card, coalesce(price, 0) as price,
            (select min(ordered_at) from orders) as updated_at
        ) from products
    """,
    "order_lines": """
        select
            items.* replace (
                coalesce(items.product_id, item_name) as product_id, cast(null as decimal(18, 6)) as unit_cost,
                told_orders.updated_at as updated_at
            )
        from items inner join told_orders using (order_id)
        where quantity > 0 and not is_gift_card
    """,
    "refunds": """
        select
            order_id as refund_id, order_id, cast(null as text) as order_line_id, ordered_at as refunded_at,
            cast(
                case when refunded_amount < total then round(goods * refunded_amount / total, 6) else goods end
                as decimal(18, 6)
            ) as amount,
            cast(null as text) as reason, changed_at as updated_at, cast(null as boolean) as is_deleted
        from heads where refunded_amount > 0
    """,
}

ORDER_FIELDS = {
    "Email": "given_email",
    "Financial Status": "case when is_early and not is_cancelled then 'pending' else financial_status end",
    "Paid at": """
        case
            when is_early then null
            when status = 'paid' then written(changed_at)
            when status = 'fulfilled' then written(ordered_at)
        end
    """,
    "Fulfillment Status": "case when not is_early and status = 'fulfilled' then 'fulfilled' else 'unfulfilled' end",
    "Fulfilled at": "case when not is_early and status = 'fulfilled' then written(changed_at) end",
    "Accepts Marketing": "'no'",
    "Currency": "currency",
    "Subtotal": "money(subtotal * tax_factor)",
    "Shipping": "money(net_shipping * tax_factor)",
    "Taxes": "money(tax_on_top + (subtotal + net_shipping) * (tax_factor - 1))",
    "Total": "money(total)",
    "Discount Code": "discount_code",
    # A code for shipping that is free is in it, too.
    "Discount Amount": (
        "money(coalesce(heads.discount_amount, 0) * tax_factor + case when net_shipping = 0 then {shipping} else 0 end)"
    ),
    "Shipping Method": "case when net_shipping > 0 then 'Standard' end",
    "Created at": "written(ordered_at)",
    "Cancelled at": "case when is_cancelled then written(changed_at) end",
    "Payment Method": "case when is_test then 'bogus' else 'Shopify Payments' end",
    "Refunded Amount": "money(case when is_early then 0 else coalesce(refunded_amount, 0) end)",
    "Outstanding Balance": "'0.00'",
    "Id": "order_id",
    "Risk Level": "'Low'",
    "Source": "'web'",
}
LINE_FIELDS = {
    "Name": "'#' || (1000 + number)",
    "Lineitem quantity": "regexp_replace(cast(quantity as text), '[.]?0+$', '')",
    "Lineitem name": "item_name",
    "Lineitem price": "money(unit_price * tax_factor)",
    "Lineitem compare at price": "money(list_price * tax_factor)",
    "Lineitem sku": "product_id",
    "Lineitem requires shipping": "case when is_gift_card is not null then not is_gift_card end",
    "Lineitem taxable": "case when is_gift_card is not null then not is_gift_card end",
    "Lineitem fulfillment status": "case when status = 'fulfilled' then 'fulfilled' else 'pending' end",
    "Lineitem discount": "money(items.discount_amount * tax_factor)",
    "Vendor": "'Demo'",
}
CUSTOMER_FIELDS = {
    "Customer ID": "quoted(customer_id)",
    "First Name": "first_name",
    "Last Name": "last_name",
    "Email": "email",
    "Accepts Email Marketing": "case email_consent when 'subscribed' then 'yes' else 'no' end",
    "Default Address City": "city",
    "Default Address Country Code": "country_code",
    "Default Address Zip": "quoted(postal_code)",
    "Default Address Phone": "quoted(phone)",
    "Phone": "quoted(phone)",
    "Accepts SMS Marketing": "case sms_consent when 'subscribed' then 'yes' else 'no' end",
    "Total Spent": "money(coalesce(spent, 0))",
    "Total Orders": "coalesce(orders, 0)",
    "Tax Exempt": "'no'",
}
VARIANT_FIELDS = {
    "Title": "product_name",
    "Vendor": "'Demo'",
    "Type": "category",
    "Published": "'true'",
    "Option1 Name": "'Title'",
    "Option1 Value": "'Default Title'",
    "Variant SKU": "product_id",
    "Variant Inventory Policy": "'deny'",
    "Variant Fulfillment Service": "'manual'",
    "Variant Price": "money(price)",
    "Variant Requires Shipping": "not is_gift_card",
    "Variant Taxable": "not is_gift_card",
    "Gift Card": "is_gift_card",
    "Cost per item": "money(unit_cost)",
    "Status": "'active'",
}


def write(tables: dict[str, pa.Table], directory: Path) -> dict[str, pa.Table]:
    """Write a shop, given as tables of the raw contract, as Shopify exports it.

    Returns the tables that the export feeds, with what it says of them: a shop that is built of these is the same.
    """
    directory.mkdir(parents=True, exist_ok=True)
    connection = duckdb.connect()
    connection.execute("set TimeZone = 'UTC'")
    connection.execute(MACROS)
    for name in FEEDS:
        connection.register(f"given_{name}", tables[name])
        connection.execute(f"create table {name} as from given_{name}")
    for name, sql in STEPS.items():
        connection.execute(f"create table {name} as {filled(sql)}")
    told = {}
    for name, sql in TOLD.items():
        connection.execute(f"create table told_{name} as {sql}")
        told[name] = connection.table(f"told_{name}").select(*tables[name].column_names).to_arrow_table()
    write_orders(
        connection, directory / "orders_export_1.csv", f"number <= ceil(orders * {FIRST_FILE_UNTIL})", SECOND_FILE_FROM
    )
    write_orders(connection, directory / "orders_export_2.csv", f"number > floor(orders * {SECOND_FILE_FROM})", 1)
    write_file(connection, directory / "customers_export.csv", CUSTOMERS_HEADER, CUSTOMER_FIELDS, """
        (select *, row_number() over (order by customer_id) as place from customers)
        left join (
            select customer_id, sum(total) as spent, count(*) as orders from told_orders group by all
        ) using (customer_id)
    """)  # fmt: skip
    variant = {name: f"case when place = 1 then {value} end" for name, value in VARIANT_FIELDS.items()}
    write_file(connection, directory / "products_export_1.csv", PRODUCTS_HEADER, variant | {
        "Handle": "'product-' || number",
        "Image Src": "'https://shop.example/' || number || '-' || place || '.jpg'",
        "Image Position": "place",
    }, """(
        select *, 1 as place from numbered_products
        union all by name
        select number, 2 as place from numbered_products where number % 3 = 0
    )""", "numbered_products as (select *, row_number() over (order by product_id) as number from told_products)",
        "number, place")  # fmt: skip
    return told


def filled(sql: str) -> str:
    """SQL with the figures of the shop."""
    return sql.format(shipping=SHIPPING, tax_on_top=TAX_ON_TOP, tax_factor=TAX_FACTOR)


def write_orders(connection: duckdb.DuckDBPyConnection, path: Path, condition: str, settled_until: float) -> None:
    """Write the orders of one file, newest first. Those after the share `settled_until` are as they were when they
    were new."""
    # The email stands in each row of some orders, all else that is said of an order in its first row.
    fields = {
        name: f"case when place = 1 or place is null{' or number % 2 = 0' * (name == 'Email')} then {filled(value)} end"
        for name, value in ORDER_FIELDS.items()
    } | LINE_FIELDS
    write_file(connection, path, ORDERS_HEADER, fields, "early_heads as heads left join items using (order_id)", f"""
        early_heads as (
            select
                heads.*,
                number > orders * {settled_until} as is_early,
                status = 'cancelled' and not is_early as is_cancelled
            from heads where {condition}
        )
    """, "number desc, place")  # fmt: skip


def write_file(
    connection, path: Path, header: list[str], fields: dict[str, str], rows: str, steps: str = "", order: str = "place"
) -> None:
    """Write a CSV file with this header: each column has the expression of its name over the rows, or is empty."""
    columns = [f'{fields.get(name, "null")} as "{name}"' for name in header]
    with_steps = f"with {steps} " if steps else ""
    connection.execute(
        f"copy ({with_steps}select {', '.join(columns)} from {rows} order by {order})"
        f" to '{path}' (header, delimiter ',')"
    )
