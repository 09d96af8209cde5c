{# Google Analytics 4: its nested columns, and its channels. The columns are lists of records on DuckDB, Spark and BigQuery (macros/engines), and jsonb
   on PostgreSQL, which is the default. #}

{# The rows of the daily tables of all entries, in the columns that the source declares. #}
{% macro ga4_events() %}
    {{ return(adapter.dispatch('ga4_events', 'ecommerce_segments')()) }}
{% endmacro %}

{% macro default__ga4_events() %}
    {{ return(loaded('ga4', 'events')) }}
{% endmacro %}

{# A nested column as the macros below read it: PostgreSQL may have it as json, or as text. #}
{% macro ga4_nested(column) -%}
    {{ adapter.dispatch('ga4_nested', 'ecommerce_segments')(column) }}
{%- endmacro %}

{% macro default__ga4_nested(column) -%}
    cast({{ column }} as jsonb)
{%- endmacro %}

{# A field of a record, by its path. #}
{% macro ga4_field(record, path) -%}
    nullif({{ adapter.dispatch('ga4_field', 'ecommerce_segments')(record, path) }}, '')
{%- endmacro %}

{% macro default__ga4_field(record, path) -%}
    {{ record }} #>> '{{ '{' ~ path | replace('.', ',') ~ '}' }}'
{%- endmacro %}

{# The value of a parameter of an event, a text or a whole number, as text. #}
{% macro ga4_parameter(key) -%}
    nullif({{ adapter.dispatch('ga4_parameter', 'ecommerce_segments')(key) }}, '')
{%- endmacro %}

{% macro default__ga4_parameter(key) -%}
    (
        select coalesce(parameter #>> '{value,string_value}', parameter #>> '{value,int_value}')
        from jsonb_path_query(event_params, '$[*] ? (@.key == "{{ key }}")') as parameter
        limit 1
    )
{%- endmacro %}

{# What tells a hit from others of its session: its moment, its numbers within the batch, which older exports lack, and its parameters, in whatever order. #}
{% macro ga4_hit_key() -%}
    {{ adapter.dispatch('ga4_hit_key', 'ecommerce_segments')() }}
{%- endmacro %}

{% macro default__ga4_hit_key() -%}
    {%- set parts = ["coalesce(cast(event_timestamp as " ~ dbt.type_string() ~ "), '')"] -%}
    {%- for part in ['batch_page_id', 'batch_ordering_id', 'batch_event_index', ga4_fingerprint()] -%}
        {%- do parts.extend(["'|'", "coalesce(" ~ part ~ ", '')"]) -%}
    {%- endfor -%}
    {{ dbt.concat(parts) }}
{%- endmacro %}

{# The same for the same parameters, in whatever order. #}
{% macro ga4_fingerprint() -%}
    {{ adapter.dispatch('ga4_fingerprint', 'ecommerce_segments')() }}
{%- endmacro %}

{% macro default__ga4_fingerprint() -%}
    (select md5(string_agg(cast(parameter as text), ',' order by cast(parameter as text) collate "C")) from jsonb_path_query(event_params, '$[*]') as parameter)
{%- endmacro %}

{# The id of an event and its item: what tells them from others of all sessions. #}
{% macro ga4_event_id() -%}
    {{ adapter.dispatch('ga4_event_id', 'ecommerce_segments')() }}
{%- endmacro %}

{% macro default__ga4_event_id() -%}
    {{ dbt.hash(dbt.concat([
        'session_id', "'|'", 'event_type', "'|'", 'hit_key', "'|'", 'cast(item_number as ' ~ dbt.type_string() ~ ')', "'|'", "coalesce(item_id, '')"
    ])) }}
{%- endmacro %}

{# The rows of a CTE once for each of their items, with its number (item_number, from 1), and once where there are none. #}
{% macro ga4_by_item(hits) -%}
    {{ adapter.dispatch('ga4_by_item', 'ecommerce_segments')(hits) }}
{%- endmacro %}

{% macro default__ga4_by_item(hits) -%}
    select {{ hits }}.*, item_number
    from {{ hits }}
    cross join lateral generate_series(1, greatest(case when jsonb_typeof(items) = 'array' then jsonb_array_length(items) end, 1)) as numbers (item_number)
{%- endmacro %}

{# A field of the item whose number a row has. `(not set)` is Google's word for none. #}
{% macro ga4_item(field) -%}
    nullif(nullif({{ adapter.dispatch('ga4_item', 'ecommerce_segments')(field) }}, ''), '(not set)')
{%- endmacro %}

{% macro default__ga4_item(field) -%}
    items -> (item_number - 1) ->> '{{ field }}'
{%- endmacro %}

{# Who is signed in: user_id, or the parameter that an entry names. #}
{% macro ga4_user_id() -%}
    {%- set cases = [] -%}
    {%- for entry in entries_of('ga4') if entry.customer_id_param -%}
        {%- do cases.append("when source_name = '" ~ entry.name ~ "' then " ~ ga4_parameter(entry.customer_id_param)) -%}
    {%- endfor -%}
    {{ 'case ' ~ cases | join(' ') ~ ' else user_id end' if cases else 'user_id' }}
{%- endmacro %}

{# Whether the list that a click was in is among an entry's recommendations. #}
{% macro ga4_is_recommended() -%}
    {%- set conditions = ['1 = 0'] -%}
    {%- for entry in entries_of('ga4') -%}
        {%- for name in entry.get('recommendation_lists', []) -%}
            {%- do conditions.append("source_name = '" ~ entry.name ~ "' and " ~ text_literal(name) ~ ' in (item_list_id, item_list_name)') -%}
        {%- endfor -%}
    {%- endfor -%}
    ({{ conditions | join(' or ') }})
{%- endmacro %}

{# A channel as an entry calls it. #}
{% macro ga4_own_channel(channel) -%}
    {%- set cases = [] -%}
    {%- for entry in entries_of('ga4') -%}
        {%- for name, own in entry.get('channels', {}).items() -%}
            {%- do cases.append("when source_name = '" ~ entry.name ~ "' and " ~ channel ~ " = '" ~ name ~ "' then '" ~ own ~ "'") -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ 'case ' ~ cases | join(' ') ~ ' else ' ~ channel ~ ' end' if cases else channel }}
{%- endmacro %}

{# A moment in UTC from microseconds since 1970. #}
{% macro ga4_moment(microseconds) -%}
    {{ adapter.dispatch('ga4_moment', 'ecommerce_segments')(microseconds) }}
{%- endmacro %}

{% macro default__ga4_moment(microseconds) -%}
    (timestamp '1970-01-01 00:00:00' + cast({{ microseconds }} as double precision) * interval '1 microsecond')
{%- endmacro %}

{# When the table of a date (YYYYMMDD) is written for the last time: it is written anew for three days. #}
{% macro ga4_loaded_at(event_date) -%}
    {{ adapter.dispatch('ga4_loaded_at', 'ecommerce_segments')(event_date) }}
{%- endmacro %}

{% macro default__ga4_loaded_at(event_date) -%}
    {%- set parts = [] -%}
    {%- for first, length in [(1, 4), (5, 2), (7, 2)] -%}
        {%- do parts.append('substr(' ~ event_date ~ ', ' ~ first ~ ', ' ~ length ~ ')') -%}
    {%- endfor -%}
    {%- set date = 'cast(' ~ dbt.concat([parts[0], "'-'", parts[1], "'-'", parts[2]]) ~ ' as ' ~ dbt.type_timestamp() ~ ')' -%}
    cast({{ dbt.dateadd('day', 3, date) }} as {{ dbt.type_timestamp() }})
{%- endmacro %}

{# Google's default channel group of a source, medium and campaign, in lower case (https://support.google.com/analytics/answer/9756891): the first rule
   that holds. Google's lists of sites have over 800; those that a shop meets are here, with all their countries and subdomains. #}
{% macro ga4_default_channel_group(source, medium, campaign) -%}
    {%- set is_paid = matches(medium, '^(.*cp.*|ppc|retargeting|paid.*)$') -%}
    {%- set is_shopping = '(' ~ ga4_is_site(source, 'amazon|ebay|etsy|alibaba|walmart|mercadolibre|shopify|shopzilla|shop[.]app|shopping|google shopping|igshopping')
        ~ ' or ' ~ matches(campaign, '^(.*(([^a-df-z]|^)shop|shopping).*)$') ~ ')' -%}
    {%- set is_search = ga4_is_site(source, 'google|bing|yahoo|duckduckgo|baidu|yandex|ecosia|naver|daum|seznam|qwant|sogou|msn|aol|ask') -%}
    {%- set is_social = ga4_is_site(
        source, 'facebook|fb|instagram|ig|messenger|whatsapp|pinterest|tiktok|snapchat|twitter|t[.]co|reddit|linkedin|lnkd|tumblr|quora|vk|weibo|wechat|line|xing|yelp'
        ~ '|tripadvisor|trustpilot|social'
    ) -%}
    {%- set is_video = ga4_is_site(source, 'youtube|vimeo|twitch|dailymotion|netflix|hulu|wistia|youku') -%}
    case
        when {{ source }} is null or ({{ source }} = '(direct)' and coalesce({{ medium }}, '(none)') in ('(not set)', '(none)')) then 'direct'
        when {{ matches(campaign, 'cross-network') }} then 'cross_network'
        when {{ is_shopping }} and {{ is_paid }} then 'paid_shopping'
        when {{ is_search }} and {{ is_paid }} then 'paid_search'
        when {{ is_social }} and {{ is_paid }} then 'paid_social'
        when {{ is_video }} and {{ is_paid }} then 'paid_video'
        when {{ medium }} in ('display', 'banner', 'expandable', 'interstitial', 'cpm') then 'display'
        when {{ is_paid }} then 'paid_other'
        when {{ is_shopping }} then 'organic_shopping'
        when {{ is_social }} or {{ medium }} in ('social', 'social-network', 'social-media', 'sm', 'social network', 'social media') then 'organic_social'
        when {{ is_video }} or {{ matches(medium, 'video') }} then 'organic_video'
        when {{ is_search }} or {{ medium }} = 'organic' then 'organic_search'
        when {{ medium }} = 'ai-assistant' then 'ai_assistant'
        when {{ source }} in ('email', 'e-mail', 'e_mail', 'e mail') or {{ medium }} in ('email', 'e-mail', 'e_mail', 'e mail') then 'email'
        when {{ medium }} = 'affiliate' then 'affiliates'
        when {{ medium }} in ('referral', 'app', 'link') then 'referral'
        when {{ medium }} = 'audio' then 'audio'
        when {{ source }} = 'sms' or {{ medium }} = 'sms' then 'sms'
        when {{ matches(medium, 'push$|mobile|notification') }} or {{ source }} = 'firebase' then 'mobile_push_notifications'
        else 'unassigned'
    end
{%- endmacro %}

{# Whether a source is one of these sites: its name (`facebook`), or a domain of it (`m.facebook.com`). #}
{% macro ga4_is_site(source, names) -%}
    {{ matches(source, '(^|[.])(' ~ names ~ ')([.]|$)') }}
{%- endmacro %}
