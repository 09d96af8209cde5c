"""The registers of traits: `traits` and `own_traits`, with a file per trait, and `custom_traits`, which come as data.
"""

import re
from pathlib import Path

import yaml

from ecommerce_segments import CannotDo
from ecommerce_segments.define.register import (
    PROJECT_FILE,
    fault,
    refuse_asked,
    refuse_name,
    says_only,
    without_entry,
    without_tests_of,
)
from ecommerce_segments.settings import did_you_mean

# From the project's directory, where the command stands.
TRAITS = Path("models/traits")
UNIT_TESTS = TRAITS / "_unit_tests.yml"

FILE = """\
-- One row per customer who has the trait: customer_id, and the columns that its entry names. The comments may go.
--
-- Ask the models of models/intermediate: their dates go up to the as-of date, and their customers are those of customers.
-- The last 365 days: purchased_on > {{{{ days_ago(365) }}}}
{{# An average or a share, to 2 places, that all engines round alike: {{{{ quotient('sum(net_revenue)', 'count(*)', 2) }}}} #}}
select
    customer_id,
    count(*) as {name}
from {{{{ ref('int_purchases') }}}}
where customer_id is not null
group by customer_id
"""  # noqa: E501
ENTRY = """\
    - name: {name}
      columns:
        - name: {name}
          type: integer
          # What it says, in one sentence with its exact boundaries and its unit.
          description:
          # What customers without a row have. Leave it out where that is null.
          without: 0
"""
BLOCK = re.compile(r"(?m)^  traits:(?: \[\])?\n((?:    .*\n)*)")


def registered() -> list[dict]:
    """The entries of the register `traits`, in its order."""
    return yaml.safe_load(PROJECT_FILE.read_text())["vars"]["traits"] or []


def registered_columns(settings: dict) -> list[dict]:
    """The columns that traits add to customers: dicts with name, type, description and source, the model or raw table
    that they come from."""
    found = [
        (column, f"trait_{trait['name']}")
        for register in ("traits", "own_traits")
        for trait in settings[register] or []
        for column in trait.get("columns") or []
    ]
    found += [(trait, "custom_traits") for trait in settings["custom_traits"] or []]
    # What is not filled in yet is an empty text.
    return [
        {field: str(entry.get(field) or "") for field in ("name", "type", "description")} | {"source": source}
        for entry, source in found
    ]


def file_of(name: str) -> Path:
    return TRAITS / f"trait_{name}.sql"


def check() -> str | None:
    """What is wrong with the register, in a sentence, or None: dbt only says that a node was not found."""
    return fault("trait", registered(), file_of, " and its columns")


def add(name: str) -> str:
    """Write a trait's file and its register entry.

    Returns what to do next; raises CannotDo where something speaks against it.
    """
    names = [entry["name"] for entry in registered()]
    refuse_name("trait", name, names, file_of, example="products_bought_365d")
    text = BLOCK.sub(lambda found: f"  traits:\n{found[1]}{ENTRY.format(name=name)}", PROJECT_FILE.read_text(), count=1)
    if not says_only(text, [*names, name], "traits"):
        raise CannotDo(
            f"The var `traits` in {PROJECT_FILE} is not written as it ships: write the entry and {file_of(name)} by"
            " hand."
        )
    PROJECT_FILE.write_text(text)
    file_of(name).write_text(FILE.format(name=name))
    return (
        f"1. Write what it is: {file_of(name)}\n"
        f"2. Fill in the type and description of its columns: its entry in the var `traits` of {PROJECT_FILE}\n"
        f"Try it at any time, without a build: segments preview {name}\nThen: segments run"
    )


def remove(name: str) -> str:
    """Remove a trait's file, register entry and unit tests.

    Returns what follows; raises CannotDo where something speaks against it.
    """
    entries = {entry["name"]: entry for entry in registered()}
    if name not in entries and not file_of(name).exists():
        raise CannotDo(f"There is no trait {name}{did_you_mean(name, list(entries)) or '.'}")
    columns = [column["name"] for column in entries.get(name, {}).get("columns") or []]
    refuse_asked("trait", name, rf"\b({'|'.join([f'trait_{name}', *columns])})\b", file_of, UNIT_TESTS)
    text = without_entry("traits", name)
    if not says_only(text, [other for other in entries if other != name], "traits"):
        raise CannotDo(
            f"The entry of {name} in {PROJECT_FILE} is not written as the others are: remove it and {file_of(name)} by"
            " hand."
        )
    PROJECT_FILE.write_text(text)
    if UNIT_TESTS.exists():
        tests = without_tests_of(f"trait_{name}", UNIT_TESTS.read_text())
        # dbt reads no empty list.
        UNIT_TESTS.write_text(tests) if "\n  - name: " in tests else UNIT_TESTS.unlink()
    file_of(name).unlink(missing_ok=True)
    return f"Removed. The next build takes the columns of {name} out of customers."
