-- All marts tell of the as-of date of this run: a mart left over from another date is named.
{% set marts = [
    'customers',
    'customer_accounts',
    'customer_categories',
    'customer_contacts',
    'rfm_thresholds',
    'segment_memberships',
    'segment_overlaps',
    'segments'
] %}
{% for mart in marts %}
select distinct
    '{{ mart }}' as mart,
    as_of_date
from {{ ref(mart) }}
where as_of_date is null or as_of_date <> {{ as_of_date() }}
{{ 'union all' if not loop.last }}
{% endfor %}
