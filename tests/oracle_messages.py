"""The next message of each customer, as docs/definitions.md has it, in plain Python. Never from our SQL.

    compute(oracle.compute(rows, as_of_date=date(2025, 3, 31)))["next_messages"]["c1"]
    compute(today, before=held_back(compute(yesterday)["next_messages"]))
"""

import hashlib
from datetime import timedelta
from pathlib import Path

import yaml

import oracle_contact
import oracle_products
from oracle import Result

SETTINGS = yaml.safe_load((Path(__file__).parent.parent / "dbt_project.yml").read_text())["vars"]


def compute(
    result: Result, max_emails: int = 3, holdout_percent: object = 0, before: set[str] = frozenset()
) -> dict[str, dict]:
    """Return mart -> customer -> columns: next_messages, and of customers emails_received_7d. No campaign is on.

    before: who was held back on the date that was built before.
    """
    received = {customer: emails_received(result, customer) for customer in result.customers}
    messages = next_messages(result, received, max_emails, holdout_percent)
    take_turns(messages, before, result.customer_accounts)
    return {"customers": {customer: {"emails_received_7d": count} for customer, count in received.items()},
            "next_messages": messages}


def held_back(messages: dict[str, dict]) -> set[str]:
    """Return the customers whose message is held back."""
    return {customer for customer, row in messages.items() if row["held_back_by"]}


def take_turns(messages: dict[str, dict], before: set[str], ids: dict[str, str]) -> None:
    """Say of messages who has waited, and in which order those of a segment go out.

    before: ids of that date. ids: id -> the customer that it leads to now.
    """
    have_waited, sent = {ids.get(identity) for identity in before}, {}
    for customer, row in messages.items():
        row |= {"has_waited": customer in have_waited, "send_order": None}
        if not row["held_back_by"]:
            sent.setdefault(row["segment"], []).append((not row["has_waited"], customer))
    for waiting in sent.values():
        for place, (_, customer) in enumerate(sorted(waiting), start=1):
            messages[customer]["send_order"] = place


def emails_received(result: Result, customer: str) -> int:
    """Return the different campaigns and dates of the emails of 7 days; those without a campaign are one a date."""
    return len({(event["campaign_id"], event["occurred_on"]) for event in result.shop.email_events_of.get(customer, [])
                if event["event_type"] in ("sent", "delivered")
                and result.shop.calendar.in_last_days(event["occurred_on"], 7)})


def next_messages(result: Result, received: dict[str, int], max_emails: int, holdout_percent) -> dict[str, dict]:
    """Return customer -> segment, priority, goal, what to offer and what holds the message back."""
    offers: dict[str, list[str]] = {}
    for (customer, _), row in sorted(oracle_products.compute(result)["next_products"].items()):
        offers.setdefault(customer, []).append(row["product_id"])
    suppressed = {row[1] for row in oracle_contact.suppressions(result)}
    tomorrow = result.parameters.as_of_date + timedelta(days=1)
    quarter, found = f"{tomorrow.year}-Q{(tomorrow.month + 2) // 3}", {}
    members = oracle_contact.memberships(result)
    # The first of the least number wins.
    numbers = {entry["name"]: priority(entry, result.parameters.message_plan) for entry in SETTINGS["segments"]}
    chosen = [entry for entry in SETTINGS["segments"] if numbers[entry["name"]] is not None]
    for entry in sorted(chosen, key=lambda entry: numbers[entry["name"]]):
        for customer, traits in result.customers.items():
            if (
                traits["is_contactable_by_email"]
                and (entry["name"], customer) in members
                and customer not in suppressed
                and customer not in found
            ):
                digits = hashlib.sha256(f"{quarter}:{customer}".encode()).hexdigest()[:8]
                is_held_out = int(digits, 16) % 10_000 < float(holdout_percent) * 100
                often = "mailed often" if received[customer] >= max_emails else None
                found[customer] = {"segment": entry["name"], "priority": numbers[entry["name"]],
                                   "marketing_goal": entry["goal"],
                                   "next_products": ", ".join(offers.get(customer, [])) or None,
                                   "held_back_by": "global holdout" if is_held_out else often}
    return found


def priority(entry: dict, plan: str) -> int | None:
    """Return an entry's number in a plan: its number, that of the plan, or else that of the default."""
    numbers = entry.get("priority")
    if isinstance(numbers, dict):
        return numbers[plan] if plan in numbers else numbers.get("default")
    return numbers
