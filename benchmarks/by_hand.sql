-- Segments 1 to 10 and the counts of received, kept, duplicate and rejected rows, by hand: as few readings as we know, whole numbers
-- for ids inside, and nothing that the ten segments do not need. It knows the settings of the shop that shop.py makes and the types
-- in its files: days are those of Berlin, and money has cents. No row of that shop is deleted, a gift card or an account without a
-- date, and no email holds a blank that nobody sees.
-- {raw}: the directory of the files. It leaves the tables `members` and `row_counts`.
create macro day(moment) as case
    when hour(moment) <= 21 then cast(moment as date)
    when hour(moment) = 23 then cast(moment as date) + 1
    else cast(timezone('Europe/Berlin', timezone('UTC', moment)) as date)
end;
create macro compared(email) as case
    when regexp_matches(email, '^[^@[:space:]]+@[^@[:space:]]+[.][^@[:space:]]+$') then lower(email)
end;
-- Any text may stand between spaces, tabs and line ends, and an empty one is none. Looking at both ends spares most the trimming.
create macro trimmed(value) as case
    when value >= '!' and not (suffix(value, ' ') or suffix(value, e'\t') or suffix(value, e'\r') or suffix(value, e'\n')) then value
    else nullif(trim(value, e' \t\r\n'), '')
end;
create schema raw;
create view raw.products as
select * replace (trimmed(product_id) as product_id, trimmed(product_name) as product_name, trimmed(category) as category) from '{raw}/products.parquet';
create view raw.exchange_rates as
select * replace (trimmed(currency) as currency) from '{raw}/exchange_rates.parquet';
create view raw.customers as
select * replace (trimmed(customer_id) as customer_id, trimmed(email) as email) from '{raw}/customers.parquet';
create view raw.orders as
select * replace (trimmed(order_id) as order_id, trimmed(customer_id) as customer_id, trimmed(email) as email, trimmed(status) as status, trimmed(currency) as currency) from '{raw}/orders.parquet';
create view raw.order_lines as
select * replace (trimmed(order_line_id) as order_line_id, trimmed(order_id) as order_id, trimmed(product_id) as product_id) from '{raw}/order_lines.parquet';
create view raw.refunds as
select * replace (trimmed(refund_id) as refund_id, trimmed(order_id) as order_id, trimmed(order_line_id) as order_line_id) from '{raw}/refunds.parquet';
create view raw.sessions as
select * replace (trimmed(session_id) as session_id, trimmed(visitor_id) as visitor_id, trimmed(customer_id) as customer_id, trimmed(channel) as channel, trimmed(device) as device) from '{raw}/sessions.parquet';
create view raw.web_events as
select * replace (trimmed(event_id) as event_id, trimmed(session_id) as session_id, trimmed(event_type) as event_type, trimmed(product_id) as product_id) from '{raw}/web_events.parquet';
create temp table row_counts (table_name varchar, received bigint, kept bigint, duplicates bigint, rejected bigint);

-- Products, rates and accounts are few: all their rows are ranked.
create temp table products as
select product_id, category, row_number() over (partition by product_id, is_ok order by updated_at desc, product_name, category) as r, is_ok
from (select *, product_id is not null and updated_at is not null as is_ok from raw.products);
insert into row_counts
select 'products', count(*), count(*) filter (is_ok and r = 1), count(*) filter (is_ok and r > 1), count(*) filter (not is_ok) from products;

create temp table rates as
select rate_date, currency, rate, row_number() over (partition by rate_date, currency, is_ok order by rate) as r, is_ok
from (
    select *, coalesce(rate_date is not null and currency is not null and rate > 0, false) as is_ok from raw.exchange_rates
);
insert into row_counts
select 'exchange_rates', count(*), count(*) filter (is_ok and r = 1), count(*) filter (is_ok and r > 1), count(*) filter (not is_ok) from rates;

create temp table delivered_accounts as
select
    customer_id, compared(email) as email, created_at, coalesce(is_test, false) as is_test, is_ok,
    row_number() over (partition by customer_id, is_ok order by updated_at desc, email, created_at) as r
from (
    select *, customer_id is not null and updated_at is not null as is_ok from raw.customers
);
insert into row_counts
select 'customers', count(*), count(*) filter (is_ok and r = 1), count(*) filter (is_ok and r > 1), count(*) filter (not is_ok)
from delivered_accounts;

-- Orders: only those that share a key are ranked. The newest version decides, even where it breaks the contract.
create temp table delivered_orders as
select
    orders.order_id, customer_id, email, ordered_at, day(ordered_at) as ordered_on, status, currency,
    coalesce(discount_amount, 0) as discount_amount, coalesce(is_test, false) as is_test, updated_at, repeats.h is not null as is_repeated,
    orders.order_id is not null and updated_at is not null as is_version,
    coalesce(
        is_version and ordered_at is not null and currency is not null
        and coalesce(discount_amount, 0) >= 0 and status in ('pending', 'paid', 'fulfilled', 'cancelled'), false
    ) as is_ok
from raw.orders as orders
left join (select hash(order_id) as h from raw.orders group by 1 having count(*) > 1) as repeats on hash(orders.order_id) = repeats.h;

create temp table orders as
with versions as (
    select *, 1 as r from delivered_orders where not is_repeated
    union all
    select *, row_number() over (partition by order_id order by updated_at desc, is_ok desc, customer_id, email, ordered_at, status, currency, discount_amount, is_test)
    from delivered_orders where is_version and is_repeated
)
select versions.* exclude (r, is_ok, is_version, is_repeated)
from versions
left join (select currency, min(rate_date) as first_rate from rates where is_ok and r = 1 group by 1) as first_rates
    on versions.currency = first_rates.currency
where r = 1 and is_ok and (versions.currency = 'EUR' or coalesce(first_rate <= ordered_on, false));
insert into row_counts
select 'orders', received, kept, duplicates, received - kept - duplicates
from (select count(*) as received from delivered_orders)
cross join (select count(*) as kept from orders)
cross join (select count(*) - count(distinct order_id) as duplicates from delivered_orders where is_version and is_repeated);
drop table delivered_orders;

-- Who is one person: `who` is the number of the customer's first account, or a negative number for a guest.
create temp table accounts as
with visible as (
    select customer_id as account_id, email, created_at, is_test
    from delivered_accounts
    where is_ok and r = 1 and (
        day(created_at) <= date '2026-06-30'
        or customer_id in (select customer_id from orders where ordered_on <= date '2026-06-30' and not is_test)
    )
)
select *, count(*) over (partition by email) > 100 and email is not null as is_shared from visible;
create temp table owners as
with keyed as (
    select rowid as account, *, case when email is null or is_shared then account_id else email end as merge_key, email is null or is_shared as is_alone
    from accounts
)
select
    account_id, email, is_shared,
    first_value(account) over person as who,
    bool_or(is_test) over (partition by is_alone, merge_key) as is_test
from keyed
window person as (partition by is_alone, merge_key order by created_at, account_id);
create temp table owner_emails as
select email, any_value(is_shared) as is_shared, any_value(who) as who, bool_or(is_test) filter (not is_shared) as is_test
from owners where email is not null group by 1;
create temp table other_emails as
select email from (
    select distinct compared(orders.email) as email
    from orders left join owners on orders.customer_id = owners.account_id
    where owners.account_id is null and orders.email is not null and ordered_on <= date '2026-06-30' and not orders.is_test
) where email is not null and email not in (select email from owner_emails);
-- Former addresses: beside them orders name accounts of one customer alone. Those that no other order has are not asked.
insert into owner_emails
select lower(orders.email), false, min(who), bool_or(owners.is_test)
from orders join owners on orders.customer_id = owners.account_id
where lower(orders.email) in (select email from other_emails) and ordered_on <= date '2026-06-30' and not orders.is_test
group by 1 having min(who) = max(who);
create temp table guests as
select email from other_emails where email not in (select email from owner_emails);
create temp table people as
select rowid as who, account_id as customer_id from accounts
union all
select -1 - rowid, 'guest:' || sha256(email) from guests;

-- An order of a test customer counts nowhere; who null is nobody.
create temp table owned_orders as
with found as (
    select orders.*, orders.rowid as o, owners.who as account_who, owners.is_test as account_is_test,
        case when owners.account_id is null then compared(orders.email) end as owning_email
    from orders left join owners on orders.customer_id = owners.account_id
    where ordered_on <= date '2026-06-30' and not orders.is_test
)
select
    o, coalesce(account_who, case when not owner_emails.is_shared then owner_emails.who end, -1 - guests.rowid) as who,
    ordered_on, status <> 'cancelled' as is_ordered, status in ('paid', 'fulfilled') as is_paid, currency, discount_amount
from found
left join owner_emails on found.owning_email = owner_emails.email
left join guests on found.owning_email = guests.email
where not coalesce(account_is_test, owner_emails.is_test, false);

-- Refunds are few.
create temp table delivered_refunds as
select
    refunds.*, orders.rowid as o, is_ok, row_number() over (partition by refund_id, is_version order by refunds.updated_at desc, is_ok desc, refunds.order_id, order_line_id, refunded_at, amount) as r
from (
    select *, refund_id is not null and updated_at is not null as is_version,
        coalesce(is_version and order_id is not null and refunded_at is not null and amount >= 0, false) as is_ok
    from raw.refunds
) as refunds
left join orders on refunds.order_id = orders.order_id;
insert into row_counts
select
    'refunds', count(*), count(*) filter (is_ok and r = 1 and o is not null), count(*) filter (is_version and r > 1),
    count(*) filter (not is_version or (r = 1 and (not is_ok or o is null)))
from delivered_refunds;
create temp table refunds as
select o, order_line_id, amount from delivered_refunds where is_ok and r = 1 and o is not null and amount > 0 and day(refunded_at) <= date '2026-06-30';

-- Lines, in one reading: those of paid orders, and those that need a verdict.
create temp table lines as
select
    lines.order_line_id, lines.order_id, lines.product_id, lines.quantity, lines.unit_price, lines.list_price,
    coalesce(lines.discount_amount, 0) as discount_amount, lines.updated_at, owned_orders.o, orders.order_id is null as is_orphan, repeats.h is not null as is_repeated,
    lines.order_line_id is not null and lines.updated_at is not null as is_version,
    coalesce(
        is_version and lines.order_id is not null and quantity >= 0 and unit_price >= 0
        and coalesce(lines.discount_amount, 0) >= 0 and cast(quantity as decimal(19, 6)) * unit_price < 1000000000000, false
    ) as is_ok
from raw.order_lines as lines
left join (select hash(order_line_id) as h from raw.order_lines group by 1 having count(*) > 1) as repeats
    on hash(lines.order_line_id) = repeats.h
left join orders on lines.order_id = orders.order_id
left join owned_orders on orders.rowid = owned_orders.o and owned_orders.is_paid
where owned_orders.o is not null or orders.order_id is null or repeats.h is not null or not is_ok;
create temp table ranked_lines as
select
    *,
    row_number() over (
        partition by order_line_id, is_version
        order by updated_at desc, is_ok desc, order_id, product_id, quantity, unit_price, list_price, discount_amount
    ) as r
from lines where is_repeated;
insert into row_counts
select 'order_lines', received, received - duplicates - rejected, duplicates, rejected
from (select count(*) as received from raw.order_lines)
cross join (select count(*) filter (is_version and r > 1) as duplicates from ranked_lines)
cross join (
    select (select count(*) from lines where not is_repeated and (not is_ok or is_orphan))
        + (select count(*) from ranked_lines where not is_version or (r = 1 and (not is_ok or is_orphan))) as rejected
);

-- A quantity of 0 takes a line out.
create temp table kept_lines as
with kept as (
    select o, order_line_id, product_id, quantity, unit_price, list_price, discount_amount from lines where is_ok and not is_repeated and o is not null and quantity > 0
    union all
    select o, order_line_id, product_id, quantity, unit_price, list_price, discount_amount from ranked_lines where is_ok and r = 1 and o is not null and quantity > 0
),
line_refunds as (select o, order_line_id, sum(amount) as amount from refunds where order_line_id is not null group by all)
select
    kept.o, category,
    cast(quantity * unit_price - kept.discount_amount as decimal(18, 2)) as amount,
    kept.discount_amount > 0 or coalesce(list_price > unit_price, false) as is_discounted,
    cast(line_refunds.amount as decimal(18, 2)) as refunded_amount
from kept
left join products on kept.product_id = products.product_id and products.is_ok and products.r = 1
left join line_refunds on kept.o = line_refunds.o and kept.order_line_id = line_refunds.order_line_id;

create temp table purchases as
with totals as (
    select o, cast(sum(amount) as decimal(18, 2)) as amount, bool_or(is_discounted) as is_discounted from kept_lines group by 1
),
refund_totals as (select o, sum(amount) as amount from refunds group by 1),
net as (
    select
        o, who, ordered_on, currency, totals.is_discounted or orders.discount_amount > 0 as is_discounted,
        totals.amount as lines_amount, orders.discount_amount,
        cast(totals.amount - orders.discount_amount - coalesce(refund_totals.amount, 0) as decimal(18, 2)) as amount
    from owned_orders as orders join totals using (o) left join refund_totals using (o)
),
converted as (
    select o, who, ordered_on, is_discounted, lines_amount, discount_amount, amount from net where currency = 'EUR'
    union all
    select o, who, ordered_on, is_discounted, lines_amount, discount_amount, cast(round(amount * rate, 2) as decimal(18, 2))
    from net asof join (select * from rates where is_ok and r = 1) as rates
        on net.currency = rates.currency and net.ordered_on >= rates.rate_date
    where net.currency <> 'EUR'
)
select * from converted where amount > 0;

-- The one sale that started last, and its edition of a year earlier.
create temp table sale as
select current.starts_on, current.ends_on, former.starts_on as former_starts_on, former.ends_on as former_ends_on
from (
    select * from '{raw}/sale_campaigns.parquet' where starts_on <= date '2026-06-30'
    order by starts_on desc, ends_on desc nulls last, sale_campaign_id desc limit 1
) as current
left join '{raw}/sale_campaigns.parquet' as former on current.prior_sale_campaign_id = former.sale_campaign_id;

create temp table buyers as
with totals as (
    select
        who, max(ordered_on) filter (in_window) as last_on, count(*) filter (in_window) as frequency,
        cast(sum(amount) filter (in_window) * 100 as bigint) as cents,
        bool_or(is_discounted and ordered_on > date '2025-06-30') as is_discount_buyer,
        coalesce(bool_or(ordered_on between starts_on and ends_on), false) as is_sale_buyer,
        coalesce(bool_or(ordered_on between former_starts_on and former_ends_on), false) as is_former_sale_buyer
    from (select *, ordered_on > date '2026-06-30' - 730 as in_window from purchases where who is not null) left join sale on true
    group by who
)
select
    * exclude (last_on, frequency, cents),
    case when frequency > 0 then 1 + 5 * (rank() over (partition by frequency > 0 order by last_on) - 1) // count(*) over (partition by frequency > 0) end as recency_score,
    case when frequency > 0 then 1 + 5 * (rank() over (partition by frequency > 0 order by frequency) - 1) // count(*) over (partition by frequency > 0) end as frequency_score,
    case when frequency > 0 then 1 + 5 * (rank() over (partition by frequency > 0 order by (20000 * cents + frequency) // (2 * frequency)) - 1) // count(*) over (partition by frequency > 0) end as monetary_score
from totals;
create temp table orderers as
select
    who, bool_or(ordered_on > date '2026-06-30' - 30) as has_ordered_30d,
    coalesce(bool_or(ordered_on between starts_on and ends_on), false) as has_ordered_in_sale
from owned_orders left join sale on true
where is_ordered and who is not null
group by who;

-- Sessions: all identified ones say whose their visitor is; of the others only those of the last 30 days, the sale or a click are asked.
create temp table session_repeats as
select hash(session_id) as h from raw.sessions group by 1 having count(*) > 1;
create temp table odd_sessions as
select *, row_number() over (partition by session_id, is_ok order by started_at, visitor_id, customer_id, channel, device, is_bot) as r
from (
    select *, session_id is not null and started_at is not null as is_ok from raw.sessions
    where hash(session_id) in (select h from session_repeats) or session_id is null or started_at is null
);
insert into row_counts
select 'sessions', received, received - duplicates - rejected, duplicates, rejected
from (select count(*) as received from raw.sessions)
cross join (select count(*) filter (is_ok and r > 1) as duplicates, count(*) filter (not is_ok) as rejected from odd_sessions);
create temp table sessions as
with kept as (
    select session_id, visitor_id, customer_id, day(started_at) as started_on, is_bot from raw.sessions
    where hash(session_id) not in (select h from session_repeats) and session_id is not null and started_at is not null
    union all
    select session_id, visitor_id, customer_id, day(started_at), is_bot from odd_sessions where is_ok and r = 1
)
select session_id, visitor_id, started_on, who, owners.is_test
from kept left join owners on kept.customer_id = owners.account_id
where started_on <= date '2026-06-30' and not coalesce(is_bot, false);
create temp table visitors as
select visitor_id, min(who) as who, bool_or(is_test) as is_test from sessions where who is not null group by 1 having min(who) = max(who);

-- Web events, in one reading: the keys that repeat, then carts, recent clicks, and what needs a verdict.
create temp table event_repeats as
select hash(event_id) as h from raw.web_events group by 1 having count(*) > 1;
create temp table events as
select event_id, session_id, event_type, product_id, occurred_at, repeats.h is not null as is_repeated
from raw.web_events as events left join event_repeats as repeats on hash(events.event_id) = repeats.h
where
    event_type in ('add_to_cart', 'remove_from_cart') or (event_type = 'recommendation_click' and occurred_at >= date '2026-05-31')
    or repeats.h is not null or event_id is null or session_id is null or event_type is null or occurred_at is null;
create temp table ranked_events as
select *, row_number() over (partition by event_id, is_ok order by occurred_at, session_id, event_type, product_id) as r
from (
    select *, event_id is not null and session_id is not null and event_type is not null and occurred_at is not null as is_ok
    from events where is_repeated or event_id is null or session_id is null or event_type is null or occurred_at is null
);
insert into row_counts
select 'web_events', received, received - duplicates - rejected, duplicates, rejected
from (select count(*) as received from raw.web_events)
cross join (select count(*) filter (is_ok and r > 1) as duplicates, count(*) filter (not is_ok) as rejected from ranked_events);
create temp table session_events as
with kept as (
    select session_id, event_type, day(occurred_at) as occurred_on from events
    where not is_repeated and event_id is not null and session_id is not null and event_type is not null and occurred_at is not null
    union all
    select session_id, event_type, day(occurred_at) from ranked_events where is_ok and r = 1
)
select
    session_id,
    sum(case event_type when 'add_to_cart' then 1 when 'remove_from_cart' then -1 else 0 end) > 0 as has_open_cart,
    count(*) filter (event_type = 'recommendation_click' and occurred_on > date '2026-06-30' - 30) as clicks
from kept where occurred_on <= date '2026-06-30' group by 1;

create temp table visits as
select
    coalesce(sessions.who, visitors.who) as who,
    count(*) filter (started_on > date '2026-06-30' - 30) as sessions_30d,
    coalesce(bool_or(has_open_cart and started_on between starts_on and ends_on), false) as has_open_cart_in_sale,
    coalesce(sum(clicks), 0) as clicks
from sessions
left join visitors on case when sessions.who is null then sessions.visitor_id end = visitors.visitor_id
left join session_events on sessions.session_id = session_events.session_id
left join sale on true
where
    (started_on > date '2026-06-30' - 30 or started_on between starts_on and ends_on or clicks > 0)
    and not coalesce(sessions.is_test, visitors.is_test, false)
    and coalesce(sessions.who, visitors.who) is not null
group by 1;

create table members as
with found as (
    select 'loyal_buyers' as segment, who, null as category from buyers where recency_score >= 4 and frequency_score >= 4
    union all
    select 'bargain_hunters', who, null from buyers where monetary_score <= 2 and frequency_score >= 4
    union all
    -- Fully refunded: refunds reach the amount less its share of the order's discount, which is rounded up to the cent. No quotient is needed.
    select 'category_repeat_buyers', who, category
    from kept_lines join purchases using (o)
    where
        category is not null and ordered_on > date '2026-06-30' - 365 and who is not null
        and (refunded_amount is null or (kept_lines.amount - refunded_amount - 0.01) * lines_amount >= kept_lines.amount * discount_amount)
    group by all having count(distinct o) >= 2
    union all
    select 'last_year_sale_buyers', who, null from buyers where is_former_sale_buyer
    union all
    select 'discount_buyers', who, null from buyers where is_discount_buyer
    union all
    select 'big_occasional_spenders', who, null from buyers where monetary_score >= 4 and frequency_score <= 2
    union all
    select 'recommendation_clickers', who, null from visits left join orderers using (who) where clicks >= 1 and not coalesce(has_ordered_30d, false)
    union all
    select 'indecisive_visitors', who, null from visits left join orderers using (who) where sessions_30d >= 10 and not coalesce(has_ordered_30d, false)
    union all
    select 'sale_cart_abandoners', who, null from visits left join orderers using (who) where has_open_cart_in_sale and not coalesce(has_ordered_in_sale, false)
    union all
    select 'current_sale_buyers', who, null from buyers where is_sale_buyer
)
select segment, customer_id, category from found join people using (who);
