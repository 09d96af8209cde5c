"""A shop as WooCommerce has it, in the tables of its database.

What WooCommerce cannot say of a shop: who was born when and came by which channel; consent but by a plugin, and its
time; which accounts and orders are tests; when goods arrived; list prices; the price of a line of no units; versions of
a line, fractions of a second, and signs between the digits of a phone. A discount on an order stands in its lines, as
far as there is anything to discount. A refund is of something, and of no gift card. Ids stay as they are, where
WooCommerce counts. `write` returns the shop as far as WooCommerce says it.
"""

from pathlib import Path

import duckdb
import pyarrow

FEEDS = ("customers", "products", "orders", "order_lines", "refunds")

# The key under which the plugin Mailchimp for WooCommerce keeps who subscribed.
EMAIL_CONSENT_KEY = "mailchimp_woocommerce_is_subscribed"

STATUSES = {
    "paid": ["processing"],
    "fulfilled": ["completed"],
    "pending": ["pending", "on-hold"],
    "cancelled": ["cancelled", "failed", "trash"],
}

# The shop as WooCommerce says it, and what its tables are made of.
STEPS = {
    "told_customers": """
        select
            customer_id, email, translate(phone, ' -./', '') as phone, first_name, last_name, postal_code,
            null::date as birth_date, country_code, city,
            date_trunc('second', created_at) as created_at, null::varchar as acquisition_channel,
            case when email_consent = 'subscribed' then 'subscribed' end as email_consent,
            null::timestamp as email_consent_at, null::varchar as sms_consent, null::timestamp as sms_consent_at,
            null::varchar as ads_consent, null::timestamp as ads_consent_at, null::boolean as is_test,
            date_trunc('second', updated_at) as updated_at
        from customers
    """,
    # Some products are variations of another one, some of them for what they cost more than it.
    "numbered_products": """
        select
            *, coalesce(is_gift_card, false) as is_card,
            row_number() over (partition by category, coalesce(is_gift_card, false) order by product_id) as place
        from products
    """,
    "catalogue": """
        select
            one.* exclude (is_gift_card), parent.product_id as parent_id, parent.unit_cost as parent_cost,
            greatest(date_trunc('second', one.updated_at), date_trunc('second', parent.updated_at)) as told_updated_at
        from numbered_products as one
        left join numbered_products as parent
            on one.category is not distinct from parent.category and one.is_card = parent.is_card and parent.place = 1
            and one.place % 3 = 0 and one.product_name is not null and one.unit_cost >= parent.unit_cost
    """,
    "told_products": """
        select
            product_id, product_name, category, is_card as is_gift_card, price::decimal(18, 6) as price,
            unit_cost::decimal(18, 6) as unit_cost, told_updated_at as updated_at
        from catalogue
    """,
    "told_orders": """
        select
            order_id, customer_id, email, date_trunc('second', ordered_at) as ordered_at, status, currency,
            0::decimal(18, 6) as discount_amount, discount_code, null::timestamp as delivered_at,
            null::boolean as is_test, date_trunc('second', updated_at) as updated_at
        from orders
    """,
    "lines": """
        select
            order_lines.*, told_orders.updated_at as order_updated_at,
            coalesce(orders.discount_amount, 0) as order_discount,
            (quantity * unit_price)::decimal(18, 6) as subtotal,
            (quantity * unit_price - coalesce(order_lines.discount_amount, 0))::decimal(18, 6) as net
        from order_lines
        inner join told_orders using (order_id)
        inner join (select order_id, discount_amount from orders) as orders using (order_id)
    """,
    # The discount of an order goes to its lines in whole cents, and what is left of it to the largest.
    "shares": """
        select
            order_line_id, net,
            least(order_discount, sum(net) over (partition by order_id))::decimal(18, 6) as discount,
            floor(100 * order_discount::double * net::double / sum(net) over (partition by order_id)::double)::bigint
                as cents,
            row_number() over (partition by order_id order by net desc, order_line_id) as place, order_id
        from lines where net > 0 and order_discount > 0
    """,
    "line_shares": """
        select
            order_line_id,
            case
                when place > 1 then least(cents * 0.01, net)
                else discount
                    - coalesce(sum(least(cents * 0.01, net)) filter (where place > 1) over (partition by order_id), 0)
            end::decimal(18, 6) as share
        from shares
    """,
    "items": """
        select
            lines.*, (subtotal - net + coalesce(share, 0))::decimal(18, 6) as discount,
            (net - coalesce(share, 0))::decimal(18, 6) as total, coalesce(is_card, false) as is_card,
            (unit_cost * quantity)::decimal(18, 6) as cost, catalogue.parent_id
        from lines
        left join line_shares using (order_line_id)
        left join (select product_id, is_card, parent_id from catalogue) as catalogue using (product_id)
    """,
    "told_order_lines": """
        select
            order_line_id, order_id, product_id, quantity::decimal(18, 6) as quantity,
            case when quantity > 0 then unit_price else 0 end::decimal(18, 6) as unit_price,
            null::decimal(18, 6) as list_price, discount as discount_amount,
            case when quantity > 0 and cost <> 0 then unit_cost end::decimal(18, 6) as unit_cost,
            order_updated_at as updated_at
        from items
    """,
    # Two of three orders have tax and shipping.
    "order_sums": """
        select
            told_orders.*, row_number() over (order by order_id) as number, coalesce(goods, 0)::decimal(18, 6) as goods,
            coalesce(all_goods, 0)::decimal(18, 6) as all_goods,
            case when number % 3 = 0 then 0 else 4.90 end as shipping,
            case when number % 3 = 0 then 0 else 0.25 end as tax_rate,
            (coalesce(all_goods, 0) * (1 + tax_rate) + shipping)::decimal(18, 2) as order_total
        from told_orders
        left join (
            select order_id, sum(total) filter (where not is_card) as goods, sum(total) as all_goods
            from items group by order_id
        ) as sums using (order_id)
    """,
    # A refund of no line is a lump sum where that says the same: where all is for goods, or nothing is left of them.
    "numbered_refunds": """
        select
            refunds.refund_id, refunds.order_id, refunds.order_line_id, refunds.reason,
            date_trunc('second', refunds.refunded_at) as refunded_at,
            date_trunc('second', refunds.updated_at) as updated_at, refunds.amount::decimal(18, 6) as amount,
            order_sums.goods, order_sums.order_total, order_sums.shipping, order_sums.all_goods, is_card,
            (refunds.amount * order_sums.tax_rate)::decimal(18, 2) as tax,
            count(*) over (partition by refunds.order_id) as refunds_of_order
        from refunds
        inner join order_sums using (order_id)
        left join (select order_line_id, is_card from items) as items using (order_line_id)
        where refunds.amount > 0
    """,
    "written_refunds": """
        select
            *,
            order_line_id is null and refunds_of_order = 1 and (
                amount = goods
                or shipping = 0 and amount = round(amount, 2) and amount < goods - 0.01 and all_goods = goods
            ) as is_lump_sum
        from numbered_refunds
    """,
    "told_refunds": """
        select
            case when is_lump_sum then 'lump_sum:refund-' else '' end || refund_id as refund_id,
            order_id, order_line_id, refunded_at, amount, reason, updated_at
        from written_refunds
        where not coalesce(is_card, false)
    """,
    # ---------------------------------------------------------------- WooCommerce's tables
    "stored": """
        select
            order_id as id, 'shop_order' as type, coalesce(customer_id, '0') as customer_id, email, currency, number,
            order_total as total, '0' as parent_id, ordered_at as created_at, updated_at,
            case when lump_sums.amount = goods and status = 'paid' then 'refunded' else spelling end as bare_status,
            null as reason
        from order_sums
        left join (select order_id, amount from written_refunds where is_lump_sum) as lump_sums using (order_id)
        left join spellings
            on order_sums.status = spellings.meaning and order_sums.number % spellings.spellings = spellings.place
        union all
        select
            'refund-' || refund_id, 'shop_order_refund', '0', null, currency, number,
            -case
                when is_lump_sum and amount = written_refunds.goods then written_refunds.order_total
                else amount + tax
            end,
            order_id, refunded_at, written_refunds.updated_at, 'completed', reason
        from written_refunds inner join order_sums using (order_id)
        union all
        select 'draft', 'shop_order', '0', null, 'EUR', 2, 9.90, '0', timestamp '2025-01-01', timestamp '2025-01-01',
            'checkout-draft', null
    """,
    "item_rows": """
        select order_line_id as order_item_id, order_id, 'line_item' as order_item_type, 'Product' as order_item_name
        from items
        union all
        select
            refund_id, 'refund-' || refund_id, 'line_item', 'Product'
        from written_refunds where not is_lump_sum
        union all
        select 'shipping-' || order_id, order_id, 'shipping', 'Flat rate' from order_sums where shipping > 0
        union all
        select 'tax-' || order_id, order_id, 'tax', 'DE-VAT-1' from order_sums where tax_rate > 0
        union all
        select 'tax-' || refund_id, 'refund-' || refund_id, 'tax', 'DE-VAT-1'
        from written_refunds where tax > 0 and not is_lump_sum
        union all
        select 'coupon-' || order_id, order_id, 'coupon', discount_code from order_sums where discount_code is not null
        union all
        values ('of-draft', 'draft', 'line_item', 'Product'), ('orphan', 'no such order', 'line_item', 'Product')
    """,
    "item_values": """
        select order_line_id as object_id, unnest(map_entries(map {
            '_product_id': coalesce(parent_id, product_id, '0'),
            '_variation_id': case when parent_id is not null then product_id else '0' end,
            '_qty': format_number(quantity),
            '_line_subtotal': format_number(subtotal),
            '_line_total': format_number(total),
            '_line_tax': format_number(total * 0.25),
            '_cogs_value': case when cost <> 0 then format_number(cost) end
        }), recursive := true) from items
        union all
        select refund_id, unnest(map_entries(map {
            '_qty': '-1',
            '_line_total': '-' || format_number(amount),
            '_line_tax': '-' || format_number(amount * 0.25),
            '_product_id': coalesce(item_products.product_id, '0'),
            '_refunded_item_id': written_refunds.order_line_id
        }), recursive := true)
        from written_refunds
        left join (select order_line_id, product_id from items) as item_products using (order_line_id)
        where not is_lump_sum
        union all
        select 'shipping-' || order_id, 'cost', format_number(shipping) from order_sums where shipping > 0
        union all
        select 'tax-' || order_id, 'tax_amount', format_number((order_total - shipping - all_goods)::decimal(18, 6))
        from order_sums where tax_rate > 0
        union all
        select 'tax-' || refund_id, 'tax_amount', '-' || format_number(tax)
        from written_refunds where tax > 0 and not is_lump_sum
    """,
    "post_values": """
        select product_id as object_id, unnest(map_entries(map {
            '_price': format_number(price),
            '_sku': 'SKU-' || product_id,
            '_gift_card': case when is_card then 'yes' end,
            '_cogs_total_value':
                format_number(unit_cost - case when place % 2 = 1 then coalesce(parent_cost, 0) else 0 end),
            '_cogs_value_is_additive': case when parent_id is not null and place % 2 = 1 then 'yes' end
        }), recursive := true) from catalogue
    """,
    "order_post_values": """
        select id as object_id, unnest(map_entries(map {
            '_customer_user': customer_id,
            '_billing_email': email,
            '_order_currency': currency,
            '_order_total': format_number(total),
            '_refund_amount': case when type = 'shop_order_refund' then format_number(-total) end,
            '_refund_reason': reason
        }), recursive := true) from order_posts
    """,
    "own_values": """
        select id as object_id, unnest(map_entries(map {
            '_refund_amount': case when type = 'shop_order_refund' then format_number(-total) end,
            '_refund_reason': reason
        }), recursive := true) from own_orders
    """,
    "user_values": """
        select customer_id as object_id, unnest(map_entries(map {
            'first_name': first_name,
            'last_name': last_name,
            'billing_phone': phone,
            'billing_postcode': postal_code,
            'billing_country': country_code,
            'billing_city': city,
            'last_update': epoch(updated_at)::bigint::varchar,
            '{EMAIL_CONSENT_KEY}': case when email_consent = 'subscribed' then '1' else '0' end
        }), recursive := true) from told_customers
    """.replace("{EMAIL_CONSENT_KEY}", EMAIL_CONSENT_KEY),
    "categories": """
        select category, dense_rank() over (order by category) as number
        from (select distinct category from catalogue where category is not null)
    """,
}  # fmt: skip

# A table, its owner's column and that of its numbers, and what its values are.
META_TABLES = {
    "wc_orders_meta": ("order_id", "id", "own_values"),
    "postmeta": ("post_id", "meta_id", "post_values union all from order_post_values"),
    "woocommerce_order_itemmeta": ("order_item_id", "meta_id", "item_values"),
    "usermeta": ("user_id", "umeta_id", "user_values"),
}

TABLES = {
    "wc_orders": """
        select
            id, type, case when bare_status in ('trash', 'draft') then '' else 'wc-' end || bare_status as status,
            currency, total::decimal(26, 8) as total_amount, customer_id, email as billing_email,
            created_at as date_created_gmt, updated_at as date_updated_gmt, parent_id as parent_order_id
        from own_orders
    """,
    "posts": """
        select
            product_id as "ID", case when parent_id is null then 'product' else 'product_variation' end as post_type,
            'publish' as post_status, replace(product_name, '&', '&amp;') as post_title,
            coalesce(parent_id, '0') as post_parent, timestamp '2020-01-01' as post_date_gmt,
            date_trunc('second', updated_at) as post_modified_gmt
        from catalogue
        union all
        select
            id, type, case when bare_status in ('trash', 'draft') then '' else 'wc-' end || bare_status, 'Order',
            parent_id, created_at, updated_at
        from order_posts
        union all
        select id, 'shop_order_placehold', 'draft', 'Order', parent_id, created_at, updated_at
        from stored anti join order_posts using (id)
        union all
        select 'auto-draft', 'product', 'auto-draft', 'AUTO-DRAFT', '0', null, timestamp '2025-01-01'
    """,
    "woocommerce_order_items": "from item_rows",
    "terms": """
        select number as term_id, replace(category, '&', '&amp;') as name, lower(category) as slug from categories
    """,
    "term_taxonomy": """
        select number + 1000 as term_taxonomy_id, number as term_id, 'product_cat' as taxonomy, 0 as parent
        from categories
    """,
    "term_relationships": """
        select product_id as object_id, number + 1000 as term_taxonomy_id
        from catalogue inner join categories using (category) where parent_id is null
    """,
    "users": """
        select customer_id as "ID", email as user_email, created_at as user_registered from told_customers
    """,
}

# Which orders are in the tables of their own, and which are posts. Compatibility mode keeps both.
STORAGES = {
    "own_tables": ("true", "false"),
    "posts": ("false", "true"),
    "both": ("number % 2 = 0", "true"),
}


def write(tables: dict[str, pyarrow.Table], directory: Path, storage: str = "own_tables") -> dict[str, pyarrow.Table]:
    """Write a shop as WooCommerce's tables, Parquet files under the prefix `wp_`, in a directory.

    tables: rows that keep the raw contract, by table, in its columns; those of FEEDS are written.
    storage: where the orders are, a key of STORAGES; raises KeyError for another one.
    Returns the tables of FEEDS as far as WooCommerce says them.
    """
    own_tables, posts = STORAGES[storage]
    directory.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as connection:
        connection.execute(r"""
            create macro format_number(number) as
                case
                    when contains(number::varchar, '.') then rtrim(rtrim(number::decimal(38, 6)::varchar, '0'), '.')
                    else number::varchar
                end
        """)
        for name in FEEDS:
            connection.register(name, tables[name])
        connection.execute("create table spellings (meaning varchar, spelling varchar, place int, spellings int)")
        for meaning, names in STATUSES.items():
            for place, name in enumerate(names):
                connection.execute("insert into spellings values (?, ?, ?, ?)", [meaning, name, place, len(names)])
        for name, sql in STEPS.items():
            connection.execute(f"create table {name} as {sql}")
            if name == "stored":
                connection.execute(f"create view own_orders as from stored where {own_tables}")
                connection.execute(f"create view order_posts as from stored where {posts}")
        selects = {
            table: f"""
                select
                    row_number() over (order by object_id, key) as {number},
                    object_id as {owner}, key as meta_key, value as meta_value
                from (from {values}) where value is not null
            """
            for table, (owner, number, values) in META_TABLES.items()
        }
        for table, sql in (TABLES | selects).items():
            if table not in ("wc_orders", "wc_orders_meta") or own_tables != "false":
                connection.execute(f"copy ({sql}) to '{directory}/wp_{table}.parquet' (format parquet)")
        return {name: connection.execute(f"from told_{name}").to_arrow_table() for name in FEEDS}
