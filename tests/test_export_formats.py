"""Files in the form that a tool takes: each vendor's published examples, and changes that lead from one export to the
next."""

import random

import pytest

from ecommerce_segments import CannotDo
from ecommerce_segments.activate import export as exporting
from ecommerce_segments.activate import formats
from ecommerce_segments.activate.files import sha256
from ecommerce_segments.activate.formats import FORMATS, Acknowledged
from oracle_contact import google_email

PERSON = {
    "customer_id": "c1", "email": "john_smith+news@gmail.com", "first_name": "Mary", "last_name": "O'Neil",
    "phone": "+16505551212", "postal_code": "94035-1234", "country_code": "US", "ads_consent": "granted",
}  # fmt: skip


def person(**values) -> dict:
    """Somebody, as `audience` returns them."""
    made = PERSON | values
    made["email_sha256"], made["google_email_sha256"] = sha256(made["email"]), sha256(google_email(made["email"]))
    return made | {"phone_sha256": sha256(made["phone"])}


def test_meta_hashes_as_its_published_examples():
    """developers.facebook.com/docs/marketing-api/conversions-api/parameters/customer-information-parameters"""
    row = FORMATS["meta"].row(person(email="john_smith@gmail.com"))
    assert row[:3] == [
        "62a14e44f765419d10fea99367361a727c12365e2520f32218d505ed9aa0f62f",
        "e323ec626319ca94ee8bff2e4c87cf613be6ea19919ed1364124e16807ab3176",
        "6915771be1c5aa0c886870b6951b03d7eafc121fea0e80a5ea83beb7c449f4ec",
    ]
    assert row[3:] == [sha256("oneil"), sha256("94035"), sha256("us")]
    names = {"정": "8fa8cd9c440be61d0151429310034083132b35975c4bea67fdd74158eb51db14",
             "Valéry": "08e1996b5dd49e62a4b4c010d44e4345592a863bb9f8e3976219bac29417149c"}
    assert {name: sha256(formats.name_for_meta(name)) for name in names} == names
    assert formats.zip_for_meta("M1 1AE", "GB") == "m11ae"


def test_tiktok_hashes_as_its_published_examples():
    """ads.tiktok.com/help/article/list-of-supported-ids-and-formats-for-a-customer-file"""
    assert FORMATS["tiktok"].columns == ("Email_SHA256", "Phone_SHA256")
    email, _ = FORMATS["tiktok"].row(person(email="janedoe@gmail.com"))
    assert email == "d6117306485ed0e50afab3ac871e98f81699151f30281527d63ff5f233656c69"
    assert formats.tiktok_email("firstname-lastname+shop@example.com") == "firstname-lastname@example.com"
    assert formats.digits("+16577770000") == "16577770000" and formats.digits("+37493828222") == "37493828222"


def test_google_has_the_columns_of_its_template_and_hashes_all_but_country_and_zip():
    """support.google.com/google-ads/answer/7659867, and the example of its page on formatting"""
    made = FORMATS["google_ads"]
    assert made.columns == ("Email", "Phone", "First Name", "Last Name", "Country", "Zip")
    row = made.row(person(email="cloudy.sanfrancisco+shopping@gmail.com", first_name=" John ", last_name="Pérez"))
    hashed = ["cloudysanfrancisco@gmail.com", "+16505551212", "john", "pérez"]
    assert row == [*map(sha256, hashed), "US", "94035-1234"]


@pytest.mark.parametrize("name, header", [
    ("klaviyo", ["Email", "First Name", "Last Name", "customer_id"]),
    ("mailchimp", ["Email Address", "First Name", "Last Name", "customer_id"]),
    ("brevo", ["EMAIL", "FIRSTNAME", "LASTNAME", "EXT_ID"]),
    ("csv", ["email", "first_name", "last_name", "customer_id"]),
])  # fmt: skip
def test_email_tools_find_their_columns(name, header):
    assert formats.whole(FORMATS[name], [person(first_name="=1+1")]) == [
        header, ["john_smith+news@gmail.com", "'=1+1", "O'Neil", "c1"],
    ]  # fmt: skip


class Shop:
    """Answers as a Session does: whom a segment held on a date, and what changed since."""

    as_of_date = "0"

    def __init__(self, requires_consent: bool):
        self.dates, self.requires_consent = [], requires_consent

    def rows(self, query: str) -> list[dict]:
        if "require_ads_consent" in query:
            return [{"is_required": self.requires_consent}]
        if "audience_changes" in query:
            then, now = ({(one["customer_id"], one["email"]) for one in self.dates[place]} for place in (0, -1))
            return [{"customer_id": key[0], "reason": None if key in now else "left", "net": 1 if key in now else -1,
                     "email_sha256": sha256(key[1]), "google_email_sha256": sha256(google_email(key[1])),
                     "tiktok_email_sha256": sha256(formats.tiktok_email(key[1]))} for key in then ^ now]  # fmt: skip
        if "denied" in query:
            return [{"google": one["google_email_sha256"], "phone": one["phone_sha256"]} for one in self.dates[-1]
                    if one["ads_consent"] == "denied"]  # fmt: skip
        return [{"customers": 1}] if "segments" in query else self.dates[-1]

    def live(self, rng: random.Random) -> None:
        """The members of another date. Some share an address."""
        ids = [f"c{number}" for number in range(9) if rng.random() < 0.7]
        self.dates.append([
            person(customer_id=one, email=rng.choice([f"{one}@x.de", "all@x.de", f"{one}+a@gmail.com"]),
                   phone=f"+4900000000{one[1]}", ads_consent=rng.choice(["granted", "granted", "denied", None]))
            for one in ids
        ])  # fmt: skip
        self.as_of_date = str(len(self.dates))


def read(path) -> list[list[str]]:
    return [line.split(",") for line in path.read_text().splitlines()[1:]] if path.exists() else []


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("seed", range(25))
def test_a_whole_export_and_its_changes_are_the_next_whole_export(tmp_path, name, seed):
    """By what a tool knows people by: the customer and the email, or the hash of the email alone."""
    rng = random.Random(f"{name} {seed}")
    shop = Shop(requires_consent=bool(seed % 2))
    width = 1 if FORMATS[name].is_ads else 4

    def export(*words: bool) -> None:
        exporting.export_format(shop, "s", name, Acknowledged(tmp_path), str(tmp_path / shop.as_of_date), *words)

    def held(suffix: str) -> set[str]:
        rows = read(tmp_path / shop.as_of_date / f"{name}{suffix}.csv")
        return {row[0] for row in rows} if width == 1 else {f"{row[3]} {sha256(row[0])}" for row in rows}

    shop.live(rng)
    export(False)
    suffixes = ["", "_not_asked"] if FORMATS[name].is_ads and not shop.requires_consent else [""]
    known = {suffix: held(suffix) for suffix in suffixes}
    Acknowledged(tmp_path).acknowledge("s", name)
    shop.live(rng)
    export(True)
    for suffix in suffixes:
        gone = read(tmp_path / shop.as_of_date / f"{name}{suffix}_remove.csv")
        known[suffix] -= {row[0] if width == 1 else f"{row[0]} {row[1]}" for row in gone}
        known[suffix] |= held(f"{suffix}_add")
    export(False)
    assert known == {suffix: held(suffix) for suffix in suffixes}
    assert not list((tmp_path / shop.as_of_date).glob("*_remove.csv"))


def test_changes_begin_after_the_export_that_was_acknowledged(tmp_path):
    kept = Acknowledged(tmp_path / "published")
    with pytest.raises(CannotDo, match="never exported for meta: there is nothing to acknowledge"):
        kept.acknowledge("s", "meta")
    kept.note("s meta", exported="2026-06-30")
    with pytest.raises(CannotDo, match="No export of s for meta is acknowledged: export it whole"):
        kept.since("s", "meta")
    assert "as of 2026-06-30 is acknowledged" in kept.acknowledge("s", "meta")
    kept.note("s meta", exported="2026-07-01")
    kept.note("s tiktok", exported="2026-07-02")
    assert kept.since("s", "meta") == "2026-06-30"


@pytest.mark.parametrize("words, sentence", [
    ({"segment": None, "name": "meta"}, "Name what to export"),
    ({"segment": "s", "name": "meta", "with_sms": True}, "--format is for a segment alone"),
    ({"segment": "s", "is_changes": True}, "--changes and --ack are of a --format"),
])  # fmt: skip
def test_what_makes_no_sense_is_said(words, sentence):
    given = {"campaign": None, "with_suppressions": False, "with_phones": False, "with_sms": False, "directory": None}
    with pytest.raises(CannotDo, match=sentence):
        exporting.export(None, **given | words)
