"""The warnings of the demo, of which nothing is wrong but what its makers put in: each is a false one, or a season.

Usage: python benchmarks/false_warnings.py [FIRST [LAST]]

Builds the nights from FIRST to LAST, the 365 up to the demo's as-of date unless told otherwise, and prints each warning
and their number by kind. What depends on no date is built once; of the rest only what segment sizes and shares follow
from, by the project's own SQL, rendered once for all nights. A night takes some 3 s of user CPU.
"""

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
# The as-of date, a variable of DuckDB's.
EACH_NIGHT = "getvariable('as_of_date')"
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


class Nights:
    """The demo in memory, from night to night."""

    def __init__(self, directory: Path):
        self.project = Project(directory)
        self.project.dbt("seed", raw_dir=SHOP, **SETTINGS)
        each_night = SETTINGS | {"as_of_date": EACH_NIGHT}
        compiled = self.project.dbt("compile", "--select", *MODELS, raw_dir=SHOP, **each_night).result
        self.sql = CompiledProject(self.project, [result.node for result in compiled.results], each_night)
        self.connection = duckdb.connect()
        self.connection.execute(
            "set TimeZone = 'UTC'; set threads = 2; set preserve_insertion_order = false;"
            " attach ':memory:' as shop; use shop;"
            " create schema raw; create schema connectors; create schema staging; create schema intermediate;"
            " create schema marts"
        )
        for view in self.sql.raw_views(SHOP):
            self.connection.execute(view)
        for name, seed in self.sql.seeds.items():
            self.connection.register("seed", seed)
            self.connection.execute(f"create table staging.{name} as from seed")
        self.connection.execute(
            "create table marts.segment_sizes (as_of_date date, segment text, customers bigint, edition text)"
        )
        (self.alerts,) = [model.sql for model in self.sql.models if model.name == "alerts"]
        (self.figures,) = [model.sql for model in self.sql.models if model.name == "built_figures"]
        self.dated = self.build_what_has_no_date()

    def build_what_has_no_date(self) -> list:
        """Return the other models, in order."""
        dated: list = []
        names: set[str] = set()
        for model in self.sql.models:
            if model.name in ("alerts", "built_figures"):
                continue
            if EACH_NIGHT in model.sql or any(name in model.sql for name in names):
                names.add(model.relation)
                dated.append(model)
            else:
                self.connection.execute(f"create table {model.relation} as {model.sql}")
        return dated

    def warnings(self, day: date) -> list[tuple]:
        """Build a night. Returns kind, severity and sentence of its warnings."""
        execute = self.connection.execute
        execute("set variable as_of_date = cast(? as date)", [day])
        for model in self.dated:
            execute(f"create or replace table {model.relation} as {model.sql}")
        execute(SIZES, {"day": day})
        execute(EDITIONS, {"day": day, "follow_sale": follow_sale()})
        try:
            execute(f"insert into marts.built_figures by name {self.figures}")
        except duckdb.CatalogException:
            execute(f"create table marts.built_figures as {self.figures}")
        told = f"select kind, severity, sentence from ({self.alerts}) as alerts order by 1, 3"
        return execute(told).fetchall()


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
        for day in days:
            for kind, severity, sentence in shop.warnings(day):
                if day >= first:
                    print(f"{day} {severity}: {sentence}", flush=True)
                    found[kind, severity] += 1
            print(f"{day} is built", file=sys.stderr)
    print(f"{(last - first).days + 1} nights:", dict(found))


if __name__ == "__main__":
    main()
