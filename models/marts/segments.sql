-- One row per segment, empty ones included, with what it means and how many customers it holds.
with

row_counts as (

    select * from {{ ref('row_counts') }}

),

sale_campaigns as (

    select count(*) as sale_campaigns
    from {{ ref('stg_sale_campaigns') }}

),

delivered as (

    select
        {% for table in ['sessions', 'web_events', 'email_events', 'reviews'] %}
        coalesce(sum(case when row_counts.table_name = '{{ table }}' then row_counts.received_rows end), 0) as {{ table }},
        {% endfor %}
        max(sale_campaigns.sale_campaigns) as sale_campaigns
    from sale_campaigns
    left join row_counts on 1 = 1

),

register as (

    {% for segment in registered_segments() %}
    select
        {{ loop.index }} as position,
        '{{ segment.name }}' as segment,
        {{ text_literal(segment.title) }} as title,
        {{ text_literal(segment.group or 'Our own') }} as segment_group,
        {{ text_literal(segment.definition) }} as definition,
        {{ text_literal(segment.goal) }} as marketing_goal,
        nullif({{ text_literal(segment.watch_out or '') }}, '') as watch_out,
        cast(
            {% if segment.needs %}
            case
                {% for need in segment.needs %}
                when {{ need | replace(' or ', ' + ') }} = 0 then '{{ need | replace('_', ' ') }}'
                {% endfor %}
            end
            {% else %}
            null
            {% endif %}
            as {{ dbt.type_string() }}
        ) as not_delivered
    from delivered
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

shop as (

    select
        coalesce(max(as_of_date), {{ as_of_date() }}) as as_of_date,
        count(*) as customers
    from {{ ref('customers') }}

),

sizes as (

    select
        segment,
        count(*) as customers
    from {{ ref('segment_memberships') }}
    group by segment

)

select
    register.position,
    register.segment,
    register.title,
    register.segment_group,
    register.definition,
    register.marketing_goal,
    register.watch_out,
    register.not_delivered,
    coalesce(sizes.customers, 0) as customers,
    cast(
        case when shop.customers > 0 then 1.0 * coalesce(sizes.customers, 0) / shop.customers else 0 end
        as {{ decimal_type(18, 8) }}
    ) as share_of_customers,
    shop.as_of_date
from register
cross join shop
left join sizes on register.segment = sizes.segment
