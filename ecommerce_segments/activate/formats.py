"""A segment's people in the form that a tool takes, whole or as changes since the last acknowledged export.

docs/audiences.md names the page of each vendor that says what its form is.
"""

import json
import re
import string
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ecommerce_segments import CannotDo
from ecommerce_segments.activate.files import Table, can_be_written, neutral, sha256, tiktok_email, without_denied
from ecommerce_segments.whole_files import write_whole

PUNCTUATION = re.compile(f"[{re.escape(string.punctuation)}\\s]")


@dataclass(frozen=True)
class Format:
    """A tool's file: header and, of a person, the cells; and the header and cells by which it takes somebody out.

    is_ads: it goes to an ad platform, and asks for the consent to ads.
    """

    columns: tuple[str, ...]
    row: Callable[[dict], list[str]]
    removal_columns: tuple[str, ...]
    removal: Callable[[dict], list[str]]
    is_ads: bool = False


def name_for_meta(name: str | None) -> str:
    """A name as Meta hashes it: lower case, without punctuation and blanks."""
    return PUNCTUATION.sub("", (name or "").lower())


def name_for_google(name: str | None) -> str:
    """A name as Google hashes it: lower case, without blanks at its ends."""
    return (name or "").strip().lower()


def zip_for_meta(code: str | None, country: str | None) -> str:
    """A postal code as Meta hashes it: lower case, without blanks and dashes; of the United States 5 digits."""
    bare = re.sub(r"[\s-]", "", (code or "").lower())
    return bare[:5] if (country or "").lower() == "us" else bare


def digits(phone: str | None) -> str:
    """An E.164 phone without its plus."""
    return (phone or "").removeprefix("+")


def meta_row(person: dict) -> list[str]:
    """email, phone, fn, ln, zip and country of a person, all hashed."""
    country = person["country_code"]
    return [
        person["email_sha256"] or "",
        *map(sha256, (digits(person["phone"]), name_for_meta(person["first_name"]), name_for_meta(person["last_name"]),
                      zip_for_meta(person["postal_code"], country), (country or "").lower())),
    ]  # fmt: skip


def google_row(person: dict) -> list[str]:
    """Email, Phone and names of a person, hashed, and Country and Zip as they are."""
    return [
        person["google_email_sha256"] or "", person["phone_sha256"] or "",
        sha256(name_for_google(person["first_name"])), sha256(name_for_google(person["last_name"])),
        neutral(person["country_code"]), neutral(person["postal_code"]),
    ]  # fmt: skip


def tiktok_row(person: dict) -> list[str]:
    """Email_SHA256 and Phone_SHA256 of a person. An email that is not to be known has no form either."""
    email = sha256(tiktok_email(person["email"])) if person["email_sha256"] else ""
    return [email, sha256(digits(person["phone"]))]


def mail_format(email: str, first_name: str, last_name: str, customer_id: str) -> Format:
    """The file of an email tool, by what it calls the columns."""
    names, columns = (email, first_name, last_name, customer_id), ("first_name", "last_name", "customer_id")
    return Format(
        names,
        lambda person: [person["email"], *(neutral(person[name]) for name in columns)],
        (customer_id, "email_sha256", "reason"),
        lambda change: [neutral(change["customer_id"]), change["email_sha256"] or "", change["reason"]],
    )


FORMATS = {
    "klaviyo": mail_format("Email", "First Name", "Last Name", "customer_id"),
    "mailchimp": mail_format("Email Address", "First Name", "Last Name", "customer_id"),
    "brevo": mail_format("EMAIL", "FIRSTNAME", "LASTNAME", "EXT_ID"),
    "csv": mail_format("email", "first_name", "last_name", "customer_id"),
    "meta": Format(("email", "phone", "fn", "ln", "zip", "country"), meta_row,
                   ("email",), lambda change: [change["email_sha256"]], is_ads=True),
    "google_ads": Format(("Email", "Phone", "First Name", "Last Name", "Country", "Zip"), google_row,
                         ("Email",), lambda change: [change["google_email_sha256"]], is_ads=True),
    "tiktok": Format(("Email_SHA256", "Phone_SHA256"), tiktok_row,
                     ("Email_SHA256",), lambda change: [change["tiktok_email_sha256"]], is_ads=True),
}  # fmt: skip


def people_of(made: Format, people: list[dict], denied: set[str], consent: str | None) -> list[dict]:
    """Who may stand in a file: of an email tool, who has an email that can be written; for ads, who gave this answer on
    ads (granted, or None: never asked), without what somebody who denied it has, too."""
    if not made.is_ads:
        return [person for person in people if person["email"] and can_be_written(person["email"])]
    return [without_denied(person, denied) for person in people if person["ads_consent"] == consent]


def whole(made: Format, people: list[dict]) -> Table:
    """All these people, header first, but for who has no email to be taken out by again."""
    return [list(made.columns), *(row for row in map(made.row, people) if row[0])]


def additions(made: Format, people: list[dict], changes: list[dict]) -> Table:
    """Who came since. To ad platforms all, as consent may have come since: to add who is there changes nothing."""
    if made.is_ads:
        return whole(made, people)
    new = {(change["customer_id"], change["email_sha256"]) for change in changes if change["net"] > 0}
    return whole(made, [person for person in people if (person["customer_id"], person["email_sha256"]) in new])


def removals(made: Format, people: list[dict], others: list[dict], changes: list[dict]) -> Table:
    """Who went since. From ad platforms also the members who may not be there (others), and nobody whose email somebody
    has who stays."""
    gone = [change for change in changes if change["net"] < 0]
    if not made.is_ads:
        return [list(made.removal_columns), *(made.removal(change) for change in gone)]
    known = [change for change in gone if change["email_sha256"]] + [
        {"email_sha256": person["email_sha256"], "google_email_sha256": person["google_email_sha256"],
         "tiktok_email_sha256": sha256(tiktok_email(person["email"]))}
        for person in others
    ]  # fmt: skip
    staying = {made.row(person)[0] for person in people}
    return [list(made.removal_columns),
            *([email] for email in sorted({made.removal(change)[0] for change in known} - staying))]


class Acknowledged:
    """Which export of a segment in a format is acknowledged: a file of dates beside what is published."""

    def __init__(self, published: Path):
        self.file = published / "exports.json"

    def dates(self) -> dict[str, dict[str, str]]:
        """By segment and format: the dates `exported` and `acknowledged`, where there are such."""
        return json.loads(self.file.read_text()) if self.file.exists() else {}

    def note(self, key: str, **dates: str) -> None:
        """Add dates to those of a segment and format. Raises OSError."""
        known = self.dates()
        known[key] = known.get(key, {}) | dates
        self.file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(self.file, json.dumps(known, indent=2) + "\n")

    def acknowledge(self, segment: str, name: str) -> str:
        """Take the last export for imported, and say so. Raises CannotDo where there is none."""
        exported = self.dates().get(f"{segment} {name}", {}).get("exported")
        if exported is None:
            raise CannotDo(f"{segment} was never exported for {name}: there is nothing to acknowledge.")
        self.note(f"{segment} {name}", acknowledged=exported)
        return f"The export of {segment} for {name} as of {exported} is acknowledged: --changes begins after it."

    def since(self, segment: str, name: str) -> str:
        """The date of the last acknowledged export. Raises CannotDo where there is none."""
        acknowledged = self.dates().get(f"{segment} {name}", {}).get("acknowledged")
        if acknowledged is None:
            raise CannotDo(
                f"No export of {segment} for {name} is acknowledged: export it whole, import the file, and then call"
                f" segments export {segment} --format {name} --ack."
            )
        return acknowledged
