"""The one message of each customer for tomorrow, as one CSV file for the tool that sends them."""

from pathlib import Path

from ecommerce_segments.activate.files import Table, can_be_written, neutral, write
from ecommerce_segments.dbt_session import Session

FILE = "messages.csv"
TEXTS = ("customer_id", "email", "first_name", "segment", "marketing_goal", "next_products", "send_order")
# What is held back is in no file, and the consent is asked again, of the customer.
TO_SEND = """
    select
        next_messages.customer_id,
        customer_contacts.email,
        customer_contacts.first_name,
        next_messages.segment,
        next_messages.marketing_goal,
        next_messages.next_products,
        next_messages.send_order
    from {{ ref('next_messages') }} as next_messages
    inner join {{ ref('customers') }} as customers on next_messages.customer_id = customers.customer_id
    inner join {{ ref('customer_contacts') }} as customer_contacts
        on next_messages.customer_id = customer_contacts.customer_id
    where next_messages.held_back_by is null and customers.is_contactable_by_email
    order by next_messages.priority, next_messages.segment, next_messages.send_order
"""


def table(rows: list[dict]) -> Table:
    """The file of these messages, header first, but for emails that a spreadsheet would run as a formula."""
    return [list(TEXTS), *([neutral(None if row[name] is None else str(row[name])) for name in TEXTS]
                           for row in rows if can_be_written(row["email"]))]


def export_messages(session: Session, directory: str | None) -> str:
    """Export whom the messages of tomorrow go to, and say what was done.

    Raises DbtError where the marts cannot be read, and OSError.
    """
    rows = table(session.rows(TO_SEND))
    target = Path(directory or f"exports/messages_{session.as_of_date}")
    write(target, {FILE: rows}, set())
    return "\n".join([
        f"Next messages as of {session.as_of_date}: one for each customer, without those that are held back.",
        f"{target}/",
        f"  {FILE}  {len(rows) - 1:>9,} rows",
    ])  # fmt: skip
