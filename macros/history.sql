{# Stops a run at its start that would add a date to the history before its latest one. #}
{% macro refuse_earlier_date() %}
    {% if execute and flags.WHICH in ['build', 'run'] %}
        {% set log = built_relation('membership_changes') %}
        {% if log and 'model.ecommerce_segments.membership_changes' in selected_resources %}
            {% set latest = run_query('select max(as_of_date) from ' ~ log).rows[0][0] %}
            {% if latest and latest > as_of_day() %}
                {% do exceptions.raise_compiler_error(
                    'as_of_date is ' ~ as_of_day() ~ ', but the history of segments has come to ' ~ latest
                    ~ ', and goes only forward. To look at an earlier date, build into another warehouse (DUCKDB_PATH=...).'
                ) %}
            {% endif %}
        {% endif %}
    {% endif %}
{% endmacro %}

{# Runs before the history takes its step: a forgotten customer's rows of the log stay, for the sizes, under a name that leads
   to nobody, another one for each segment and trait. #}
{% macro forget_in_history(log) %}
    {% if execute and load_relation(log) and run_query('select count(*) from ' ~ ref('forgotten_customers')).rows[0][0] %}
    merge into {{ log }} as log using (
        select
            named.kind,
            named.state,
            named.customer_id,
            'forgotten:' || cast(
                dense_rank() over (order by named.kind, case when named.kind = 'segment' then named.state end, named.customer_id)
                + (
                    select coalesce(max(cast(substr(customer_id, 11) as bigint)), 0)
                    from {{ log }}
                    where customer_id like 'forgotten:%'
                ) as {{ dbt.type_string() }}
            ) as token
        from (
            select distinct
                kind,
                state,
                customer_id
            from {{ log }}
            where customer_id is not null
        ) as named
        where {{ is_forgotten('named.customer_id') }}
    ) as forgotten
        on log.kind = forgotten.kind and log.state = forgotten.state and log.customer_id = forgotten.customer_id
    when matched then update set customer_id = forgotten.token{{ ', continued_as = null' if has_column(log, 'continued_as') }}
    {% endif %}
{% endmacro %}

{# The same for the ids under which the stays of others went on. #}
{% macro forget_successors(log) %}
    {% if execute and load_relation(log) and has_column(log, 'continued_as')
        and run_query('select count(*) from ' ~ ref('forgotten_customers')).rows[0][0] %}
    update {{ log }} set continued_as = null where continued_as is not null and {{ is_forgotten('continued_as') }}
    {% endif %}
{% endmacro %}

{# The same for the log of audiences, of which no address stays either. Who was in one is removed from it under that name. #}
{% macro forget_in_audience_changes(log) %}
    {% if execute and load_relation(log) and run_query('select count(*) from ' ~ ref('forgotten_customers')).rows[0][0] %}
    update {{ log }} set
        customer_id = 'forgotten:' || {{ sha256_hex("segment || ':' || customer_id") }},
        email_sha256 = null,
        google_email_sha256 = null,
        tiktok_email_sha256 = null
    where {{ is_forgotten('customer_id') }}
    {% endif %}
{% endmacro %}

{# The same for the log of held back messages, of which nothing else follows: the rows go. #}
{% macro forget_in_held_back_changes(log) %}
    {% if execute and load_relation(log) and run_query('select count(*) from ' ~ ref('forgotten_customers')).rows[0][0] %}
    delete from {{ log }} where {{ is_forgotten('customer_id') }}
    {% endif %}
{% endmacro %}

{# Whose message was held back on the date that was built before, by the log. #}
{% macro held_back_before(log) -%}
    select customer_id
    from {{ log }}
    where as_of_date < {{ as_of_date() }}
    group by customer_id
    having sum(case when change = 'held back' then 1 else -1 end) = 1
{%- endmacro %}

{# How many customers a state gains by a row of the log. A stay that goes on under another id takes nobody away; two that meet are one
   customer's. #}
{% macro customers_gained() -%}
    case when change_type in ('entered', 'continued') then 1 when change_type in ('exited', 'handed_over') then -1 else 0 end
{%- endmacro %}

{# When the stay began that a row of the log opens or carries on. Logs of earlier versions have no other dates than those of entries. #}
{% macro logged_entry(log) -%}
    {{ 'coalesce(entered_on, as_of_date)' if has_column(log, 'entered_on') else 'as_of_date' }}
{%- endmacro %}

{% macro has_column(relation, name) %}
    {{ return(execute and name in adapter.get_columns_in_relation(relation) | map(attribute='name') | map('lower')) }}
{% endmacro %}

{# Whether an id of a customer, an account or a guest is of a person who is to be forgotten. #}
{% macro is_forgotten(id) -%}
    (
        {{ sha256_hex(id) }} in (select hashed_id from {{ ref('forgotten_customers') }})
        or {{ id }} in (select 'guest:' || hashed_id from {{ ref('forgotten_customers') }})
    )
{%- endmacro %}
