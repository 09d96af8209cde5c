"""The log of audiences, as docs/definitions.md has it, in plain Python and told from whole states. Never from our SQL.

    changes(before, today)      # what a run of today writes
"""

from dataclasses import dataclass, field


@dataclass
class State:
    """A shop on a date.

    audiences: segment -> contactable members. emails: customer -> compared email, of all customers (None: none that is
    valid). subscribed, complained and bounced: customers. ids: id -> the customer that it leads to.
    """

    audiences: dict[str, set[str]]
    emails: dict[str, str | None]
    subscribed: set[str]
    complained: set[str] = field(default_factory=set)
    bounced: set[str] = field(default_factory=set)
    ids: dict[str, str] = field(default_factory=dict)

    def addresses(self) -> set[tuple[str, str, str]]:
        """Return (segment, customer, email) of all members: what a whole export holds."""
        return {(segment, customer, self.emails[customer]) for segment, members in self.audiences.items()
                for customer in members}


def changes(before: State | None, today: State) -> set[tuple]:
    """Return (segment, customer, email, added or removed, reason) of the date; all members are added on the first."""
    former, current = before.addresses() if before else set(), today.addresses()
    return {(*address, "added", None) for address in current - former} | {
        (*address, "removed", reason(address, today)) for address in former - current
    }


def reason(address: tuple[str, str, str], today: State) -> str:
    """Return why an address left."""
    _, customer, email = address
    if customer not in today.emails:
        return "merged" if today.ids.get(customer, customer) != customer else "left"
    if customer not in today.subscribed or customer in today.complained:
        return "unsubscribed"
    if customer in today.bounced:
        return "bounced"
    return "address changed" if today.emails[customer] != email else "left"
