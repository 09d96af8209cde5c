"""Purchases of the random shops whose visits and clicks lie where attribution decides.

At their moment and beside it, at the first date of the window, at one moment, direct or not, of amounts that do not
divide.
"""

from datetime import datetime, timedelta

DIRECT = ["direct", "Direct", "(direct)", "(none)"]
OTHERS = ["search", "Search", "email", "social", "none", "unknown", "all", None]
AMOUNTS = ["0.01", "0.02", "0.03", "0.05", "0.07", "0.10", "10.00", "99.99", "100.00", "33.33", "98765.43"]
# Dates before the purchase: at the edges of the windows of the shops, and half-lives apart.
DAYS_BEFORE = [0, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 7, 9, 10, 14, 21, 28, 29, 30]


def play_journeys(maker) -> None:
    """Let customers come by several channels and buy; some as guests, some at the edges of months.

    maker: a ShopMaker.
    """
    for number in range(maker.rng.choice([6, 12, 24])):
        account = maker.make_account(f"traveller{number}@example.com")
        buyer = {"email": account["email"]} if maker.chance(0.2) else account
        day = maker.month_end(13) + maker.days_of(0, 1) if maker.chance(0.4) else maker.days_ago(0, 1, 29, 30, 200)
        for _ in range(maker.rng.choice([1, 1, 2])):
            ordered_at = maker.moment(day)
            maker.make_plain_order(buyer, ordered_at, maker.rng.choice(AMOUNTS))
            make_touches(maker, account, ordered_at)
            day -= maker.days_of(0, 1, 20)
    for session in maker.shop["sessions"]:
        session["campaign_id"] = maker.rng.choice(["s1", "spring", None])
        if maker.chance(0.2):
            session["channel"] = maker.rng.choice(DIRECT + OTHERS)
    for row in maker.shop["marketing_spend"]:
        if maker.chance(0.2):
            row["channel"] = maker.rng.choice(["none", "all", "direct", "radio"])


def make_touches(maker, account: dict, ordered_at: datetime) -> None:
    """Visit and click before an order, at its moment, or just too late; often several at one moment."""
    channels = maker.rng.choice([DIRECT, OTHERS, OTHERS, DIRECT + OTHERS])
    touched_at = ordered_at
    for _ in range(maker.rng.choice([0, 1, 2, 3, 3, 4, 5, 7])):
        if maker.chance(0.75):
            days = maker.days_of(*DAYS_BEFORE)
            shift = maker.rng.choice([timedelta(0), timedelta(0), timedelta(microseconds=1), timedelta(hours=-3)])
            touched_at = ordered_at - days + shift if maker.chance(0.7) else maker.moment((ordered_at - days).date())
        if maker.chance(0.3):
            maker.add(
                "email_events",
                event_id=maker.new_id(),
                customer_id=account["customer_id"],
                campaign_id=maker.rng.choice(["spring", "Spring", "last click", None]),
                event_type=maker.rng.choice(["click", "click", "click", "open"]),
                occurred_at=maker.spell(touched_at),
            )
        else:
            session = maker.add_session(maker.new_id(), account["customer_id"], touched_at)
            session["channel"] = maker.rng.choice(channels)
