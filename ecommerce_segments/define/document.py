"""Write the documentation that follows from the registers: docs/segments.md, dbt's YAML of the segments, and dbt's page
of all models and columns.

A segment's description comes from its entry. Its columns are described as in `customers`, or as in the mart with
several rows per customer that it filters. Traits have no YAML: their columns are described by their register.
"""

import re
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from ecommerce_segments.define.register import YAML, file_of, registered
from ecommerce_segments.define.trait_register import registered_columns
from ecommerce_segments.explore.traits import filled_in, mart_columns, traits
from ecommerce_segments.settings import defaults

# Loading dbt takes seconds: pages and YAML are written without it.
if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest

    from ecommerce_segments.dbt_session import Session

PAGE = Path("docs/segments.md")
YAML_HEAD = "# Written by `segments docs`, from the register and the segments' files.\n"
MARK = "<!-- From here on written by `segments docs`, from the register and the segments' files. -->"


def segments_yaml(entries: list[dict] | None = None) -> str:
    """dbt's YAML of the segments: for dbt's page, and whatever else reads dbt's manifest. entries: of the register,
    else all."""
    described = {column["name"]: filled_in(column["description"]) for column in mart_columns("customer_categories")}
    described |= {column["name"]: column["description"] for column in traits(defaults())}
    models = [
        {
            "name": f"seg_{entry['name']}",
            "description": description(entry),
            "columns": [
                {"name": name, "description": described[name].strip()}
                for name in columns_of(entry["name"])
                if name in described
            ],
        }
        for entry in (registered() if entries is None else entries)
        if file_of(entry["name"]).exists()
    ]
    return YAML_HEAD + yaml.safe_dump({"models": models}, sort_keys=False, allow_unicode=True, width=140)


def columns_of(name: str) -> list[str]:
    """The columns that a segment's file shows."""
    shown = re.search(r"(?ms)^select\n(.*?)^from ", file_of(name).read_text())
    return re.findall(r"(?m)^    (\w+)", shown[1] if shown else "")


def describe_traits(manifest: "Manifest", settings: dict) -> None:
    """Give customers, and each trait's node, the columns that the registers add. They have no YAML either."""
    from dbt.artifacts.resources import ColumnInfo

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
    return f"One row per {grain} in the segment. {entry['definition'] or ''}" + "".join(
        f"\n\n**{title}.** {entry[field]}" for title, field in told.items() if entry.get(field)
    )


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
    lines = [
        f"### {number}. {entry['title']}",
        "",
        f"`seg_{entry['name']}`: {entry['definition']}",
        "",
        "```sql",
        *filter_of(entry["name"]),
        "```",
        "",
        f"**What to do.** {entry['goal']}",
    ]
    for title, field in {"Example": "example", "Watch out": "watch_out", "Source": "source"}.items():
        if entry.get(field):
            lines += ["", f"**{title}.** {entry[field]}"]
    return "\n".join(lines) + "\n"


def filter_of(name: str) -> list[str]:
    """The lines of a segment's file from `from` on, with bare table names and without comments."""
    lines = [line for line in file_of(name).read_text().splitlines() if not line.strip().startswith("--")]
    start = next(place for place, line in enumerate(lines) if line.startswith("from "))
    return [re.sub(r"\{\{ ref\('(\w+)'\) \}\}", r"\1", line) for line in lines[start:]]


def write_pages() -> None:
    """Write docs/segments.md and the segments' YAML anew."""
    PAGE.write_text(page())
    write_segments_yaml()


def write_segments_yaml() -> None:
    """Write the segments' YAML anew."""
    YAML.write_text(segments_yaml())


def write_site(session: "Session") -> None:
    """Write dbt's page of all models and columns, target/static_index.html. Raises DbtError."""
    describe_traits(session.manifest, defaults() | session.variables)
    session.invoke("docs", "generate", "--static")
