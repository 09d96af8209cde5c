"""The register of segments in dbt_project.yml: check it against the files, add a segment, remove one."""

import re
from collections.abc import Callable
from pathlib import Path

import yaml

from ecommerce_segments import CannotDo
from ecommerce_segments.settings import did_you_mean

# From the project's directory, where the command stands.
PROJECT_FILE = Path("dbt_project.yml")
SEGMENTS = Path("models/marts/segments")
UNIT_TESTS = SEGMENTS / "_unit_tests.yml"
# Written by `segments docs` and after each removal, from the register and the segments' files.
YAML = SEGMENTS / "_segments.yml"

FILE = """\
-- Keep this file a bare filter: one table, no join, no macro but ref and var. The comments may go.
--
-- customer_id and as_of_date are needed. Then show the columns that the filter asks, so that readers see why someone is in.
-- All traits, with their meaning: segments traits. Is one missing? segments new --trait NAME
select
    customer_id,
    as_of_date,
    recency_days,
    purchase_count
from {{{{ ref('customers') }}}}
where
    -- The last 30 days, the as-of date among them.
    recency_days < 30
    and purchase_count >= 2
    -- Someone who is in another segment is left out so:
    -- and customer_id not in (select customer_id from {{{{ ref('seg_non_target') }}}})
"""  # noqa: E501
ENTRY = """\
    - name: {name}
      title: {title}
      # Who is in it, in one sentence with its exact boundaries. If that is hard to write, it is two segments.
      definition:
      # What marketing does with them.
      goal:
"""

def registered() -> list[dict]:
    """The entries of the register, in its order."""
    return entries(yaml.safe_load(PROJECT_FILE.read_text())["vars"])


def entries(variables: dict) -> list[dict]:
    return (variables["segments"] or []) + (variables["own_segments"] or [])


def priority_of(entry: dict, plan: str) -> int | None:
    """An entry's place among the messages of a plan, 1 first: a number is the same in every plan, and a plan that a map
    does not name takes its default. None: never chosen."""
    plans = entry.get("priority")
    return plans.get(plan, plans.get("default")) if isinstance(plans, dict) else plans


def file_of(name: str) -> Path:
    """The file of a segment, by the name that the register has for it."""
    return SEGMENTS / f"seg_{name}.sql"


def check() -> str | None:
    """What is wrong with the register, in a sentence, or None: dbt only says that a node was not found."""
    return fault("segment", registered(), file_of, ", title, definition and goal")


def add(name: str) -> str:
    """Write a segment's file and its register entry.

    Returns what to do next; raises CannotDo where something speaks against it.
    """
    names = [entry["name"] for entry in registered()]
    refuse_name("segment", name, names, file_of, example="weekend_shoppers")
    text = (
        PROJECT_FILE.read_text().rstrip("\n")
        + "\n"
        + ENTRY.format(name=name, title=name.replace("_", " ").capitalize())
    )
    if not says_only(text, [*names, name]):
        raise CannotDo(
            f"The register does not stand at the end of {PROJECT_FILE}, indented by 4: write the entry and"
            f" {file_of(name)} by hand."
        )
    PROJECT_FILE.write_text(text)
    file_of(name).write_text(FILE.format())
    return (f"1. Write its filter: {file_of(name)}\n"
          f"2. Fill in its definition and goal: the last entry of {PROJECT_FILE}\n"
          f"Try it at any time, without a build: segments preview {name}\nThen: segments run")


def remove(name: str) -> str:
    """Remove a segment's file, register entry and unit tests.

    Returns what follows; raises CannotDo where something speaks against it.
    """
    names = [entry["name"] for entry in registered()]
    if name not in names and not file_of(name).exists():
        raise CannotDo(f"There is no segment {name}{did_you_mean(name, names) or '.'}")
    refuse_asked("segment", name, rf"ref\(\s*['\"]seg_{name}['\"]", file_of, UNIT_TESTS)
    text = without_entry("segments", name)
    if not says_only(text, [other for other in names if other != name]):
        raise CannotDo(
            f"The entry of {name} in {PROJECT_FILE} is not written as the others are: remove it and {file_of(name)} by"
            " hand."
        )
    PROJECT_FILE.write_text(text)
    UNIT_TESTS.write_text(without_tests_of(f"seg_{name}", UNIT_TESTS.read_text()))
    file_of(name).unlink(missing_ok=True)
    return f"Removed. The next build takes the members of {name} out of all marts, and drops its table."


def fault(kind: str, entries: list[dict], file_of: Callable[[str], Path], needed: str) -> str | None:
    """What to do about the first entry of a register whose file is not there, or the first file without an entry, in a
    sentence, or None. needed: what an entry has besides its name, as the sentence goes on."""
    for entry in entries:
        if not file_of(entry["name"]).exists():
            return (
                f"{PROJECT_FILE} registers the {kind} {entry['name']}, but there is no {file_of(entry['name'])}: "
                f"write that file, or remove the entry from the var `{kind}s`."
            )
    known = {file_of(entry["name"]).name for entry in entries}
    for file in sorted(file_of("*").parent.rglob(file_of("*").name)):
        if file.name not in known:
            return (
                f"{file} is not registered: add an entry with name {file.stem.partition('_')[2]}{needed} to the var"
                f" `{kind}s` in {PROJECT_FILE}, or remove the file."
            )
    return None


def refuse_asked(kind: str, name: str, asked: str, file_of: Callable[[str], Path], unit_tests: Path) -> None:
    """Raise CannotDo where a file of the project asks for what is to be removed, its own file and unit tests aside.

    asked: a regular expression.
    """
    def text(path: Path) -> str:
        return without_tests_of(file_of(name).stem, path.read_text()) if path == unit_tests else path.read_text()

    users = [
        str(path)
        for folder in ("models", "analyses", "tests", "macros")
        for path in sorted(Path(folder).rglob("*.*"))
        if path.suffix in (".sql", ".yml", ".yaml") and path not in (file_of(name), YAML)
        if re.search(asked, text(path))
    ]
    if users:
        raise CannotDo(f"The {kind} {name} is asked by {', '.join(users)}: change or remove that first.")


def without_entry(register: str, name: str) -> str:
    """The text of the project file without an entry of a register, if it is written as the others are."""
    return re.sub(
        rf"(?m)^  {register}:\n(?:(?:    .*)?\n)*",
        lambda block: re.sub(rf"(?m)^    - name: {name}\n(?:\n*      .*\n)*", "", block[0]),
        PROJECT_FILE.read_text(),
    )


def refuse_name(kind: str, name: str, names: list[str], file_of: Callable[[str], Path], example: str) -> None:
    """Raise CannotDo where a segment or a trait cannot have this name. names: those of its register."""
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,50}", name) or yaml.safe_load(name) != name:
        raise CannotDo(
            f"'{name}' is no name for a {kind}: take lower-case letters, digits and underscores, such as {example}."
        )
    if file_of(name).exists() or name in names:
        raise CannotDo(f"The {kind} {name} is there already.")


def without_tests_of(model: str, tests: str) -> str:
    """The text of a file of unit tests without those of a model."""
    return re.sub(rf"(?m)^  - name: .*\n    model: {model}\n(?:(?:    .*)?\n)*", "", tests)


def says_only(text: str, names: list[str], register: str = "segments") -> bool:
    """Whether the text is the project file with these names in a register, and else as it is now."""
    def without_register(content: dict) -> dict:
        return content | {"vars": {key: value for key, value in content["vars"].items() if key != register}}

    try:
        content = yaml.safe_load(text)
        named = entries(content["vars"]) if register == "segments" else content["vars"][register] or []
        return (sorted(entry["name"] for entry in named) == sorted(names)
                and without_register(content) == without_register(yaml.safe_load(PROJECT_FILE.read_text())))
    except (yaml.YAMLError, KeyError, TypeError):
        return False
