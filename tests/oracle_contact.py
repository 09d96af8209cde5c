"""The marts on emails and contact, as docs/definitions.md has them, from what oracle.py knows of a shop. Never from our
SQL.

    result = oracle.compute(rows, as_of_date=date(2025, 3, 31))
    oracle_contact.suppressions(result)
"""

import hashlib
from collections import defaultdict
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from itertools import chain

from oracle import Result, Row, Shop, newest_answer, normalized_email
from oracle_attribution import email_purchases

# column -> event type
COUNTED = {
    "sent": "sent",
    "delivered": "delivered",
    "clicked": "click",
    "unsubscribed": "unsubscribe",
    "bounced": "bounce",
    "complained": "complaint",
}
# rate -> (part, whole)
RATES = {
    "delivery_rate": ("delivered", "sent"),
    "bounce_rate": ("bounced", "sent"),
    "click_rate": ("clicked", "delivered"),
    "unsubscribe_rate": ("unsubscribed", "delivered"),
    "complaint_rate": ("complained", "delivered"),
}


def email_events(shop: Shop) -> list[Row]:
    """Return all email events up to the as-of date, without those of tests."""
    return list(chain.from_iterable(shop.email_events_of.values()))


def email_campaigns(result: Result) -> dict[str, Row]:
    """Return campaign_id -> people by what befell them, rates, the dates on which the first and last email was sent,
    and what was bought after its clicks."""
    bought = email_purchases(result)
    people = defaultdict(lambda: defaultdict(set))
    sent_on = defaultdict(list)
    for event in email_events(result.shop):
        person = ("customer", event["owner"]) if event["owner"] else ("email", normalized_email(event["email"]))
        if event["campaign_id"] is None or event["event_type"] == "open" or person == ("email", None):
            continue
        people[event["campaign_id"]][event["event_type"]].add(person)
        if event["event_type"] == "sent":
            sent_on[event["campaign_id"]].append(event["occurred_on"])
    campaigns = {}
    for campaign_id, by_type in people.items():
        counts = {column: len(by_type[event_type]) for column, event_type in COUNTED.items()}
        campaigns[campaign_id] = {
            "first_sent_on": min(sent_on[campaign_id], default=None),
            "last_sent_on": max(sent_on[campaign_id], default=None),
            **counts,
            **{rate: rounded_rate(counts[part], counts[whole]) for rate, (part, whole) in RATES.items()},
            **dict(zip(("purchases", "net_revenue"), bought[campaign_id])),
        }
    return campaigns


def rounded_rate(part: int, whole: int) -> Decimal | None:
    """Return the part of the whole to 8 places, half up; None without a whole."""
    if not whole:
        return None
    steps = Fraction(part, whole) * 10**8
    return (Decimal(steps.numerator) / steps.denominator).quantize(Decimal(1), ROUND_HALF_UP).scaleb(-8)


def sha256(text: str | None) -> str | None:
    return hashlib.sha256(text.encode("utf-8")).hexdigest() if text is not None else None


def google_email(email: str | None) -> str | None:
    """Return a compared email in Google's form: its own domains alone know neither dots nor plus suffixes."""
    local, _, domain = (email or "").rpartition("@")
    if domain not in ("gmail.com", "googlemail.com"):
        return email
    return f"{local.partition('+')[0].replace('.', '')}@{domain}"


def hashes_of(email: str | None, phone: str | None) -> tuple[str | None, ...]:
    """Return the values of HASHES."""
    return sha256(email), sha256(google_email(email)), sha256(phone)


HASHES = ("email_sha256", "google_email_sha256", "phone_sha256")


def hashes(result: Result, customer_id: str) -> tuple[str | None, ...]:
    contact = result.customer_contacts[customer_id]
    return hashes_of(contact["email"], contact["phone"])


def memberships(result: Result) -> set[tuple[str, str]]:
    """Return (segment, customer_id), each customer once."""
    return {(segment, member[0] if isinstance(member, tuple) else member)
            for segment, members in result.segments.items() for member in members}


def audiences(result: Result) -> set[tuple]:
    """Return (segment, customer_id, *HASHES) of the contactable members."""
    return {(segment, customer_id, *hashes(result, customer_id)) for segment, customer_id in memberships(result)
            if result.customers[customer_id]["is_contactable_by_email"]}


def suppressions(result: Result) -> set[tuple]:
    """Return (suppression_list, customer_id, *HASHES); customer_id is None for a refused email that no customer has."""
    shop = result.shop
    lists = {
        "non_target": result.segments["non_target"],
        "unhappy": result.segments["unhappy_customers"],
        "unsubscribed": {
            customer_id
            for customer_id, customer in result.customers.items()
            if not customer["is_subscribed"]
            and (has_answered_no(shop, customer_id) or shop.unsubscribes.is_against(customer_id))
        },
        "complained": {customer_id for customer_id in result.customers if shop.complaints.is_against(customer_id)},
    }
    rows = {
        (name, customer_id, *hashes(result, customer_id)) for name, members in lists.items() for customer_id in members
    }
    emails_of_customers = {contact["email"] for contact in result.customer_contacts.values()}
    for event in email_events(shop):
        email = normalized_email(event["email"])
        refusal = {"unsubscribe": "unsubscribed", "complaint": "complained"}.get(event["event_type"])
        if refusal and email is not None and email not in emails_of_customers:
            rows.add((refusal, None, *hashes_of(email, None)))
    return rows


def has_answered_no(shop: Shop, customer_id: str) -> bool:
    """Whether the newest explicit answer on consent is a refusal; so it is on a tie."""
    answer = newest_answer(shop.people.accounts_of.get(customer_id, []), shop.calendar, "email_consent", "unsubscribed")
    return answer is not None and answer[1]
