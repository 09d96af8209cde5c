"""Enter a person into the seed forgotten_customers, by hashes alone.

The next run leaves them out of all marts, history included.
"""

import csv
import hashlib
from datetime import UTC, datetime

from ecommerce_segments import PROJECT
from ecommerce_segments.dbt_session import DbtError, Session, as_is
from ecommerce_segments.publish.comments import quoted
from ecommerce_segments.whole_files import write_whole

SEED = PROJECT / "seeds" / "forgotten_customers.csv"


def erase(session: Session, customer: str) -> str:
    """Enter the hashes of all accounts and emails of a customer. customer: the id of the customer, or of one of their
    accounts.

    Returns what was entered and what is left to do. Raises DbtError where the last build knows no such customer.
    """
    traces = [
        row["trace"]
        for row in session.rows(f"""
        with person as (
            select customer_id from {{{{ ref('int_known_ids') }}}} where account_id = {as_is(quoted(customer))}
        )
        select account_id as trace
        from {{{{ ref('int_known_ids') }}}} where customer_id in (select customer_id from person)
        union
        select normalized_email from {{{{ ref('int_accounts') }}}}
        where customer_id in (select customer_id from person) and not has_shared_email and normalized_email is not null
    """)
    ]
    # Ids that only the history knows, as their accounts are delivered no more.
    newest = traces
    while newest:
        known = ", ".join(as_is(quoted(trace)) for trace in newest)
        newest = [row["former_id"] for row in session.rows(f"""
            select distinct former_id from {{{{ ref('identity_changes') }}}}
            where customer_id in ({known}) and former_id not in (select account_id from {{{{ ref('int_known_ids') }}}})
        """) if row["former_id"] not in traces]
        traces += newest
    if not traces:
        raise DbtError(f"The last build knows no customer {customer}: nothing is changed.")
    # A guest's id holds the hash of the email already.
    hashes = {
        trace.removeprefix("guest:") if trace.startswith("guest:") else hashlib.sha256(trace.encode()).hexdigest()
        for trace in traces
    }
    enter(hashes)
    return (
        f"{customer} is entered into {SEED.relative_to(PROJECT)}, by {len(hashes)} hashes of ids and emails. The next"
        " run leaves them out of all"
        " marts, the history and the versions published before.\nTo do by hand: delete the person in the shop's own"
        " files, in exports and in backups."
    )


def enter(hashes: set[str]) -> None:
    """Add hashes to the seed, dated today. A hash that it holds already gets the new date."""
    with SEED.open(newline="") as file:
        known = {row["hashed_id"]: row["forgotten_on"] for row in csv.DictReader(file)}
    known |= dict.fromkeys(hashes, str(datetime.now(UTC).date()))
    write_whole(
        SEED,
        "".join(
            f"{hashed_id},{forgotten_on}\n"
            for hashed_id, forgotten_on in [("hashed_id", "forgotten_on"), *sorted(known.items())]
        ),
    )
