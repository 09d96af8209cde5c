"""The visits of the demo's site, and what happens in them."""

from types import SimpleNamespace

import numpy as np
import pyarrow as pa

from demo.calendar import DAY, DAYS, END, time_of_day
from demo.catalogue import choose_products
from demo.columns import ids, names_of, utc
from demo.customers import account_at
from demo.drawing import chance, dice, repeat_counts, weighted
from demo.emails import CLICK
from demo.people import CHANNELS, PEOPLE, VISIT_HABITS

PERCENT_WITH_VISIT = 92  # of the orders; the others come by telephone or from visits that were not tracked
VISIT_WEIGHTS = (30, 25, 18, 13, 3, 5, 6)
DEVICES = ("mobile", "desktop", "tablet")
EVENT_TYPES = (
    "product_view", "recommendation_click", "wishlist_add", "add_to_cart", "remove_from_cart", "checkout_start"
)
VIEW, RECOMMENDATION, WISH, ADD, REMOVE, CHECKOUT = range(6)  # the contract does not know wishes, and ignores them
EVENT_SECONDS = ((5, 400), (5, 400), (5, 400), (401, 600), (601, 660), (661, 840))  # when in a session it happens
BY_ORDER, BY_INTEREST, BY_EMAIL, BY_STRANGER, BY_BOT = range(5)  # what brought a session about
# for each of these, weights of 0 to 4 product views
VIEW_WEIGHTS = ((0, 35, 35, 20, 10), (18, 30, 25, 17, 10), (10, 40, 30, 12, 8), (38, 34, 16, 8, 4), (0, 0, 0, 0, 1))
STRANGER_VISITS, BOT_VISITS = 60_000, 9_000


def interest_visits(rng, calendar, people):
    """Visits of people while they are interested; the first year was tracked sparsely."""
    habit = VISIT_HABITS[people.habit]
    start = np.maximum(people.join_day, people.gone_day - habit[:, 2].astype(int))
    person = repeat_counts(rng.poisson((people.gone_day - start) * habit[:, 1] / 30))
    tick = rng.integers(calendar.clock[start[person]], calendar.clock[people.gone_day[person]])
    day = np.searchsorted(calendar.clock, tick, side="right") - 1
    kept = chance(rng, np.minimum(100, 15 + 90 * day // DAYS), len(day))
    return person[kept], day[kept] * DAY + time_of_day(rng, kept.sum())


def make_sessions(calendar, people, accounts, orders, emails):
    """Visits that led to an order, came from interest or from an email, and those of strangers and bots."""
    rng = dice("sessions")
    ordering = np.flatnonzero(chance(rng, PERCENT_WITH_VISIT, len(orders.person)))
    clicks = np.flatnonzero((emails.kind == CLICK) & (emails.occurred_at < END))
    interested, interest_at = interest_visits(rng, calendar, people)
    sizes = (len(ordering), len(interested), len(clicks), STRANGER_VISITS, BOT_VISITS)
    others = STRANGER_VISITS + BOT_VISITS
    sessions = SimpleNamespace(
        cause=np.repeat(np.arange(5), sizes),
        order=np.concatenate([ordering, np.full(sum(sizes[1:]), -1)]),
        person=np.concatenate([
            orders.person[ordering], interested, accounts.person[emails.account[clicks]], np.full(others, -1),
        ]),
        started_at=np.concatenate([
            orders.ordered_at[ordering] - rng.integers(900, 2700, size=len(ordering)),
            interest_at,
            emails.occurred_at[clicks] + 2,
            weighted(rng, calendar.busy * (15 + 90 * np.arange(DAYS) // DAYS), others) * DAY + time_of_day(rng, others),
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
    carts = chance(rng, np.where(is_browsing, 11, np.where(sessions.cause == BY_STRANGER, 3, 0)), size)
    added = carts * (1 + weighted(rng, (7, 3), size))
    emptied = carts & chance(rng, 20, size)
    checked_out = (sessions.cause == BY_ORDER) | (carts & ~emptied & chance(rng, 35, size))
    session_of_order = np.full(len(orders.person), -1)
    session_of_order[sessions.order[sessions.order >= 0]] = np.flatnonzero(sessions.order >= 0)
    bought = np.flatnonzero((session_of_order[lines.order] >= 0) & (lines.product >= 0))
    carted = repeat_counts(added)
    cart_products = choose_products(rng, people, taste_of(rng, sessions.person[carted]))
    return join_events(rng, people, sessions, (
        (VIEW, repeat_counts(views), None),
        (RECOMMENDATION, np.flatnonzero(clicks), None),
        (WISH, np.flatnonzero(chance(rng, 1, size)), None),
        (ADD, session_of_order[lines.order[bought]], lines.product[bought]),
        (ADD, carted, cart_products),
        (REMOVE, carted[emptied[carted]], cart_products[emptied[carted]]),
        (CHECKOUT, np.flatnonzero(checked_out), -1),
    ))


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


def sessions_table(sessions):
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
