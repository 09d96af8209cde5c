"""List the traits that a segment may ask, a line each: the columns of the mart `customers`, with their type and
meaning."""

import yaml

from ecommerce_segments import PROJECT

MARTS = PROJECT / "models" / "marts" / "_marts.yml"


def traits() -> list[dict]:
    """The documented columns of the mart: dicts with name, data_type and description."""
    marts = yaml.safe_load(MARTS.read_text())["models"]
    return next(mart["columns"] for mart in marts if mart["name"] == "customers")


def listed() -> str:
    """The traits, a line each."""
    width = max(len(trait["name"]) for trait in traits())
    return "\n".join(
        f"{trait['name']:<{width}} "
        f" {'text' if '{{' in trait['data_type'] else trait['data_type']:<14} {trait['description'].strip()}"
        for trait in traits()
    )
