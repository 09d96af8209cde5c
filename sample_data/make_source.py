"""Write the demo shop as another system has it, for the connector of this name: sources/NAME.py writes it into
data/NAME/NAME/, and
the tables of the raw contract that the connector does not feed stand beside it, in data/NAME/.

Usage: python sample_data/make_source.py NAME [OUTPUT_DIR]
"""

import argparse
import importlib
import signal
import sys
import tempfile
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from demo.calendar import sale_campaigns_table
from demo.campaigns import marketing_campaigns_table
from demo.customers import loyalty_tiers_table
from demo.shop import make_tables
from ecommerce_segments import PROJECT
from ecommerce_segments.raw_contract import raw_contract

# What analysts edit.
CALENDARS = {
    "sale_campaigns": sale_campaigns_table,
    "marketing_campaigns": marketing_campaigns_table,
    "loyalty_tiers": loyalty_tiers_table,
}


def demo_tables() -> dict[str, pa.Table]:
    """The raw tables of the demo without dirt, by name, in all columns and types of the raw contract."""
    made = {name: pa.concat_tables(parts) for name, *parts in make_tables()}
    return {name: in_contract(name, made.get(name)) for name in raw_contract() if name not in CALENDARS}


def in_contract(name: str, table: pa.Table | None) -> pa.Table:
    """A table in the columns of the raw contract: what it lacks is null, as is what cannot be read."""
    rows = pa.table({"nothing": pa.array([], pa.int32())}) if table is None else table
    values = [
        f"try_cast({column if column in rows.column_names else 'null'} as {declared['data_type']}) as {column}"
        for column, declared in raw_contract()[name].items()
        if column != "loaded_at"
    ]
    return duckdb.from_arrow(rows).select(", ".join(values)).to_arrow_table()


def write_source(name: str, directory: Path) -> None:
    """Write the demo by the source's module, and beside it the tables of the raw contract that its connector does not
    feed."""
    source = importlib.import_module(f"sources.{name}")
    tables = demo_tables()
    source.write(tables, directory / name)
    beside = {table: rows for table, rows in tables.items() if table not in source.FEEDS}
    # Of spend, a system may tell a part.
    beside |= source.rest(tables) if hasattr(source, "rest") else {}
    for table, rows in beside.items():
        if len(rows):
            pq.write_table(rows, directory / f"{table}.parquet", compression="zstd")
    for table, make in CALENDARS.items():
        pyarrow.csv.write_csv(make(), directory / f"{table}.csv", pyarrow.csv.WriteOptions(quoting_style="none"))


def main():
    sources = sorted(path.stem for path in Path(__file__).with_name("sources").glob("[a-z]*.py"))
    parser = argparse.ArgumentParser(description="Write the demo shop as another system has it.")
    parser.add_argument("name", choices=sources, help="the connector that reads it")
    parser.add_argument(
        "output_dir",
        type=Path,
        nargs="?",
        help="written in place of data/NAME; what this program wrote there before is replaced",
    )
    given = parser.parse_args()
    output = (given.output_dir or PROJECT / "data" / given.name).resolve()
    if output.exists() and not (output / given.name).is_dir():
        sys.exit(f"{output} holds other files than those of {given.name}; give it a directory of its own")
    output.parent.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    with tempfile.TemporaryDirectory(prefix=f".{output.name}-", dir=output.parent) as work:
        fresh = Path(work) / "fresh"
        fresh.mkdir()
        write_source(given.name, fresh)
        if output.exists():
            output.rename(Path(work) / "former")
        fresh.rename(output)


if __name__ == "__main__":
    main()
