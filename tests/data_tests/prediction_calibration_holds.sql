-- Each fifth has one row, of the as-of date, with shares that are ones; together they have all who had bought 90 days before
-- it. Who never estimates has no table, and nothing to test.
{% set customer_value = ref('customer_value') %}
{% set calibration = load_relation(source('estimates', 'prediction_calibration')) %}
{% if calibration %}
with

calibration as (

    select
        count(*) as fifths,
        count(distinct fifth) as names,
        sum(
            case
                when
                    as_of_date = {{ as_of_date() }}
                    and fifth between 1 and 5
                    and predicted_share between 0 and 1
                    and actual_share between 0 and 1
                    and brier_score between 0 and 1
                    and coalesce(auc, 0) between 0 and 1
                    then 1
                else 0
            end
        ) as right_ones,
        sum(buyers) as buyers
    from {{ source('estimates', 'prediction_calibration') }}

),

known as (

    select count(*) as buyers
    from {{ customer_value }}
    where days_first_to_as_of >= 90

)

select calibration.*
from calibration
cross join known
where
    calibration.fifths > 0
    and not (
        calibration.fifths = calibration.names
        and calibration.fifths = calibration.right_ones
        and calibration.buyers = known.buyers
    )
{% else %}
select no_rows.found
from (select 'nothing is estimated' as found) as no_rows
where no_rows.found is null
{% endif %}
