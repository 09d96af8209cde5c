"""A shop as Shopify has it, in the tables that Fivetran lands, by the one or the other of its APIs.

What Shopify cannot say of a shop: who was born when, came by which channel and was asked about ads, which accounts are
tests; prices before a markdown, costs of the day and, by
GraphQL, the price of a line of no units; versions of a line or refund; refunds of nothing; that a product is
a gift card before one is sold. A discount is never more than the line or the goods that it is on,
    gift cards are no lines of it, and nobody's
consent was never given at a time. One currency is the shop's, though orders may be of the time of another. `write`
returns the shop as far as Shopify says it.
"""

from pathlib import Path

import duckdb
import pyarrow as pa

FEEDS = ("customers", "products", "orders", "order_lines", "refunds")

CONTRACT = {
    "customers": """
        customer_id varchar, email varchar, phone varchar, first_name varchar, last_name varchar, postal_code varchar,
        birth_date date, country_code varchar, city varchar, created_at timestamp, acquisition_channel varchar,
        email_consent varchar, email_consent_at timestamp, sms_consent varchar, sms_consent_at timestamp,
        ads_consent varchar, ads_consent_at timestamp, is_test boolean, updated_at timestamp
    """,
    "products": """
        product_id varchar, product_name varchar, category varchar, is_gift_card boolean, price decimal(18, 6),
        unit_cost decimal(18, 6), updated_at timestamp
    """,
    "orders": """
        order_id varchar, customer_id varchar, email varchar, ordered_at timestamp, status varchar, currency varchar,
        discount_amount decimal(18, 6), discount_code varchar, delivered_at timestamp, is_test boolean,
        updated_at timestamp
    """,
    "order_lines": """
        order_line_id varchar, order_id varchar, product_id varchar, quantity decimal(18, 6),
        unit_price decimal(18, 6), list_price decimal(18, 6), discount_amount decimal(18, 6), unit_cost decimal(18, 6),
        updated_at timestamp
    """,
    "refunds": """
        refund_id varchar, order_id varchar, order_line_id varchar, refunded_at timestamp, amount decimal(18, 6),
        reason varchar, updated_at timestamp
    """,
}

# Every third order has tax in its prices, a quarter of what they are without it, where that comes out even. The other
# orders have tax besides, which is in no amount that is read.
STEPS = {
    "lines": """
        select
            order_lines.*, coalesce(products.is_gift_card, false) as is_gift_card,
            cast(quantity * unit_price as decimal(18, 6)) as total, least(coalesce(order_lines.discount_amount, 0),
                total) as discount
        from order_lines left join products using (product_id)
    """,
    "goods": """
        select
            order_id, sum(total - discount) as net,
            bool_and(
                quantity = trunc(quantity) and quantity > 0 and unit_price = round(unit_price, 2)
                and discount = round(discount, 2) and discount < total
            ) as is_even
        from lines group by order_id
    """,
    "amounts": """
        select
            orders.order_id, row_number() over (order by orders.order_id) as number,
            cast(coalesce(net, 0) as decimal(18, 6)) as net,
            cast(least(coalesce(discount_amount, 0), greatest(coalesce(net, 0), 0)) as decimal(18, 6))
                as order_discount,
            case when number % 3 = 0 and is_even and order_discount = 0 then 1.25 else 1.00 end as gross
        from orders left join goods using (order_id)
    """,
    # Of every third refund of a line, one less went back than the line cost.
    "money_back": """
        select
            refunds.*, row_number() over (order by refund_id) as number, coalesce(amounts.gross, 1.00) as gross,
            coalesce(lines.is_gift_card, false) as is_gift_card,
            case when order_line_id is null then refund_id else 'refund ' || refund_id end as shopify_id,
            case when order_line_id is not null and amount > 0 and number % 3 = 0 then 1 else 0 end as kept
        from refunds left join amounts using (order_id) left join lines using (order_line_id)
    """,
}

TABLES = {
    "shop": "select 1 as id, '{currency}' as currency, true as taxes_included, false as _fivetran_deleted",
    # Every seventh order was imported, and made then. One that was cancelled was paid before, or was never paid.
    "order": """
        select
            order_id as id, '#' || (1000 + number) as name, customer_id, email, ordered_at as processed_at,
            ordered_at + case when number % 7 = 0 then interval 200 day else interval 1 second end as created_at,
            updated_at,
            case when status = 'cancelled' and number % 2 = 0 then updated_at end as cancelled_at,
            case
                when status = 'pending' then case when number % 2 = 0 then 'pending' else 'authorized' end
                when status = 'cancelled' and number % 2 = 1 then 'voided'
                when order_id in (select order_id from refunds) then 'partially_refunded'
                else 'paid'
            end as financial_status,
            case when status = 'fulfilled' then 'fulfilled' when number % 5 = 0 then 'partial' end
                as fulfillment_status,
            currency, cast(greatest((net - order_discount) * gross, 0) as decimal(18, 6)) as subtotal_price,
            cast(order_discount + case when number % 4 = 0 then 4.90 else 0 end as decimal(18, 6)) as total_discounts,
            gross > 1 as taxes_included, is_test as test, 'web' as source_name, false as _fivetran_deleted,
            updated_at as _fivetran_synced
        from orders join amounts using (order_id)
    """,
    "order_line": """
        select
            order_line_id as id, order_id, products.parent_id as product_id, order_lines.product_id as variant_id,
            quantity, quantity as current_quantity, cast(unit_price * coalesce(gross, 1) as decimal(18, 6)) as price,
            cast(total * coalesce(gross, 1) as decimal(18, 6)) as original_total, 0 as total_discount,
            is_gift_card as gift_card, order_lines.updated_at as _fivetran_synced
        from lines as order_lines left join amounts using (order_id)
        left join (select product_id, 'product ' || product_id as parent_id from products)
            as products using (product_id)
    """,
    # A discount is of a sale, and of a code for the whole order.
    "discount_allocation": """
        with parts as (
            select
                order_line_id, round(discount * coalesce(gross, 1) / 2, 2) as part,
                discount * coalesce(gross, 1) as discount
            from lines left join amounts using (order_id)
        )
        select order_line_id, 0 as index, 0 as discount_application_index, cast(part as decimal(18, 6)) as amount
        from parts where discount > 0
        union all
        select order_line_id, 1, 1, cast(discount - part as decimal(18, 6)) from parts where discount > 0
    """,
    "tax_line": """
        select order_line_id, 0 as index, cast((total - discount) * 0.25 as decimal(18, 6)) as price, 0.25 as rate,
            'VAT' as title
        from lines
    """,
    "order_discount_code": """
        select order_id, 1 as index, discount_code as code, 'fixed_amount' as type
        from orders where discount_code is not null
        union all
        select order_id, 0, 'FREESHIPPING', 'shipping' from amounts where number % 4 = 0 and '{api}' = 'rest'
    """,
    "fulfillment": """
        select 'parcel ' || order_id as id, order_id, 'success' as status from orders where delivered_at is not null
    """,
    "fulfillment_event": """
        select
            'parcel ' || order_id as fulfillment_id, 'in_transit' as status,
            delivered_at - interval 1 day as happened_at, false as _fivetran_deleted
        from orders where delivered_at is not null
        union all
        select 'parcel ' || order_id, 'delivered', delivered_at, false from orders where delivered_at is not null
    """,
    "refund": """
        select
            shopify_id as id, order_id, refunded_at as processed_at, refunded_at as created_at, reason as note,
            refunded_at as _fivetran_synced
        from money_back
    """,
    "order_line_refund": """
        select
            refund_id as id, shopify_id as refund_id, order_line_id, 'return' as restock_type,
            cast((amount + kept) * gross as decimal(18, 6)) as subtotal,
            cast((amount + kept) * 0.25 as decimal(18, 6)) as total_tax
        from money_back where order_line_id is not null
    """,
    # By REST every fifth refund is of the shipping too; GraphQL has that elsewhere.
    "order_adjustment": """
        select
            number as id, shopify_id as refund_id, 'refund_discrepancy' as kind,
            cast(case when order_line_id is null then -amount else kept end * gross as decimal(18, 6)) as amount,
            0 as tax_amount
        from money_back where order_line_id is null or kept > 0
        union all
        select -number, shopify_id, 'shipping_refund', -4.90, -1.23
        from money_back where number % 5 = 0 and '{api}' = 'rest'
    """,
    # What was paid is authorized and captured. What went back is the refund with the tax that is not in it.
    "transaction": """
        select
            order_id, null as refund_id, unnest(['authorization', 'capture']) as kind, 'success' as status,
            net as amount, currency
        from amounts join orders using (order_id)
        union all
        select
            order_id, shopify_id, 'refund', 'success',
            cast(
                amount * gross
                + case when gross = 1 and order_line_id is not null then (amount + kept) * 0.25 else 0 end
                as decimal(18, 6)
            ),
            currency
        from money_back join orders using (order_id)
    """,
    # Every fourth subscriber is from before Shopify knew states of consent.
    "customer": """
        select
            customer_id as id, email, phone, first_name, last_name, 'enabled' as state,
            case when number % 2 = 0 then 'address ' || customer_id end as default_address_id,
            case
                when coalesce(email_consent, 'never') <> 'never' and not is_old then email_consent
                when coalesce(email_consent, 'never') = 'never' and number % 3 > 0 then 'not_subscribed'
            end as email_marketing_consent_state,
            case
                when coalesce(email_consent, 'never') = 'never' then created_at
                when not is_old then email_consent_at
            end as email_marketing_consent_consent_updated_at,
            is_old as accepts_marketing, case when is_old then email_consent_at end as accepts_marketing_updated_at,
            coalesce(nullif(sms_consent, 'never'), 'not_subscribed') as sms_marketing_consent_state,
            coalesce(sms_consent_at, case when coalesce(sms_consent, 'never') = 'never' then created_at end)
                as sms_marketing_consent_consent_updated_at,
            created_at, updated_at, updated_at as _fivetran_synced
        from (
            select
                *, row_number() over (order by customer_id) as number,
                coalesce(email_consent = 'subscribed' and number % 4 = 0 and '{api}' = 'rest', false) as is_old
            from customers
        )
    """,
    "customer_address": """
        select 'address ' || customer_id as id, customer_id, true as is_default, city, country_code, postal_code as zip
        from customers
        union all
        select 'former address ' || customer_id, customer_id, false, 'Utrecht', 'NL', '3511'
        from customers where coalesce(country_code, city, postal_code) is not null
    """,
    "product": """
        select
            'product ' || product_id as id, product_name as title, category as product_type,
            updated_at - interval 1 day as updated_at,
            false as _fivetran_deleted
        from products
    """,
    "product_variant": """
        select
            product_id as id, 'product ' || product_id as product_id, 'stock ' || product_id as inventory_item_id,
            'Default Title' as title, 'SKU ' || product_id as sku, 1 as position, price, price * 2 as compare_at_price,
            updated_at
        from products
    """,
    "inventory_item": """
        select
            'stock ' || product_id as id, unit_cost as unit_cost_amount, '{currency}' as unit_cost_currency_code,
            updated_at - interval 1 hour as updated_at
        from products
    """,
}

# What GraphQL calls otherwise. Amounts stand there in the shop's currency, and in that which the customer saw.
GRAPHQL_TABLES = {"order_line_refund": "refund_line_item", "tax_line": "order_line_tax_line"}
GRAPHQL_AMOUNTS = {
    "order": {"subtotal_price": "subtotal_price_set", "total_discounts": "total_discounts_set"},
    "order_line": {"original_total": "original_total_set", "total_discount": "total_discount_set"},
    "discount_allocation": {"amount": "allocated_amount_set"},
    "tax_line": {"price": "price_set"},
    "order_line_refund": {"subtotal": "subtotal_set", "total_tax": "total_tax_set"},
    "order_adjustment": {"amount": "amount_set", "tax_amount": "tax_amount_set"},
    "transaction": {"amount": "amount_set"},
}
GRAPHQL_NAMES = {
    "shop": {"currency": "currency_code"},
    "order": {
        "financial_status": "display_financial_status",
        "fulfillment_status": "display_fulfillment_status",
        "currency": "currency_code",
    },
    "order_line": {"gift_card": "is_gift_card"},
    "transaction": {"currency": "amount_set_shop_currency_code"},
    "customer": {
        "email_marketing_consent_state": "email_marketing_consent_state",
        "sms_marketing_consent_state": "sms_marketing_consent_state",
        "email_marketing_consent_consent_updated_at": "email_marketing_consent_updated_at",
        "sms_marketing_consent_consent_updated_at": "sms_marketing_consent_updated_at",
    },
}
GRAPHQL_UPPER_CASE = (
    "financial_status",
    "fulfillment_status",
    "email_marketing_consent_state",
    "sms_marketing_consent_state",
)
ONLY_BY_REST = {
    "order_discount_code": ("type",),
    "order_line": ("price", "current_quantity"),
    "refund": ("processed_at",),
    "order_adjustment": ("kind",),
    "customer": ("accepts_marketing", "accepts_marketing_updated_at", "default_address_id"),
}
ONLY_BY_GRAPHQL = {"order_line": ("original_total",)}

TOLD = {
    "customers": """
        select * replace (
            cast(null as date) as birth_date, cast(null as varchar) as acquisition_channel,
            cast(null as varchar) as ads_consent, cast(null as timestamp) as ads_consent_at,
            cast(null as boolean) as is_test,
            coalesce(email_consent, 'never') as email_consent, coalesce(sms_consent, 'never') as sms_consent,
            case when email_consent <> 'never' then email_consent_at end as email_consent_at,
            case when sms_consent <> 'never' then sms_consent_at end as sms_consent_at
        ) from customers
    """,
    "products": """
        select * replace (
            case when product_id in (select product_id from lines) then coalesce(is_gift_card, false) end
                as is_gift_card
        ) from products
    """,
    "orders": """
        select orders.* replace (amounts.order_discount as discount_amount, coalesce(is_test, false) as is_test)
        from orders join amounts using (order_id)
    """,
    "order_lines": """
        select order_lines.* replace (
            cast(null as decimal(18, 6)) as list_price, cast(null as decimal(18, 6)) as unit_cost,
            case when order_lines.quantity = 0 and '{api}' = 'graphql' then 0 else order_lines.unit_price end
                as unit_price,
            lines.discount as discount_amount, orders.updated_at as updated_at
        ) from order_lines join lines using (order_line_id) join orders on order_lines.order_id = orders.order_id
        where not lines.is_gift_card
    """,
    "refunds": """
        select refunds.* replace (
            case when refunds.order_line_id is null then 'adjustment:' || refund_id else refund_id end as refund_id,
            refunds.refunded_at as updated_at
        ) from refunds join money_back using (refund_id) where refunds.amount > 0 and not is_gift_card
    """,
}


def write(
    tables: dict[str, pa.Table], directory: Path, api: str = "rest", currency: str = "EUR"
) -> dict[str, pa.Table]:
    """Write the files of a shop, which is given in the raw contract's tables and columns.

    api: rest or graphql; currency: of the shop. Returns the tables of FEEDS as far as Shopify says them.
    """
    directory.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as connection:
        for name, columns in CONTRACT.items():
            connection.execute(f"create table {name} ({columns})")
            known = {column for column, *_ in connection.execute(f"describe {name}").fetchall()}
            connection.register("given", tables[name].select([*filter(known.__contains__, tables[name].column_names)]))
            connection.execute(f"insert into {name} by name from given")
        for name, sql in STEPS.items():
            connection.execute(f"create table {name} as {sql}")
        for name, sql in TABLES.items():
            rows = f"({sql.format(api=api, currency=currency)})"
            if api == "graphql":
                rows, file = in_graphql(name, rows), GRAPHQL_TABLES.get(name, name)
            else:
                rows, file = f"(select {columns_but(ONLY_BY_GRAPHQL.get(name, ()))} from {rows})", name
            connection.execute(f"copy {rows} to '{directory / file}.parquet' (format parquet, compression zstd)")
        return {name: connection.execute(sql.format(api=api)).to_arrow_table() for name, sql in TOLD.items()}


def columns_but(names: tuple[str, ...]) -> str:
    """All columns but some, in SQL."""
    return f"* exclude ({', '.join(names)})" if names else "*"


def in_graphql(name: str, rows: str) -> str:
    """Rows of a table, as GraphQL has them."""
    amounts, names = GRAPHQL_AMOUNTS.get(name, {}), GRAPHQL_NAMES.get(name, {})
    columns = [columns_but((*amounts, *names, *ONLY_BY_REST.get(name, ())))]
    for column, graphql in amounts.items():
        columns.append(f"{column} as {graphql}_shop_amount")
        columns.append(f"cast({column} * 1.1 as decimal(18, 6)) as {graphql}_pres_amount")
    for column, graphql in names.items():
        columns.append(f"{f'upper({column})' if column in GRAPHQL_UPPER_CASE else column} as {graphql}")
    return f"(select {', '.join(columns)} from {rows})"
