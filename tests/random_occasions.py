"""Customers of the random shops whose visits, carts and orders come close upon each other.

There journeys begin, are over or are cancelled.
"""

from datetime import timedelta

TICK = timedelta(microseconds=1)


def play_occasions(maker) -> None:
    """Let customers visit, leave carts and order again and again within days.

    maker: a ShopMaker.
    """
    for number in range(maker.rng.choice([4, 8, 12])):
        wander(maker, maker.make_account(f"wanderer{number}@example.com"))
        buy_on(maker, maker.make_account(f"regular{number}@example.com"))


def wander(maker, account: dict) -> None:
    """Visit at short intervals: view, or leave a cart with one product or several.

    Order at the moment, or at the edge of the due date or of 30 days.
    """
    day = maker.days_ago(0, 1, 2, 3, 8, 45)
    for _ in range(maker.rng.choice([1, 2, 4, 8])):
        started_at = maker.moment(day)
        session = maker.add_session(account["customer_id"], account["customer_id"], started_at)
        kinds = maker.rng.choice([["product_view"]] * 4 + [["add_to_cart"], ["add_to_cart", "add_to_cart"],
                                                         ["add_to_cart", "remove_from_cart", "product_view"]])
        for kind in kinds:
            products = maker.rng.sample(maker.product_ids, min(2, len(maker.product_ids)))
            maker.add_web_event(session, kind, started_at + timedelta(minutes=maker.rng.choice([0, 1])), products)
        if maker.chance(0.2):
            shift = maker.days_of(0, 0, 1, 2, 7, 29, 30) + maker.rng.choice([-1, 0, 0, 1]) * TICK
            maker.make_plain_order(account, started_at + shift * maker.rng.choice([1, 1, -1]), "10.00",
                                   maker.rng.choice(["paid", "pending", "cancelled"]))
        day -= maker.days_of(0, 1, 1, 2, 3, 5, 6, 29, 30, 31)


def buy_on(maker, account: dict) -> None:
    """Subscribe and buy, at the same moment or about it, and fall silent and come back at the edges of the stages."""
    account.update(email_consent="subscribed")
    day = maker.days_ago(0, 1, 3, 20, 60, 72, 73, 89, 90, 91, 135, 136, 137, 300)
    moments = [maker.moment(day)]
    for _ in range(maker.rng.choice([0, 0, 1, 3, 5])):
        day -= maker.days_of(0, 1, 7, 14, 20, 21, 22, 30, 59, 60, 61, 75, 76, 90, 136)
        moments.append(maker.moment(day))
    for moment in moments + moments[:1] * maker.chance(0.2):
        maker.make_plain_order(account, moment, "10.00", maker.rng.choice(["paid", "paid", "paid", "pending"]))
    shift = maker.rng.choice([-1, 0, 0, 1]) * TICK + maker.days_of(0, 0, 1, 2)
    account["email_consent_at"] = maker.spell(maker.rng.choice(moments) - shift)
