"""The products of the demo, and who chooses which."""

from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from demo.calendar import DAY
from demo.columns import ids, money, names_of, utc
from demo.drawing import chance, dice, weighted

# category: price of its cheapest and its dearest product, in EUR
CATEGORIES = {
    "Accessories": (6, 60), "Bags": (19, 150), "Bedding": (15, 110), "Decoration": (6, 80), "Dresses": (22, 140),
    "Kitchen": (5, 90), "Lighting": (15, 180), "Outerwear": (35, 240), "Shoes": (25, 150), "Tops": (9, 65),
}
PER_CATEGORY = 60  # products, from the cheapest to the dearest


def make_products():
    """The products of each category, from the cheapest to the dearest; prices in euro cents."""
    rng = dice("products")
    low, high = np.repeat(np.array(list(CATEGORIES.values())), PER_CATEGORY, axis=0).T
    rank = np.tile(np.arange(PER_CATEGORY), len(CATEGORIES))
    price = (low + (high - low) * rank**2 // (PER_CATEGORY - 1) ** 2) * 100 + 90  # euro cents
    cost = price * rng.integers(35, 60, size=len(price)) // 100
    cost[rng.permutation(len(cost))[:2]] *= -1
    updated_at = rng.integers(-90, 0, size=len(price)) * DAY
    return SimpleNamespace(price=price, cost=cost, has_cost=chance(rng, 99, len(price)), updated_at=updated_at)


def choose_products(rng, people, person):
    """A product for each person named: mostly of a favourite category, and near the usual price level."""
    kind = weighted(rng, (55, 25, 20), len(person))
    anything = rng.integers(len(CATEGORIES), size=len(person))
    category = np.choose(kind, [people.favourites[person, 0], people.favourites[person, 1], anything])
    rank = np.clip(people.price_rank[person] + rng.integers(-12, 13, size=len(person)), 0, PER_CATEGORY - 1)
    return category * PER_CATEGORY + rank


def products_table(products):
    """One row per product."""
    number = np.arange(len(products.price))
    category = names_of(number // PER_CATEGORY, list(CATEGORIES))
    rank = pa.array(number % PER_CATEGORY + 1).cast(pa.string())
    return pa.table({
        "product_id": ids("P", number, 4),
        "product_name": pc.binary_join_element_wise(category, rank, " no. "),
        "category": category,
        "price": money(products.price),
        "unit_cost": money(products.cost, products.has_cost),
        "updated_at": utc(products.updated_at),
    })
