"""List the traits that a segment may ask, a line each: the columns of the mart `customers`, with type, origin, meaning.
"""

import re
from functools import cache

import yaml

from ecommerce_segments import PROJECT
from ecommerce_segments.define.trait_register import registered_columns

MARTS = PROJECT / "models" / "marts" / "_marts.yml"
DOCS = PROJECT / "models" / "marts" / "_docs.md"


def traits(settings: dict) -> list[dict]:
    """The columns of the mart, as a shop with these settings has them: dicts with name, type, source and description.
    """
    return [
        {
            "name": column["name"],
            "type": "text" if "{{" in column["data_type"] else column["data_type"],
            "source": "int_customer_traits",
            "description": filled_in(column["description"]),
        }
        for column in mart_columns("customers")
    ] + registered_columns(settings)


def mart_columns(mart: str) -> list[dict]:
    """The columns of a mart as dbt's YAML has them: dicts with name, data_type and description."""
    return next(one["columns"] for one in yaml.safe_load(MARTS.read_text())["models"] if one["name"] == mart)


def filled_in(description: str) -> str:
    """A description of dbt's YAML, with the text of _docs.md in place of its name."""
    return re.sub(r"{{ doc\('(\w+)'\) }}", lambda found: said_once()[str(found[1])], description)


@cache
def said_once() -> dict[str, str]:
    """The texts of _docs.md, by name."""
    return dict(re.findall(r"{% docs (\w+) %}\n(.*?)\n{% enddocs %}", DOCS.read_text(), re.DOTALL))


def listed(settings: dict) -> str:
    """The traits, a line each."""
    found = traits(settings)
    name, kind, source = (max(len(trait[field]) for trait in found) for field in ("name", "type", "source"))
    return "\n".join(
        f"{trait['name']:<{name}}  {trait['type']:<{kind}}  {trait['source']:<{source}}  {trait['description'].strip()}"
        for trait in found
    )
