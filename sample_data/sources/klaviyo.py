"""A shop as Klaviyo has it: emails, answers and visits as the events of profiles, in the tables that Fivetran lands.

What Klaviyo cannot say of a shop: which account was mailed, but by its email; that an email was sent (its receipt says
so); accounts that share an email, which are one profile; who was born when, came by which channel, and was asked on
text messages and ads; visits of nobody it knows, where a visit ends, and what is taken out of a cart.
"""

from pathlib import Path

import duckdb
import pyarrow as pa

FEEDS = ("email_events",)

# Klaviyo's names of events, by the contract's and some more.
METRICS = {
    "delivered": "Received Email",
    "open": "Opened Email",
    "click": "Clicked Email",
    "bounce": "Bounced Email",
    "complaint": "Marked Email as Spam",
    "unsubscribe": "Unsubscribed from Email Marketing",
    "subscribe": "Subscribed to Email Marketing",
    "visit": "Active on Site",
    "product_view": "Viewed Product",
    "add_to_cart": "Added to Cart",
    "checkout_start": "Started Checkout",
    "text message": "Clicked SMS",
    "order": "Placed Order",
}

STEPS = {
    # A profile has one email. Accounts without one, which are known by their phone, have a profile each.
    "addresses": """
        select distinct email as address, email from customers where email is not null
        union
        select distinct email, email from email_events where email is not null
        union all
        select 'account ' || customer_id, null from customers where email is null
    """,
    "accounts": "select *, coalesce(email, 'account ' || customer_id) as address from customers",
    "profiles": """
        select
            left(md5(address), 16) as person_id, addresses.email, newest.phone, newest.first_name, newest.last_name,
            newest.postal_code, newest.country_code, newest.city,
            coalesce(created_at, timestamp '2020-01-01') as created_at,
            coalesce(newest.updated_at, timestamp '2020-01-01') as updated_at
        from addresses
        left join (
            select
                address,
                min(coalesce(created_at, updated_at)) as created_at,
                arg_max(accounts, (updated_at, customer_id)) as newest
            from accounts
            group by address
        ) as merged using (address)
    """,
    "owners": "select customer_id, left(md5(address), 16) as person_id from accounts",
    # One row per event that the contract has a word for. Events of nobody are of a profile that was not loaded.
    "told": """
        select
            event_id,
            coalesce(profiles.person_id, owners.person_id, left(md5('nobody ' || event_id), 16)) as person_id,
            event_type, campaign_id, null as product_id, occurred_at
        from email_events
        left join profiles on email_events.email = profiles.email
        left join owners on email_events.customer_id = owners.customer_id
        where event_type <> 'sent'
        union all
        select
            'answer ' || customer_id, person_id,
            case email_consent when 'subscribed' then 'subscribe' else 'unsubscribe' end, null, null,
            coalesce(email_consent_at, created_at, updated_at)
        from accounts
        inner join owners using (customer_id)
        where email_consent in ('subscribed', 'unsubscribed')
        union all
        select 'visit ' || session_id, person_id, 'visit', null, null, started_at
        from visits
        inner join owners using (customer_id)
        union all
        select
            event_id, person_id, event_type, null, case when event_type <> 'checkout_start' then product_id end,
            occurred_at
        from web_events
        inner join visits using (session_id)
        inner join owners using (customer_id)
        where event_type in ('product_view', 'add_to_cart', 'checkout_start')
    """,
    # What lies beside some of them and must not count.
    "noise": """
        select
            told.event_id || ' ' || kinds.event_type as event_id, person_id, kinds.event_type, occurred_at, bounce_type,
            is_machine, is_deleted
        from told
        inner join (values
            ('text message', 0, null, null, false), ('order', 1, null, null, false), ('bounce', 2, 'Soft', null, false),
            ('click', 3, null, true, false), ('open', 4, null, null, true)
        ) as kinds (event_type, number, bounce_type, is_machine, is_deleted)
            on kinds.number = cast('0x' || left(md5(told.event_id), 6) as integer) % 100
        where told.event_type = 'delivered'
    """,
    "events": """
        select *, case event_type when 'bounce' then 'Hard' end as bounce_type, null as is_machine, false as is_deleted
        from told
        union all by name
        from noise
    """,
}

# Half of the events carry the name of their metric, as older connections land it. The uuid repeats.
EVENT = """
    select
        event_id as ID, person_id as PERSON_ID, events.event_type as METRIC_ID,
        case when md5(event_id) < '8' then metrics.name end as TYPE,
        case when not starts_with(campaign_id, 'flow:') then campaign_id end as CAMPAIGN_ID,
        case when starts_with(campaign_id, 'flow:') then substr(campaign_id, 6) end as FLOW_ID,
        md5(cast(occurred_at as varchar)) as UUID, occurred_at as DATETIME, occurred_at as TIMESTAMP,
        is_deleted as _FIVETRAN_DELETED,
        case event_type when 'order' then '$1,258.54' end as PROPERTY_VALUE,
        bounce_type as PROPERTY_BOUNCE_TYPE, is_machine as PROPERTY_BOT_CLICK,
        case event_type when 'product_view' then product_id end as PROPERTY_PRODUCT_ID,
        case event_type when 'add_to_cart' then product_id end as PROPERTY_ADDED_ITEM_PRODUCT_ID,
        date_trunc('day', occurred_at) + interval 30 hours as _FIVETRAN_SYNCED
    from events
    inner join metrics using (event_type)
    order by event_id
"""

PERSON = """
    select
        person_id as ID, email as EMAIL, phone as PHONE_NUMBER, first_name as FIRST_NAME, last_name as LAST_NAME,
        postal_code as ZIP, country_code as COUNTRY, city as CITY, created_at as CREATED, updated_at as UPDATED,
        false as _FIVETRAN_DELETED, updated_at as _FIVETRAN_SYNCED
    from profiles
    order by person_id
"""

# The same in the words of the contract.
TELLABLE = {
    "email_events": """
        select event_id, email, campaign_id, event_type, occurred_at
        from told
        left join profiles using (person_id)
        where event_type in ('delivered', 'open', 'click', 'bounce', 'complaint', 'unsubscribe')
    """,
    "customers": """
        select
            'klaviyo:' || person_id as customer_id, email, phone, first_name, last_name, postal_code,
            case when length(country_code) = 2 then country_code end as country_code, city, created_at,
            coalesce(answer, 'never') as email_consent, answered_at as email_consent_at, updated_at
        from profiles
        left join (
            select
                person_id,
                arg_max(event_type, (occurred_at, event_type)) || 'd' as answer,
                max(occurred_at) as answered_at
            from told
            where event_type in ('subscribe', 'unsubscribe')
            group by person_id
        ) as answers using (person_id)
    """,
    "web_events": """
        select event_id, event_type, product_id, occurred_at
        from told
        where event_type in ('product_view', 'add_to_cart', 'checkout_start')
    """,
}


def write(tables: dict[str, pa.Table], directory: Path, visits: bool = False) -> dict[str, pa.Table]:
    """Write the customers and email events of a shop as Klaviyo's profiles and events, and its visits if asked for.

    tables: the raw contract's, each row once. Returns what Klaviyo says of them, in the contract's columns.
    """
    directory.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as connection:
        for name in ("customers", "email_events", "sessions", "web_events"):
            connection.register(name, tables[name])
        connection.execute(f"create view visits as from sessions where {visits}")
        metrics = pa.table({"event_type": list(METRICS), "name": list(METRICS.values())})
        connection.register("metrics", metrics)
        for name, query in STEPS.items():
            connection.execute(f"create table {name} as {query}")
        for name, query in (("event", EVENT), ("person", PERSON)):
            connection.execute(f"copy ({query}) to '{directory / name}.parquet' (compression zstd)")
        (directory / "metric.csv").write_text(
            "\ufeffID,NAME,_FIVETRAN_DELETED\n" + "".join(f"{key},{name},FALSE\n" for key, name in METRICS.items())
        )
        return {name: connection.execute(query).to_arrow_table() for name, query in TELLABLE.items()}
