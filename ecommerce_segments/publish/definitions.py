"""What stands in segments.json, beside the published marts: the register of segments, and of each mart and column what
it means, its type, its unit, what null says, and whether it may hold contact data.

Nothing is said here for the first time. Segments come from the register and their files; descriptions from dbt's YAML,
by the comments of the warehouse; units and null rules are read out of the descriptions, and that a column is never null
out of its data test. It follows from the definitions alone: two builds with the same ones write the same file.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import jinja2
import yaml

from ecommerce_segments import PROJECT
from ecommerce_segments.define.register import entries

FILE = "segments.json"
# The parser that is written in C, if there is one: it takes a tenth of the time.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# The tag of marts with contact data in dbt_project.yml.
CONTACT_DATA = "contact_data"
NUMBER = re.compile(r"(?:TINY|SMALL|BIG|HUGE|U\w*)?INT(?:EGER)?|DECIMAL.*|DOUBLE|FLOAT|BOOLEAN")
# A second fence, for text and dates under a name that says what they are, in whichever mart.
OF_A_PERSON = re.compile(r"email|phone|sha256|(?:first|last|full|given)_?name|surname|postal|zip|street|address|birth")
SENTENCE = re.compile(r"(?<=\.)\s+(?=[A-Z0-9`])")
# What a description or a name says of a unit, the first that holds.
UNITS = {
    "reporting currency": r"reporting currency",
    "share, 0 to 1": r"\b0 to 1\b|^Share\b|_share$|_rate$",
    "score, 1 (worst) to 5 (best)": r"_score$",
    "days": r"^Days\b|_days$|^days_",
}


def definitions(tables: dict[str, tuple[str, list[tuple[str, str, str]]]], settings: dict) -> dict:
    """The content of segments.json.

    tables: of each published mart its description, and name, type on DuckDB and description of its columns; settings:
    the vars of the build, by name.
    """
    tagged, own = set(contact_marts()), own_columns(settings)
    never = never_null()
    return {
        "segments": [segment(entry, settings) for entry in entries(settings) if f"seg_{entry['name']}" in tables],
        "marts": {
            mart: {
                "description": description,
                "columns": [
                    {
                        "name": name,
                        "type": kind.lower(),
                        "unit": unit_of(name, kind, text),
                        "null": "Never." if name in never.get(mart, ()) else null_rule(text),
                        "description": text,
                        "contact_data": mart in tagged
                        or not NUMBER.fullmatch(kind) and (name in own or bool(OF_A_PERSON.search(name))),
                    }
                    for name, kind, text in columns
                ],
            }
            for mart, (description, columns) in sorted(tables.items())
        },
    }


def segment(entry: dict, settings: dict) -> dict:
    """An entry of the register, with its mart and the SQL of its file, as the settings fill it in; without SQL where
    the file asks for more than ref and var."""
    file = PROJECT / "models" / "marts" / "segments" / f"seg_{entry['name']}.sql"
    try:
        sql = jinja2.Template(file.read_text()).render(ref=lambda model: model, var=settings.__getitem__)
    except jinja2.TemplateError:
        return {"mart": file.stem} | entry | {"sql": None}
    lines = [line for line in sql.splitlines() if not line.strip().startswith("--")]
    return {"mart": file.stem} | entry | {"sql": "\n".join(lines).strip()}


def unit_of(name: str, kind: str, description: str) -> str | None:
    """The unit of a column, as its type, description or name says it; None for texts, and where nothing does."""
    if kind == "BOOLEAN":
        return "true or false"
    if kind == "DATE":
        return "date"
    if kind.startswith("TIMESTAMP"):
        return "time, UTC"
    if not NUMBER.fullmatch(kind):
        return None
    said = (unit for unit, words in UNITS.items() for text in (description, name) if re.search(words, text))
    if unit := next(said, None):
        return unit
    # A count says first what it counts: "Purchases of all time."
    counted = re.match(r"[A-Z]\w+s\b", description) if "INT" in kind else None
    return counted[0].lower() if counted else None


def null_rule(description: str) -> str | None:
    """The sentences of a description that say what null means, or None where it says nothing of it."""
    said = [sentence for sentence in SENTENCE.split(description) if re.search(r"(?i)\bnull\b", sentence)]
    return " ".join(said) or None


def never_null() -> dict[str, set[str]]:
    """Of each table the columns that a data test keeps from being null: its own, in dbt's YAML, or its folder's."""
    said: dict[str, dict] = {}
    for file in (PROJECT / "tests" / "data_tests").glob("*_rules.sql"):
        jinja2.Template(file.read_text()).render(
            broken_rules=said.update, config=dict, var=str, as_of_date=str, months_between=lambda *dates: ""
        )
    for file in (PROJECT / "models" / "marts").rglob("*.yml"):
        for model in yaml.load(file.read_text(), LOADER).get("models") or []:
            for test in model.get("data_tests", []):
                said[model["name"]] = test["keeps_rules"]["arguments"]
    return {mart: set(rules.get("not_null", [])) for mart, rules in said.items()}


def contact_marts() -> Iterator[str]:
    """The marts with the tag contact_data in dbt_project.yml."""
    def tagged(tree: dict) -> Iterator[str]:
        for name, content in tree.items():
            if isinstance(content, dict):
                if CONTACT_DATA in content.get("+tags", []):
                    yield name
                yield from tagged(content)

    return tagged(yaml.load((PROJECT / "dbt_project.yml").read_text(), LOADER)["models"])


def own_columns(settings: dict) -> set[str]:
    """The columns that registers of traits add: what a shop puts into texts and dates of these is not known here."""
    return {
        column["name"]
        for register in ("traits", "own_traits")
        for trait in settings[register] or []
        for column in trait.get("columns") or []
    } | {trait["name"] for trait in settings["custom_traits"] or []}


def definitions_of(version: Path) -> dict:
    """What stands in the segments.json of a version; of one that was published before there was such a file, nothing.
    """
    file = version / FILE
    return json.loads(file.read_text()) if file.exists() else {"segments": [], "marts": {}}


def as_text(content: dict) -> str:
    """The content as the text of the file."""
    return json.dumps(content, indent=1, ensure_ascii=False, default=str) + "\n"
