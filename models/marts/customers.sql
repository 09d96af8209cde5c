-- One row per customer, with every trait that a segment may ask for: those that come with the project, those of models/traits,
-- and those that come as data.
-- The contract wants each column in YAML, and YAML knows no loop: the hook tells it of the registered ones. So one contract
-- holds all columns to their types, and a trait of your own touches no YAML.
{{ config(pre_hook="{{ admit_traits(model) }}") }}

select
    {{ (['traits.*'] + registered_columns() | map(attribute='sql') | list) | join(',\n    ') }}
from {{ ref('int_customer_traits') }} as traits
left join {{ ref('int_customer_custom_traits') }} as int_customer_custom_traits
    on traits.customer_id = int_customer_custom_traits.customer_id
{% for trait in registered_traits() %}
left join {{ ref('trait_' ~ trait.name) }} as trait_{{ trait.name }}
    on traits.customer_id = trait_{{ trait.name }}.customer_id
{% endfor %}
