"""What the connector of Google Analytics 4 costs: the whole project on a shop whose visits are events of its export,
beside the same visits in the raw contract's form.

Usage: python benchmarks/ga4.py [EVENTS]      (10,000,000 unless told; about as many are made)

The shop is that of benchmarks/shop.py, its visits written by sample_data/sources/ga4.py. Prints the processor's seconds
of both, and their ratio, of the whole build as `segments run` does it (dbt, models, data tests, publishing) and of the
SQL of all models alone, with those of the connector's own models.
"""

import importlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb

from run import PROJECT, connect, dbt_command, dbt_environment, in_order
from shop import SETTINGS, make_shop

# Events of the export that the shop of scale 1 has.
EVENTS_AT_SCALE_1 = 8_000_000
# A day's, where a shop has 10 million a year. Days of this shop are smaller, so several share a file.
EVENTS_A_FILE = 27_000


def make_both(scale: float, directory: Path) -> int:
    """Write the shop with its visits in the contract's form into directory/direct, and as events into directory/ga4.

    Returns the number of events.
    """
    source = importlib.import_module("sources.ga4")
    make_shop(scale, directory / "direct")
    with duckdb.connect() as connection:
        tables = {
            "sessions": f"select *, null::varchar as campaign_id from '{directory}/direct/sessions.parquet'",
            "web_events": f"from '{directory}/direct/web_events.parquet'",
        }
        told = source.write(
            {name: connection.execute(sql).to_arrow_table() for name, sql in tables.items()}, directory / "ga4" / "ga4"
        )
        for name, rows in told.items():
            connection.register("told", rows)
            key = "*" if name == "sessions" else "md5(cast(row_number() over () as varchar)) as event_id, *"
            connection.execute(f"copy (select {key} from told) to '{directory}/direct/{name}.parquet'")
        for path in (directory / "direct").iterdir():
            if path.stem not in source.FEEDS:
                (directory / "ga4" / path.name).symlink_to(path)
    return join_days(directory / "ga4" / "ga4")


def join_days(directory: Path) -> int:
    """Give the files of days in a directory the size that they have in a shop with 10 million events a year.

    Returns the number of events.
    """
    files = sorted(directory.glob("events_2*.parquet"))
    with duckdb.connect() as connection:
        events: int = connection.read_parquet([*map(str, files)]).count("*").fetchall()[0][0]
        days = max(round(EVENTS_A_FILE * len(files) / events), 1)
        for first in range(0, len(files), days):
            joined = files[first : first + days]
            rows = connection.read_parquet([*map(str, joined)])
            rows.write_parquet(f"{directory}/joined", compression="zstd")
            for path in joined:
                path.unlink()
            (directory / "joined").rename(joined[0])
    return events


def build(directory: Path, name: str, **variables: object) -> dict[str, float]:
    """Build all models on the shop in directory/name. Returns the processor's seconds of each model's SQL.

    Raises subprocess.CalledProcessError where dbt fails.
    """
    work, database = directory / f"{name}_work", directory / f"{name}_shop.duckdb"
    for command, *select in (("build", "resource_type:seed"), ("compile", "resource_type:model")):
        subprocess.run(
            dbt_command(command, work, "--select", *select, **variables),
            check=True,
            cwd=PROJECT,
            env=dbt_environment(directory / name, database),
        )
    nodes = json.loads((work / "target" / "manifest.json").read_text())["nodes"]
    models = in_order({key: node for key, node in nodes.items() if node["resource_type"] == "model"})
    seconds = {}
    with connect(database, work) as connection:
        for schema in ("connectors", "staging", "intermediate", "marts"):
            connection.execute(f"create schema if not exists {schema}")
        for model, relation, materialized, sql in models:
            began = time.process_time()
            sql = sql.replace(f'"{database.stem}".', "")
            connection.execute(f"create or replace {materialized} {relation} as {sql}")
            seconds[model] = time.process_time() - began
    return seconds


def whole_run(directory: Path, name: str, **variables: object) -> float:
    """Build and publish the shop in directory/name as its scheduler would. Returns the processor's seconds.

    Raises subprocess.CalledProcessError where the run fails.
    """
    places = (f"--raw-dir={directory}/{name}", f"--warehouse={directory}/{name}_run.duckdb",
              f"--published={directory}/{name}_published")  # fmt: skip
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [str(Path(sys.executable).with_name("segments")), "run", "--rebuild", *places],
        check=True,
        cwd=PROJECT,
        env=os.environ | {"VARS": json.dumps(SETTINGS | variables)},
        stdout=subprocess.DEVNULL,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    sys.path.insert(0, str(PROJECT / "sample_data"))
    events = int((sys.argv[1:] or ["10000000"])[0].replace(",", ""))
    with tempfile.TemporaryDirectory() as scratch:
        directory = Path(scratch)
        made = make_both(events / EVENTS_AT_SCALE_1, directory)
        connectors = {"ga4": importlib.import_module("sources.ga4").OPTIONS}
        runs = whole_run(directory, "direct"), whole_run(directory, "ga4", connectors=connectors)
        direct, connected = build(directory, "direct"), build(directory, "ga4", connectors=connectors)
    print(f"{made:,} events")
    compare("the whole build", *runs)
    compare("its SQL alone", sum(direct.values()), sum(connected.values()))
    own = [f"{model} {seconds:.1f} s" for model, seconds in connected.items() if model.startswith("ga4__")]
    print(f"of this the connector's own models: {', '.join(own)}")


def compare(what: str, whole: float, ours: float) -> None:
    print(
        f"{what}: {whole:.1f} s in the contract's form, {ours:.1f} s through the connector, {ours / whole:.2f} times"
        " as much"
    )


if __name__ == "__main__":
    main()
