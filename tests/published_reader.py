"""A reader of published marts who never pauses: asks again and again, by DuckDB and Parquet, whether all that is seen
is of one piece.

Usage: python tests/published_reader.py PUBLISHED_DIR, until stdin is closed; prints how often it read, or what it found
torn.
"""

import json
import os
import select
import sys
from pathlib import Path

import duckdb

TRUTHS = {
    "all marts are of the manifest's date": "select count(*) = 0 from (from marts.customers select as_of_date union all from marts.segments select as_of_date"  # noqa: E501
    " union all from marts.segment_memberships select as_of_date union all (select max(as_of_date) from"
    " marts.segment_sizes))"
    " where as_of_date <> $as_of_date",
    "sizes are the members'": "select count(*) = (select sum(customers) from marts.segments) from marts.segment_memberships",  # noqa: E501
    "open stays are the members'": "select count(*) = 0 from ((select segment, customer_id from marts.segment_history where exited_on is null)"  # noqa: E501
    " except (select segment, customer_id from marts.segment_memberships))",
}


def read(published: Path) -> str:
    """The name of the version that was read. Raises AssertionError where it is not whole."""
    version = (published / "current").resolve(strict=True)
    manifest = json.loads((version / "manifest.json").read_text())
    with duckdb.connect(version / "shop.duckdb", read_only=True, config={"threads": 1}) as connection:
        for truth, query in TRUTHS.items():
            parameters = {"as_of_date": manifest["as_of_date"]} if "$as_of_date" in query else {}
            assert connection.execute(query, parameters).fetchone()[0], (version, truth)
        for mart, rows in manifest["rows"].items():
            assert connection.execute(f"select count(*) from marts.{mart}").fetchone()[0] == rows, (version, mart)
            assert connection.execute(f"select count(*) from '{version / mart}.parquet'").fetchone()[0] == rows, (
                version,
                mart,
            )
    return version.name


def main() -> None:
    os.nice(10)
    seen, times = [], 0
    while not select.select([sys.stdin], [], [], 0)[0]:
        version, times = read(Path(sys.argv[1])), times + 1
        if version not in seen:
            seen.append(version)
    assert seen == sorted(seen, key=lambda name: name.rpartition("_")[2]), f"went back: {seen}"
    print(times, len(seen))


if __name__ == "__main__":
    main()
