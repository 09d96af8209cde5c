{# Stops the build, with a sentence, where both limits on rejected rows are exceeded. It stands on the staging model, so that
   what reads it is skipped while rejected_rows is still built for whoever looks into it. #}
{% test few_rows_rejected(model, table) %}
with

verdicts as (

    select
        (select count(*) from {{ received(table) }}) as received_rows,
        count(case when verdict = 'rejected' then 1 end) as rejected_rows
    from {{ ref('base_' ~ table) }}

)

select *
from verdicts
where
    case
        when
            rejected_rows > {{ var('max_rejected_rows') }}
            and rejected_rows > {{ var('max_rejected_share') }} * received_rows
            then {{ raise_error(
                "'Of the ' || cast(received_rows as " ~ dbt.type_string() ~ ") || ' rows of " ~ table ~ ", '"
                ~ " || cast(rejected_rows as " ~ dbt.type_string() ~ ") || ' are rejected: more than max_rejected_share ("
                ~ var('max_rejected_share') ~ ") and max_rejected_rows (" ~ var('max_rejected_rows')
                ~ ") allow. staging.rejected_rows gives the reasons.'"
            ) }}
        else false
    end
{% endtest %}
