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

    select source_name, platform, account_id, date_day as spend_date, spend as amount, cast(null as {{ dbt.type_timestamp() }}) as loaded_at, source_error
    from reported
    union all
    select source_name, 'google_ads', customer_id, date, cost_micros * 0.000001, _fivetran_synced, source_error
    from google_ads
    where source_name not in (select source_name from reported)
    union all
    select source_name, 'facebook_ads', account_id, date, spend, _fivetran_synced, source_error
    from facebook_ads
    where source_name not in (select source_name from reported)

),

accounts as (

    select source_name, 'google_ads' as platform, id as account_id, currency_code as currency, coalesce(updated_at, _fivetran_synced) as updated_at
    from google_accounts
    union all
    select source_name, 'facebook_ads', id, currency, _fivetran_synced
    from facebook_accounts

),

-- The history has a row per version: joined as it is, it would multiply the spend.
newest_accounts as (

    select
        *,
        row_number() over (partition by source_name, platform, account_id order by updated_at desc, currency) as place
    from accounts
    where currency is not null

),

in_a_currency as (

    select
        spend.source_name,
        spend.platform,
        spend.spend_date,
        coalesce({{ option_by_entry('ad_reporting', 'currency', 'spend.source_name') }}, accounts.currency) as currency,
        spend.amount,
        spend.loaded_at,
        spend.source_error
    from spend
    left join newest_accounts as accounts
        on spend.source_name = accounts.source_name and spend.platform = accounts.platform and spend.account_id = accounts.account_id and accounts.place = 1

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
