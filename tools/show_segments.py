"""Print the segments of a built warehouse as a short table, and where the marts are.

Usage: python tools/show_segments.py WAREHOUSE.duckdb [--simulated]
"""

import sys
import textwrap

import duckdb


def segments_table(warehouse: str) -> str:
    """The mart `segments` as text: name, customers, share of customers (percent) and what to do with the segment.

    warehouse: path of a DuckDB file built by dbt. Raises duckdb.Error where it holds no such mart.
    """
    with duckdb.connect(warehouse, read_only=True) as connection:
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


def main() -> None:
    warehouse = sys.argv[1]
    print()
    if "--simulated" in sys.argv:
        print("The demo is a simulated shop: its people and orders are made up.")
    print(segments_table(warehouse))
    print(f"\nThe marts are in {warehouse}, schema marts. Look inside, for example:")
    print(f'  .venv/bin/python -c "import duckdb; duckdb.connect(\'{warehouse}\').sql(\'from marts.seg_loyal_buyers\').show()"')


if __name__ == "__main__":
    main()
