-- One row per number of trigger mails that are due for the same person today: how many people that is.
-- Each of these segments asks for a mail of its own. Who is in several should get the most urgent one.
with

mails_due as (

    select
        memberships.customer_id,
        count(*) as mails
    from {{ ref('segment_memberships') }} as memberships
    inner join {{ ref('customers') }} as customers on memberships.customer_id = customers.customer_id
    where
        customers.is_contactable_by_email
        and memberships.segment in (
            'cart_abandoners',
            'browse_abandoners',
            'high_ticket_hesitators',
            'recommendation_clickers',
            'indecisive_visitors',
            'due_for_reorder',
            'cross_sell_window',
            'new_subscribers',
            'birthday_soon'
        )
    group by memberships.customer_id

)

select
    mails,
    count(*) as people,
    round(100.0 * count(*) / sum(count(*)) over (), 1) as percent_of_people
from mails_due
group by mails
order by mails asc
