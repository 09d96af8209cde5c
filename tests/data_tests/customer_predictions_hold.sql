-- Each buyer has one row, of the as-of date, with a chance that is one, and with a value wherever both its factors are known.
-- `segments estimate` writes the table and runs this. Who never predicts has no table, and nothing to test.
{% set predictions = load_relation(source('estimates', 'customer_predictions')) %}
{% if predictions %}
with

predictions as (

    select
        *,
        count(*) over (partition by customer_id) as copies
    from {{ source('estimates', 'customer_predictions') }}

)

select *
from predictions
where not coalesce(
    customer_id is not null
    and copies = 1
    and as_of_date = {{ as_of_date() }}
    and (probability_alive is null or (probability_alive between 0 and 1 and expected_purchases_365d >= 0))
    and (expected_value_365d is null) = (expected_purchases_365d is null or expected_revenue_per_purchase is null),
    false
)
{% else %}
select no_rows.found
from (select 'nothing is predicted' as found) as no_rows
where no_rows.found is null
{% endif %}
