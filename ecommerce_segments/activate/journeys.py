"""The messages of journeys that are due, as one CSV file for the tool that sends them. docs/journeys.md says how to use
it."""

from datetime import date, timedelta
from pathlib import Path

from ecommerce_segments import CannotDo
from ecommerce_segments.activate.files import Table, can_be_written, neutral, write
from ecommerce_segments.activate.formats import Acknowledged
from ecommerce_segments.dbt_session import Session, as_is
from ecommerce_segments.publish.comments import quoted

FILE = "journeys.csv"
# What was due so many dates ago or longer is sent no more, however long no export was acknowledged.
MOST_DAYS = 14
TEXTS = ("event_id", "journey", "customer_id", "email", "first_name", "due_on", "occurred_on", "entered_because",
         "products", "cart_value")  # fmt: skip
# The consent is asked again, of the customer.
DUE = """
    select
        journey_events.event_id,
        journey_events.journey,
        journey_events.customer_id,
        customer_contacts.email,
        customer_contacts.first_name,
        journey_events.due_on,
        journey_events.occurred_on,
        journey_events.entered_because,
        journey_events.products,
        journey_events.cart_value
    from {{{{ ref('journey_events') }}}} as journey_events
    inner join {{{{ ref('customers') }}}} as customers on journey_events.customer_id = customers.customer_id
    inner join {{{{ ref('customer_contacts') }}}} as customer_contacts
        on journey_events.customer_id = customer_contacts.customer_id
    where
        journey_events.due_on > cast({after} as date)
        and journey_events.due_on <= cast({until} as date)
        and journey_events.held_back_by is null
        and customers.is_contactable_by_email
"""


def due_dates(as_of_date: str, acknowledged: str | None) -> tuple[date, date]:
    """Between which dates the messages of an export are due: after the first, up to the second, which is the date after
    the build's.

    as_of_date, acknowledged: of the build, and of the export that was acknowledged last (None: tomorrow alone).
    """
    today = date.fromisoformat(as_of_date)
    tomorrow = today + timedelta(days=1)
    taken_up_to = date.fromisoformat(acknowledged) + timedelta(days=1) if acknowledged else today
    return max(taken_up_to, tomorrow - timedelta(days=MOST_DAYS)), tomorrow


def due_messages(session: Session, after: date, until: date) -> list[dict]:
    """The messages of the last build that are due after a date and up to another, to whom mail may reach: a dict per
    event_id with TEXTS, by due date. Raises DbtError where the marts cannot be read."""
    rows = session.rows(DUE.format(after=as_is(quoted(str(after))), until=as_is(quoted(str(until)))))
    return sorted(rows, key=lambda row: (row["due_on"], row["event_id"]))


def table(rows: list[dict]) -> Table:
    """The file of these messages, header first, but for emails that a spreadsheet would run as a formula."""
    return [list(TEXTS), *([neutral(None if row[name] is None else str(row[name])) for name in TEXTS]
                           for row in rows if can_be_written(row["email"]))]


def export_journeys(session: Session, acknowledged: Acknowledged, directory: str | None) -> str:
    """Export what is due since the export that was acknowledged last, and say what was done.

    Raises DbtError where the marts cannot be read, and OSError.
    """
    after, until = due_dates(session.as_of_date, acknowledged.dates().get("journeys", {}).get("acknowledged"))
    rows = table(due_messages(session, after, until))
    target = Path(directory or f"exports/journeys_{session.as_of_date}")
    write(target, {FILE: rows}, set())
    acknowledged.note("journeys", exported=session.as_of_date)
    return "\n".join([
        f"Journeys as of {session.as_of_date}: what is due after {after}, up to {until}.",
        f"{target}/",
        f"  {FILE}  {len(rows) - 1:>9,} rows",
        "Once it is imported: segments export --journeys --ack",
    ])  # fmt: skip


def acknowledge_journeys(acknowledged: Acknowledged) -> str:
    """Take the last export of journeys for imported, and say so. Raises CannotDo where there is none."""
    exported = acknowledged.dates().get("journeys", {}).get("exported")
    if exported is None:
        raise CannotDo("Journeys were never exported: there is nothing to acknowledge.")
    acknowledged.note("journeys", acknowledged=exported)
    return f"The export of journeys as of {exported} is acknowledged: the next one begins after it."
