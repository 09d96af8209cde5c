-- One row per line of a refund, and per refund without lines, with what went back for it: tax too where the prices hold it.
{{ config(enabled=is_connected('shopify'), materialized='table') }}

with

refunds as (

    {{ newest_loaded('shopify', 'refund') }}

),

refund_lines as (

    {{ newest_loaded('shopify', 'order_line_refund') }}

),

adjustments as (

    {{ newest_loaded('shopify', 'order_adjustment') }}

),

transactions as (

    {{ newest_loaded('shopify', 'transaction') }}

),

orders as (

    {{ newest_loaded('shopify', 'order') }}

),

line_totals as (

    select
        refund_id,
        cast(sum(coalesce(subtotal, 0)) as {{ decimal_type(18, 6) }}) as subtotal,
        sum(coalesce(total_tax, 0)) as total_tax,
        max(_fivetran_synced) as loaded_at
    from refund_lines
    group by refund_id

),

-- GraphQL has no kind: shipping is elsewhere there.
adjustment_totals as (

    select
        refund_id,
        sum(case when coalesce(lower(kind), 'refund_discrepancy') = 'refund_discrepancy' then amount else 0 end) as discrepancy,
        sum(amount + coalesce(tax_amount, 0)) as adjusted,
        max(_fivetran_synced) as loaded_at,
        max(source_error) as source_error
    from adjustments
    group by refund_id

),

money_back as (

    select
        transactions.refund_id,
        transactions.currency,
        sum(transactions.amount) as amount
    from transactions
    where lower(transactions.kind) = 'refund' and lower(transactions.status) = 'success' and transactions.refund_id is not null
    group by transactions.refund_id, transactions.currency

),

totals as (

    select
        refunds.id as refund_id,
        refunds.order_id,
        refunds.source_name,
        coalesce(orders.taxes_included, false) as taxes_included,
        coalesce(line_totals.subtotal, 0) as subtotal,
        cast(
            coalesce(line_totals.subtotal, 0) - coalesce(adjustment_totals.discrepancy, 0) as {{ decimal_type(18, 6) }}
        ) as amount,
        coalesce(line_totals.subtotal, 0) - coalesce(adjustment_totals.adjusted, 0) as due,
        coalesce(line_totals.total_tax, 0) as total_tax,
        money_back.amount as paid_back,
        {{ latest_of(['refunds._fivetran_synced', 'line_totals.loaded_at', 'adjustment_totals.loaded_at']) }} as loaded_at,
        coalesce(refunds.source_error, adjustment_totals.source_error) as source_error
    from refunds
    left join orders on refunds.order_id = orders.id
    left join line_totals on refunds.id = line_totals.refund_id
    left join adjustment_totals on refunds.id = adjustment_totals.refund_id
    left join money_back on refunds.id = money_back.refund_id and orders.currency = money_back.currency

),

-- Where prices hold tax, so do the subtotals, unless more refunds add up otherwise: subtotal and tax to the money that went back.
sources as (

    select
        source_name,
        sum(case when paid_back = due then 1 when paid_back = due + total_tax then -1 else 0 end) >= 0 as holds_tax
    from totals
    where taxes_included and total_tax > 0
    group by source_name

),

known as (

    select
        totals.*,
        coalesce(sources.holds_tax, true) as holds_tax
    from totals
    left join sources on totals.source_name = sources.source_name

),

-- The difference is shared in cents: each line gets its share rounded down, and those that lost most by it a cent each.
lines as (

    select
        refund_lines.id,
        refund_lines.refund_id,
        refund_lines.order_line_id,
        coalesce(refund_lines.subtotal, 0) as subtotal,
        refund_lines.source_error,
        known.subtotal as refund_subtotal,
        known.amount as refund_amount,
        {{ quotient(
            'cast(' ~ exact_product('refund_lines.subtotal', 'known.amount') ~ ' as ' ~ decimal_type(28, 6) ~ ')',
            'known.subtotal', 2
        ) }} as nearest_share
    from refund_lines
    left join known on refund_lines.refund_id = known.refund_id

),

shares as (

    select
        *,
        cast(
            case
                when {{ exact_product('nearest_share', 'refund_subtotal') }} > {{ exact_product('subtotal', 'refund_amount') }}
                    then nearest_share - 0.01
                else nearest_share
            end as {{ decimal_type(18, 6) }}
        ) as share_in_cents
    from lines

),

ranked as (

    select
        *,
        refund_amount - sum(share_in_cents) over (partition by refund_id) as left_over,
        row_number() over (
            partition by refund_id
            order by
                {{ exact_product('subtotal', 'refund_amount') }} - {{ exact_product('share_in_cents', 'refund_subtotal') }} desc,
                {{ binary_collation('id') }}
        ) as place
    from shares

),

shared as (

    select
        id as refund_id,
        refund_id as of_refund_id,
        order_line_id,
        case
            when refund_amount = refund_subtotal or refund_subtotal <= 0 or refund_amount is null then subtotal
            else share_in_cents + greatest(least(left_over - 0.01 * (place - 1), 0.01), 0)
        end as amount,
        source_error
    from ranked
    union all
    -- Money went back, and no line says for what.
    select
        {{ dbt.concat(["'adjustment:'", 'refund_id']) }} as refund_id,
        refund_id as of_refund_id,
        cast(null as {{ dbt.type_string() }}) as order_line_id,
        amount,
        source_error
    from known
    where subtotal = 0 and amount <> 0

)

select
    shared.refund_id,
    shared.of_refund_id,
    known.order_id,
    shared.order_line_id,
    cast(shared.amount as {{ decimal_type(18, 6) }}) as amount,
    coalesce(known.holds_tax, true) as holds_tax,
    coalesce(line_amounts.is_gift_card, false) as is_gift_card,
    known.loaded_at,
    coalesce(shared.source_error, known.source_error) as source_error
from shared
left join known on shared.of_refund_id = known.refund_id
left join {{ ref('shopify__line_amounts') }} as line_amounts on shared.order_line_id = line_amounts.order_line_id
