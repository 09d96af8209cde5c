"""The accounts of the demo's people, and the table customers."""

from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from demo.calendar import DAY, DAYS, END, HOUR, time_of_day
from demo.columns import ids, names_of, utc
from demo.drawing import chance, dice, weighted
from demo.emails import CONSENTS
from demo.people import CHANNELS, COUNTRIES, FIRST_NAMES, LAST_NAMES, LATE_REGISTRANT, PEOPLE, TESTER

SECOND_ACCOUNTS = 150  # people with two accounts under one email


def make_accounts(people, buyer, bought_at):
    """One account per person who is not a guest, and a second one for a few."""
    rng = dice("accounts")
    created = people.join_day * DAY + time_of_day(rng, PEOPLE)
    first_buyers, first = np.unique(buyer, return_index=True)
    created[first_buyers] = np.minimum(created[first_buyers], np.maximum(bought_at[first] - 5 * 60, 0))
    late = people.kind == LATE_REGISTRANT
    created[late] = np.minimum(created[late] + rng.integers(20, 300, size=late.sum()) * DAY, END - HOUR)
    owner = np.flatnonzero(people.has_account)
    twice = np.sort(rng.choice(owner[people.join_day[owner] < DAYS - 60], SECOND_ACCOUNTS, replace=False))
    second_created = (created[twice] + END) // 2
    person = np.concatenate([owner, twice])
    created_at = np.concatenate([created[owner], second_created])
    is_second = np.arange(len(person)) >= len(owner)
    order = np.argsort(created_at, kind="stable")
    accounts = SimpleNamespace(person=person[order], created_at=created_at[order], is_second=is_second[order])
    for name, rows in (("first_account", ~accounts.is_second), ("second_account", accounts.is_second)):
        of_person = np.full(PEOPLE, -1)
        of_person[accounts.person[rows]] = np.flatnonzero(rows)
        setattr(people, name, of_person)
    return accounts


def account_at(people, accounts, person, second):
    """The account that a person uses at a time; -1 while there is none."""
    first, later = people.first_account[person], people.second_account[person]
    has_first = (first >= 0) & (accounts.created_at[first] <= second)
    has_second = (later >= 0) & (accounts.created_at[later] <= second)
    return np.where(has_second, later, np.where(has_first, first, -1))


def loyalty_tiers_table():
    """One row per tier of the shop's loyalty programme."""
    return pa.table({"tier": ["bronze", "silver", "gold"], "from_net_revenue_365d": ["100.00", "300.00", "800.00"]})


def customers_table(people, accounts):
    """One row per account. A second account writes the email in its own way."""
    rng = dice("customers")
    person, size = accounts.person, len(accounts.person)
    country = people.country[person]
    cities = [cities for _, _, cities, _ in COUNTRIES.values()]
    any_city = rng.integers(60, size=size)
    email = people.email[person].astype(str)
    email = np.where(accounts.is_second, np.char.title(email), email)
    born = np.datetime64("1948-01-01") + rng.integers(0, 58 * 365, size=size)
    birth_date = np.where(chance(rng, 0.5, size), "31.02.1980", born.astype(str)).astype(object)
    birth_date[~chance(rng, 60, size)] = None
    answered = accounts.consent != CONSENTS.index("never")
    consent_at = utc(accounts.consent_at)
    last_known_change = np.maximum(accounts.created_at, accounts.consent_at * answered)
    sms, ads = weighted(rng, (20, 4, 76), size), weighted(rng, (45, 25, 30), size)
    asked_at = utc(accounts.created_at)
    return pa.table({
        "customer_id": ids("C", np.arange(size), 5),
        "email": pa.array([None if missing else text for text, missing in zip(email.tolist(), chance(rng, 0.5, size))]),
        "phone": pa.array(make_phones(rng, country)),
        "first_name": names_of(people.first_name[person], FIRST_NAMES),
        "last_name": names_of(people.last_name[person], LAST_NAMES),
        "postal_code": pa.array([f"{number:05}" for number in rng.integers(1_000, 99_999, size=size)]),
        "birth_date": pa.array(birth_date, type=pa.string()),
        "country_code": names_of(country, list(COUNTRIES)),
        "city": pa.array([cities[place][draw % len(cities[place])] for place, draw in zip(country, any_city)]),
        "created_at": utc(accounts.created_at),
        "acquisition_channel": names_of(people.channel[person], CHANNELS),
        "email_consent": names_of(accounts.consent, CONSENTS),
        "email_consent_at": pc.if_else(pa.array(answered), consent_at, pa.scalar(None, consent_at.type)),
        "sms_consent": names_of(sms, CONSENTS[:3]),
        "sms_consent_at": pc.if_else(pa.array(sms < 2), asked_at, None),
        "ads_consent": names_of(ads, ("granted", "denied", None)),
        "ads_consent_at": pc.if_else(pa.array(ads < 2), asked_at, None),
        "is_test": pa.array(people.kind[person] == TESTER),
        "updated_at": utc(np.minimum(last_known_change + rng.integers(200, size=size) * DAY, END - 1)),
    })


def make_phones(rng, country):
    """Numbers set aside for fiction, for half of the accounts where a country has any; some were typed badly."""
    ranges = [numbers for *_, numbers in COUNTRIES.values()]
    size = len(country)
    draws = zip(country, rng.integers(1 << 30, size=size), chance(rng, 50, size), chance(rng, 0.5, size))
    phones: list[str | None] = []
    for place, draw, is_given, is_bad in draws:
        numbers = ranges[place]
        if numbers is None or not is_given:
            phones.append(None)
        elif is_bad:
            phones.append("call the office")
        else:
            prefix, first, last, digits = numbers
            phones.append(f"{prefix}{first + draw % (last - first + 1):0{digits}}")
    return phones
