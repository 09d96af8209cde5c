"""The products of the demo, and who chooses which."""

from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from demo.calendar import DAY
from demo.columns import ids, money, names_of, utc
from demo.drawing import chance, dice

# category: price of its cheapest and its dearest product, in EUR
CATEGORIES = {
    "Accessories": (6, 60), "Bags": (19, 150), "Bedding": (15, 110), "Decoration": (6, 80), "Dresses": (22, 140),
    "Kitchen": (5, 90), "Lighting": (15, 180), "Outerwear": (35, 240), "Shoes": (25, 150), "Tops": (9, 65),
}
PER_CATEGORY = 60  # products, from the cheapest to the dearest
GIFT_CARD, GIFT_CARD_PRICE = len(CATEGORIES) * PER_CATEGORY, 5_000  # after all others

# Categories that the same people like, and categories that nobody buys who likes the other one.
PARTNERS = (("Bedding", "Decoration"), ("Dresses", "Shoes"))
RIVALS = (("Kitchen", "Outerwear"), ("Lighting", "Tops"))

# Products that bring another one into the same order, and in how many percent of their orders
COMPANIONS = (
    (("Bags", 28), ("Accessories", 34), 60), (("Lighting", 30), ("Decoration", 26), 60),
    (("Kitchen", 32), ("Bedding", 30), 60), (("Dresses", 29), ("Shoes", 31), 60),
)
STAPLE_RANKS = (9, 15, 20, 40)  # products of each category that some buy again and again

# Products that people come for: percent of the buyers who begin with it, and percent of these who leave after it
OPENERS = ((("Kitchen", 25), 4, 20), (("Shoes", 22), 4, 20), (("Accessories", 12), 4, 94))


def counterparts(pairs):
    """For each category the other one of its pair, -1 if it has none."""
    names, found = list(CATEGORIES), np.full(len(CATEGORIES), -1)
    for one, other in pairs:
        found[[names.index(one), names.index(other)]] = names.index(other), names.index(one)
    return found


PARTNER_OF, RIVAL_OF = counterparts(PARTNERS), counterparts(RIVALS)


def product_number(category, rank):
    """The product called `category no. rank`."""
    return list(CATEGORIES).index(category) * PER_CATEGORY + rank - 1


def make_products():
    """The products of each category, from the cheapest to the dearest; prices in euro cents."""
    rng = dice("products")
    low, high = np.repeat(np.array(list(CATEGORIES.values())), PER_CATEGORY, axis=0).T
    rank = np.tile(np.arange(PER_CATEGORY), len(CATEGORIES))
    price = (low + (high - low) * rank**2 // (PER_CATEGORY - 1) ** 2) * 100 + 90  # euro cents
    cost = price * rng.integers(35, 60, size=len(price)) // 100
    cost[rng.permutation(len(cost))[:2]] *= -1
    updated_at = rng.integers(-90, 0, size=len(price) + 1) * DAY
    has_cost = chance(rng, 99, len(price))
    return SimpleNamespace(
        price=np.append(price, GIFT_CARD_PRICE), cost=np.append(cost, 0), has_cost=np.append(has_cost, False),
        updated_at=updated_at,
    )


def choose_products(rng, people, person):
    """A product for each person named: near the usual price level, and mostly of a favourite category but for the
    curious."""
    draw = rng.integers(100, size=len(person))
    first, second = np.where(people.is_curious[person], ((20,), (35,)), ((55,), (80,)))
    anything = rng.integers(len(CATEGORIES), size=len(person))
    favourite, other = people.favourites[person].T
    category = np.where(draw < first, favourite, np.where(draw < second, other, anything))
    category = np.where(RIVAL_OF[category] == favourite, favourite, category)
    rank = np.clip(people.price_rank[person] + rng.integers(-12, 13, size=len(person)), 0, PER_CATEGORY - 1)
    return category * PER_CATEGORY + rank


def products_table(products):
    """One row per product."""
    number = np.arange(len(products.price))
    category = names_of(number // PER_CATEGORY, [*CATEGORIES, "Gift cards"])
    rank = pa.array(number % PER_CATEGORY + 1).cast(pa.string())
    return pa.table({
        "product_id": ids("P", number, 4),
        "product_name": pc.binary_join_element_wise(category, rank, " no. "),
        "category": category,
        "is_gift_card": pa.array(number == GIFT_CARD),
        "price": money(products.price),
        "unit_cost": money(products.cost, products.has_cost),
        "updated_at": utc(products.updated_at),
    })
