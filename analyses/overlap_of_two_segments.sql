-- One row per part of two segments: the first alone, the second alone, and both. Put in any two names.
{% set first_segment = 'loyal_buyers' %}
{% set second_segment = 'discount_buyers' %}
with

members as (

    select
        customer_id,
        {{ dbt.bool_or("segment = '" ~ first_segment ~ "'") }} as is_in_first,
        {{ dbt.bool_or("segment = '" ~ second_segment ~ "'") }} as is_in_second
    from {{ ref('segment_memberships') }}
    where segment in ('{{ first_segment }}', '{{ second_segment }}')
    group by customer_id

),

parts as (

    select
        customer_id,
        case
            when is_in_first and is_in_second then 'both'
            when is_in_first then '{{ first_segment }} alone'
            else '{{ second_segment }} alone'
        end as part
    from members

)

select
    parts.part,
    count(*) as customers,
    sum(customers.purchase_count) as purchases,
    sum(customers.net_revenue) as net_revenue,
    round(sum(customers.net_revenue) / count(*), 2) as net_revenue_per_customer
from parts
inner join {{ ref('customers') }} as customers on parts.customer_id = customers.customer_id
group by parts.part
order by parts.part asc
