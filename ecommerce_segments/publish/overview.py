"""Print the published segments as a short table, and where the marts are."""

import textwrap
from pathlib import Path

import duckdb

from ecommerce_segments import PROJECT
from ecommerce_segments.publish.versions import DASHBOARD, DATABASE, current, manifest_of
from ecommerce_segments.shop import pasted, shown


def segments_table(published: Path) -> str:
    """The mart `segments` as text: name, customers, share of customers (percent) and what to do with the segment.

    published: a published DuckDB file. Raises duckdb.Error where it holds no such mart.
    """
    with duckdb.connect(published, read_only=True) as connection:
        rows = connection.execute(
            "select segment, customers, share_of_customers, marketing_goal from marts.segments order by position"
        ).fetchall()
        ((customers, as_of_date),) = connection.execute(
            "select count(*), max(as_of_date) from marts.customers"
        ).fetchall()
    width = max((len(segment) for segment, *_ in rows), default=0)
    lines = [f"{customers:,} customers as of {as_of_date}", ""]
    lines.append(f"{'segment':<{width}}  {'customers':>9}  {'share':>6}  what to do with it")
    for segment, size, share, goal in rows:
        first, *rest = textwrap.wrap(goal, 72)
        lines.append(f"{segment:<{width}}  {size:>9,}  {share:>6.1%}  {first}")
        lines += [" " * (width + 21) + line for line in rest]
    return "\n".join(lines)


def overview(directory: Path) -> str:
    """What is published in the directory, and where to look on. Raises NotPublished where nothing is."""
    version, database = current(directory), directory / "current" / DATABASE
    return "\n".join([
        *["The demo is a simulated shop: its people and orders are made up."] * manifest_of(version)["is_simulated"],
        segments_table(version / DATABASE),
        f"\nOpen {shown(directory / DASHBOARD)} in a browser.",
        f"The marts are in {shown(database)}, schema marts, and as Parquet files beside it. Look inside, for example:",
        f"  {pasted(PROJECT / '.venv' / 'bin' / 'duckdb')} -readonly {pasted(database)} 'from marts.seg_loyal_buyers'",
    ])
