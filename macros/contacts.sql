{# The form in which emails are compared: trimmed, lower case, and null where it is not x@y.z without blanks inside. Blanks are spaces,
   tabs, line ends, the no-break space, and what nobody sees: copies from web pages and spreadsheets bring them along. #}
{% macro normalized_email(email) -%}
    {%- set other_blanks = '\u00a0\u200b\u200c\u200d\u2060\ufeff' -%}
    {%- set trimmed = trimmed_of(email, ' \t\r\n' ~ other_blanks) -%}
    case
        {#- Nearly all are of ASCII without blanks: to ask for that first spares them the rest. #}
        when {{ matches(email, '^[!-?A-~]+@[!-?A-~]+[.][!-?A-~]+$') }} then {{ lower_case(email) }}
        when {{ matches(trimmed, '^[^@[:space:]' ~ other_blanks ~ ']+@[^@[:space:]' ~ other_blanks ~ ']+[.][^@[:space:]' ~ other_blanks ~ ']+$') }}
            then {{ lower_case(trimmed) }}
    end
{%- endmacro %}

{# The form in which Google knows a compared email: in its own two domains, dots and what follows a plus leave the part before the @. #}
{% macro google_email(email) -%}
    {%- set mailbox = dbt.replace(dbt.split_part(dbt.split_part(email, "'@'", 1) | trim, "'+'", 1) | trim, "'.'", "''") | trim -%}
    {%- set domain = dbt.split_part(email, "'@'", 2) | trim -%}
    case
        when {{ domain }} in ('gmail.com', 'googlemail.com') then {{ dbt.concat([mailbox, "'@'", domain]) }}
        else {{ email }}
    end
{%- endmacro %}

{# The form in which TikTok knows a compared email: what follows a plus leaves the part before the @, in all domains. #}
{% macro tiktok_email(email) -%}
    {%- set mailbox = dbt.split_part(dbt.split_part(email, "'@'", 1) | trim, "'+'", 1) | trim -%}
    {{ dbt.concat([mailbox, "'@'", dbt.split_part(email, "'@'", 2) | trim]) }}
{%- endmacro %}

{# One row per customer with an explicit answer to a question of consent up to the as-of date: the newest of their accounts.
   Of answers given at the same moment, the refusal wins. answered: what the columns of the answer's time begin with. #}
{% macro newest_answers(accounts, consent, answered, agreement, refusal) -%}
    select
        customer_id,
        answer,
        answered_at,
        answered_on
    from (
        select
            customer_id,
            {{ consent }} as answer,
            {{ answered }}_at as answered_at,
            {{ answered }}_on as answered_on,
            row_number() over (
                partition by customer_id
                order by {{ answered }}_at desc, case when {{ consent }} = '{{ refusal }}' then 0 else 1 end
            ) as recency_rank
        from {{ accounts }}
        where
            {{ consent }} in ('{{ agreement }}', '{{ refusal }}')
            and {{ answered }}_on <= {{ as_of_date() }}
    ) as answers
    where recency_rank = 1
{%- endmacro %}

{# Whether a phone is written in E.164: a plus and 8 to 15 digits. #}
{% macro is_e164(phone) -%}
    {{ matches(phone, '^[+][0-9]{8,15}$') }}
{%- endmacro %}
