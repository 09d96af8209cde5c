"""List the traits that a segment may ask, a line each: the columns of the mart `customers`, with their type and meaning.

Usage: python tools/traits.py
"""

from pathlib import Path

import yaml

MARTS = Path(__file__).parent.parent / "models" / "marts" / "_marts.yml"


def traits() -> list[dict]:
    """The documented columns of the mart: dicts with name, data_type and description."""
    marts = yaml.safe_load(MARTS.read_text())["models"]
    return next(mart["columns"] for mart in marts if mart["name"] == "customers")


def main() -> None:
    width = max(len(trait["name"]) for trait in traits())
    for trait in traits():
        data_type = "text" if "{{" in trait["data_type"] else trait["data_type"]
        print(f"{trait['name']:<{width}}  {data_type:<14} {trait['description'].strip()}")


if __name__ == "__main__":
    main()
