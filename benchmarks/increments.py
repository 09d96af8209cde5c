"""What a night costs with incremental_staging, beside a build of everything, at several sizes of a shop.

Usage: python benchmarks/increments.py [SCALE ...]

Scales are those of benchmarks/shop.py. Prints user CPU seconds of dbt with all models and no tests, dbt's own time
included: a build as usual, the first incremental one, and a night after it, which reads the rows of the last days
again. The last column is the night's share of the usual build.
"""

import sys
import tempfile
from pathlib import Path

from run import dbt_command, dbt_environment, measure
from shop import make_shop


def build(directory: Path, name: str, **variables: object) -> float:
    """Build all models of the shop in directory/raw, in directory/name.duckdb. Returns user CPU seconds.

    Raises RuntimeError where dbt fails.
    """
    command = dbt_command("build", directory, "--exclude-resource-type", "test", "unit_test", **variables)
    return measure(command, dbt_environment(directory / "raw", directory / f"{name}.duckdb"))["user"]


def main() -> None:
    print(
        "| scale | full build | first incremental build | night | night / full build |\n| --- | --- | --- | --- | --- |"
    )
    for scale in map(float, sys.argv[1:] or ("0.1", "1", "3")):
        with tempfile.TemporaryDirectory() as scratch:
            directory = Path(scratch)
            make_shop(scale, directory / "raw")
            # A parse is kept for the next run of the same settings: the second is what a scheduler sees.
            seconds = [
                build(directory, "full") and build(directory, "full"),
                build(directory, "night", incremental_staging=True),
                build(directory, "night", incremental_staging=True),
            ]
        print(
            f"| {scale:g} | "
            + " | ".join(f"{value:.1f} s" for value in seconds)
            + f" | {seconds[2] / seconds[0]:.2f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
