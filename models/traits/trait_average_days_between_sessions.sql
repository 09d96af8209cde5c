-- One row per customer with web sessions on at least 2 dates. Several sessions of one date are one visit.
select
    customer_id,
    {{ quotient(days_between('min(started_on)', 'max(started_on)'), 'count(distinct started_on) - 1', 2) }}
        as average_days_between_sessions
from {{ ref('int_sessions') }}
where customer_id is not null
group by customer_id
having count(distinct started_on) >= 2
