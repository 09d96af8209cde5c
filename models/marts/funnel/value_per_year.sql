-- One row per segment, empty ones included, and one of all customers: what a buyer brings in a year, and for how many years.
with

segments as (

    select segment from {{ ref('segments') }}
    union all
    select 'all' as segment

),

memberships as (

    select
        segment,
        customer_id
    from {{ ref('segment_memberships') }}

    union all

    select
        'all' as segment,
        customer_id
    from {{ ref('int_customer_purchases') }}

),

totals as (

    select
        memberships.segment,
        count(*) as buyers,
        sum(purchases.net_revenue_365d) as net_revenue_365d,
        -- One estimate that is not there makes the segment's unknown.
        case when count(purchases.gross_margin_estimate_365d) = count(*) then sum(purchases.gross_margin_estimate_365d) end
            as gross_margin_365d
    from memberships
    inner join {{ ref('int_customer_purchases') }} as purchases on memberships.customer_id = purchases.customer_id
    group by memberships.segment

),

months as (

    select
        month,
        sum(opening_customers) as opening_customers,
        sum(churned_customers) as churned_customers
    from {{ ref('churn_monthly') }}
    where is_complete
    group by month

),

retentions as (

    select
        row_number() over (order by month desc) as months_ago,
        (opening_customers - churned_customers) / nullif(cast(opening_customers as {{ double_type() }}), 0) as retention
    from months

),

-- Null where one of the last 12 months, or its opening, is missing.
churn as (

    select
        1 - (
            {% for months_ago in range(1, 13) %}
            max(case when months_ago = {{ months_ago }} then retention end)
            {{ '*' if not loop.last }}
            {% endfor %}
        ) as yearly_churn
    from retentions

),

valued as (

    select
        segments.segment,
        coalesce(totals.buyers, 0) as buyers,
        totals.net_revenue_365d,
        totals.gross_margin_365d,
        churn.yearly_churn,
        1 / nullif(churn.yearly_churn, 0) as expected_years,
        cast(totals.gross_margin_365d as {{ double_type() }}) / totals.buyers as yearly_margin
    from segments
    cross join churn
    left join totals on segments.segment = totals.segment

)

{% set rate = var('discount_rate_per_year') %}
select
    segment,
    {{ as_of_date() }} as as_of_date,
    cast(buyers as bigint) as buyers,
    {{ average_amount('net_revenue_365d', 'buyers') }} as net_revenue_per_buyer_365d,
    {{ average_amount('gross_margin_365d', 'buyers') }} as gross_margin_per_buyer_365d,
    cast(yearly_churn as {{ decimal_type(18, 8) }}) as yearly_churn_rate,
    cast(expected_years as {{ decimal_type(18, 6) }}) as expected_years,
    cast(yearly_margin * expected_years as {{ decimal_type(18, 6) }}) as value_over_years,
    cast(
        yearly_margin * {{ '(1 - power(' ~ (1 + rate) ~ ', -expected_years)) / ' ~ rate if rate else 'expected_years' }}
        as {{ decimal_type(18, 6) }}
    ) as prepaid_offer
from valued
