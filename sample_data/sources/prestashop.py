"""A shop as PrestaShop's database has it, in its tables ps_*: ps_customer as CSV, with dates 0000-00-00, all others as
Parquet.

What PrestaShop cannot say of a shop: fractions of a second and of a unit, and the second of two hours that its clocks
show twice; that an account or an order is a test, a product a gift card; the channel that won an account; consent to
messages on the phone and to ads, that somebody refused mail (whoever is not subscribed was never), and when, but for
subscribers; that an order of an account has an email of its own; a discount on a line that is not in its price (it
becomes a voucher); a price or a creation time that is not known; a cost of 0; which refund had no line, or was more
than was paid for it; why money went back. `write` returns the shop as far as PrestaShop says it.
"""

from pathlib import Path

import duckdb
import pyarrow as pa

FEEDS = ("customers", "products", "orders", "order_lines", "refunds")

SHIPPING = "4.90"
# What one unit of the reporting currency is in any other: its inverse has few digits, so that costs stay exact.
CONVERSION_RATE, ITS_INVERSE = "1.25", "0.8"

MACROS = """
create macro clock_time(moment) as date_trunc('second', timezone('{timezone}', timezone('UTC', moment)));
create macro told(moment) as date_trunc('second', case
    when clock_time(moment - interval 1 hour) = clock_time(moment) then moment - interval 1 hour else moment end);
create macro base_id(product_id) as coalesce(nullif(regexp_extract(product_id, '^(.+)-[0-9]+$', 1), ''), product_id);
create macro combination(product_id) as nullif(regexp_extract(product_id, '^.+-([0-9]+)$', 1), '');
"""

# The tables of the contract as PrestaShop says them, and on the way to them.
TOLD = {
    "told_customers": """
        select * replace (
            told(coalesce(created_at, updated_at)) as created_at, null as acquisition_channel, null as sms_consent,
            null as sms_consent_at, null as ads_consent, null as ads_consent_at, null as is_test,
            told(updated_at) as updated_at,
            case when email_consent = 'subscribed' then 'subscribed' else 'never' end as email_consent,
            case when email_consent = 'subscribed' then told(email_consent_at) end as email_consent_at
        ) from customers""",
    "told_products": """
        select * replace (
            null as is_gift_card, coalesce(price, 0) as price, nullif(unit_cost, 0) as unit_cost,
            told(updated_at) as updated_at
        ) from products""",
    "line_discounts": "select order_id, sum(discount_amount) as line_discount from order_lines group by order_id",
    "told_orders": """
        select orders.* replace (
            known.customer_id as customer_id,
            case when known.customer_id is null then orders.email else known.email end as email,
            coalesce(discount_amount, 0) + coalesce(line_discount, 0) as discount_amount, null as is_test,
            told(ordered_at) as ordered_at, told(delivered_at) as delivered_at, told(orders.updated_at) as updated_at
        )
        from orders
        left join line_discounts using (order_id)
        left join customers as known on orders.customer_id = known.customer_id""",
    "told_order_lines": """
        select order_lines.* replace (
            ceil(quantity) as quantity, case when list_price > unit_price then list_price end as list_price,
            null as discount_amount, nullif(unit_cost, 0) as unit_cost, told_orders.updated_at as updated_at
        )
        from order_lines
        inner join told_orders using (order_id)""",
    "shares": """
        select order_id, order_line_id, gross,
            sum(gross) over (partition by order_id order by order_line_id rows unbounded preceding) as gross_so_far,
            sum(gross) over (partition by order_id) as total, least(discount_amount, total) as discount
        from (
            select order_id, order_line_id, cast(quantity * unit_price as decimal(18, 6)) as gross from told_order_lines
        )
        inner join (select order_id, discount_amount from told_orders) using (order_id)""",
    "paid": """
        select order_id, order_line_id, case when total = 0 then 0 else cast(
            gross - round(discount * gross_so_far / total, 6)
            + round(discount * (gross_so_far - gross) / total, 6) as decimal(18, 6)
        ) end as paid
        from shares""",
    "line_refunds": """
        select refund_id, order_id, order_line_id, amount as slip_amount, refunded_at, updated_at,
            sum(amount) over (
                partition by order_line_id order by clock_time(refunded_at), refund_id rows unbounded preceding
            ) as so_far,
            least(so_far, paid) - least(so_far - amount, paid) as amount
        from refunds
        inner join paid using (order_id, order_line_id)""",
    "left_of_lines": """
        select *, sum(left_over) over (partition by order_id order by order_line_id rows unbounded preceding) as until
        from (
            select order_id, order_line_id, any_value(paid) - coalesce(sum(amount), 0) as left_over
            from paid left join line_refunds using (order_id, order_line_id)
            group by order_id, order_line_id
        )""",
    # A refund of an order as a whole goes to its lines, one after the other, as far as money is left of them.
    "order_refunds": """
        select refund_id, order_id, lines.order_line_id, refunds.refunded_at, refunds.updated_at,
            least(refunds.until, lines.until) - greatest(refunds.until - amount, lines.until - left_over) as amount
        from (
            select *, sum(amount) over (partition by order_id order by refund_id rows unbounded preceding) as until
            from refunds where refund_id not in (select refund_id from line_refunds)
        ) as refunds
        inner join left_of_lines as lines using (order_id)
        where least(refunds.until, lines.until) > greatest(refunds.until - amount, lines.until - left_over)""",
    # What a slip says of a line is the price of the goods, so that it may be more than was paid.
    "slips": """
        select refund_id, order_id, order_line_id, amount, refunded_at, updated_at, case
            when order_line_id in (select order_line_id from order_refunds) then amount else slip_amount
            end as slip_amount
        from line_refunds
        union all by name
        select *, amount as slip_amount from order_refunds""",
    "told_refunds": """
        select refund_id || '-' || order_line_id as refund_id, order_id, order_line_id, amount,
            told(refunded_at) as refunded_at, null as reason, told(updated_at) as updated_at, null as is_deleted
        from slips""",
    "orders_by_number": """
        select *, row_number() over (order by ordered_at, order_id) as number,
            coalesce(customer_id, 'g' || order_id) as buyer
        from told_orders""",
    "currencies": """
        select *, row_number() over (order by iso_code) as id_currency
        from (select distinct currency as iso_code from told_orders union select '{reporting_currency}')""",
    "countries": """
        select *, row_number() over (order by iso_code) as id_country
        from (select distinct country_code as iso_code from told_customers where country_code is not null)""",
    "categories": """
        select *, row_number() over (order by name) + 2 as id_category
        from (select distinct category as name from told_products where category is not null)""",
}

TABLES = {
    "ps_customer": """
        select customer_id as id_customer, email, first_name as firstname, last_name as lastname,
            coalesce(cast(birth_date as text), '0000-00-00') as birthday,
            (email_consent = 'subscribed')::int as newsletter,
            coalesce(
                strftime(clock_time(email_consent_at), '%Y-%m-%d %H:%M:%S'), '0000-00-00 00:00:00'
            ) as newsletter_date_add,
            0 as is_guest, 0 as deleted, clock_time(created_at) as date_add, clock_time(updated_at) as date_upd
        from told_customers
        union all by name
        select buyer as id_customer, email, 'Guest' as firstname, 'Guest' as lastname, '0000-00-00' as birthday,
            0 as newsletter, '0000-00-00 00:00:00' as newsletter_date_add, 1 as is_guest, 0 as deleted,
            clock_time(ordered_at) as date_add, clock_time(ordered_at) as date_upd
        from orders_by_number where customer_id is null""",
    "ps_address": """
        select 'A' || customer_id as id_address, customer_id as id_customer, coalesce(id_country, 0) as id_country,
            postal_code as postcode, coalesce(city, '') as city, phone, null::text as phone_mobile, 0 as deleted,
            clock_time(updated_at) as date_upd
        from told_customers left join countries on country_code = iso_code""",
    "ps_country": "select id_country, iso_code from countries",
    "ps_currency": """
        select id_currency, iso_code, 0 as deleted, case
            when iso_code = '{reporting_currency}' then 1 else {conversion_rate} end as conversion_rate
        from currencies""",
    "ps_order_state": """
        from (values
            (1, 0, 0, 0), (2, 1, 0, 0), (3, 1, 0, 1), (4, 1, 1, 1), (5, 1, 1, 1), (6, 0, 0, 0), (7, 0, 0, 0),
            (8, 0, 0, 0), (9, 1, 0, 0), (10, 0, 0, 0)
        ) as states (id_order_state, paid, shipped, delivery)""",
    "ps_orders": """
        select order_id as id_order, buyer as id_customer, order_id as id_cart, id_currency,
            case status when 'pending' then 10 when 'paid' then if(number % 4 = 0, 7, 2) when 'cancelled' then 6
                else if(number % 3 = 0, 5, 4) end as current_state,
            case when currency = '{reporting_currency}' then 1 else {conversion_rate} end as conversion_rate,
            {shipping} as total_shipping_tax_excl, 0.00 as total_wrapping_tax_excl,
            coalesce(goods, 0) as total_products,
            discount_amount + if(number % 3 = 0, {shipping}, 0) as total_discounts_tax_excl,
            total_products + total_shipping_tax_excl - total_discounts_tax_excl as total_paid_tax_excl,
            clock_time(ordered_at) as date_add, clock_time(updated_at) as date_upd
        from orders_by_number
        inner join currencies on currency = iso_code
        left join (select order_id, sum(gross) as goods from shares group by order_id) using (order_id)""",
    "ps_order_detail": """
        select order_line_id as id_order_detail, order_id as id_order, coalesce(base_id(product_id), '0') as product_id,
            coalesce(combination(product_id), '0') as product_attribute_id, quantity as product_quantity,
            unit_price as unit_price_tax_excl, round(quantity * unit_price, 2) as total_price_tax_excl,
            coalesce(list_price, unit_price) as original_product_price, case
                when currency = '{reporting_currency}' then coalesce(unit_cost, 0)
                else round(coalesce(unit_cost, 0) * {its_inverse}, 6) end as purchase_supplier_price
        from told_order_lines inner join (select order_id, currency from told_orders) using (order_id)""",
    "ps_order_cart_rule": """
        select 2 * number as id_order_cart_rule, order_id as id_order, 2 * number as id_cart_rule,
            discount_amount + if(number % 3 = 0, {shipping}, 0) as value_tax_excl,
            (number % 3 = 0)::int as free_shipping, 0 as deleted
        from orders_by_number where discount_amount > 0 or discount_code is not null or number % 3 = 0
        union all
        select 2 * number + 1, order_id, 2 * number + 1, 99.00, 0, 1 from orders_by_number where number % 5 = 0""",
    "ps_cart_rule": """
        select 2 * number as id_cart_rule, discount_code as code from orders_by_number
        union all
        select 2 * number + 1, 'WITHDRAWN' from orders_by_number where number % 5 = 0""",
    "ps_order_history": """
        select order_id as id_order, 2 as id_order_state, clock_time(ordered_at) as date_add from told_orders
        union all
        select order_id, 5, clock_time(delivered_at) from told_orders where delivered_at is not null""",
    # One slip per refund, though it may have several lines.
    "ps_order_slip": """
        select refund_id as id_order_slip, any_value(order_id) as id_order, sum(slip_amount) as total_products_tax_excl,
            clock_time(any_value(refunded_at)) as date_add, clock_time(any_value(updated_at)) as date_upd
        from slips group by refund_id""",
    "ps_order_slip_detail": """
        select refund_id as id_order_slip, order_line_id as id_order_detail, 1 as product_quantity,
            slip_amount as amount_tax_excl
        from slips""",
    "ps_cart": """
        select order_id as id_cart, buyer as id_customer, 0 as id_guest, clock_time(ordered_at) as date_add
        from orders_by_number""",
    "ps_cart_product": """
        select order_id as id_cart, base_id(product_id) as id_product,
            coalesce(combination(product_id), '0') as id_product_attribute, clock_time(ordered_at) as date_add
        from told_order_lines inner join (select order_id, ordered_at from told_orders) using (order_id)
        where product_id is not null""",
    "ps_product": """
        select base_id(product_id) as id_product, coalesce(id_category, 0) as id_category_default,
            'SKU-' || product_id as reference,
            price - if(combination(product_id) is null, 0, 1) as price,
            if(combination(product_id) is null, coalesce(unit_cost, 0), 0) as wholesale_price,
            clock_time(updated_at) as date_upd
        from told_products left join categories on category = name""",
    "ps_product_lang": """
        select base_id(product_id) as id_product, 1 as id_shop, id_lang,
            if(id_lang = 1, product_name, upper(product_name)) as name
        from told_products, (values (1), (2)) as languages (id_lang)""",
    "ps_product_attribute": """
        select combination(product_id) as id_product_attribute, base_id(product_id) as id_product, 1 as price,
            coalesce(unit_cost, 0) as wholesale_price, 1 as default_on
        from told_products where combination(product_id) is not null""",
    "ps_category_lang": """
        select id_category, 1 as id_shop, id_lang, if(id_lang = 1, name, upper(name)) as name
        from categories, (values (1), (2)) as languages (id_lang)""",
}


def write(
    tables: dict[str, pa.Table], directory: Path, timezone: str = "Europe/Berlin", reporting_currency: str = "EUR"
) -> dict[str, pa.Table]:
    """Write a shop, given as tables of the raw contract, as PrestaShop's database has it.

    A product X-1 becomes combination 1 of product X. timezone: of its clocks; reporting_currency: its own currency.
    Returns the tables that it feeds, with what it says of them: a shop that is built of these is the same.
    """
    directory.mkdir(parents=True, exist_ok=True)
    figures = {
        "timezone": timezone,
        "reporting_currency": reporting_currency,
        "shipping": SHIPPING,
        "conversion_rate": CONVERSION_RATE,
        "its_inverse": ITS_INVERSE,
    }
    connection = duckdb.connect()
    connection.execute("set TimeZone = 'UTC'")
    connection.execute(MACROS.format(**figures))
    for name in FEEDS:
        connection.register(f"given_{name}", tables[name])
        connection.execute(f"create table {name} as from given_{name}")
    for name, sql in TOLD.items():
        connection.execute(f"create table {name} as {sql.format(**figures)}")
    for name, sql in TABLES.items():
        path = directory / (f"{name}.csv" if name == "ps_customer" else f"{name}.parquet")
        connection.execute(f"copy ({sql.format(**figures)}) to '{path}'")
    return {
        name: connection.table(f"told_{name}").select(*tables[name].column_names).to_arrow_table() for name in FEEDS
    }
