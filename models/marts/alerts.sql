-- One row per warning of the as-of date: a figure that is not as it was on the dates built before, or on the weeks before.
-- Whether a change is a fault nobody can tell from numbers; what is explained by a changed formula or another sale is a note.
{% set sources = {
    'orders': ('stg_orders', 'ordered_on'),
    'sessions': ('stg_sessions', 'started_on'),
    'web_events': ('stg_web_events', 'occurred_on'),
    'email_events': ('stg_email_events', 'occurred_on'),
} %}
{% set number = decimal_type(28, 10) %}
with

segment_sizes as (

    select * from {{ ref('segment_sizes') }}
    where as_of_date <= {{ as_of_date() }}

),

built_figures as (

    select * from {{ ref('built_figures') }}
    where as_of_date <= {{ as_of_date() }}

),

-- The as-of date and the 8 before it that were built.
compared_dates as (

    select as_of_date
    from (
        select
            as_of_date,
            row_number() over (order by as_of_date desc) as place
        from (
            select as_of_date from segment_sizes
            union
            select as_of_date from built_figures
            union
            select {{ as_of_date() }} as as_of_date
        ) as dates
    ) as placed
    where place <= 9

),

daily_rows as (

    {% for source, (model, dated_on) in sources.items() %}
    select
        '{{ source }}' as subject,
        {{ dated_on }} as dated_on,
        count(*) as rows_found
    from {{ ref(model) }}
    where {{ dated_on }} <= {{ as_of_date() }}
    group by {{ dated_on }}
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

-- A source that began less than 28 days ago knows fewer than 4 of the weekdays, and is not compared.
first_rows as (

    select
        subject,
        min(dated_on) as first_on
    from daily_rows
    group by subject

),

-- The as-of date and the same weekday of the 8 weeks before.
weekdays as (

    {% for weeks in range(9) %}
    select {{ days_ago(7 * weeks) }} as as_of_date
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

figures as (

    select
        'segment_size' as kind,
        segment_sizes.segment as subject,
        segment_sizes.as_of_date,
        cast(segment_sizes.customers as {{ number }}) as value,
        formulas.formula,
        coalesce(segment_sizes.edition, '') as edition
    from segment_sizes
    inner join compared_dates on segment_sizes.as_of_date = compared_dates.as_of_date
    left join built_figures as formulas
        on
            segment_sizes.as_of_date = formulas.as_of_date
            and segment_sizes.segment = formulas.subject
            and formulas.figure = 'segment_formula'

    union all

    select
        built_figures.figure as kind,
        built_figures.subject,
        built_figures.as_of_date,
        cast(built_figures.share as {{ number }}) as value,
        cast(null as {{ dbt.type_string() }}) as formula,
        '' as edition
    from built_figures
    inner join compared_dates on built_figures.as_of_date = compared_dates.as_of_date
    where built_figures.figure <> 'segment_formula'

    union all

    select
        'source_volume' as kind,
        first_rows.subject,
        weekdays.as_of_date,
        cast(coalesce(daily_rows.rows_found, 0) as {{ number }}) as value,
        cast(null as {{ dbt.type_string() }}) as formula,
        '' as edition
    from first_rows
    inner join weekdays on first_rows.first_on <= weekdays.as_of_date
    left join daily_rows
        on
            first_rows.subject = daily_rows.subject
            and weekdays.as_of_date = daily_rows.dated_on

),

today as (

    select * from figures
    where as_of_date = {{ as_of_date() }}

),

earlier as (

    select * from figures
    where as_of_date < {{ as_of_date() }}

),

medians as (

    select
        kind,
        subject,
        count(*) as dates,
        cast({{ median('value') }} as {{ number }}) as median_value
    from earlier
    group by kind, subject

),

deviations as (

    select
        earlier.kind,
        earlier.subject,
        cast({{ median('abs(earlier.value - medians.median_value)') }} as {{ number }}) as median_deviation
    from earlier
    inner join medians on earlier.kind = medians.kind and earlier.subject = medians.subject
    group by earlier.kind, earlier.subject

),

-- The latest date that no comparison reaches over: what a size means changed after it.
changes_of_meaning as (

    select
        today.kind,
        today.subject,
        max(case when earlier.formula <> today.formula then earlier.as_of_date end) as formula_changed_after,
        max(case when earlier.edition <> today.edition then earlier.as_of_date end) as sale_changed_after
    from today
    inner join earlier on today.kind = earlier.kind and today.subject = earlier.subject
    group by today.kind, today.subject

),

compared as (

    select
        today.kind,
        today.subject,
        today.value,
        coalesce(medians.dates, 0) >= 4 as is_known,
        medians.median_value,
        -- 3 and 5 standard deviations of a normal distribution, by the median of the absolute deviations.
        4.4478 * deviations.median_deviation as three_deviations,
        7.413 * deviations.median_deviation as five_deviations,
        changes_of_meaning.formula_changed_after,
        changes_of_meaning.sale_changed_after
    from today
    left join medians on today.kind = medians.kind and today.subject = medians.subject
    left join deviations on today.kind = deviations.kind and today.subject = deviations.subject
    left join changes_of_meaning on today.kind = changes_of_meaning.kind and today.subject = changes_of_meaning.subject

),

limits as (

    select
        compared.*,
        case
            when not is_known then null
            when kind = 'segment_size' then median_value - greatest(20, 0.2 * median_value, three_deviations)
            when kind = 'source_volume' then median_value - greatest(0.5 * median_value, five_deviations)
            when kind = 'contactable_share' then median_value - 0.05
        end as usual_low,
        case
            when kind = 'rejected_share' and not is_known then 0.01
            when not is_known then null
            when kind = 'segment_size' then median_value + greatest(20, 0.2 * median_value, three_deviations)
            when kind = 'rejected_share' then greatest(0.01, 3 * median_value)
            when kind = 'unknown_cost_share' then median_value + 0.05
        end as usual_high
    from compared

),

unusual as (

    select
        kind,
        subject,
        case when kind = 'source_volume' then 'error' else 'warning' end as severity,
        value,
        usual_low,
        usual_high,
        median_value,
        formula_changed_after,
        sale_changed_after
    from limits
    where value < usual_low or value > usual_high

    union all

    select
        'segment_emptied' as kind,
        subject,
        'error' as severity,
        value,
        usual_low,
        usual_high,
        median_value,
        formula_changed_after,
        sale_changed_after
    from limits
    where kind = 'segment_size' and is_known and value = 0 and median_value >= 20

),

ages as (

    select
        'stale_rates' as kind,
        'exchange_rates' as subject,
        {{ days_between('max(rated_on)', as_of_date()) }} as age_days,
        7 as usual_days
    from {{ ref('stg_exchange_rates') }}
    where rated_on <= {{ as_of_date() }}

    union all

    select
        'stale_prices' as kind,
        'products' as subject,
        {{ days_between(local_date('max(updated_at)'), as_of_date()) }} as age_days,
        cast({{ 'null' if var('max_days_without_prices') is none else var('max_days_without_prices') }} as integer) as usual_days
    from {{ ref('stg_products') }}

),

told as (

    select
        kind,
        subject,
        case
            when formula_changed_after is not null or sale_changed_after is not null then 'note'
            else severity
        end as severity,
        value,
        usual_low,
        usual_high,
        case kind
            when 'segment_size'
                then
                    {{ alert_text([
                        'subject', "' holds '", whole('value'), "' customers; '", whole('ceil(greatest(usual_low, 0))'), "' to '",
                        whole('floor(usual_high)'), "' were usual on the dates built before.'"
                    ]) }}
            when 'segment_emptied'
                then
                    {{ alert_text([
                        'subject', "' is empty; '", whole('median_value'), "' customers were usual on the dates built before.'"
                    ]) }}
            when 'source_volume'
                then
                    {{ alert_text([
                        'subject', "' has '", whole('value'), "' rows of this date; at least '", whole('ceil(usual_low)'),
                        "' were usual on this weekday.'"
                    ]) }}
            when 'rejected_share'
                then
                    {{ alert_text([
                        percent('value'), "' of the rows of '", 'subject', "' are rejected; up to '", percent('usual_high'),
                        "' is usual.'"
                    ]) }}
            when 'contactable_share'
                then
                    {{ alert_text([
                        percent('value'), "' of the customers may be mailed; at least '", percent('usual_low'), "' is usual.'"
                    ]) }}
            when 'unknown_cost_share'
                then
                    {{ alert_text([
                        'subject', "' of unknown cost are '", percent('value'), "' of the net revenue of 90 days; up to '",
                        percent('usual_high'), "' is usual.'"
                    ]) }}
        end as sentence,
        case
            when formula_changed_after is not null
                then {{ alert_text(["' Its formula has changed since '", 'formula_changed_after', "'.'"]) }}
            when sale_changed_after is not null
                then {{ alert_text(["' It asks for another sale than on '", 'sale_changed_after', "'.'"]) }}
            else ''
        end as explanation
    from unusual

    union all

    select
        kind,
        subject,
        'warning' as severity,
        age_days as value,
        null as usual_low,
        usual_days as usual_high,
        {{ alert_text([
            "'The newest row of '", 'subject', "' is '", whole('age_days'), "' days old; up to '", whole('usual_days'), "' are usual.'"
        ]) }} as sentence,
        '' as explanation
    from ages
    where age_days > usual_days

)

select
    {{ as_of_date() }} as as_of_date,
    kind,
    subject,
    severity,
    cast(value as {{ decimal_type(28, 8) }}) as value,
    cast(usual_low as {{ decimal_type(28, 8) }}) as usual_low,
    cast(usual_high as {{ decimal_type(28, 8) }}) as usual_high,
    {{ dbt.concat(['sentence', 'explanation']) }} as sentence
from told
