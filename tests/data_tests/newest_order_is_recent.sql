-- A failed load must not turn every customer inactive: without recent orders nothing is published, and the history, which
-- reads segment_memberships, takes no step. A shop that never had a buyer passes.
-- depends_on: {{ ref('segment_memberships') }}
{% set history = built_relation('membership_changes') if execute and var('max_days_without_orders') is not none %}
with

newest as (

    select max(ordered_on) as ordered_on
    from {{ ref('int_orders') }}

),

former as (

    {% if history %}
    select count(*) as buyers
    from {{ history }}
    where kind = 'lifecycle_stage' and state <> 'lead' and as_of_date < {{ as_of_date() }}
    {% else %}
    select 0 as buyers
    {% endif %}

),

judged as (

    select
        coalesce('of ' || cast(newest.ordered_on as {{ dbt.type_string() }}), 'missing') as newest_order,
        newest.ordered_on < {{ days_ago(var('max_days_without_orders') or 0) }}
        or (newest.ordered_on is null and former.buyers > 0) as is_stale
    from newest
    cross join former

)

-- All in one case: an engine may ask the conditions of a filter in any order.
select *
from judged
where
    {{ var('max_days_without_orders') is not none }}
    and case
        when is_stale
            then {{ raise_error(
                "'The newest order is ' || newest_order || ', more than max_days_without_orders (" ~ var('max_days_without_orders')
                ~ ") before ' || cast(" ~ as_of_date() ~ " as " ~ dbt.type_string() ~ ") || ': was the load complete?"
                ~ " If the files are older, set as_of_date to their day. Nothing is published, and the history takes no step.'"
            ) }}
        else false
    end
