-- Each channel has one row, of the as-of date, with an effect that is a share; together they have the purchases of 365 days,
-- and their net revenue but for a cent each. Who never estimates has no table, and nothing to test.
{% set purchases = ref('int_purchases') %}
{% set effects = load_relation(source('estimates', 'channel_removal_effects')) %}
{% if effects %}
with

effects as (

    select
        count(*) as channels,
        count(distinct channel) as names,
        sum(case when as_of_date = {{ as_of_date() }} and removal_effect between 0 and 1 then 1 else 0 end) as right_ones,
        coalesce(sum(purchases), 0) as purchases,
        coalesce(sum(net_revenue), 0) as net_revenue
    from {{ source('estimates', 'channel_removal_effects') }}

),

bought as (

    select
        count(*) as purchases,
        coalesce(sum(net_revenue), 0) as net_revenue
    from {{ purchases }}
    where purchased_on > {{ days_ago(365) }}

)

select effects.*
from effects
cross join bought
where not coalesce(
    effects.channels = effects.names
    and effects.channels = effects.right_ones
    and abs(effects.purchases - bought.purchases) <= 0.00000001 * effects.channels
    and abs(effects.net_revenue - bought.net_revenue) <= 0.01 * effects.channels,
    false
)
{% else %}
select no_rows.found
from (select 'nothing is estimated' as found) as no_rows
where no_rows.found is null
{% endif %}
