{# Where SQL dialects differ. The default is PostgreSQL's; a new engine touches this folder alone. #}

{# The shop-local date of a UTC timestamp. #}
{% macro local_date(timestamp) -%}
    {{ adapter.dispatch('local_date', 'ecommerce_segments')(timestamp) }}
{%- endmacro %}

{% macro default__local_date(timestamp) -%}
    cast({{ timestamp }} at time zone 'UTC' at time zone '{{ var("shop_timezone") }}' as date)
{%- endmacro %}

{# Whole days from one date to another, an integer. #}
{% macro days_between(earlier, later) -%}
    {{ adapter.dispatch('days_between', 'ecommerce_segments')(earlier, later) }}
{%- endmacro %}

{% macro default__days_between(earlier, later) -%}
    ({{ later }} - {{ earlier }})
{%- endmacro %}

{# SHA-256 of a text in UTF-8, as 64 lower-case hex digits. #}
{% macro sha256_hex(text) -%}
    {{ adapter.dispatch('sha256_hex', 'ecommerce_segments')(text) }}
{%- endmacro %}

{% macro default__sha256_hex(text) -%}
    encode(sha256(convert_to({{ text }}, 'UTF8')), 'hex')
{%- endmacro %}

{# A whole number of 64 bits that stands for a text within one engine: other texts nearly always have another one. A missing text
   has one too. #}
{% macro key_hash(text) -%}
    {{ adapter.dispatch('key_hash', 'ecommerce_segments')(text) }}
{%- endmacro %}

{% macro default__key_hash(text) -%}
    coalesce(hashtextextended({{ text }}, 0), 0)
{%- endmacro %}

{# A whole number from 0 to below `buckets`, from the first 8 hex digits of a text's SHA-256. #}
{% macro hash_bucket(text, buckets) -%}
    {{ adapter.dispatch('hash_bucket', 'ecommerce_segments')(text, buckets) }}
{%- endmacro %}

{% macro default__hash_bucket(text, buckets) -%}
    (cast(cast(('x' || substr({{ sha256_hex(text) }}, 1, 8)) as bit(32)) as bigint) % {{ buckets }})
{%- endmacro %}

{# Whether a text matches a POSIX regular expression. #}
{% macro matches(text, pattern) -%}
    {{ adapter.dispatch('matches', 'ecommerce_segments')(text, pattern) }}
{%- endmacro %}

{# What a space is depends on the locale, but for this collation. #}
{% macro default__matches(text, pattern) -%}
    ({{ text }}) collate "C" ~ '{{ pattern }}'
{%- endmacro %}

{# A text in lower case, letters beyond ASCII too, whatever the locale of the database. #}
{% macro lower_case(text) -%}
    {{ adapter.dispatch('lower_case', 'ecommerce_segments')(text) }}
{%- endmacro %}

{% macro default__lower_case(text) -%}
    lower({{ text }} collate "und-x-icu") collate "default"
{%- endmacro %}

{# A text that sorts by code point, whatever the locale of the database. #}
{% macro binary_collation(text) -%}
    {{ adapter.dispatch('binary_collation', 'ecommerce_segments')(text) }}
{%- endmacro %}

{% macro default__binary_collation(text) -%}
    {{ text }} collate "C"
{%- endmacro %}

{# The texts of a group in one, in order of code point. #}
{% macro sorted_list(texts) -%}
    {{ adapter.dispatch('sorted_list', 'ecommerce_segments')(texts) }}
{%- endmacro %}

{% macro default__sorted_list(texts) -%}
    string_agg({{ texts }}, ', ' order by {{ binary_collation(texts) }})
{%- endmacro %}

{# A text that is known when the SQL is rendered. #}
{% macro text_literal(text) -%}
    {{ adapter.dispatch('text_literal', 'ecommerce_segments')(text) }}
{%- endmacro %}

{% macro default__text_literal(text) -%}
    '{{ text | replace("'", "''") }}'
{%- endmacro %}

{# The type of a floating-point number of 64 bits. #}
{% macro double_type() -%}
    {{ adapter.dispatch('double_type', 'ecommerce_segments')() }}
{%- endmacro %}

{% macro default__double_type() -%}
    double precision
{%- endmacro %}

{# One text of named values, for people to read. #}
{% macro named_values(columns) -%}
    {{ adapter.dispatch('named_values', 'ecommerce_segments')(columns) }}
{%- endmacro %}

{% macro default__named_values(columns) -%}
    cast(json_build_object(
        {%- for name, value in columns.items() %}'{{ name }}', {{ value }}{{ ', ' if not loop.last }}{% endfor -%}
    ) as text)
{%- endmacro %}

{# The delivered text of a raw value that could not be read as its type. A warehouse's raw tables are typed: whoever loads them validates the text. #}
{% macro unreadable(column) -%}
    {{ adapter.dispatch('unreadable', 'ecommerce_segments')(column) }}
{%- endmacro %}

{% macro default__unreadable(column) -%}
    cast(null as {{ dbt.type_string() }})
{%- endmacro %}

{# The names of the columns that hold such texts. #}
{% macro unreadable_columns(columns) -%}
    {{ return(adapter.dispatch('unreadable_columns', 'ecommerce_segments')(columns)) }}
{%- endmacro %}

{% macro default__unreadable_columns(columns) -%}
    {{ return([]) }}
{%- endmacro %}

{# A condition that stops the query with a sentence. #}
{% macro raise_error(message) -%}
    {{ adapter.dispatch('raise_error', 'ecommerce_segments')(message) }}
{%- endmacro %}

{# PostgreSQL raises no error from an expression, but names the text that it cannot cast. #}
{% macro default__raise_error(message) -%}
    cast({{ message }} as integer) is null
{%- endmacro %}

{# After a table is filled: what the planner must know of it, where an engine does not find out by itself. #}
{% macro gather_statistics(table) -%}
    {{ adapter.dispatch('gather_statistics', 'ecommerce_segments')(table) }}
{%- endmacro %}

{# A fresh table has no statistics for minutes, and joins go astray. #}
{% macro default__gather_statistics(table) -%}
    analyze {{ table }}
{%- endmacro %}

{# Runs a statement that stays done, whatever becomes of the run. #}
{% macro run_at_once(sql) %}
    {% do adapter.dispatch('run_at_once', 'ecommerce_segments')(sql) %}
{% endmacro %}

{% macro default__run_at_once(sql) %}
    {% do run_query(sql) %}
{% endmacro %}

{# A hook before a model of which an engine cannot foresee the sizes: without it, PostgreSQL takes a hundred thousand rows for one, and compares
   each with each. It holds for the model's transaction. #}
{% macro join_by_hash() -%}
    {{ adapter.dispatch('join_by_hash', 'ecommerce_segments')() }}
{%- endmacro %}

{% macro default__join_by_hash() -%}
{%- endmacro %}

{# From the first date on, each leads to the next that is far enough. #}
{% macro default__dates_apart(dates) -%}
    with recursive following as (

        select
            dates.customer_id,
            dates.journey,
            dates.step,
            dates.due_on,
            min(later.due_on) as next_due_on,
            min(dates.due_on) over (partition by dates.customer_id, dates.journey, dates.step) as first_due_on
        from {{ dates }} as dates
        left join {{ dates }} as later
            on
                dates.customer_id = later.customer_id
                and dates.journey = later.journey
                and dates.step = later.step
                and later.due_on >= {{ days_after('dates.due_on', 'dates.reentry_days') }}
        group by dates.customer_id, dates.journey, dates.step, dates.due_on

    ),

    entered as (

        select
            customer_id,
            journey,
            step,
            due_on,
            next_due_on
        from following
        where due_on = first_due_on

        union all

        select
            following.customer_id,
            following.journey,
            following.step,
            following.due_on,
            following.next_due_on
        from entered
        inner join following
            on
                entered.customer_id = following.customer_id
                and entered.journey = following.journey
                and entered.step = following.step
                and entered.next_due_on = following.due_on

    )

    select
        customer_id,
        journey,
        step,
        due_on
    from entered
{%- endmacro %}
