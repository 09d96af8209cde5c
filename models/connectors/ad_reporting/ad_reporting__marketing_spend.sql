-- One row per entry, date, platform and currency: what was spent on ads. Several platforms may be of one channel.
{{ config(enabled=is_connected('ad_reporting')) }}

with

reported as (

    {{ loaded('ad_reporting', 'ad_reporting__account_report') }}

),

google_ads as (

    {{ loaded('ad_reporting', 'google_ads_account_stats') }}

),

google_accounts as (

    {{ loaded('ad_reporting', 'google_ads_account_history') }}

),

facebook_ads as (

    {{ loaded('ad_reporting', 'facebook_ads_basic_ad') }}

),

facebook_accounts as (

    {{ loaded('ad_reporting', 'facebook_ads_account_history') }}

),

spend as (

    select
        source_name,
        platform,
        account_id,
        date_day as spend_date,
        spend as amount,
        cast(null as {{ dbt.type_timestamp() }}) as loaded_at,
        source_error
    from reported
    union all
    select
        source_name,
        'google_ads' as platform,
        customer_id,
        {{ adapter.quote('date') }},
        cost_micros * 0.000001 as amount,
        _fivetran_synced,
        source_error
    from google_ads
    where google_ads.source_name not in (select reported.source_name from reported)
    union all
    select
        source_name,
        'facebook_ads' as platform,
        account_id,
        {{ adapter.quote('date') }},
        spend,
        _fivetran_synced,
        source_error
    from facebook_ads
    where facebook_ads.source_name not in (select reported.source_name from reported)

),

accounts as (

    select
        source_name,
        'google_ads' as platform,
        id as account_id,
        currency_code as currency,
        coalesce(updated_at, _fivetran_synced) as updated_at
    from google_accounts
    union all
    select
        source_name,
        'facebook_ads' as platform,
        id,
        currency,
        _fivetran_synced
    from facebook_accounts

),

-- The history has a row per version: joined as it is, it would multiply the spend.
newest_accounts as (

    select
        *,
        row_number() over (partition by source_name, platform, account_id order by updated_at desc, currency asc) as newest_first
    from accounts
    where currency is not null

),

in_a_currency as (

    select
        spend.source_name,
        spend.platform,
        spend.spend_date,
        coalesce({{ option_by_entry('ad_reporting', 'currency', 'spend.source_name') }}, newest_accounts.currency) as currency,
        spend.amount,
        spend.loaded_at,
        spend.source_error
    from spend
    left join newest_accounts
        on
            spend.source_name = newest_accounts.source_name
            and spend.platform = newest_accounts.platform
            and spend.account_id = newest_accounts.account_id
            and newest_accounts.newest_first = 1

)

select
    spend_date,
    {{ channel_of_platform('platform') }} as channel,
    cast(sum(amount) as {{ decimal_type(18, 6) }}) as amount,
    currency,
    max(loaded_at) as loaded_at,
    max(source_error) as source_error
from in_a_currency
group by source_name, platform, spend_date, currency
