"""A shop as the BigQuery export of Google Analytics 4 has it: a file per day, with events whose parameters and items
are nested.

What Google cannot say of a shop: ids of sessions and events, as it has its own; visits of machines, which it leaves
out; visits without a cookie, which get a visitor each; when a session began before its first event; events of no
session; and that a channel is unknown, which is `direct`. Capital letters of channels are lost. `write` returns the
shop as far as Google says it.
"""

from pathlib import Path

import duckdb
import pyarrow as pa

FEEDS = ("sessions", "web_events")

# What the entry says, so that all of a shop comes back.
OPTIONS = {"recommendation_lists": ["recommended"], "channels": {"affiliates": "affiliate"}}

STEPS = {
    # Channels that Google derives of a source and medium; all others are handed over by their name.
    "sources": """
        select * from (values
            ('direct', '(direct)', '(none)'), ('organic_search', 'google', 'organic'), ('paid_search', 'google', 'cpc'),
            ('paid_social', 'm.facebook.com', 'paid_social'), ('email', 'newsletter', 'Email'),
            ('referral', 'blog.example', 'referral'), ('affiliate', 'partner.example', 'affiliate')
        ) as sources (channel, source, medium)
    """,
    "visits": """
        select
            -- A visit of no source is of no campaign.
            sessions.* replace (case when channel is not null then campaign_id end as campaign_id),
            row_number() over (order by session_id) as number,
            1600000000 + number as ga_session_id,
            coalesce(visitor_id, 'nobody.' || number) as user_pseudo_id,
            -- Where the source stands: in the session's record, in that of its first hit, or in the parameters of that.
            case when source is null then 0 else number % 3 end as place,
            case
                when channel is null then null
                when channel = 'affiliate' then 'Affiliates'
                when source is null then channel
                else array_to_string([upper(word[1]) || word[2:] for word in string_split(channel, '_')], ' ')
            end as channel_group,
            source,
            medium
        from sessions
        left join sources using (channel)
        where not coalesce(is_bot, false)
    """,
    # Products that are seen or put in the cart at one moment are items of one hit.
    "product_hits": """
        select
            session_id,
            occurred_at,
            event_type,
            list({
                'item_id': product_id,
                'item_name': 'Product ' || product_id,
                'price': 9.5::double,
                'quantity': 1::bigint,
                'item_list_id': case when event_type = 'recommendation_click' then 'recommended' end,
                'item_list_name': null::varchar
            } order by event_id) filter (product_id is not null) as items
        from web_events
        where
            session_id in (select session_id from visits)
            and event_type in (
                'product_view', 'add_to_cart', 'remove_from_cart', 'checkout_start', 'recommendation_click'
            )
        group by session_id, occurred_at, event_type, case when product_id is null then event_id end
    """,
    # In every other session whoever is signed in signs in at its end.
    "hits": """
        select
            session_id,
            started_at as moment,
            'session_start' as event_name,
            null as items,
            number % 2 = 0 as is_signed_in
        from visits
        union all
        select session_id, started_at, 'page_view', null, number % 2 = 0
        from visits
        union all
        select session_id, greatest(started_at, max(occurred_at)), 'login', null, true
        from visits
        left join product_hits using (session_id)
        where number % 2 = 1 and customer_id is not null
        group by session_id, started_at
        union all
        select
            session_id,
            occurred_at,
            case event_type
                when 'product_view' then 'view_item'
                when 'checkout_start' then 'begin_checkout'
                when 'recommendation_click' then 'select_item'
                else event_type
            end,
            items,
            number % 2 = 0
        from product_hits
        inner join visits using (session_id)
    """,
    "numbered": """
        select
            *,
            row_number() over (
                partition by session_id order by moment, event_name <> 'session_start', event_name, items
            ) as hit_number
        from hits
        order by moment, session_id, hit_number
    """,
    "events": """
        select
            strftime(timezone('Europe/Berlin', timezone('UTC', moment)), '%Y%m%d') as event_date,
            epoch_us(moment) as event_timestamp,
            event_name,
            list_filter([
                parameter('page_location', 'https://shop.example/' || event_name, null),
                parameter('ga_session_id', null, ga_session_id),
                parameter('ga_session_number', null, 1),
                parameter('engagement_time_msec', null, hit_number),
                case when event_name = 'select_item' and items is null
                    then parameter('item_list_name', 'recommended', null) end,
                case when place = 2 and hit_number = 1 then parameter('source', source, null) end,
                case when place = 2 and hit_number = 1 then parameter('medium', medium, null) end,
                case when place = 2 and hit_number = 1 and campaign_id is not null
                    then parameter('campaign_id', campaign_id, null) end
            ], lambda p: p is not null) as event_params,
            case when is_signed_in then customer_id end as user_id,
            user_pseudo_id,
            {'category': device, 'language': 'de'} as device,
            case when place = 1 and hit_number = 1 then {
                'manual_campaign_id': campaign_id,
                'manual_campaign_name': null::varchar,
                'manual_source': source,
                -- A click on an ad shows by its id alone.
                'manual_medium': case when channel = 'paid_search' then 'organic' else medium end,
                'gclid': case when channel = 'paid_search' then 'Cj0K' || number end
            } end as collected_traffic_source,
            coalesce(items, []) as items,
            -- Older exports lack them.
            case when moment >= '2024-07-01' then epoch_ms(started_at) end as batch_page_id,
            case when moment >= '2024-07-01' then hit_number end as batch_ordering_id,
            case when moment >= '2024-07-01' then 1 end as batch_event_index,
            case when place = 0 and channel_group is not null then {
                'manual_campaign': {
                    'campaign_id': campaign_id, 'campaign_name': null::varchar, 'source': source, 'medium': medium
                },
                'google_ads_campaign': {'campaign_id': null::varchar, 'campaign_name': null::varchar},
                'cross_channel_campaign': {
                    'campaign_id': campaign_id,
                    'campaign_name': null::varchar,
                    'source': source,
                    'medium': medium,
                    'default_channel_group': channel_group
                }
            } end as session_traffic_source_last_click
        from numbered
        inner join visits using (session_id)
    """,
    # Some hits arrive twice, some of people who refused cookies; and what was bought is not what GA4 is asked for.
    "exported": """
        from events
        union all by name
        select * replace (list_reverse(event_params) as event_params)
        from events
        where event_timestamp // 1000000 % 50 = 0
        union all by name
        select
            * replace (
                list_filter(event_params, lambda p: p.key not in ('ga_session_id', 'ga_session_number'))
                    as event_params,
                null as user_pseudo_id,
                null as user_id
            )
        from events
        where event_timestamp // 1000000 % 20 = 0
        union all by name
        select * replace ('purchase' as event_name) from events where event_name = 'begin_checkout'
    """,
}  # fmt: skip

PARAMETER = """
    create macro parameter(name, text, number) as {
        'key': name,
        'value': {
            'string_value': text::varchar,
            'int_value': number::bigint,
            'float_value': null::double,
            'double_value': null::double
        }
    }
"""

# The shop in the contract, as far as Google says it.
TOLD = {
    "sessions": """
        select
            user_pseudo_id || '.' || ga_session_id as session_id,
            user_pseudo_id as visitor_id,
            customer_id,
            least(started_at, first_hit) as started_at,
            coalesce(lower(channel), 'direct') as channel,
            campaign_id,
            device,
            null::boolean as is_bot
        from visits
        left join (
            select session_id, min(occurred_at) as first_hit from product_hits group by session_id
        ) using (session_id)
    """,
    "web_events": """
        select
            user_pseudo_id || '.' || ga_session_id as session_id,
            event_type,
            unnest(case when items is null then [null] else [item.item_id for item in items] end) as product_id,
            occurred_at
        from product_hits
        inner join visits using (session_id)
    """,
}


def write(tables: dict[str, pa.Table], directory: Path) -> dict[str, pa.Table]:
    """Write the sessions and web events of a shop as events_YYYYMMDD*.parquet, and an intraday file that holds the last
    day once more.

    tables: the shop's, in the columns of the raw contract. Returns both tables as far as Google says them; web events
    lack their ids.
    """
    directory.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as connection:
        connection.execute(
            f"set TimeZone = 'UTC'; set threads = 1; set partitioned_write_max_open_files = 5000; {PARAMETER}"
        )
        for name in FEEDS:
            connection.register(name, tables[name])
        for name, sql in STEPS.items():
            connection.execute(f"create {'view' if name == 'exported' else 'table'} {name} as {sql}")
        connection.execute(
            f"copy (select *, event_date as day from exported) to '{directory}' (format parquet, compression zstd,"
            " partition_by (day), overwrite_or_ignore)"
        )
        for path in sorted(directory.glob("day=*/*.parquet")):
            number = int("".join(filter(str.isdigit, path.stem)))
            path.rename(directory / f"events_{path.parent.name.removeprefix('day=')}{number:012}.parquet")
        for folder in directory.glob("day=*"):
            folder.rmdir()
        for last in sorted(directory.glob("events_*"))[-1:]:
            connection.execute(f"copy (from '{last}') to '{directory}/events_intraday_{last.stem[7:15]}.parquet'")
        return {name: connection.execute(sql).to_arrow_table() for name, sql in TOLD.items()}
