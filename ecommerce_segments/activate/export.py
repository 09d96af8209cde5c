"""Write whom mail may reach in a segment, or whom to leave out, as CSV files for email tools and ad platforms.

Reads the last build. docs/audiences.md says what each file is for, and what may be done with it.
"""

import csv
import hashlib
import os
import re
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from ecommerce_segments import CannotDo
from ecommerce_segments.dbt_session import DbtError, NotBuilt, Session, as_is
from ecommerce_segments.publish.comments import quoted

# Besides being in the segment's audience, a person meets all of these to be exported. The consent is asked again, of
# the customer.
CONDITIONS = ("customers.is_contactable_by_email",)
SMS_CONDITIONS = ("customers.is_contactable_by_sms",)
LISTS = ("non_target", "unhappy", "unsubscribed", "complained")
FILES = (
    EMAIL_TOOL := "email_tool.csv",
    GOOGLE_ADS := "google_ads.csv",
    META_ADS := "meta_ads.csv",
    GOOGLE_ADS_NOT_ASKED := "google_ads_not_asked.csv",
    META_ADS_NOT_ASKED := "meta_ads_not_asked.csv",
    PHONES := "phones.csv",
    SMS_TOOL := "sms_tool.csv",
)
# Each platform has its own form of an email. Who is to be left out must be found under every one.
FORMS = {GOOGLE_ADS: ("google_email_sha256",), META_ADS: ("email_sha256",)}
EVERY_FORM = dict.fromkeys(FORMS, ("email_sha256", "google_email_sha256"))

AUDIENCE = """
    select
        audiences.customer_id,
        customer_contacts.email,
        customer_contacts.first_name,
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
# A refused email that no customer has stands in no mart but by its hash.
SUPPRESSIONS = """
    select
        suppressions.suppression_list,
        suppressions.customer_id,
        coalesce(customer_contacts.email, refused_emails.compared_email) as email,
        customer_contacts.phone,
        suppressions.email_sha256,
        suppressions.google_email_sha256,
        suppressions.phone_sha256
    from {{ ref('suppressions') }} as suppressions
    left join {{ ref('customer_contacts') }} as customer_contacts
        on suppressions.customer_id = customer_contacts.customer_id
    left join {{ ref('int_refused_emails') }} as refused_emails
        on suppressions.customer_id is null
            and suppressions.email_sha256 = {{ sha256_hex('refused_emails.compared_email') }}
"""
DENIED_HASHES = """
    select
        hashes.google_email_sha256,
        hashes.phone_sha256
    from {{ ref('customers') }} as customers
    inner join {{ ref('int_contact_hashes') }} as hashes on customers.customer_id = hashes.customer_id
    where customers.ads_consent = 'denied'
"""
DATES = """
    select distinct as_of_date from {{ ref('customers') }}
    union select distinct as_of_date from {{ ref('customer_contacts') }}
    union select distinct as_of_date from {{ ref('segment_memberships') }}
    union select distinct as_of_date from {{ ref('audiences') }}
    union select distinct as_of_date from {{ ref('sms_audiences') }}
    union select distinct as_of_date from {{ ref('suppressions') }}
"""

# What a spreadsheet runs: a formula at the beginning of a cell, or behind what it may take for the border of one.
FORMULA = re.compile(r"(^|[,;|\t\r\n])([\s\"'`]*)(?=[=+\-@＝＋－＠])|^(?=[\0\t\r\n])")
# A sign and digits, as in a phone, is a number and runs nothing.
SIGNED_NUMBER = re.compile(r"[+-][0-9]+")

Table = list[list[str]]


def audience(session: Session, segment: str, conditions: tuple[str, ...] = CONDITIONS) -> list[dict]:
    """Whom mail may reach in a segment of the last build: customer_id, email, first_name, phone, email_sha256,
    google_email_sha256, phone_sha256, ads_consent.

    One dict per customer, in the order of their ids; phones in E.164, hashes as lower-case hex digits, None where
    unknown. conditions: SQL on `customers` that must hold. Raises DbtError where the marts cannot be read.
    """
    people = session.rows(AUDIENCE.format(segment=as_is(quoted(segment)), conditions=" and ".join(conditions)))
    return sorted(people, key=lambda person: person["customer_id"])


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
    """Whom to leave out, by suppression list: the columns of `audience`, but first_name and ads_consent. customer_id is
    None for an email that refused and that no customer has; email and phone are None where unknown. Raises DbtError as
    `audience` does."""
    people = sorted(session.rows(SUPPRESSIONS), key=lambda person: (person["customer_id"] or "", person["email"] or ""))
    return {name: [person for person in people if person["suppression_list"] == name] for name in LISTS}


def neutral(text: str | None) -> str:
    """The text as a cell that no spreadsheet runs: an apostrophe in front of a formula. Nothing for None."""
    return text or "" if SIGNED_NUMBER.fullmatch(text or "") else FORMULA.sub(r"\1'\2", text or "")


def can_be_written(email: str) -> bool:
    """Whether an email can stand in a file as it is: with an apostrophe it would be somebody else's."""
    return FORMULA.search(email) is None


def tables(people: list[dict], with_phones: bool) -> dict[str, Table]:
    """The files of contact data for these people: name -> rows, header first.

    Who has nothing that a file holds is not in it.
    """
    mailed = [person for person in people if person["email"] and can_be_written(person["email"])]
    columns = [name for name in ("customer_id", "email", "first_name") if not people or name in people[0]]
    files = {EMAIL_TOOL: [columns, *([neutral(person[name]) for name in columns] for person in mailed)]}
    if with_phones:
        files[PHONES] = [
            ["customer_id", "phone"],
            *([neutral(person["customer_id"]), person["phone"]] for person in people if person["phone"]),
        ]
    return files


def ads_tables(people: list[dict], forms: Mapping[str, tuple[str, ...]] = FORMS) -> dict[str, Table]:
    """The files for ad platforms, in the form of `tables`. forms: the hashes of an email that a file holds, a row for
    each that differs."""
    return {
        GOOGLE_ADS: [
            ["Email", "Phone"],
            *hashes(people, forms[GOOGLE_ADS], lambda person: person["phone_sha256"] or ""),
        ],
        # Meta hashes the digits of a phone alone.
        META_ADS: [
            ["email", "phone"],
            *hashes(people, forms[META_ADS], lambda person: sha256((person["phone"] or "").removeprefix("+"))),
        ],
    }


def consented_ads_tables(people: list[dict], denied: set[str], requires_ads_consent: bool) -> dict[str, Table]:
    """The same for an audience: of those who granted consent to ads alone. Those who were never asked never share a
    file with them, and have none where consent is required. Who denied it is in no file, by nobody's email or phone.

    denied: the hashes, in Google's form and of phones, of all customers who denied it.
    """
    allowed = [without_denied(person, denied) for person in people]
    files = ads_tables([person for person in allowed if person["ads_consent"] == "granted"])
    if not requires_ads_consent:
        not_asked = ads_tables([person for person in allowed if person["ads_consent"] is None])
        files |= {GOOGLE_ADS_NOT_ASKED: not_asked[GOOGLE_ADS], META_ADS_NOT_ASKED: not_asked[META_ADS]}
    return files


def without_denied(person: dict, denied: set[str]) -> dict:
    """A person without the email or phone that somebody who denied consent to ads has, too: a platform knows hashes,
    not customers."""
    if person["google_email_sha256"] in denied:
        person = person | {"email_sha256": None, "google_email_sha256": None}
    if person["phone_sha256"] in denied:
        person = person | {"phone": None, "phone_sha256": None}
    return person


def sms_table(people: list[dict]) -> Table:
    """The file for a tool that sends messages to phones."""
    return [["customer_id", "phone", "first_name"],
            *([neutral(person["customer_id"]), person["phone"], neutral(person["first_name"])] for person in people)]


def hashes(people: list[dict], forms: tuple[str, ...], phone_hash: Callable[[dict], str]) -> Table:
    """A row of hashes, email and phone, for each person and each form of their email that differs; none for who has
    neither."""
    rows = sorted((email, phone_hash(person)) for person in people for email in {person[form] or "" for form in forms})
    return [list(row) for row in rows if any(row)]


def sha256(text: str) -> str:
    """SHA-256 of a text in UTF-8, as 64 lower-case hex digits; nothing of nothing."""
    return hashlib.sha256(text.encode()).hexdigest() if text else ""


def write(directory: Path, files: dict[str, Table], others: set[str]) -> None:
    """Write CSV files (RFC 4180, UTF-8) that their owner alone can read, all or none, into a directory that is made so,
    too.

    files: name -> rows. others: names that an earlier export may have left there and that are removed. Raises OSError.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=directory, prefix=".export-") as scratch:
        for name, rows in files.items():
            with open(Path(scratch, name), "w", encoding="utf-8", newline="", opener=for_owner_only) as file:
                csv.writer(file, lineterminator="\r\n").writerows(rows)
        for name in others:
            Path(directory, name).unlink(missing_ok=True)
        for name in files:
            os.replace(Path(scratch, name), Path(directory, name))


def for_owner_only(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def export_segment(
    session: Session, segment: str, directory: str | None, with_phones: bool, with_sms: bool = False
) -> str:
    """Export a segment and say what was done. Raises DbtError where there is no such segment, and OSError."""
    segment = segment.removeprefix("seg_")
    found = session.rows("select customers from {{ ref('segments') }} where segment = " + as_is(quoted(segment)))
    if not found:
        raise DbtError(
            f"The segment {segment} is not in the last build: run `segments run` first."
            if session.has_model(f"seg_{segment}")
            else f"There is no segment {segment}: docs/segments.md has those that ship with the project."
        )
    return export_people(
        session,
        f"{segment} as of {session.as_of_date}: {int(found[0]['customers']):,} customers",
        audience(session, segment),
        sms_audience(session, segment) if with_sms else None,
        directory or f"exports/{segment}_{session.as_of_date}",
        with_phones,
    )


def export_campaign(
    session: Session, campaign: str, directory: str | None, with_phones: bool, with_sms: bool = False
) -> str:
    """Export whom a campaign is for and say what was done.

    Raises DbtError where there is no such campaign, and OSError.
    """
    found = session.rows(
        "select customers, held_out_customers from {{ ref('campaign_lift') }} where marketing_campaign_id = "
        + as_is(quoted(campaign))
    )
    if not found:
        raise DbtError(
            f"The last build knows no campaign {campaign}: enter it into seeds/marketing_campaigns.csv, or the file of"
            " this name"
            " in RAW_DIR, and run `segments run`."
        )
    what = (f"{campaign} as of {session.as_of_date}: {int(found[0]['customers']):,} customers, "
            f"{int(found[0]['held_out_customers']):,} of them held out")
    return export_people(
        session,
        what,
        campaign_audience(session, campaign),
        campaign_audience(session, campaign, SMS_CONDITIONS) if with_sms else None,
        directory or f"exports/{re.sub('[^A-Za-z0-9_.-]', '_', campaign)}_{session.as_of_date}",
        with_phones,
    )


def export_people(
    session: Session, what: str, people: list[dict], messaged: list[dict] | None, directory: str, with_phones: bool
) -> str:
    """Write the files of people who may be mailed, and of those who may be messaged on a phone, and say what was done.

    Raises OSError.
    """
    requires_ads_consent = session.rows("select {{ var('require_ads_consent') }} as is_required")[0]["is_required"]
    denied = {value for row in session.rows(DENIED_HASHES) for value in row.values() if value}
    files = tables(people, with_phones) | consented_ads_tables(people, denied, requires_ads_consent)
    lines = [f"{what}, {len(people):,} of them may be mailed."]
    if messaged is not None:
        files[SMS_TOOL] = sms_table(messaged)
        lines.append(f"{len(messaged):,} of them may be sent messages on a phone.")
    if not people and not messaged:
        lines.append("There is nobody to export: the files hold their header only.")
    target = Path(directory)
    write(target, files, set(FILES) - files.keys())
    return "\n".join([*lines, *told(target, files, people), *told_of_ads(people, requires_ads_consent)])


def told_of_ads(people: list[dict], requires_ads_consent: bool) -> list[str]:
    """Lines that say who is in no file for ad platforms, or in one of their own, and why."""
    answers = [person["ads_consent"] for person in people]
    denied, not_asked = answers.count("denied"), answers.count(None)
    lines = [f"{denied:,} of them denied consent to ads, and are in no file for ad platforms."] * bool(denied)
    if not_asked and requires_ads_consent:
        lines.append(
            f"{not_asked:,} of them were never asked for consent to ads (ads_consent in raw.customers), and the var"
            " require_ads_consent keeps"
            " them out of the files for ad platforms: set to false, it gives them files of their own"
            " (docs/audiences.md)."
        )
    elif not_asked:
        lines.append(
            f"{not_asked:,} of them were never asked for consent to ads (require_ads_consent is false): upload their"
            " files,"
            f" {GOOGLE_ADS_NOT_ASKED} and {META_ADS_NOT_ASKED}, apart from the others."
        )
    return lines


def export_suppressions(session: Session, directory: str | None, with_phones: bool) -> str:
    """Export the suppression lists and say what was done. Raises DbtError and OSError."""
    lists = suppressions(session)
    files = {f"{name}_{file}": rows for name, people in lists.items()
             for file, rows in (tables(people, with_phones) | ads_tables(people, EVERY_FORM)).items()}
    target = Path(directory or f"exports/suppressions_{session.as_of_date}")
    write(target, files, {f"{name}_{file}" for name in lists for file in FILES} - files.keys())
    return "\n".join([f"Suppression lists as of {session.as_of_date}: whom to leave out.",
                      *told(target, files, [person for people in lists.values() for person in people])])


def told(directory: Path, files: dict[str, Table], people: list[dict]) -> list[str]:
    """Lines that say what stands in the directory, and what does not."""
    width = max(map(len, files))
    unwritten = {person["email"] for person in people if person["email"] and not can_be_written(person["email"])}
    return [f"{directory}/", *(f"  {name:<{width}}  {len(rows) - 1:>9,} rows" for name, rows in files.items())] + [
        f"{len(unwritten):,} emails are left out of the files for email tools: a spreadsheet would run them as"
        " formulas."
    ] * bool(unwritten)


def refuse_unfinished_build(session: Session) -> None:
    """Raises DbtError where the last build broke off, so that consents and memberships are of different days."""
    try:
        dates = sorted(str(row["as_of_date"]) for row in session.rows(DATES))
    except NotBuilt as error:
        raise DbtError("The last build has no audiences: run `segments run` first.") from error
    if set(dates) - {session.as_of_date}:
        raise DbtError(f"The last build broke off: its marts are of {' and '.join(dates)}. Build again, then export.")


def export(
    session: Session,
    segment: str | None,
    campaign: str | None,
    with_suppressions: bool,
    with_phones: bool,
    with_sms: bool,
    directory: str | None,
) -> str:
    """Export a segment, a campaign or the suppression lists, and say what was done.

    Raises CannotDo where that is none or several, or cannot be.
    """
    if [bool(segment), bool(campaign), with_suppressions].count(True) != 1:
        raise CannotDo(
            "Name what to export, one thing at a time: segments export loyal_buyers, --campaign ID, or --suppressions."
        )
    if with_suppressions and with_sms:
        raise CannotDo("--sms is for a segment or a campaign: --phones writes the phones of the suppression lists.")
    refuse_unfinished_build(session)
    try:
        if with_suppressions:
            return export_suppressions(session, directory, with_phones)
        if campaign:
            return export_campaign(session, campaign, directory, with_phones, with_sms)
        return export_segment(session, str(segment), directory, with_phones, with_sms)
    except OSError as error:
        raise CannotDo(f"The files cannot be written: {error}") from error
