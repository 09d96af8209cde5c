"""Simulate the demo shop and write its raw tables: the package demo, beside this file, makes them.

Usage: python sample_data/make_demo.py OUTPUT_DIR
"""

import argparse
import signal
import sys
import tempfile
from pathlib import Path

from demo.dirt import BAD_ROWS
from demo.shop import write_shop


def main():
    parser = argparse.ArgumentParser(description="Simulate the demo shop and write its raw tables.")
    parser.add_argument("output_dir", type=Path, help="the directory to write; a former demo shop there is replaced")
    output = parser.parse_args().output_dir.resolve()
    ours = {f"{name}.parquet" for name in BAD_ROWS} | {
        f"{name}.csv" for name in ("sale_campaigns", "marketing_campaigns", "loyalty_tiers")
    }
    others = sorted(path.name for path in output.iterdir() if path.name not in ours) if output.exists() else []
    if others:
        sys.exit(f"{output} holds other files ({', '.join(others[:3])}); give the demo shop a directory of its own")
    output.parent.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    with tempfile.TemporaryDirectory(prefix=f".{output.name}-", dir=output.parent) as work:
        fresh = Path(work) / "fresh"
        fresh.mkdir()
        write_shop(fresh)
        if output.exists():
            output.rename(Path(work) / "former")
        fresh.rename(output)


if __name__ == "__main__":
    main()
