{# Stops the build, with a sentence, where both limits on rejected rows are exceeded, or where most rows of a table are rejected: then
   the table is wrong as a whole. It stands on the staging model, so that what reads it is skipped while rejected_rows is still built
   for whoever looks into it. #}
{% test few_rows_rejected(model, table) %}
with

statuses as (

    select
        (select count(*) from {{ received(table) }}) as received_rows,
        count(case when row_status = 'rejected' then 1 end) as rejected_rows
    from {{ ref('base_' ~ table) }}

),

reasons as (

    select
        rejection_reason,
        count(*) as rejected_rows,
        row_number() over (order by count(*) desc, rejection_reason) as frequency_rank
    from {{ ref('base_' ~ table) }}
    where row_status = 'rejected'
    group by rejection_reason

),

-- Each count stands as a value of its own: PostgreSQL computes what a constant condition leads to.
validated as (

    select
        statuses.received_rows,
        statuses.rejected_rows,
        reasons.rejection_reason,
        reasons.rejected_rows as rows_of_the_reason
    from statuses
    left join reasons on reasons.frequency_rank = 1

)

select *
from validated
where
    case
        when
            (rejected_rows > {{ var('max_rejected_rows') }} and rejected_rows > {{ var('max_rejected_share') }} * received_rows)
            or (received_rows >= 5 and 2 * rejected_rows > received_rows)
            then {{ raise_error(
                "'Of the ' || cast(received_rows as " ~ dbt.type_string() ~ ") || ' rows of " ~ table ~ ", '"
                ~ " || cast(rejected_rows as " ~ dbt.type_string() ~ ") || ' are rejected: more than max_rejected_share ("
                ~ var('max_rejected_share') ~ ") and max_rejected_rows (" ~ var('max_rejected_rows')
                ~ ") allow, or more than half of the table. Most often: ' || rejection_reason || ' ('"
                ~ " || cast(rows_of_the_reason as " ~ dbt.type_string() ~ ") || ' rows), as in a table with ' || "
                ~ usual_cause('rejection_reason') ~ " || '. staging.rejected_rows gives all reasons.'"
            ) }}
        else false
    end
{% endtest %}
