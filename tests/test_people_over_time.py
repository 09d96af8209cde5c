"""The history and the arms of campaigns against a simulation of people, over random courses of dates.

Guests register, accounts merge and become two again, ids appear and are known no more; segments come and go; the latest
date may be run again on corrected data. What is expected is told from the people, date by date, in the words of
docs/definitions.md.
"""

import hashlib
import random
from collections import Counter, defaultdict
from datetime import date, timedelta
from decimal import Decimal

import duckdb
import pytest

from test_history import ANY_DATE, GROUPS, STAGES, run, sql  # noqa: F401

pytestmark = pytest.mark.xdist_group("history")

SEEDS = range(60)
SALE_SEGMENTS = {"last_year_sale_buyers", "sale_cart_abandoners", "current_sale_buyers"}
TABLES = {
    "segment_history": "segment, customer_id, entered_on, exited_on",
    "segment_sizes": "as_of_date, segment, customers, entered, exited, edition",
    "segment_transitions": "as_of_date, previous_as_of_date, trait, from_value, to_value, customers",
    "identity_changes": "as_of_date, former_id, customer_id",
}


class People:
    """Some people, each a set of ids, as the shop sees them on some dates, and what the history should be."""

    def __init__(self, rng: random.Random):
        self.rng = rng
        ids = [f"guest:{number}" for number in range(4)] + ["a1", "B2", "c3", "D4", "é5", "_6"]
        # Who was created first gives the name; a guest does so only alone.
        self.rank = {
            identity: (identity.startswith("guest:"), place) for place, identity in enumerate(rng.sample(ids, len(ids)))
        }
        self.dates: dict[date, dict] = {}

    def live(self, people: list[frozenset]) -> list[frozenset]:
        """Return the people of a later date."""
        people, unknown = list(people), sorted(self.rank.keys() - set().union(*people))
        for _ in range(self.rng.choice([0, 1, 1, 2, 3])):
            event = self.rng.choice(["appear", "appear", "register", "merge", "merge", "part", "leave"])
            several = [person for person in people if len(person) > 1]
            if event == "appear" and unknown:
                people.append(frozenset([unknown.pop()]))
            elif event == "register" and unknown and people:
                person = people.pop(self.rng.randrange(len(people)))
                people.append(person | {unknown.pop()})
            elif event == "merge" and len(people) > 1:
                one, other = self.rng.sample(people, 2)
                people = [person for person in people if person not in (one, other)] + [one | other]
            elif event == "part" and several:
                person = self.rng.choice(several)
                some = frozenset(self.rng.sample(sorted(person), self.rng.randrange(1, len(person))))
                people = [other for other in people if other != person] + [some, person - some]
            elif event == "leave" and people:
                people.pop(self.rng.randrange(len(people)))
        return people

    def see(self, on: date) -> dict:
        """Let time pass since the date before this one, and return the shop's state."""
        self.dates = {day: state for day, state in self.dates.items() if day < on}
        before = list(self.dates.values())[-1]["people"] if self.dates else [frozenset(["a1"]), frozenset(["guest:0"])]
        people = self.live(before)
        ids = {identity: min(person, key=self.rank.get) for person in people for identity in person}
        customers = sorted(set(ids.values()))
        registered = ["a", "empty", "current_sale_buyers", *self.rng.choice([[], ["removed"]])]
        self.dates[on] = {
            "people": people,
            "ids": ids,
            "registered": registered,
            "sale": self.rng.choice(["winter", "summer", None]),
            "members": {
                (segment, customer)
                for segment in registered
                if segment != "empty"
                for customer in customers
                if self.rng.random() < 0.6
            },
            "lifecycle_stage": {customer: self.rng.choice(STAGES) for customer in customers},
            "rfm_group": {customer: self.rng.choice(GROUPS) for customer in customers},
        }
        return self.dates[on]

    def expected(self) -> dict[str, set[tuple]]:
        stays, sizes, transitions, changes = set(), set(), set(), set()
        open_stays, previous = {}, None
        for on, state in self.dates.items():
            followed = {}
            for (segment, identity), entered_on in open_stays.items():
                key = (segment, state["ids"].get(identity, identity))
                followed[key] = min(entered_on, followed.get(key, entered_on))
            stays |= {(*key, followed[key], on) for key in followed.keys() - state["members"]}
            open_stays = {key: followed.get(key, on) for key in state["members"]}
            for segment in state["registered"]:
                inside, before = (
                    {customer for name, customer in members if name == segment}
                    for members in (state["members"], followed)
                )
                sizes.add(
                    (
                        on,
                        segment,
                        len(inside),
                        *((len(inside - before), len(before - inside)) if previous else (None, None)),
                        state["sale"] if segment in SALE_SEGMENTS else None,
                    )
                )
            if previous:
                then = self.dates[previous]
                changes |= {(on, identity, state["ids"][identity]) for identity in then["lifecycle_stage"]
                            if state["ids"].get(identity, identity) != identity}
                for trait in ("lifecycle_stage", "rfm_group"):
                    moves = Counter(self.ways(then[trait], state[trait], state["ids"]))
                    transitions |= {(on, previous, trait, *move, customers) for move, customers in moves.items()}
            previous = on
        stays |= {(*key, entered_on, None) for key, entered_on in open_stays.items()}
        return {
            "segment_history": stays,
            "segment_sizes": sizes,
            "segment_transitions": transitions,
            "identity_changes": changes,
        }

    @staticmethod
    def ways(before: dict, after: dict, ids: dict) -> list[tuple]:
        """Return (from, to) of each customer.

        Of several former ids that became one customer, its own speaks, else the smallest.
        """
        former = {}
        for identity in sorted(before, key=lambda identity: (ids.get(identity) != identity, identity)):
            former.setdefault(ids.get(identity, identity), before[identity] or "unscored")
        return [(former.get(customer, "none"), (after[customer] or "unscored") if customer in after else "none")
                for customer in former.keys() | after.keys()]

    def arms(self, campaigns: list[tuple]) -> set[tuple]:
        """Return (campaign, customer, whether held out): the audience as it stood before the campaign, under the ids of
        that time."""
        ids, rows = list(self.dates.values())[-1]["ids"], set()
        for campaign, segment, starts_on, _, holdout in campaigns:
            then = [state["members"] for day, state in self.dates.items() if day < starts_on]
            known_as = defaultdict(list)
            for name, identity in then[-1] if then else ():
                if name == segment and identity in ids:
                    known_as[ids[identity]].append(identity)
            for customer, identities in known_as.items():
                digits = hashlib.sha256(f"{campaign}:{min(identities)}".encode()).hexdigest()[:8]
                rows.add((campaign, customer, int(digits, 16) % 10_000 < Decimal(holdout) * 100))
        return rows


def course(seed: int):
    """Yield (people, date, their state, campaigns), run by run: dates in uneven steps, the latest one now and then
    again."""
    rng = random.Random(f"people {seed}")
    people, on = People(rng), date(2025, 1, 1)
    campaigns = [
        (
            f"campaign-{number}",
            rng.choice(["a", "current_sale_buyers"]),
            starts_on := date(2025, 1, 1) + timedelta(days=rng.randint(0, 60)),
            starts_on + timedelta(days=7),
            rng.choice(["50", "50", "12.5"]),
        )
        for number in range(4)
    ]
    for _ in range(10):
        on += timedelta(days=rng.choice([0, 1, 1, 7, 14]))
        yield people, on, people.see(on), campaigns


@pytest.mark.parametrize("seed", SEEDS)
def test_history_and_arms_follow_people(sql, seed):  # noqa: F811
    with duckdb.connect() as connection:
        connection.execute("attach ':memory:' as shop; use shop; create schema marts; create schema staging")
        connection.execute(
            "create table staging.stg_marketing_campaigns (marketing_campaign_id text, segment text, starts_on date,"
            " ends_on date, "
            "holdout_percent decimal(18,6))"
        )
        for people, on, state, campaigns in course(seed):
            run(connection, sql, on, state)
            for table, expected in people.expected().items():
                assert rows(connection, f"select {TABLES[table]} from marts.{table}") == sorted(expected, key=repr), (
                    table,
                    on,
                )
            connection.execute("delete from staging.stg_marketing_campaigns")
            connection.executemany("insert into staging.stg_marketing_campaigns values (?, ?, ?, ?, ?)", campaigns)
            audiences = sql["campaign_audiences"].replace(ANY_DATE, str(on))
            assert rows(
                connection, f"select marketing_campaign_id, customer_id, is_held_out from ({audiences})"
            ) == sorted(people.arms(campaigns), key=repr), on


def rows(connection, query: str) -> list[tuple]:
    return sorted(connection.execute(query).fetchall(), key=repr)


def test_the_courses_hold_what_they_are_for():
    """Ids change, stays meet of which one is older, people part, ids vanish, and an arm is not that of today's id."""
    found = Counter()
    for seed in SEEDS:
        before, last = None, None
        for people, on, state, campaigns in course(seed):
            if before and last < on:
                known = [identity for identity in before["lifecycle_stage"] if identity in state["ids"]]
                names = Counter(state["ids"][identity] for identity in known)
                found["changed"] += sum(state["ids"][identity] != identity for identity in known)
                found["registered"] += sum(
                    identity.startswith("guest:") and not state["ids"][identity].startswith("guest:")
                    for identity in known
                )
                found["merged"] += sum(count > 1 for count in names.values())
                found["vanished"] += len(before["lifecycle_stage"]) - len(known)
                found["parted"] += sum(
                    before["ids"].get(customer, customer) != customer for customer in state["lifecycle_stage"]
                )
            before, last = state, on
            today = {
                (campaign, customer): int(hashlib.sha256(f"{campaign}:{customer}".encode()).hexdigest()[:8], 16)
                % 10_000
                < Decimal(holdout) * 100
                for campaign, _, _, _, holdout in campaigns
                for customer in state["lifecycle_stage"]
            }
            found["arm of another id"] += sum(
                today[campaign, customer] != is_held_out for campaign, customer, is_held_out in people.arms(campaigns)
            )
    assert (
        min(found[name] for name in ("changed", "registered", "merged", "vanished", "parted", "arm of another id"))
        >= 10
    ), found
