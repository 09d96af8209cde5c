"""Measure what segments cost beside other ways to compute them, and how that grows with the shop.

Usage: python benchmarks/run.py [--scales 1,10] [--rounds 3] [--only NAME,NAME] [--slow-rounds 1]      (writes
benchmarks/results.json)
       python benchmarks/run.py page      (writes the tables of docs/performance.md and its picture from
       benchmarks/results.json)

Each contender runs in a process of its own, all of them in turn, round after round. Each writes the members of segments
1 to 10 and the counts of received, kept, duplicate and rejected rows; they are compared with those of the script, row
by row, and no time is shown if one differs. Seconds are the processor's, of all threads; the median of the rounds
counts. The shops are made by shop.py, once, under data/benchmarks.
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import time
from graphlib import TopologicalSorter
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb
import yaml

from shop import SETTINGS, make_shop

HERE = Path(__file__).parent
PROJECT = HERE.parent
RESULTS, PAGE, PICTURE = (
    HERE / "results.json",
    PROJECT / "docs" / "performance.md",
    PROJECT / "docs" / "images" / "performance.svg",
)
CATEGORY_SEGMENT = "category_repeat_buyers"
COLUMNS = {
    "customers": "customer_id email created_at is_test updated_at",
    "products": "product_id category updated_at",
    "orders": "order_id customer_id email ordered_at status currency discount_amount is_test updated_at",
    "order_lines": "order_line_id order_id product_id quantity unit_price list_price discount_amount updated_at",
    "refunds": "refund_id order_id order_line_id refunded_at amount updated_at",
    "sessions": "session_id visitor_id customer_id started_at is_bot",
    "web_events": "event_id session_id event_type occurred_at",
    "exchange_rates": "rate_date currency rate",
}
MORE_COLUMNS = {
    "web_events": COLUMNS["web_events"] + " product_id",
    "email_events": "event_id customer_id email campaign_id event_type occurred_at",
    "reviews": "review_id customer_id rating reviewed_at",
}
# The contenders for segments 1 to 10 are given the tables that those need, the others the whole shop.
TABLES_OF = {"ten": [*COLUMNS, "sale_campaigns"], "all": ["*"]}
# name: what it is. The slow ones run fewer rounds.
CONTENDERS = {
    "scan": "reading the columns that segments 1 to 10 need",
    "by_hand": "a script in DuckDB, by hand, in memory",
    "by_hand_on_disk": "the same script, its tables in a database file as ours are",
    "models": "our models for segments 1 to 10, their SQL alone",
    "models_1gb": "the same with `memory_limit` at 1 GB",
    "dbt": "the same by `dbt build`, which parses the project anew",
    "polars": "polars, streaming",
    "pandas": "pandas",
    "views": "the usual way: our models as views, each segment asks them anew",
    "scan_all": "reading the columns that all models need",
    "all_models": "all segments and `customers`, their SQL alone",
    "project": "the whole project, its SQL alone",
    "dbt_project": "the whole project by `dbt build`, without its tests",
    "dbt_tests": "the whole project by `dbt build`, with its tests",
}
SLOW = ["models_1gb", "dbt", "pandas", "views", "all_models", "project", "dbt_project", "dbt_tests"]
SMALL_ONLY = [
    "pandas",
    "views",
]  # up to scale 1: beyond, pandas needs more memory than there is, and the views half an hour
COMPARED_SCALES = ["1", "10"]  # of which the page shows all contenders
PEERS = {
    "scan": "the scan",
    "by_hand": "the script",
    "by_hand_on_disk": "it on disk",
    "polars": "polars",
    "pandas": "pandas",
    "views": "the views",
}
WITHOUT_RESULT = ["scan", "scan_all", "all_models", "project", "dbt_project", "dbt_tests"]


def segment_names() -> list[str]:
    """The first ten of the register."""
    return [
        entry["name"] for entry in yaml.safe_load((PROJECT / "dbt_project.yml").read_text())["vars"]["segments"][:10]
    ]


# -- In a contender's own process
# -----------------------------------------------------------------------------------------


def connect(database: Path | str, work: Path, **settings: str) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(database)
    connection.execute("set enable_progress_bar = false")
    as_for_dbt = yaml.safe_load((PROJECT / "profiles.yml").read_text())["ecommerce_segments"]["outputs"]["duckdb"][
        "settings"
    ]
    for name, value in (as_for_dbt | {"threads": threads(), "temp_directory": f"{work}/spilled"} | settings).items():
        connection.execute(f"set {name} = '{value}'")
    return connection


def threads() -> int:
    return len(os.sched_getaffinity(0))


def scan(raw: Path, work: Path, columns: dict[str, str]) -> None:
    with connect(":memory:", work) as connection:
        for table, names in columns.items():
            connection.execute(
                f"select {', '.join(f'max({name})' for name in names.split())} from '{raw}/{table}.parquet'"
            ).fetchall()


def by_hand(raw: Path, work: Path, is_on_disk: bool = False) -> None:
    script = (HERE / "by_hand.sql").read_text().replace("{raw}", str(raw))
    (work / "by_hand.duckdb").unlink(missing_ok=True)
    with connect(work / "by_hand.duckdb" if is_on_disk else ":memory:", work) as connection:
        connection.execute(script.replace("create temp table", "create table") if is_on_disk else script)
        connection.execute(f"copy members to '{work}/members.parquet'; copy row_counts to '{work}/row_counts.parquet'")


def run_plan(work: Path, plan: str, with_views: bool = False, **settings: str) -> None:
    """The SQL of the models, in the order of the graph, in one process and a database file.

    What each takes goes into seconds.json.
    """
    database, seconds = work / "shop.duckdb", {}
    shutil.copy(work / tables_for(plan) / "template.duckdb", database)
    with connect(database, work, **settings) as connection:
        for name, relation, materialized, sql in json.loads((work / f"{plan}.json").read_text()):
            if with_views and not name.startswith("seg_") and name != "row_counts":
                materialized = "view"
            began = time.process_time()
            connection.execute(f"create or replace {materialized} {relation} as {sql}")
            seconds[name] = round(time.process_time() - began, 2)
        (work / "seconds.json").write_text(json.dumps(seconds))
        if plan == "ten":
            copy_result(connection, work)


def dbt_build(work: Path, tables: str, *arguments: str) -> None:
    database = work / "shop.duckdb"
    shutil.copy(work / tables / "template.duckdb", database)
    subprocess.run(
        dbt_command("build", work, *arguments),
        check=True,
        cwd=PROJECT,
        env=dbt_environment(work / tables / "raw", database),
    )


def copy_result(connection: duckdb.DuckDBPyConnection, work: Path) -> None:
    members = " union all ".join(
        f"select '{name}' as segment, customer_id, {'category' if name == CATEGORY_SEGMENT else 'null'} as category"
        f" from marts.seg_{name}"
        for name in segment_names()
    )
    connection.execute(f"copy ({members}) to '{work}/members.parquet'")
    connection.execute(
        "copy (select table_name, received_rows, kept_rows, duplicate_rows, rejected_rows from staging.row_counts) to"
        f" '{work}/row_counts.parquet'"
    )


def contend(name: str, raw: Path, work: Path) -> None:
    """Be a contender: what is measured is this process and its children."""
    for result in ("members", "row_counts"):
        (work / f"{result}.parquet").unlink(missing_ok=True)
    if name in ("scan", "scan_all"):
        scan(raw, work, COLUMNS | (MORE_COLUMNS if name == "scan_all" else {}))
    elif name in ("by_hand", "by_hand_on_disk"):
        by_hand(raw, work, name == "by_hand_on_disk")
    elif name in ("models", "models_1gb", "views"):
        run_plan(work, "ten", name == "views", **({"memory_limit": "1GB"} if name == "models_1gb" else {}))
    elif name in ("all_models", "project"):
        run_plan(work, name)
    elif name == "dbt":
        dbt_build(
            work,
            "ten",
            "--no-partial-parse",
            "--select",
            *ten(),
            "--exclude",
            "resource_type:test",
            "resource_type:unit_test",
        )
    elif name == "dbt_project":
        dbt_build(work, "all", "--exclude", "resource_type:test", "resource_type:unit_test", "source:estimates")
    elif name == "dbt_tests":
        dbt_build(work, "all")
    else:
        subprocess.run([sys.executable, HERE / f"by_{name}.py", raw, work], check=True)


# -- The runner
# -------------------------------------------------------------------------------------------------------------


def ten() -> list[str]:
    return [f"+seg_{name}" for name in segment_names()] + ["+row_counts"]


def tables_for(plan: str) -> str:
    return "ten" if plan == "ten" else "all"


def dbt_environment(raw: Path, database: Path) -> dict[str, str]:
    return os.environ | {"RAW_DIR": str(raw), "DUCKDB_PATH": str(database), "DBT_THREADS": str(threads())}


def dbt_command(command: str, work: Path, *arguments: str, **variables: object) -> list[str]:
    """dbt with the settings of the shop, and with `variables` besides."""
    return [
        str(Path(sys.executable).parent / "dbt"),
        command,
        "--quiet",
        "--target-path",
        str(work / "target"),
        "--log-path",
        str(work / "logs"),
        "--vars",
        json.dumps(SETTINGS | variables),
        *arguments,
    ]


def prepare(raw: Path, work: Path) -> None:
    """Make what is not measured: databases with the raw views and seeds, the SQL of the models, and dbt's parse of the
    project.

    Raises RuntimeError with dbt's output where dbt fails.
    """
    shutil.rmtree(work, ignore_errors=True)
    for tables, names in TABLES_OF.items():
        (work / tables / "raw").mkdir(parents=True)
        for name in names:
            for file in raw.glob(f"{name}.parquet"):
                (work / tables / "raw" / file.name).symlink_to(file.resolve())
        run_dbt("build", work, tables, "--select", "resource_type:seed")
        with duckdb.connect(work / tables / "template.duckdb") as connection:
            for schema in ("staging", "intermediate", "marts"):
                connection.execute(f"create schema if not exists {schema}")
    for plan, select in {"ten": ten(), "all_models": ["+seg_*"], "project": ["*"]}.items():
        run_dbt(
            "compile",
            work,
            tables_for(plan),
            "--select",
            *select,
            "--exclude",
            "resource_type:test",
            "resource_type:unit_test",
        )
        selected = {
            result["unique_id"] for result in json.loads((work / "target" / "run_results.json").read_text())["results"]
        }
        nodes = json.loads((work / "target" / "manifest.json").read_text())["nodes"]
        (work / f"{plan}.json").write_text(
            json.dumps(in_order({key: nodes[key] for key in selected if nodes[key]["resource_type"] == "model"}))
        )
    # The parse for one database is none for another.
    run_dbt("parse", work, "all", database=work / "shop.duckdb")


def run_dbt(command: str, work: Path, tables: str, *arguments: str, database: Path | None = None) -> None:
    environment = dbt_environment(work / tables / "raw", database or work / tables / "template.duckdb")
    done = subprocess.run(
        dbt_command(command, work, *arguments), cwd=PROJECT, env=environment, capture_output=True, text=True
    )
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)


def in_order(models: dict[str, dict]) -> list[list[str]]:
    """[name, relation, table or view, SQL] of compiled models, each after those that it reads.

    The first build of an incremental model makes a table.
    """
    parents = {
        key: [parent for parent in model["depends_on"]["nodes"] if parent in models] for key, model in models.items()
    }
    return [
        [
            models[key]["name"],
            f"{models[key]['schema']}.{models[key]['alias']}",
            "view" if models[key]["config"]["materialized"] == "view" else "table",
            models[key]["compiled_code"].replace('"template".', ""),
        ]
        for key in TopologicalSorter(parents).static_order()
    ]


def measure(command: list[str], environment: dict[str, str]) -> dict[str, float]:
    """User and system seconds, seconds on the clock, and peak memory (MB) of a command in its own process.

    Raises RuntimeError where it fails.
    """
    began = time.monotonic()
    process = subprocess.Popen(command, cwd=PROJECT, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} failed.")
    # A command that starts another process hands its usage on; of two processes the larger memory counts.
    return {
        "user": round(usage.ru_utime, 2),
        "system": round(usage.ru_stime, 2),
        "wall": round(time.monotonic() - began, 2),
        "peak_mb": usage.ru_maxrss // 1024,
    }


def differences(work: Path, expected: Path) -> list[str]:
    """What the result in `work` and the one in `expected` do not share: members, or counts of the tables that the
    script counts."""
    found = []
    with duckdb.connect() as connection:
        for result, rows in (("members", "from '{}/members.parquet'"), ("row_counts", "from '{}/row_counts.parquet'")):
            ours, theirs = rows.format(work), rows.format(expected)
            if result == "row_counts":
                ours += f" where table_name in (select table_name {theirs})"
            for these, others, where in ((ours, theirs, "only here"), (theirs, ours, "missing")):
                rest = connection.execute(f"from (({these}) except all ({others})) limit 3").fetchall()
                if rest:
                    found.append(f"{result}, {where}: {rest}")
    return found


def run(scales: list[float], rounds: int, slow_rounds: int, only: list[str]) -> dict:
    """Make the shops, let all contenders run in turn, compare what they found, and return the results.

    Raises RuntimeError where one fails or differs.
    """
    results: dict[str, Any] = {
        "machine": machine(),
        "versions": {name: version(name) for name in ("dbt-core", "dbt-duckdb", "duckdb", "polars", "pandas")},
        "scales": {},
    }
    for scale in scales:
        raw, work = PROJECT / "data" / "benchmarks" / f"{scale:g}", PROJECT / "target" / "benchmarks" / f"{scale:g}"
        if not (raw / "sale_campaigns.parquet").exists():
            print(f"Making the shop of scale {scale:g} ...", flush=True)
            make_shop(scale, raw)
        prepare(raw, work)
        expected = work / "expected"
        expected.mkdir()
        measured: dict[str, list[dict]] = {}
        seconds: dict[str, float] = {}
        for number in range(rounds):
            for name in [name for name in CONTENDERS if name in only and (name not in SLOW or number < slow_rounds)
                         and (name not in SMALL_ONLY or scale <= 1)]:
                measured.setdefault(name, []).append(
                    measure([sys.executable, __file__, "--as", name, str(raw), str(work)], dict(os.environ))
                )
                if name == "models":
                    seconds = json.loads((work / "seconds.json").read_text())
                if name.startswith("dbt"):
                    with duckdb.connect(work / "shop.duckdb") as connection:
                        copy_result(connection, work)
                if name == "by_hand" and not number:
                    for result in ("members", "row_counts"):
                        shutil.copy(work / f"{result}.parquet", expected)
                elif name not in WITHOUT_RESULT and "by_hand" in only:
                    found = differences(work, expected)
                    if found:
                        raise RuntimeError(f"{name} and the script differ at scale {scale:g}: " + "; ".join(found))
                print(f"scale {scale:g}, round {number + 1}: {name} is done", flush=True)
        with duckdb.connect() as connection:
            rows = {table: len(connection.read_parquet(f"{raw}/{table}.parquet"))
                    for table in ("customers", "order_lines", "sessions", "web_events", "email_events")}
        results["scales"][f"{scale:g}"] = {"rows": rows, "contenders": measured, "models": seconds}
        show(scale, measured)
    return results


def machine() -> str:
    names = [
        line.split(":")[1].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ] or [platform.machine()]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{threads()} cores ({names[0]}), {memory:.0f} GB of memory, {platform.system()}"


def median(measured: list[dict], what: str) -> float:
    return statistics.median(one[what] for one in measured)


def ratios(name: str, measured: dict[str, list[dict]]) -> dict[str, str]:
    """User seconds of a contender in those of each peer that was measured; none where it does another work."""
    comparable = {"scan": "scan_all"} if name in WITHOUT_RESULT[1:] else {peer: peer for peer in PEERS}
    return {
        heading: f"{median(measured[name], 'user') / median(measured[comparable[peer]], 'user'):.2f}"
        if comparable.get(peer) in measured
        else ""
        for peer, heading in PEERS.items()
        if peer in measured
    }


def show(scale: float, measured: dict[str, list[dict]]) -> None:
    print(f"\nScale {scale:g}\n{'':<16}{'user s':>9}{'system s':>10}{'clock s':>9}{'peak MB':>9}"
          + "".join(f"{heading:>16}" for peer, heading in PEERS.items() if peer in measured))
    for name, rounds in measured.items():
        print(
            f"{name:<16}"
            + "".join(
                f"{median(rounds, what):>{width}.1f}" for what, width in (("user", 9), ("system", 10), ("wall", 9))
            )
            + f"{median(rounds, 'peak_mb'):>9.0f}"
            + "".join(f"{ratio:>16}" for ratio in ratios(name, measured).values())
        )


# -- The page
# ---------------------------------------------------------------------------------------------------------------


def table_of(measured: dict[str, list[dict]]) -> str:
    headings = ["user s", "system s", "clock s", "peak memory"] + [
        f"times {heading}" for peer, heading in PEERS.items() if peer in measured
    ]
    lines = [f"| | {' | '.join(headings)} |", "| --- " + "| ---: " * len(headings) + "|"]
    for name, rounds in measured.items():
        cells = [f"{median(rounds, what):.1f}" for what in ("user", "system", "wall")] + [
            f"{median(rounds, 'peak_mb'):,.0f} MB",
            *ratios(name, measured).values(),
        ]
        lines.append(f"| {CONTENDERS[name]}{' (one round)' if len(rounds) == 1 else ''} | {' | '.join(cells)} |")
    return "\n".join(lines)


def sections(results: dict) -> dict[str, str]:
    """The parts of the page, by the name of their marks."""
    tables = [
        f"{results['machine']}. " + ", ".join(f"{name} {number}" for name, number in results["versions"].items()) + "."
    ]
    compared = [scale for scale in COMPARED_SCALES if scale in results["scales"]]
    for scale in compared:
        rows = results["scales"][scale]["rows"]
        tables += [
            f"**Scale {scale}**: {rows['order_lines']:,} order lines, {rows['sessions']:,} sessions,"
            f" {rows['web_events']:,} web events, "
            f"{rows['email_events']:,} email events.",
            table_of(results["scales"][scale]["contenders"]),
        ]
    growth = [
        "| scale | accounts | order lines | web events | segments 1 to 10 | per million events | on the clock | whole"
        " project | per million events | on the clock | peak memory |",
        "| ---: " * 11 + "|",
    ]
    for scale in sorted(results["scales"], key=float):
        rows, measured = results["scales"][scale]["rows"], results["scales"][scale]["contenders"]
        cells = []
        for name in ("models", "project"):
            seconds = median(measured[name], "user") if name in measured else None
            cells += (
                [
                    f"{seconds:.1f} s",
                    f"{seconds / (rows['web_events'] / 1e6):.2f} s",
                    f"{median(measured[name], 'wall'):.0f} s",
                ]
                if seconds is not None
                else [""] * 3
            )
        peak = max((median(measured[name], "peak_mb") for name in ("models", "project") if name in measured), default=0)
        growth.append(
            f"| {scale} | {float(scale) * 100_000:,.0f} | {rows['order_lines']:,} | {rows['web_events']:,} |"
            f" {' | '.join(cells)} | {peak:,.0f} MB |"
        )
    seconds_of_models = results["scales"][compared[-1]].get("models", {}) if compared else {}
    dearest = sorted(seconds_of_models.items(), key=lambda model: -model[1])[:12]
    return {
        "measured": "\n\n".join(tables),
        "models": "\n".join(
            ["| model | s |", "| --- | ---: |"] + [f"| `{name}` | {seconds:.1f} |" for name, seconds in dearest]
        ),
        "growth": "\n".join(growth),
    }


def plot(results: dict) -> str:
    """User seconds per million web events against the scale, as an SVG: a flat line is a cost that grows with the data.
    """
    scales = sorted(results["scales"], key=float)
    colours = {"scan": "#bbb", "by_hand": "#2ca02c", "polars": "#ff7f0e", "models": "#1f77b4", "project": "#9467bd"}
    series = {
        name: [
            (place, median(found["contenders"][name], "user") / (found["rows"]["web_events"] / 1e6))
            for place, found in enumerate(results["scales"][scale] for scale in scales)
            if name in found["contenders"]
        ]
        for name in colours
    }
    left, top, width, height = 60, 40, 560, 220
    highest = max(value for points in series.values() for _, value in points)
    tick = float(f"{highest / 4:.0e}")
    step = width / len(scales)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {left + width + 150} {top + height + 60}" font-family="sans-serif" font-size="12" fill="#333">',  # noqa: E501
        '<rect width="100%" height="100%" fill="#fff"/>',
    ]
    for number in range(int(highest / tick) + 1):
        y = top + height - number * tick * height / highest
        parts.append(
            f'<path d="M{left} {y:.1f}h{width}" stroke="#ddd"/><text x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">{number * tick:g}</text>'  # noqa: E501
        )
    for name, points in series.items():
        places = [(left + (place + 0.5) * step, top + height - value * height / highest) for place, value in points]
        if places:
            parts.append(
                f'<polyline points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in places)}" fill="none" stroke="{colours[name]}" stroke-width="2"/>'  # noqa: E501
            )
            parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colours[name]}"/>' for x, y in places]
    names = {
        "scan": "reading",
        "by_hand": "script by hand",
        "polars": "polars",
        "models": "segments 1 to 10",
        "project": "whole project",
    }
    for place, (name, points) in enumerate((name, points) for name, points in series.items() if points):
        y = top + 10 + 20 * place
        parts.append(
            f'<rect x="{left + width + 15}" y="{y - 10}" width="12" height="12" fill="{colours[name]}"/><text x="{left + width + 32}" y="{y}">{names[name]}</text>'  # noqa: E501
        )
    for place, scale in enumerate(scales):
        parts.append(
            f'<text x="{left + (place + 0.5) * step:.1f}" y="{top + height + 18}" text-anchor="middle">{scale}</text>'
        )
    parts += [
        f'<text x="{left + width / 2}" y="{top + height + 42}" text-anchor="middle">scale (1 is 100,000 accounts)</text>',  # noqa: E501
        f'<text x="{left}" y="18">user seconds per million web events</text>',
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def write_page() -> None:
    results = json.loads(RESULTS.read_text())
    page = PAGE.read_text()
    for name, part in sections(results).items():
        start, end = f"<!-- {name}: written by benchmarks/run.py page -->\n", f"<!-- {name}: end -->"
        before, _, rest = page.partition(start)
        _, mark, after = rest.partition(end)
        if not mark:
            raise RuntimeError(f"{PAGE} has no marks for {name}.")
        page = before + start + part.rstrip("\n") + "\n" + end + after
    PAGE.write_text(page)
    PICTURE.write_text(plot(results))


def main() -> int:
    if sys.argv[1:2] == ["--as"]:
        contend(sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4]))
        return 0
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("page", nargs="?", choices=["page"])
    parser.add_argument("--scales", default="1")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--slow-rounds", type=int, default=1)
    parser.add_argument("--only", default=",".join(CONTENDERS))
    arguments = parser.parse_args()
    try:
        if not arguments.page:
            results = run(
                [float(scale) for scale in arguments.scales.split(",")],
                arguments.rounds,
                arguments.slow_rounds,
                arguments.only.split(","),
            )
            # Scales that were not run keep their results.
            former = json.loads(RESULTS.read_text())["scales"] if RESULTS.exists() else {}
            RESULTS.write_text(json.dumps(results | {"scales": former | results["scales"]}, indent=1) + "\n")
        if PAGE.exists():
            write_page()
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
