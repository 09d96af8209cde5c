"""The templates of the page, one for each section and page.html around them, and the filters that they write values
with."""

from functools import partial
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from ecommerce_segments.dashboard.figures import Shop
from ecommerce_segments.dashboard.months import calendar_month
from ecommerce_segments.dashboard.wording import amount, change, number, people, percent, points, share_of, words

PARTS = Path(__file__).parent / "templates"

# Whatever a template takes from the data is escaped, unless it is Markup.
TEMPLATES = Environment(
    loader=FileSystemLoader(PARTS), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
TEMPLATES.filters |= {
    "number": number,
    "people": people,
    "change": change,
    "percent": percent,
    "words": words,
    "share_of": share_of,
    "month": calendar_month,
    "points": points,
    "amount": amount,
}


def term(shop: Shop, words: str, *names: str) -> str | Markup:
    """Words, with what the columns and marts mean that they stand on, for who points at them or taps them.

    names: such as segments.customers, or next_products for a mart. Words alone where nothing is known of any.
    """
    told = [f"{name.split('.')[-1]}: {shop.descriptions[name]}" for name in names if name in shop.descriptions]
    if not told:
        return words
    return Markup('<span class="term" tabindex="0" data-tip="{}">{}</span>').format("\n".join(told), words)


def render(template: str, shop: Shop, **values: object) -> Markup:
    """The HTML of a template, by its name, from a shop and the values that it asks for.

    Raises jinja2.UndefinedError where one is missing.
    """
    return Markup(
        TEMPLATES.get_template(f"{template}.html").render(
            shop=shop, figures=shop.figures, money=shop.money, term=partial(term, shop), **values
        )
    )
