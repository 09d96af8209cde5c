-- Each model has one row, of the as-of date, and is fitted or says why not. Who never predicts has no table, and nothing to test.
{% set fits = load_relation(source('estimates', 'prediction_fits')) %}
{% if fits %}
with

fits as (

    select
        *,
        count(*) over (partition by model) as copies
    from {{ source('estimates', 'prediction_fits') }}

)

select *
from fits
where not coalesce(
    model is not null
    and copies = 1
    and as_of_date = {{ as_of_date() }}
    and (log_likelihood is null) = (reason is not null),
    false
)
{% else %}
select no_rows.found
from (select 'nothing is predicted' as found) as no_rows
where no_rows.found is null
{% endif %}
