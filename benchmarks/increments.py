"""What a night costs with incremental_staging, beside a build of everything, at several sizes of a shop.

Usage: python benchmarks/increments.py [SCALE ...]

Scales are those of benchmarks/shop.py. Prints user CPU seconds of dbt with all models and no tests, dbt's own time included: a build
as usual, the first incremental one, and a night after it, which reads the rows of the last days again. The last column is the
night's share of the usual build.
"""

import os
import sys
import tempfile
from pathlib import Path

import yaml

import shop

PROJECT = Path(__file__).parent.parent


def build(directory: Path, name: str, **variables: object) -> float:
    """Build all models of the shop in directory/raw, in directory/name.duckdb. Returns user CPU seconds; ends the program if dbt fails."""
    environment = os.environ | {"RAW_DIR": str(directory / "raw"), "DUCKDB_PATH": str(directory / f"{name}.duckdb"),
                                "DBT_TARGET_PATH": str(directory / name), "DBT_LOG_PATH": str(directory / name)}
    command = [str(Path(sys.executable).parent / "dbt"), "build", "--quiet", "--exclude-resource-type", "test", "unit_test",
               "--vars", yaml.safe_dump(shop.SETTINGS | variables)]
    process = os.posix_spawn(command[0], command, environment)
    _, status, usage = os.wait4(process, 0)
    if status:
        sys.exit(f"The build failed: {directory / name}/dbt.log says why.")
    return usage.ru_utime


def main() -> None:
    os.chdir(PROJECT)
    print("| scale | full build | first incremental build | night | night / full build |\n| --- | --- | --- | --- | --- |")
    for scale in map(float, sys.argv[1:] or ("0.1", "1", "3")):
        with tempfile.TemporaryDirectory(dir=PROJECT / "target") as scratch:
            directory = Path(scratch)
            shop.make_shop(scale, directory / "raw")
            # A parse is kept for the next run of the same settings: the second is what a scheduler sees.
            seconds = [build(directory, "full") and build(directory, "full"),
                       build(directory, "night", incremental_staging=True), build(directory, "night", incremental_staging=True)]
        print(f"| {scale:g} | " + " | ".join(f"{value:.1f} s" for value in seconds) + f" | {seconds[2] / seconds[0]:.2f} |", flush=True)


if __name__ == "__main__":
    main()
