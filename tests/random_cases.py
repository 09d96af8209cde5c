"""Which cases of the pages the random shops hold, and how often, as the oracle sees them.

`python tests/random_cases.py` prints it. A rule whose case no shop holds is a rule that no comparison tries.
"""

import sys
from collections import Counter, defaultdict
from decimal import Decimal
from fractions import Fraction

import oracle
import oracle_contact
from oracle import line_net, normalized_email
from random_shops import Shop, random_shop, random_surroundings


def cases(shop: Shop, result: oracle.Result) -> Counter:
    """Return how often a shop holds each case."""
    return Counter(**versions(shop, result), **money(result), **identity(result), **contact(result))


def versions(shop: Shop, result: oracle.Result) -> Counter:
    """The order of judgement, in the tables with updated_at."""
    found = Counter()
    for table in oracle.VERSIONED:
        by_key = defaultdict(list)
        for received in shop.get(table, []):
            one = oracle.judge_row(table, received, result.parameters.zone_of(table), result.parameters.custom_traits)
            if oracle.breaks_identity(table, one):
                found["version without key or time"] += 1
            else:
                by_key[tuple(one.row[column] for column in oracle.key_columns(table))].append(one)
        for versions_of_key in by_key.values():
            (newest,) = oracle.newest_versions(table, versions_of_key)
            others = [one for one in versions_of_key if one is not newest]
            older = [one for one in others if one.row["updated_at"] < newest.row["updated_at"]]
            tied = [one for one in others if one.row["updated_at"] == newest.row["updated_at"]]
            is_deleted, is_broken = oracle.is_deletion(newest), newest.reason is not None
            found[f"deleted: {table}"] += is_deleted
            found["newest broken, an older one whole"] += (
                not is_deleted and is_broken and any(one.reason is None for one in older)
            )
            found["newest whole, an older one broken"] += (
                not is_deleted and not is_broken and any(one.reason is not None for one in older)
            )
            found["at one time broken and whole"] += (
                not is_deleted and not is_broken and any(one.reason is not None for one in tied)
            )
            found["at one time deleted and whole"] += is_deleted and any(
                one.reason is None and not oracle.is_deletion(one) for one in tied
            )
            found["deletion that breaks the contract otherwise"] += is_deleted and is_broken
            found["deleted, then back"] += (
                not is_deleted and not is_broken and any(oracle.is_deletion(one) for one in older)
            )
    orders = {order["order_id"] for order in result.raw.tables["orders"]}
    deleted = {
        (received.get("order_id") or "").strip()
        for received in shop["orders"]
        if (received.get("is_deleted") or "").strip()
    } - orders
    for table in ("order_lines", "refunds"):
        found[f"{table} of an order that is deleted"] += sum(
            (received.get("order_id") or "").strip() in deleted for received in shop.get(table, [])
        )
    return found


def money(result: oracle.Result) -> Counter:
    found, tables, calendar = Counter(), result.raw.tables, result.shop.calendar
    products = {product["product_id"]: product for product in tables["products"]}
    lines_of, refunds_of = (
        oracle.grouped(tables["order_lines"], "order_id"),
        oracle.grouped(tables["refunds"], "order_id"),
    )
    for order in filter(oracle.is_bought, oracle.real_orders(result.raw, calendar)):
        lines = lines_of.get(order["order_id"], [])
        counted = oracle.counted_lines(lines, products)
        gift_cards = [
            line
            for line in lines
            if line["product_id"] in products and products[line["product_id"]]["is_gift_card"] and line["quantity"]
        ]
        found["order of gift cards alone"] += bool(gift_cards) and not counted
        found["order of gift cards and goods"] += bool(gift_cards and counted)
        found["line of quantity 0"] += sum(line["quantity"] == 0 for line in lines)
        found["line with a cost of its own, in another currency"] += order[
            "currency"
        ] != result.parameters.reporting_currency and any(line["unit_cost"] for line in counted)
        refunds = [
            refund
            for refund in refunds_of.get(order["order_id"], [])
            if calendar.has_come(calendar.day(refund["refunded_at"]))
        ]
        found["refund of amount 0"] += sum(refund["amount"] == 0 for refund in refunds)
        for line in counted:
            refunded = sum(
                (refund["amount"] for refund in refunds if refund["order_line_id"] == line["order_line_id"]), Decimal(0)
            )
            share = oracle.share_of_discount(line, order, counted)
            if refunded and share:
                paid, total = line_net(line) - share, sum(map(line_net, counted))
                unrounded = Fraction(line_net(line)) - Fraction(order["discount_amount"]) * Fraction(
                    line_net(line)
                ) / Fraction(total)
                found["discounted order, refund of what was paid for a line"] += refunded == paid
                found["discounted order, refund of a cent less"] += refunded == paid - Decimal("0.01")
                found["fully refunded only by the share of the discount"] += paid <= refunded < line_net(line)
                found["fully refunded only by rounding the share up"] += paid <= refunded < unrounded
                found["shares with gift cards or quantity 0 beside them"] += len(lines) > len(counted)
    return found


def identity(result: oracle.Result) -> Counter:
    found, people, calendar, raw = Counter(), result.shop.people, result.shop.calendar, result.raw
    orders = oracle.real_orders(raw, calendar)
    first_orders = {order["customer_id"] for order in raw.tables["orders"] if not order["is_test"]}
    for account in raw.tables["customers"]:
        if account["created_at"] is None:
            source = (
                "order"
                if account["customer_id"] in first_orders
                else "answer"
                if account["email_consent_at"]
                else "version"
            )
            found[f"account without created_at, known by its {source}"] += 1
    emails = {
        email for email in map(normalized_email, (account["email"] for account in raw.tables["customers"])) if email
    }
    carriers = defaultdict(set)
    for order in orders:
        email = normalized_email(order["email"])
        if order["customer_id"] in people.customer_of_account and email and email not in emails:
            carriers[email].add(people.customer_of_account[order["customer_id"]])
    former = people.former_addresses
    found["former address"] += len(former)
    found["former address of a test customer"] += sum(customer in people.test_customers for customer in former.values())
    found["address that several customers carried"] += sum(len(customers) > 1 for customers in carriers.values())
    found["guest's order under a former address"] += sum(
        order["customer_id"] not in people.customer_of_account and normalized_email(order["email"]) in former
        for order in orders
    )
    for event in oracle_contact.email_events(result.shop):
        holder = former.get(normalized_email(event["email"]))
        if holder is not None:
            found["email event under a former address"] += 1
            if event["event_type"] in ("unsubscribe", "complaint"):
                found["refusal under a former address"] += 1
                found["refusal under a former address by another's account"] += event["owner"] != holder
            found["bounce under a former address"] += event["event_type"] == "bounce"
    unseen = set(oracle.BLANKS) - set(" \t\r\n")
    for table in ("customers", "orders", "email_events"):
        for row in raw.tables[table]:
            if unseen & set(row["email"] or ""):
                found[
                    "invisible character inside an email"
                    if normalized_email(row["email"]) is None
                    else "invisible character around an email"
                ] += 1
    junk, customers_of_visitor = {word.lower() for word in result.parameters.junk_ids}, defaultdict(set)
    for session in raw.tables["sessions"]:
        visitor_id = session["visitor_id"]
        owner = people.customer_of_account.get(session["customer_id"])
        customers_of_visitor[visitor_id].add(owner)
        found["session without visitor, identified" if owner else "session without visitor, anonymous"] += (
            visitor_id is None
        )
        found["session with a visitor that means none"] += visitor_id is not None and visitor_id.lower() in junk
    found["visitor shared with a test customer"] += sum(
        bool(visitor_id and customers & people.test_customers and customers - people.test_customers - {None})
        for visitor_id, customers in customers_of_visitor.items())
    return found


def contact(result: oracle.Result) -> Counter:
    found = Counter()
    for customer_id, customer in result.customers.items():
        email = result.customer_contacts[customer_id]["email"]
        found["subscribed to messages on the phone"] += customer["is_sms_subscribed"]
        found["subscribed to messages on the phone, without one"] += (
            customer["is_sms_subscribed"] and not customer["is_contactable_by_sms"]
        )
        found["consent to ads granted"] += customer["ads_consent"] == "granted"
        found["consent to ads denied"] += customer["ads_consent"] == "denied"
        found["contactable at an address that Google writes otherwise"] += (
            customer["is_contactable_by_email"] and oracle_contact.google_email(email) != email)
        for consent, refusal in (("sms_consent", "unsubscribed"), ("ads_consent", "denied")):
            answers = defaultdict(set)
            for account in result.shop.people.accounts_of.get(customer_id, []):
                answers[account[f"{consent}_at"] or account["created_at"]].add(account[consent])
            newest = oracle.newest_answer(
                result.shop.people.accounts_of.get(customer_id, []), result.shop.calendar, consent, refusal
            )
            found[f"{consent}: refusal wins a tie"] += (
                newest is not None and len(answers[newest[0]] - {None, "never"}) > 1
            )
    return found


def shares(shops: int) -> dict[str, tuple[float, float]]:
    """Return case -> (share of so many shops that hold it, how often on average), over shops in various surroundings.
    """
    counted = []
    for seed in range(shops):
        surroundings = random_surroundings(seed)
        shop = random_shop(seed, **surroundings)
        counted.append(cases(shop, oracle.compute(shop, **surroundings)))
    return {name: (sum(bool(found[name]) for found in counted) / shops, sum(found[name] for found in counted) / shops)
            for name in sorted({name for found in counted for name in found})}


if __name__ == "__main__":
    print(f"{'case':64}{'shops':>8}{'average':>10}")
    for name, (share, average) in shares(int(sys.argv[1]) if len(sys.argv) > 1 else 50).items():
        print(f"{name:64}{share:>8.0%}{average:>10.1f}")
