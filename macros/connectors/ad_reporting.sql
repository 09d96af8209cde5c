{# The acquisition channel of an ad platform: by the entry's `channels`, else what its ads most often are. A platform that nothing names is its own. #}
{% macro channel_of_platform(platform) -%}
    {%- set channels = {
        'google_ads': 'paid_search',
        'microsoft_ads': 'paid_search',
        'apple_search_ads': 'paid_search',
        'facebook_ads': 'paid_social',
        'linkedin_ads': 'paid_social',
        'pinterest_ads': 'paid_social',
        'reddit_ads': 'paid_social',
        'snapchat_ads': 'paid_social',
        'tiktok_ads': 'paid_social',
        'twitter_ads': 'paid_social'
    } -%}
    {%- set cases = [] -%}
    {%- for entry in entries_of('ad_reporting') -%}
        {%- for name, channel in dict(channels, **entry.get('channels', {})).items() -%}
            {%- do cases.append("when source_name = '" ~ entry.name ~ "' and " ~ platform ~ " = '" ~ name ~ "' then '" ~ channel ~ "'") -%}
        {%- endfor -%}
    {%- endfor -%}
    case {{ cases | join('\n        ') }} else {{ platform }} end
{%- endmacro %}
