"""The warnings of the demo, of which nothing is wrong but what its makers put in: each is a false one, or a season.

Usage: python benchmarks/false_warnings.py [FIRST [LAST]]

Builds the nights from FIRST to LAST, the 365 up to the demo's as-of date unless told otherwise, and prints each warning
and their number by kind. What depends on no date is built once; of the rest only what segment sizes and shares follow
from, by the project's own SQL, rendered as of the demo's date and moved to the others. The first night is rendered by
dbt as well, to hold the moved SQL to it. A night takes some 6 s of user CPU.
"""

import re
import sys
import tempfile
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import duckdb
import yaml

PROJECT = Path(__file__).parent.parent
sys.path[:0] = [str(PROJECT), str(PROJECT / "tests")]

from project import CompiledProject, Project  # type: ignore[import-not-found]  # noqa: E402

SHOP = PROJECT / "data" / "demo"
SETTINGS = yaml.safe_load((PROJECT / "sample_data" / "demo.yml").read_text())
LAST = date.fromisoformat(SETTINGS["as_of_date"])
MODELS = ("+segment_memberships", "+built_figures", "int_current_sale", "alerts")
# A date, or the days of a month on which birthdays are.
DATED = re.compile(r"(?<=cast\(')\d{4}-\d\d-\d\d(?=' as date\))|(?<=birth_date\) in \()\d{3,4}(?:, \d{3,4})+(?=\))")
SIZES = """
    insert into marts.segment_sizes
    select as_of_date, segment, count(customer_id), null
    from (select segment, $day::date as as_of_date from marts.segments) as segments
    left join marts.segment_memberships using (segment, as_of_date)
    group by all;
"""
EDITIONS = """
    update marts.segment_sizes set edition = (select max(sale_campaign_id) from intermediate.int_current_sale)
    where as_of_date = $day and segment in (select unnest($follow_sale))
"""


def moved(sql: str, by: timedelta) -> str:
    """The SQL of another night."""

    def other(found: re.Match) -> str:
        if "-" in found[0]:
            return str(date.fromisoformat(found[0]) + by)
        days = [LAST + by + timedelta(days=ahead) for ahead in range(1, 8)]
        return ", ".join(str(100 * day.month + day.day) + ", 229" * is_short_february(day) for day in days)

    return DATED.sub(other, sql)


def is_short_february(day: date) -> bool:
    """Whether birthdays of 29 February fall on the day."""
    return (day.month, day.day) == (2, 28) and (day + timedelta(days=1)).day == 1


class Nights:
    """The demo in memory, from night to night."""

    def __init__(self, directory: Path):
        self.project = Project(directory)
        self.last = self.compiled(LAST)
        self.connection = duckdb.connect()
        self.connection.execute(
            "set TimeZone = 'UTC'; set threads = 2; set preserve_insertion_order = false;"
            " attach ':memory:' as shop; use shop;"
            " create schema raw; create schema connectors; create schema staging; create schema intermediate;"
            " create schema marts"
        )
        for view in self.last.raw_views(SHOP):
            self.connection.execute(view)
        for name, seed in self.last.seeds.items():
            self.connection.register("seed", seed)
            self.connection.execute(f"create table staging.{name} as from seed")
        self.connection.execute(
            "create table marts.segment_sizes (as_of_date date, segment text, customers bigint, edition text)"
        )
        (self.alerts,) = [model.sql for model in self.last.models if model.name == "alerts"]
        (self.figures,) = [model.sql for model in self.last.models if model.name == "built_figures"]
        self.dated = self.build_what_has_no_date()

    def compiled(self, day: date) -> CompiledProject:
        return self.project.compiled(SHOP, MODELS, **SETTINGS | {"as_of_date": str(day)})

    def build_what_has_no_date(self) -> list:
        """Return the other models, in order."""
        dated: list = []
        names: set[str] = set()
        for model in self.last.models:
            if model.name in ("alerts", "built_figures"):
                continue
            if DATED.search(model.sql) or any(name in model.sql for name in names):
                names.add(model.relation)
                dated.append(model)
            else:
                self.connection.execute(f"create table {model.relation} as {model.sql}")
        return dated

    def warnings(self, day: date) -> list[tuple]:
        """Build a night. Returns kind, severity and sentence of its warnings."""
        by, execute = day - LAST, self.connection.execute
        for model in self.dated:
            execute(f"create or replace table {model.relation} as {moved(model.sql, by)}")
        execute(SIZES, {"day": day})
        execute(EDITIONS, {"day": day, "follow_sale": follow_sale()})
        figures = moved(self.figures, by)
        try:
            execute(f"insert into marts.built_figures by name {figures}")
        except duckdb.CatalogException:
            execute(f"create table marts.built_figures as {figures}")
        told = f"select kind, severity, sentence from ({moved(self.alerts, by)}) as alerts order by 1, 3"
        return execute(told).fetchall()

    def check(self, day: date) -> None:
        """Raises AssertionError where dbt renders another SQL for a night than the moved one."""
        rendered = {model.name: model.sql for model in self.compiled(day).models}
        for model in self.last.models:
            assert moved(model.sql, day - LAST) == rendered[model.name], f"{day}: {model.name}"


def follow_sale() -> list[str]:
    segments = yaml.safe_load((PROJECT / "dbt_project.yml").read_text())["vars"]["segments"]
    return [segment["name"] for segment in segments if segment.get("follows_sale")]


def main() -> None:
    first, last = [*map(date.fromisoformat, sys.argv[1:]), *(LAST - timedelta(days=364), LAST)[len(sys.argv) - 1 :]]
    # 8 nights before the first are what it is compared with.
    days = [first + timedelta(days=ahead) for ahead in range(-8, (last - first).days + 1)]
    found: Counter = Counter()
    with tempfile.TemporaryDirectory() as directory:
        shop = Nights(Path(directory))
        shop.check(days[0])
        for day in days:
            for kind, severity, sentence in shop.warnings(day):
                if day >= first:
                    print(f"{day} {severity}: {sentence}", flush=True)
                    found[kind, severity] += 1
            print(f"{day} is built", file=sys.stderr)
    print(f"{(last - first).days + 1} nights:", dict(found))


if __name__ == "__main__":
    main()
