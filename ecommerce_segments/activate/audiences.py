"""Who may be reached, and who is to be left out, as the last build knows them: contact data and their hashes."""

from ecommerce_segments.activate.files import sha256, tiktok_email
from ecommerce_segments.dbt_session import Session, as_is
from ecommerce_segments.publish.comments import quoted

# Besides being in the segment's audience, a person meets all of these to be exported. The consent is asked again, of
# the customer.
CONDITIONS = ("customers.is_contactable_by_email",)
SMS_CONDITIONS = ("customers.is_contactable_by_sms",)
LISTS = ("non_target", "unhappy", "unsubscribed", "complained")
AUDIENCE = """
    select
        audiences.customer_id,
        customer_contacts.email,
        customer_contacts.first_name,
        customer_contacts.last_name,
        customer_contacts.postal_code,
        customers.country_code,
        customer_contacts.phone,
        audiences.email_sha256,
        audiences.google_email_sha256,
        audiences.phone_sha256,
        customers.ads_consent
    from {{{{ ref('audiences') }}}} as audiences
    inner join {{{{ ref('customers') }}}} as customers on audiences.customer_id = customers.customer_id
    inner join {{{{ ref('customer_contacts') }}}} as customer_contacts
        on audiences.customer_id = customer_contacts.customer_id
    where audiences.segment = {segment} and {conditions}
"""
SMS_AUDIENCE = """
    select
        sms_audiences.customer_id,
        customer_contacts.phone,
        customer_contacts.first_name
    from {{{{ ref('sms_audiences') }}}} as sms_audiences
    inner join {{{{ ref('customers') }}}} as customers on sms_audiences.customer_id = customers.customer_id
    inner join {{{{ ref('customer_contacts') }}}} as customer_contacts
        on sms_audiences.customer_id = customer_contacts.customer_id
    where sms_audiences.segment = {segment} and {conditions}
"""
# Whom a campaign is for: its frozen audience, without the held out.
CAMPAIGN = """
    select
        customers.customer_id,
        customer_contacts.email,
        customer_contacts.first_name,
        customer_contacts.phone,
        hashes.email_sha256,
        hashes.google_email_sha256,
        hashes.phone_sha256,
        customers.ads_consent
    from {{{{ ref('campaign_audiences') }}}} as campaign_audiences
    inner join {{{{ ref('customers') }}}} as customers on campaign_audiences.customer_id = customers.customer_id
    inner join {{{{ ref('customer_contacts') }}}} as customer_contacts
        on campaign_audiences.customer_id = customer_contacts.customer_id
    inner join {{{{ ref('int_contact_hashes') }}}} as hashes on campaign_audiences.customer_id = hashes.customer_id
    where campaign_audiences.marketing_campaign_id = {campaign} and not campaign_audiences.is_held_out and {conditions}
"""
# What came (net 1) or went (net -1) since a date, with the reason given last.
CHANGES = """
    select
        customer_id,
        email_sha256,
        google_email_sha256,
        tiktok_email_sha256,
        cast(sum(case when change = 'added' then 1 else -1 end) as integer) as net,
        max(reason) as reason
    from {{{{ ref('audience_changes') }}}}
    where segment = {segment} and as_of_date > cast({since} as date)
    group by customer_id, email_sha256, google_email_sha256, tiktok_email_sha256
    having sum(case when change = 'added' then 1 else -1 end) <> 0
"""
# A refused email that no customer has stands in no mart but by its hash.
SUPPRESSIONS = """
    select
        suppressions.suppression_list,
        suppressions.customer_id,
        coalesce(customer_contacts.email, refused_emails.normalized_email) as email,
        customer_contacts.phone,
        suppressions.email_sha256,
        suppressions.google_email_sha256,
        suppressions.phone_sha256
    from {{ ref('suppressions') }} as suppressions
    left join {{ ref('customer_contacts') }} as customer_contacts
        on suppressions.customer_id = customer_contacts.customer_id
    left join {{ ref('int_refused_addresses') }} as refused_emails
        on suppressions.customer_id is null
            and suppressions.email_sha256 = {{ sha256_hex('refused_emails.normalized_email') }}
"""
DENIED_HASHES = """
    select
        hashes.google_email_sha256,
        hashes.phone_sha256
    from {{ ref('customers') }} as customers
    inner join {{ ref('int_contact_hashes') }} as hashes on customers.customer_id = hashes.customer_id
    where customers.ads_consent = 'denied'
"""


def audience(session: Session, segment: str, conditions: tuple[str, ...] = CONDITIONS) -> list[dict]:
    """Whom mail may reach in a segment of the last build: customer_id, email, first_name, last_name, postal_code,
    country_code, phone, email_sha256, google_email_sha256, phone_sha256, ads_consent.

    One dict per customer, in the order of their ids; phones in E.164, hashes as lower-case hex digits, None where
    unknown. conditions: SQL on `customers` that must hold. Raises DbtError where the marts cannot be read.
    """
    people = session.rows(AUDIENCE.format(segment=as_is(quoted(segment)), conditions=" and ".join(conditions)))
    return sorted(people, key=lambda person: person["customer_id"])


def audience_changes(session: Session, segment: str, since: str) -> list[dict]:
    """The addresses that came into a segment's audience or left it after a date (YYYY-MM-DD), and did not come back:
    customer_id, email_sha256, google_email_sha256, tiktok_email_sha256, net (1 or -1), reason. Raises DbtError as
    `audience` does."""
    changes = session.rows(CHANGES.format(segment=as_is(quoted(segment)), since=as_is(quoted(since))))
    return sorted(changes, key=lambda change: (change["customer_id"], change["email_sha256"] or ""))


def sms_audience(session: Session, segment: str, conditions: tuple[str, ...] = SMS_CONDITIONS) -> list[dict]:
    """Whom messages on a phone may reach in a segment: customer_id, phone, first_name, in the form of `audience`.

    Raises DbtError as it does.
    """
    people = session.rows(SMS_AUDIENCE.format(segment=as_is(quoted(segment)), conditions=" and ".join(conditions)))
    return sorted(people, key=lambda person: person["customer_id"])


def campaign_audience(session: Session, campaign: str, conditions: tuple[str, ...] = CONDITIONS) -> list[dict]:
    """Whom mail may reach of a campaign's audience, without the held out, in the form of `audience`. Raises DbtError as
    it does.

    With SMS_CONDITIONS: whom messages on a phone may reach.
    """
    people = session.rows(CAMPAIGN.format(campaign=as_is(quoted(campaign)), conditions=" and ".join(conditions)))
    return sorted(people, key=lambda person: person["customer_id"])


def suppressions(session: Session) -> dict[str, list[dict]]:
    """Whom to leave out, by suppression list: customer_id, email, phone, and the hashes of both, also in TikTok's form.

    customer_id is None for an email that refused and that no customer has; email and phone are None where unknown.
    Raises DbtError as `audience` does.
    """
    people = sorted(session.rows(SUPPRESSIONS), key=lambda person: (person["customer_id"] or "", person["email"] or ""))
    for person in people:
        person["tiktok_email_sha256"] = sha256(tiktok_email(person["email"])) if person["email"] else None
    return {name: [person for person in people if person["suppression_list"] == name] for name in LISTS}


def denied_hashes(session: Session) -> set[str]:
    """The hashes, in Google's form and of phones, of all customers who denied consent to ads.

    Raises DbtError as `audience` does.
    """
    return {value for row in session.rows(DENIED_HASHES) for value in row.values() if value}
