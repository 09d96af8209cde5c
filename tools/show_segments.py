"""Print the published segments as a short table, and where the marts are.

Usage: python tools/show_segments.py
"""

import sys
import textwrap
from pathlib import Path

import duckdb

from publish import DASHBOARD, DATABASE, NotPublished, current, manifest_of
from settings import PROJECT, SettingsError
from this_shop import pasted, shown, this_shop


def segments_table(published: Path) -> str:
    """The mart `segments` as text: name, customers, share of customers (percent) and what to do with the segment.

    published: a published DuckDB file. Raises duckdb.Error where it holds no such mart.
    """
    with duckdb.connect(published, read_only=True) as connection:
        rows = connection.execute(
            "select segment, customers, share_of_customers, marketing_goal from marts.segments order by position"
        ).fetchall()
        customers, as_of_date = connection.execute("select count(*), max(as_of_date) from marts.customers").fetchone()
    width = max((len(segment) for segment, *_ in rows), default=0)
    lines = [f"{customers:,} customers as of {as_of_date}", ""]
    lines.append(f"{'segment':<{width}}  {'customers':>9}  {'share':>6}  what to do with it")
    for segment, size, share, goal in rows:
        first, *rest = textwrap.wrap(goal, 72)
        lines.append(f"{segment:<{width}}  {size:>9,}  {share:>6.1%}  {first}")
        lines += [" " * (width + 21) + line for line in rest]
    return "\n".join(lines)


def main() -> int:
    try:
        directory = this_shop().published
        version = current(directory)
    except (NotPublished, SettingsError) as error:
        print(error, file=sys.stderr)
        return 2
    print()
    if manifest_of(version)["is_simulated"]:
        print("The demo is a simulated shop: its people and orders are made up.")
    print(segments_table(version / DATABASE))
    database = directory / "current" / DATABASE
    print(f"\nOpen {shown(directory / DASHBOARD)} in a browser.")
    print(f"The marts are in {shown(database)}, schema marts, and as Parquet files beside it. Look inside, for example:")
    print(f"  {pasted(PROJECT / '.venv' / 'bin' / 'duckdb')} -readonly {pasted(database)} 'from marts.seg_loyal_buyers'")
    return 0


if __name__ == "__main__":
    sys.exit(main())
