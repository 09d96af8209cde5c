"""Write the documentation that follows from the register: docs/segments.md, and dbt's page of all models and columns.

Segments and traits have no YAML of their own. Their description comes from their register. The columns of a segment
take type and description from `customers`, or from the mart with several rows per customer that it filters; those of
traits are in `customers` too.
"""

import re
from pathlib import Path
from typing import cast

import sqlglot
from dbt.artifacts.resources import ColumnInfo
from dbt.contracts.graph.manifest import Manifest
from sqlglot import exp

from ecommerce_segments.dbt_session import Session
from ecommerce_segments.define.register import file_of, registered
from ecommerce_segments.define.trait_register import registered_columns
from ecommerce_segments.settings import defaults

PAGE = Path("docs/segments.md")
MARK = "<!-- From here on written by `segments docs`, from the register and the segments' files. -->"


def describe_segments(manifest: Manifest, compiled: dict[str, str]) -> None:
    """Give each segment's node in the manifest its description and columns. compiled: model name -> rendered SQL."""
    models = {node.name: node for node in manifest.nodes.values() if node.resource_type == "model"}
    columns = models["customer_categories"].columns | models["customers"].columns
    for entry in registered():
        node = models[f"seg_{entry['name']}"]
        node.description = description(entry)
        shown = cast(
            exp.Query, sqlglot.parse_one(compiled[node.name], read=manifest.metadata.adapter_type)
        ).named_selects
        node.columns = {name: columns[name] for name in shown if name in columns}


def describe_traits(manifest: Manifest, settings: dict) -> None:
    """Give customers, and each trait's node, the columns that the registers add. They have no YAML either."""
    models = {node.name: node for node in manifest.nodes.values() if node.resource_type == "model"}
    for column in registered_columns(settings):
        told = ColumnInfo(name=column["name"], description=column["description"], data_type=column["type"])
        models["customers"].columns[told.name] = told
        if node := models.get(column["source"]):
            node.columns[told.name] = told
            node.description = "One row per customer who has the trait. " + " ".join(
                one.description for one in node.columns.values()
            )


def description(entry: dict) -> str:
    """A segment's description for dbt's page, in Markdown; it opens with the grain."""
    grain = "customer" + (f" and {entry['row_per']}" if entry.get("row_per") else "")
    told = {"Goal": "goal", "Example": "example", "Watch out": "watch_out", "Source": "source"}
    return f"One row per {grain} in the segment. {entry['definition']}" + "".join(
        f"\n\n**{title}.** {entry[field]}" for title, field in told.items() if entry.get(field))


def page(entries: list[dict] | None = None) -> str:
    """docs/segments.md: what stands there above the mark, and per segment its definition, formula, goal and advice.
    entries: of the register, else all."""
    parts = [PAGE.read_text().partition(MARK)[0] + MARK + "\n"]
    group = None
    for number, entry in enumerate(registered() if entries is None else entries, 1):
        if entry.get("group") != group:
            group = entry.get("group")
            parts.append(f"## {group or 'Our own'}\n")
        parts.append(section(number, entry))
    return "\n".join(parts)


def section(number: int, entry: dict) -> str:
    """The section of a segment on the page, in Markdown."""
    lines = [f"### {number}. {entry['title']}", "", f"`seg_{entry['name']}`: {entry['definition']}", "", "```sql",
             *filter_of(entry["name"]), "```", "", f"**What to do.** {entry['goal']}"]
    for title, field in {"Example": "example", "Watch out": "watch_out", "Source": "source"}.items():
        if entry.get(field):
            lines += ["", f"**{title}.** {entry[field]}"]
    return "\n".join(lines) + "\n"


def filter_of(name: str) -> list[str]:
    """The lines of a segment's file from `from` on, with bare table names and without comments."""
    lines = [line for line in file_of(name).read_text().splitlines() if not line.strip().startswith("--")]
    start = next(place for place, line in enumerate(lines) if line.startswith("from "))
    return [re.sub(r"\{\{ ref\('(\w+)'\) \}\}", r"\1", line) for line in lines[start:]]


def write_page() -> None:
    """Write docs/segments.md anew."""
    PAGE.write_text(page())


def write_site(session: Session) -> None:
    """Write dbt's page of all models and columns, target/static_index.html. Raises DbtError."""
    describe_traits(session.manifest, defaults() | session.variables)
    describe_segments(session.manifest, session.compiled("path:models/marts/segments"))
    session.invoke("docs", "generate", "--static")
