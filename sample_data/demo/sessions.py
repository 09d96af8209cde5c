"""The visits of the demo's site, and what happens in them."""

from types import SimpleNamespace

import numpy as np
import pyarrow as pa

from demo.calendar import DAY, DAYS, END, HOUR, time_of_day
from demo.catalogue import choose_products
from demo.columns import ids, names_of, utc
from demo.customers import account_at
from demo.drawing import chance, dice, repeat_counts, weighted
from demo.emails import CLICK
from demo.people import CHANNELS, PEOPLE, VISIT_HABITS

PERCENT_WITH_VISIT = 92  # of the orders; the others come by telephone
PERCENT_RECOVERED = 15  # of the orders: their cart was left behind some days before
PERCENT_OF_COUPON_SITES = 60  # of the visits that led to an order with a coupon: the last click is theirs
VISIT_WEIGHTS = (30, 25, 18, 14, 3, 3, 7)
DEVICES = ("mobile", "desktop", "tablet")
EVENT_TYPES = (
    "product_view", "recommendation_click", "wishlist_add", "add_to_cart", "remove_from_cart", "checkout_start"
)
VIEW, RECOMMENDATION, WISH, ADD, REMOVE, CHECKOUT = range(6)  # the contract does not know wishes, and ignores them
EVENT_SECONDS = ((5, 400), (5, 400), (5, 400), (401, 600), (601, 660), (661, 840))  # when in a session it happens
BY_ORDER, BY_INTEREST, BY_EMAIL, BY_STRANGER, BY_BOT, BY_CART = range(6)  # what brought a session about
# for each of these, weights of 0 to 4 product views
VIEW_WEIGHTS = (
    (0, 35, 35, 20, 10), (18, 30, 25, 17, 10), (10, 40, 30, 12, 8), (52, 29, 11, 5, 3), (0, 0, 0, 0, 1),
    (10, 40, 30, 12, 8),
)
STRANGER_VISITS, BOT_VISITS = 250_000, 9_000
CAMPAIGNS_OF_CHANNEL = {
    "paid_search": ("search-brand", "search-generic", "search-shopping"),
    "paid_social": ("social-feed", "social-video"),
}


def tracked_percent(day):
    """Percent of a day's visits that were tracked: few in the first year, nearly all in the last months."""
    return 4 + 93 * day**2 // DAYS**2


def interest_visits(rng, calendar, people):
    """Visits of people while they are interested, of which some were tracked."""
    habit = VISIT_HABITS[people.habit]
    start = np.maximum(people.join_day, people.gone_day - habit[:, 2].astype(int))
    person = repeat_counts(rng.poisson((people.gone_day - start) * habit[:, 1] / 30))
    tick = rng.integers(calendar.clock[start[person]], calendar.clock[people.gone_day[person]])
    day = np.searchsorted(calendar.clock, tick, side="right") - 1
    kept = chance(rng, tracked_percent(day), len(day))
    return person[kept], day[kept] * DAY + time_of_day(rng, kept.sum())


def make_sessions(calendar, people, accounts, orders, emails):
    """Visits that led to an order, came from interest or from an email, and those of strangers and bots."""
    rng = dice("sessions")
    percent = PERCENT_WITH_VISIT * tracked_percent(orders.ordered_at // DAY) / 100
    ordering = np.flatnonzero(chance(rng, percent, len(orders.person)))
    # Who looks for a coupon leaves the cart that another channel brought about, and comes back by a coupon site.
    by_coupon_site = orders.has_coupon[ordering] & chance(rng, PERCENT_OF_COUPON_SITES, len(ordering))
    is_returning = by_coupon_site | chance(rng, PERCENT_RECOVERED, len(ordering))
    returning, in_an_hour = ordering[is_returning], by_coupon_site[is_returning]
    cart_at = orders.ordered_at[returning] - np.where(
        in_an_hour, rng.integers(3000, 7200, size=len(returning)), rng.integers(3 * HOUR, 6 * DAY, size=len(returning))
    )
    returning, cart_at = returning[cart_at > 0], cart_at[cart_at > 0]
    clicks = np.flatnonzero((emails.kind == CLICK) & (emails.occurred_at < END))
    clicks = clicks[chance(rng, tracked_percent(emails.occurred_at[clicks] // DAY), len(clicks))]
    interested, interest_at = interest_visits(rng, calendar, people)
    sizes = (len(ordering), len(interested), len(clicks), STRANGER_VISITS, BOT_VISITS, len(returning))
    others = STRANGER_VISITS + BOT_VISITS
    other_days = weighted(rng, calendar.busy * tracked_percent(np.arange(DAYS)), others)
    sessions = SimpleNamespace(
        cause=np.repeat(np.arange(len(sizes)), sizes),
        order=np.concatenate([ordering, np.full(sum(sizes[1:]), -1)]),
        cart=np.concatenate([ordering, np.full(sum(sizes[1:-1]), -1), returning]),  # the order whose products it holds
        by_coupon_site=np.concatenate([by_coupon_site, np.zeros(sum(sizes[1:]), dtype=bool)]),
        email=np.concatenate([np.full(sum(sizes[:2]), -1), emails.campaign[clicks], np.full(sum(sizes[3:]), -1)]),
        person=np.concatenate([
            orders.person[ordering], interested, accounts.person[emails.account[clicks]], np.full(others, -1),
            orders.person[returning],
        ]),
        started_at=np.concatenate([
            orders.ordered_at[ordering] - rng.integers(900, 2700, size=len(ordering)),
            interest_at,
            emails.occurred_at[clicks] + 2,
            other_days * DAY + time_of_day(rng, others),
            cart_at,
        ]),
    )
    order = np.argsort(sessions.started_at, kind="stable")
    sessions = SimpleNamespace(**{name: column[order] for name, column in vars(sessions).items()})
    identify_visitors(rng, people, accounts, orders, sessions)
    return sessions


def identify_visitors(rng, people, accounts, orders, sessions):
    """Which device was used, and whether its user was logged in."""
    size = len(sessions.person)
    is_known = sessions.person >= 0
    sessions.device = np.where(is_known, rng.integers(people.devices[sessions.person]), weighted(rng, (6, 3, 1), size))
    owner = sessions.person.copy()
    shared = (owner % 90 == 1) & (sessions.device == 0)  # these use the telephone of the person before them in the list
    owner[shared] -= 1
    stranger = PEOPLE + rng.integers(STRANGER_VISITS // 2, size=size)
    sessions.visitor = np.where(is_known, owner, stranger) * 3 + sessions.device
    logged_in = account_at(people, accounts, sessions.person, sessions.started_at)
    logged_in = np.where(sessions.order >= 0, orders.account[sessions.order], logged_in)
    may_log_in = is_known & ((sessions.order >= 0) | chance(rng, 55, size))
    sessions.account = np.where(may_log_in, logged_in, -1)
    sessions.channel = np.where(sessions.cause == BY_EMAIL, CHANNELS.index("email"), weighted(rng, VISIT_WEIGHTS, size))
    sessions.channel[sessions.by_coupon_site] = CHANNELS.index("affiliate")
    sessions.channel[chance(rng, 1, size)] = -1


def make_web_events(people, orders, lines, sessions):
    """What happens in the sessions: all of it within 14 minutes, and before the order, if there is one."""
    rng = dice("web")
    size = len(sessions.cause)
    views = np.zeros(size, dtype=np.int64)
    for cause, weights in enumerate(VIEW_WEIGHTS):
        rows = sessions.cause == cause
        views[rows] = weighted(rng, weights, rows.sum())
    is_browsing = (sessions.cause == BY_INTEREST) | (sessions.cause == BY_EMAIL)
    clicks = chance(rng, np.where(sessions.cause == BY_BOT, 0, 6), size)
    carts = chance(rng, np.where(is_browsing, 11, np.where(sessions.cause == BY_STRANGER, 3.4, 0)), size)
    added = carts * (1 + weighted(rng, (7, 3), size))
    emptied = carts & chance(rng, 20, size)
    is_left = (carts | (sessions.cause == BY_CART)) & ~emptied
    checked_out = (sessions.cause == BY_ORDER) | (is_left & chance(rng, 35, size))
    carted = repeat_counts(added)
    cart_products = choose_products(rng, people, taste_of(rng, sessions.person[carted]))
    return join_events(rng, people, sessions, (
        (VIEW, repeat_counts(views), None),
        (RECOMMENDATION, np.flatnonzero(clicks), None),
        (WISH, np.flatnonzero(chance(rng, 1, size)), None),
        *((ADD, *cart_of_order(sessions, lines, cause)) for cause in (BY_ORDER, BY_CART)),
        (ADD, carted, cart_products),
        (REMOVE, carted[emptied[carted]], cart_products[emptied[carted]]),
        (CHECKOUT, np.flatnonzero(checked_out), -1),
    ))


def cart_of_order(sessions, lines, cause):
    """The sessions of a cause and the products of the order that each is about, one by one."""
    about = np.flatnonzero(sessions.cause == cause)
    session_of_order = np.full(lines.order[-1] + 1, -1)
    session_of_order[sessions.cart[about]] = about
    session = session_of_order[lines.order]
    bought = np.flatnonzero((session >= 0) & (lines.product >= 0))
    return session[bought], lines.product[bought]


def taste_of(rng, person):
    """Strangers have the taste of anybody."""
    return np.where(person >= 0, person, rng.integers(PEOPLE, size=len(person)))


def join_events(rng, people, sessions, blocks):
    """One list from blocks of (event type, sessions, products), in the order of time."""
    parts = []
    for event_type, rows, products in blocks:
        if products is None:
            products = choose_products(rng, people, taste_of(rng, sessions.person[rows]))
        second = sessions.started_at[rows] + rng.integers(*EVENT_SECONDS[event_type], size=len(rows))
        parts.append((rows, np.full(len(rows), event_type), np.broadcast_to(products, len(rows)), second))
    session, kind, product, second = map(np.concatenate, zip(*parts))
    order = np.lexsort((kind, session, second))
    return SimpleNamespace(session=session[order], kind=kind[order], product=product[order], occurred_at=second[order])


def campaigns_of(rng, sessions, emails):
    """The campaign of each visit as its link names it: that of the newsletter, or of the advertisement."""
    found = np.full(len(sessions.channel), None, dtype=object)
    for channel, names in CAMPAIGNS_OF_CHANNEL.items():
        rows = np.flatnonzero(sessions.channel == CHANNELS.index(channel))
        found[rows] = np.array(names, dtype=object)[rng.integers(len(names), size=len(rows))]
    mailed = np.flatnonzero((sessions.email >= 0) & (sessions.channel >= 0))
    found[mailed] = np.array(emails.names, dtype=object)[sessions.email[mailed]]
    return pa.array(found, type=pa.string())


def sessions_table(sessions, emails):
    """One row per session."""
    rng = dice("session heads")
    size = len(sessions.person)
    is_deleted = (sessions.account >= 0) & chance(rng, 0.1, size)  # the account is not known any more
    return pa.table({
        "session_id": ids("S", np.arange(size), 6),
        "visitor_id": ids("V", sessions.visitor, 6),
        "customer_id": ids("C", np.where(is_deleted, 91_000, sessions.account), 5),
        "started_at": utc(sessions.started_at),
        "channel": names_of(sessions.channel, CHANNELS),
        "campaign_id": campaigns_of(rng, sessions, emails),
        "device": names_of(sessions.device, DEVICES),
        "is_bot": pa.array(sessions.cause == BY_BOT),
    })


def web_events_table(events):
    """One row per event in a session."""
    return pa.table({
        "event_id": ids("W", np.arange(len(events.kind)), 7),
        "session_id": ids("S", events.session, 6),
        "event_type": names_of(events.kind, EVENT_TYPES),
        "product_id": ids("P", events.product, 4),
        "occurred_at": utc(events.occurred_at),
    })
