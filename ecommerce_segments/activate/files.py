"""The files for email tools and ad platforms: who and what stands in each, and how it is written."""

import csv
import hashlib
import os
import re
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

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
EVERY_FORM = dict.fromkeys(FORMS, ("email_sha256", "google_email_sha256", "tiktok_email_sha256"))
# What a spreadsheet runs: a formula at the beginning of a cell, or behind what it may take for the border of one.
FORMULA = re.compile(r"(^|[,;|\t\r\n])([\s\"'`]*)(?=[=+\-@＝＋－＠])|^(?=[\0\t\r\n])")
# A sign and digits, as in a phone, is a number and runs nothing.
SIGNED_NUMBER = re.compile(r"[+-][0-9]+")

Table = list[list[str]]


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


def tiktok_email(email: str) -> str:
    """A compared email in TikTok's form: what follows a plus leaves the part before the @, in all domains."""
    mailbox, _, domain = email.partition("@")
    return f"{mailbox.partition('+')[0]}@{domain}"


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
    """Open a file that nobody but its owner may read or write: an opener for `open`."""
    return os.open(path, flags, 0o600)
