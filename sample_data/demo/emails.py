"""The newsletters of the demo: who agreed to them, and what became of each."""

from types import SimpleNamespace

import numpy as np
import pyarrow as pa

from demo.calendar import DAY, DAYS, END, HOUR, NEVER
from demo.columns import ids, names_of, nullable, utc
from demo.drawing import chance, dice, weighted

CONSENTS = ("subscribed", "unsubscribed", "never", "perhaps")  # the last is no answer that the contract knows
CONSENT_WEIGHTS = (620, 60, 319, 1)
EMAIL_TYPES = ("sent", "delivered", "open", "click", "unsubscribe", "bounce", "complaint")
SENT, DELIVERED, OPEN, CLICK, UNSUBSCRIBE, BOUNCE, COMPLAINT = range(7)
FIRST_THURSDAY = 5  # days after FIRST_DAY
PERCENT_MAILED = 45  # of the subscribers, by a usual campaign


def make_consent(people, accounts):
    """What each account answered, and when. A second account has never been asked."""
    rng = dice("consent")
    size = len(accounts.person)
    delay = np.where(chance(rng, 78, size), 0, rng.integers(DAY, 250 * DAY, size=size))
    accounts.consent = weighted(rng, CONSENT_WEIGHTS, size)
    accounts.consent_at = accounts.created_at + delay
    accounts.consent[accounts.is_second | (accounts.consent_at >= END)] = CONSENTS.index("never")


def make_email_events(calendar, people, accounts, campaigns):
    """A newsletter every Thursday, and the mails of campaigns. Whoever unsubscribes, complains or cannot be reached
    gets no more of them.

    campaigns: of each its name, its day, and whether an account gets it.
    """
    rng = dice("email")
    stopped_at = np.full(len(accounts.person), NEVER)
    subscribed_at = np.where(accounts.consent == 0, accounts.consent_at, NEVER)
    gone_at = people.gone_day[accounts.person] * DAY
    blocks = []
    newsletters = [(f"newsletter-{calendar.dates[day]}", day, None) for day in range(FIRST_THURSDAY, DAYS, 7)]
    mailings = sorted([*newsletters, *campaigns], key=lambda mailing: mailing[1])
    for campaign, (_, day, is_chosen) in enumerate(mailings):
        sent_at = day * DAY + 10 * HOUR
        if is_chosen is None:
            percent = 90 if calendar.is_opening_week[day] else PERCENT_MAILED
            is_chosen = chance(rng, percent, len(stopped_at))
        mailed = np.flatnonzero(is_chosen & (subscribed_at < sent_at) & (stopped_at > sent_at))
        luck = rng.random((len(mailed), 5)) * 100
        click_percent = np.where(people.likes_email[accounts.person[mailed]], 20, 1)
        click_percent = np.where(gone_at[mailed] > sent_at, click_percent, click_percent * 0.35)
        is_bounced = luck[:, 0] < 0.15
        is_clicked = ~is_bounced & (luck[:, 1] < click_percent)
        happened = {
            SENT: mailed, BOUNCE: mailed[is_bounced], DELIVERED: mailed[~is_bounced], CLICK: mailed[is_clicked],
            OPEN: mailed[is_clicked | (~is_bounced & (luck[:, 2] < 28))],
            UNSUBSCRIBE: mailed[~is_bounced & (luck[:, 3] < 0.25)],
            COMPLAINT: mailed[~is_bounced & (luck[:, 4] < 0.02)],
        }
        for kind, account in happened.items():
            second = sent_at + email_delay(rng, kind, len(account))
            blocks.append((account, np.full_like(account, campaign), np.full_like(account, kind), second))
            if kind in (UNSUBSCRIBE, BOUNCE, COMPLAINT):
                stopped_at[account] = second
            if kind == UNSUBSCRIBE:
                noted = account[chance(rng, 85, len(account))]  # the others are known from the event alone
                accounts.consent[noted], accounts.consent_at[noted] = 1, stopped_at[noted]
    account, campaign, kind, second = np.concatenate(blocks, axis=1)
    order = np.lexsort((kind, account, second))
    return SimpleNamespace(
        account=account[order], campaign=campaign[order], kind=kind[order], occurred_at=second[order],
        names=[name for name, *_ in mailings],
    )


def email_delay(rng, kind, size):
    """Seconds after the sending: none, under a minute for what machines do, hours for what people do."""
    if kind == SENT:
        return np.zeros(size, dtype=np.int64)
    if kind in (DELIVERED, BOUNCE):
        return rng.integers(5, 60, size=size)
    return rng.integers(2, 60, size=size) ** 2 * 20


def email_events_table(people, accounts, events):
    """One row per event of an email."""
    rng = dice("email heads")
    size = len(events.kind)
    known_by = weighted(rng, (90, 6, 4), size)  # both, customer id only, email only
    emails = pa.array(people.email, type=pa.string())
    return pa.table({
        "event_id": ids("E", np.arange(size), 7),
        "customer_id": ids("C", np.where(known_by == 2, -1, events.account), 5),
        "email": emails.take(nullable(np.where(known_by == 1, -1, accounts.person[events.account]))),
        "campaign_id": names_of(events.campaign, events.names),
        "event_type": names_of(events.kind, EMAIL_TYPES),
        "occurred_at": utc(events.occurred_at),
    })
