"""Who is one person: emails as they are compared, and what follows a person whose address changes."""

import hashlib
from pathlib import Path

import duckdb
import pytest

from project import Project

DAY = {"as_of_date": "2026-06-30", "max_days_without_orders": None}

TRIMMED = " \t\r\n\u00a0\u200b\u200c\u200d\u2060\ufeff"
# What else looks like a blank: other white space of ASCII makes no email, all other characters are letters like any.
OTHERS = "\v\f\u2003\u2028\u00ad"
TEXTS = [
    before + "Ann" + inside + ".B@x.Dé" + after
    for blank in TRIMMED + OTHERS
    for before, inside, after in [
        (blank, "", ""),
        ("", blank, ""),
        ("", "", blank),
        (blank * 3, "", " " + blank),
        ("", "", blank + "!"),
        (blank, "\u00c4", blank),
    ]
]
TEXTS += [text.replace("é", "e") for text in TEXTS] + [
    "",
    " ",
    "\u200b",
    "@",
    "a@b",
    "a@b.",
    "@b.c",
    "a@.c",
    "a@b.c",
    "A@B.C",
    "a@@b.c",
    "a@b@c.d",
    "a@b..c",
    "ß@x.DE",
    "~!#$%&'*+-/=?^_`{|}@x.de",
    "Q@\u0130.de",
    "a\\b@c.d",
    "a'b@c.d",
    "a\u007fb@c.d",
]


def compared(text: str) -> str | None:
    """The email as the page says it, without a pattern."""
    text = text.strip(TRIMMED)
    name, _, domain = text.partition("@")
    middle, dot, end = (
        domain.partition(".") if not domain.startswith(".") else (domain[0], *domain[1:].partition(".")[1:])
    )
    return (
        text.lower()
        if name and middle and dot and end and "@" not in domain and not set(text) & set(TRIMMED + "\v\f")
        else None
    )


def sql_of_emails(project: Project) -> str:
    return (
        project.dbt("compile", "--inline", "select text, {{ normalized_email('text') }} as email from texts")
        .result.results[0]
        .node.compiled_code
    )


def wrongly_compared(found: list[tuple]) -> list[tuple]:
    assert sorted(text for text, _ in found) == sorted(TEXTS)
    # A dotted capital I becomes two characters or one, as the engine's tables of Unicode say.
    return [(text, email, compared(text)) for text, email in found if email != compared(text) and "\u0130" not in text]


def test_emails_lose_blanks_at_both_ends_and_hold_none_inside(project):
    with duckdb.connect() as connection:
        connection.execute("create table texts as select unnest($texts) as text", {"texts": TEXTS})
        assert wrongly_compared(connection.execute(sql_of_emails(project)).fetchall()) == []
    assert compared("\ufeffAnn@X.de\u00a0") == "ann@x.de" and compared("a\u200bb@x.de") is None


SHOP = {
    "customers": [
        "customer_id,email,email_consent,is_test,created_at,updated_at",
        "7,Ann.New@x.de,subscribed,,2026-03-01T10:00:00Z,2026-05-01T10:00:00Z",
        "t,tester@x.de,,true,2026-03-01T10:00:00Z,2026-05-01T10:00:00Z",
    ],
    "products": ["product_id,category,unit_cost,updated_at", "p,shoes,20,2026-01-01 00:00"],
    "orders": [
        "order_id,customer_id,email,ordered_at,status,currency,updated_at",
        "guest,,ann.old@x.de,2026-01-01T10:00:00Z,paid,EUR,2026-06-01T10:00:00Z",
        "own,7,ann.old@x.de,2026-02-01T10:00:00Z,cancelled,EUR,2026-06-01T10:00:00Z",
        "other,7,ann.new@x.de,2026-06-01T10:00:00Z,paid,EUR,2026-06-01T10:00:00Z",
        "of_tester,t,tester.old@x.de,2026-06-01T10:00:00Z,paid,EUR,2026-06-01T10:00:00Z",
        "guest_of_tester,,tester.old@x.de,2026-06-01T10:00:00Z,paid,EUR,2026-06-01T10:00:00Z",
    ],
    "order_lines": [
        "order_line_id,order_id,product_id,quantity,unit_price,updated_at",
        *(
            f"{order},{order},p,1,10,2026-06-01T10:00:00Z"
            for order in ("guest", "own", "other", "of_tester", "guest_of_tester")
        ),
    ],
    "email_events": [
        "event_id,customer_id,email,event_type,occurred_at",
        "e,,ann.old@x.de,unsubscribe,2026-04-01T10:00:00Z",
    ],
}


@pytest.fixture(scope="module")
def sql(project, tmp_path_factory):
    return project.compiled(written(tmp_path_factory.mktemp("any"), SHOP), **DAY)


def written(directory: Path, shop: dict[str, list[str]]) -> Path:
    for table, lines in shop.items():
        (directory / f"{table}.csv").write_text("\n".join(lines) + "\n")
    return directory


def test_a_changed_email_loses_no_order_and_no_refusal(sql, tmp_path):
    with sql.build(written(tmp_path, SHOP)) as connection:
        assert sql.failing_tests(connection) == []

        def rows(query: str) -> list[tuple]:
            return sorted(connection.execute(query).fetchall())

        assert rows(
            "select customer_id, purchase_count, is_subscribed, cast(created_on as text) from marts.customers"
        ) == [("7", 2, False, "2026-02-01")]
        # The list names the person with the address of today, and the address that refused.
        assert rows("select suppression_list, email_sha256 from marts.suppressions") == sorted(
            [("unsubscribed", *hashed) for hashed in rows("select sha256(unnest(['ann.old@x.de', 'ann.new@x.de']))")])
        was_guest, may_have_been = (
            (f"guest:{hashlib.sha256(email.encode()).hexdigest()}", "7") for email in ("ann.old@x.de", "ann.new@x.de")
        )
        assert rows("select account_id, customer_id from marts.customer_accounts") == sorted([("7", "7"), was_guest])
        assert rows("select account_id, customer_id from intermediate.int_known_ids") == sorted(
            [("7", "7"), was_guest, may_have_been]
        )


def test_an_address_of_several_customers_stays_a_guests(sql, tmp_path):
    orders = [*SHOP["orders"], "of_another,8,ann.old@x.de,2026-06-01T10:00:00Z,pending,EUR,2026-06-01T10:00:00Z"]
    customers = [*SHOP["customers"], "8,bob@x.de,,,2026-03-01T10:00:00Z,2026-05-01T10:00:00Z"]
    with sql.build(written(tmp_path, SHOP | {"orders": orders, "customers": customers})) as connection:
        assert sorted(
            connection.execute("select is_guest, purchase_count, is_subscribed from marts.customers").fetchall()
        ) == [(False, 0, False), (False, 1, True), (True, 1, False)]
