"""Write whom mail may reach in a segment, or whom to leave out, as CSV files for email tools and ad platforms.

Reads the last build. docs/audiences.md says what each file is for, and what may be done with it.
"""

import re
from pathlib import Path

from ecommerce_segments import CannotDo
from ecommerce_segments.activate.audiences import (
    SMS_CONDITIONS,
    audience,
    audience_changes,
    campaign_audience,
    denied_hashes,
    sms_audience,
    suppressions,
)
from ecommerce_segments.activate.files import (
    EVERY_FORM,
    FILES,
    GOOGLE_ADS_NOT_ASKED,
    META_ADS_NOT_ASKED,
    SMS_TOOL,
    Table,
    ads_tables,
    can_be_written,
    consented_ads_tables,
    sms_table,
    tables,
    write,
)
from ecommerce_segments.activate.formats import FORMATS, Acknowledged, additions, people_of, removals, whole
from ecommerce_segments.activate.journeys import acknowledge_journeys, export_journeys
from ecommerce_segments.activate.messages import export_messages
from ecommerce_segments.dbt_session import DbtError, NotBuilt, Session, as_is
from ecommerce_segments.publish.comments import quoted

DATES = """
    select distinct as_of_date from {{ ref('customers') }}
    union select distinct as_of_date from {{ ref('customer_contacts') }}
    union select distinct as_of_date from {{ ref('segment_memberships') }}
    union select distinct as_of_date from {{ ref('audiences') }}
    union select distinct as_of_date from {{ ref('sms_audiences') }}
    union select distinct as_of_date from {{ ref('suppressions') }}
    union select distinct as_of_date from {{ ref('journey_events') }}
    union select distinct as_of_date from {{ ref('next_messages') }}
"""


def export_segment(
    session: Session, segment: str, directory: str | None, with_phones: bool, with_sms: bool = False
) -> str:
    """Export a segment and say what was done. Raises DbtError where there is no such segment, and OSError."""
    segment = segment.removeprefix("seg_")
    customers = size_of(session, segment)
    return export_people(
        session,
        f"{segment} as of {session.as_of_date}: {customers:,} customers",
        audience(session, segment),
        sms_audience(session, segment) if with_sms else None,
        directory or f"exports/{segment}_{session.as_of_date}",
        with_phones,
    )


def size_of(session: Session, segment: str) -> int:
    """The customers of a segment of the last build. Raises DbtError where there is no such segment."""
    found = session.rows("select customers from {{ ref('segments') }} where segment = " + as_is(quoted(segment)))
    if not found:
        raise DbtError(
            f"The segment {segment} is not in the last build: run `segments run` first."
            if session.has_model(f"seg_{segment}")
            else f"There is no segment {segment}: docs/segments.md has those that ship with the project."
        )
    return int(found[0]["customers"])


def export_format(
    session: Session, segment: str, name: str, acknowledged: Acknowledged, directory: str | None, is_changes: bool
) -> str:
    """Export a segment in the form of a tool, whole or what changed since the last acknowledged export, and say what
    was done. Raises DbtError where there is no such segment, CannotDo where nothing is acknowledged, and OSError."""
    segment, made = segment.removeprefix("seg_"), FORMATS[name]
    size_of(session, segment)
    everybody, denied = audience(session, segment), denied_hashes(session) if made.is_ads else set()
    requires_consent = session.rows("select {{ var('require_ads_consent') }} as is_required")[0]["is_required"]
    answers: list[str | None] = ["granted"] if requires_consent or not made.is_ads else ["granted", None]
    files: dict[str, Table] = {}
    for answer in answers:
        people = people_of(made, everybody, denied, answer)
        suffix = "" if answer else "_not_asked"
        if not is_changes:
            files[f"{name}{suffix}.csv"] = whole(made, people)
            continue
        changes = audience_changes(session, segment, acknowledged.since(segment, name))
        others = [person for person in everybody if person["ads_consent"] != answer]
        files[f"{name}{suffix}_add.csv"] = additions(made, people, changes)
        files[f"{name}{suffix}_remove.csv"] = removals(made, people, others, changes)
    target = Path(directory or f"exports/{segment}_{session.as_of_date}")
    names = {f"{name}{suffix}{part}.csv" for suffix in ("", "_not_asked") for part in ("", "_add", "_remove")}
    write(target, files, names - files.keys())
    acknowledged.note(f"{segment} {name}", exported=session.as_of_date)
    since = f", changes since {acknowledged.since(segment, name)}" if is_changes else ""
    told_ads = told_of_ads(everybody, requires_consent) if made.is_ads else []
    lines = [f"{segment} for {name} as of {session.as_of_date}{since}.", *told(target, files, everybody), *told_ads]
    return "\n".join([*lines, f"Once it is imported: segments export {segment} --format {name} --ack"])


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
    denied = denied_hashes(session)
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
    name: str | None = None,
    is_changes: bool = False,
    is_ack: bool = False,
    published: Path = Path(),
    with_journeys: bool = False,
    with_messages: bool = False,
) -> str:
    """Export a segment, a campaign, the suppression lists, what is due of journeys or the next messages, and say what
    was done. name: a format of FORMATS, for a segment; is_changes: only what changed since the last acknowledged
    export; is_ack: acknowledge the last one. published: the directory of what is published.

    Raises CannotDo where that is none or several, or cannot be.
    """
    if [bool(segment), bool(campaign), with_suppressions, with_journeys, with_messages].count(True) != 1:
        raise CannotDo(
            "Name what to export, one thing at a time: segments export loyal_buyers, --campaign ID, --suppressions,"
            " --journeys, or --messages."
        )
    if with_journeys and (with_phones or with_sms or name or is_changes):
        raise CannotDo("--journeys has one file of its own, for email: --ack and --dir alone go with it.")
    if with_messages and (with_phones or with_sms or name or is_changes or is_ack):
        raise CannotDo("--messages has one file of its own, for email: --dir alone goes with it.")
    if with_suppressions and with_sms:
        raise CannotDo("--sms is for a segment or a campaign: --phones writes the phones of the suppression lists.")
    if name and (not segment or with_phones or with_sms):
        raise CannotDo("--format is for a segment alone: segments export loyal_buyers --format klaviyo.")
    if (is_changes or is_ack) and not (name or with_journeys):
        raise CannotDo("--changes and --ack are of a --format: segments export loyal_buyers --format meta --changes.")
    if with_journeys and is_ack:
        return acknowledge_journeys(Acknowledged(published))
    if name and is_ack:
        return Acknowledged(published).acknowledge(str(segment).removeprefix("seg_"), name)
    refuse_unfinished_build(session)
    try:
        if with_journeys:
            return export_journeys(session, Acknowledged(published), directory)
        if with_messages:
            return export_messages(session, directory)
        if name:
            return export_format(session, str(segment), name, Acknowledged(published), directory, is_changes)
        if with_suppressions:
            return export_suppressions(session, directory, with_phones)
        if campaign:
            return export_campaign(session, campaign, directory, with_phones, with_sms)
        return export_segment(session, str(segment), directory, with_phones, with_sms)
    except OSError as error:
        raise CannotDo(f"The files cannot be written: {error}") from error
