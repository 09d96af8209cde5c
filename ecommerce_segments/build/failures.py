"""Why a run of dbt failed, in one sentence, and the lines that say more."""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dbt.cli.main import dbtRunnerResult
from dbt.contracts.graph.manifest import Manifest

from ecommerce_segments.build.file_faults import file_fault
from ecommerce_segments.build.left_out import REASONS_SHOWN, Rejected, rejected, rows_of
from ecommerce_segments.dbt_session import DbtError, runs_of
from ecommerce_segments.shop import shown

SHOWN = 8
GUARD = re.compile(r"Of the (\d+) rows of (\w+), (\d+) are rejected.*")
# The macros of tests that say which rule of which table is broken.
RULES = {"broken_rules", "test_keeps_rules"}
# What engines put before and behind a sentence that a test raises.
RAISED = re.compile(r"(?:Invalid Input Error: |invalid input syntax for type integer: \")([A-Z][^\"]*)\"?.*", re.DOTALL)
# dbt's lines about where something was said.
FRAME = re.compile(r"(\w+ )+Error( in .*)?$|(>|LINE|\^|called by|at line).*|compiled code at .*")
# What tables usually hold whose rows are rejected for a reason, and what to do.
ADVICE = [
    (
        r"unreadable \w+(_at|_on|_date)$",
        "Such files usually hold dates like 31/01/2025 beside others, or times without a date: write 2025-01-31, and"
        " times as 2025-01-31T10:00:00+01:00, or say in segments.toml how their dates are written",
    ),
    (r"unreadable is_", "Such files usually hold flags in words of their own: write true or false"),
    (
        r"unreadable ",
        "Such files usually hold decimal commas, thousands separators or currency signs beside plain numbers: write"
        " numbers like 1234.50, or say in segments.toml which sign is before their decimals",
    ),
    (r"negative ", "Such files usually hold turned signs: deliver these numbers without them"),
    (
        r"missing ",
        "Such files usually have the column empty, or under another name: docs/raw_contract.md has the names",
    ),
    (
        r"unknown or rejected order",
        "Such rows are usually of orders that are rejected themselves, or not in the export: look at orders first",
    ),
    (
        r"no exchange rate",
        "The reporting_currency is usually not set, or written otherwise than in the orders, or the rates begin after"
        " the first orders",
    ),
    (r"unknown ", "Such files usually hold the shop's own words: write those of docs/raw_contract.md"),
    (r"", "docs/raw_contract.md says what is allowed"),
]


@dataclass(frozen=True)
class Failure:
    """`sentence` says what is wrong and what to do, without a full stop; `more` are lines besides."""

    sentence: str
    more: tuple[str, ...] = ()


def log_file() -> Path:
    """Where dbt writes all that it has to say."""
    return Path(os.environ.get("DBT_LOG_PATH", "logs")).resolve() / "dbt.log"


def why_failed(result: dbtRunnerResult, manifest: Manifest | None, raw_dir: Path) -> Failure:
    """Why a command of dbt failed. result: dbt's; manifest: of the parsed project, or None where it could not be
    parsed."""
    runs = [run for run in runs_of(result) if run.status in ("error", "fail")]
    if not runs or manifest is None:
        message = str(result.exception or "dbt stopped without a word")
        return Failure((file_fault(message, raw_dir) or bare(message)).rstrip("."))
    failures = sorted((why_node_failed(run, manifest, raw_dir) for run in runs), key=lambda ranked: ranked[0])
    (_, first), *others = failures
    told = [f"Also: {failure.sentence}." for _, failure in others[:SHOWN]]
    if len(others) > SHOWN:
        told.append(f"... and {len(others) - SHOWN} more.")
    return Failure(first.sentence, (*first.more, *told))


def why_node_failed(run: Any, manifest: Manifest, raw_dir: Path) -> tuple[int, Failure]:
    """Why a model or test failed, after a rank: causes come before what follows of them."""
    node, message = run.node, str(run.message)
    if guard := GUARD.search(" ".join(message.split())):
        return why_rejected(guard, manifest)
    if fault := file_fault(message, raw_dir):
        return 0, Failure(fault.rstrip("."))
    if run.status == "fail":
        broken = broken_rules(node, manifest)
        written = getattr(node, "compiled_path", None)
        return 4, Failure(
            "; ".join(sentence for sentence, _ in broken)
            or f"the test {node.name} finds {counted(run.failures)} that should not be",
            (
                *(f"The rows: {query}" for _, query in broken),
                *([f"{node.name}: its query is in {shown(Path(written).resolve())}"] if written else []),
            ),
        )
    if node.resource_type == "test":
        raised = RAISED.search(bare(message))
        return 3, Failure(
            raised[1].rstrip(".") if raised else f"the test {node.name} cannot be run: {bare(message)}",
            (f"This is the test {node.name}.",),
        )
    return 1, Failure(f"{node.name} ({node.original_file_path}) cannot be built: {bare(message)}")


def broken_rules(node: Any, manifest: Manifest) -> list[tuple[str, str]]:
    """What a test of rules found: a sentence for each broken rule, and the query of its rows; none for another test, or
    where the warehouse is silent."""
    if not RULES & {macro.split(".")[-1] for macro in node.depends_on.macros}:
        return []
    try:
        found = rows_of(manifest, node.compiled_code)
    except DbtError:
        return []
    return [
        (
            f"{counted(int(rows))} of {table} {'breaks' if rows == 1 else 'break'} the rule '{rule}'",
            " ".join(query.split()),
        )
        for table, rule, rows, query in found
    ]


def counted(rows: int) -> str:
    return f"{rows:,} {'row' if rows == 1 else 'rows'}"


def why_rejected(guard: re.Match, manifest: Manifest) -> tuple[int, Failure]:
    """What the guard few_rows_rejected found, with the most frequent reasons and a raw value of each."""
    received, table, refused = guard.group(1, 2, 3)
    try:
        reasons = rejected(manifest)[table]
    except (DbtError, KeyError):
        return 2, Failure(bare(guard.group()).rstrip("."))
    sentence = (
        f"of the {int(received):,} rows of {table}, {int(refused):,} are rejected: {reasons[0]}. {advice(reasons[0])},"
        " or raise max_rejected_rows"
        " and max_rejected_share if you know what these rows are"
    )
    return (2 if reasons[0].reason == "unknown or rejected order" else 0), Failure(
        sentence, (f"Rejected rows of {table}:", *(f"  {reason}" for reason in reasons[:REASONS_SHOWN]))
    )


def advice(found: Rejected) -> str:
    """What usually stands behind the reason that rows are rejected for, and what to do."""
    return next(text for pattern, text in ADVICE if re.match(pattern, found.reason))


def bare(message: str) -> str:
    """dbt's message in one line, without the lines that only say where it was said."""
    lines = [line.strip() for line in message.splitlines()]
    return " ".join(line for line in lines if line and not FRAME.fullmatch(line)).rstrip(".")
