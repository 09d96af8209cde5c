"""The marts of a built shop against the oracle's result."""

from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

import duckdb

import oracle
import oracle_alerts
import oracle_attribution
import oracle_contact
import oracle_finance
import oracle_funnel
import oracle_journeys
import oracle_messages
import oracle_products


def differences(connection: duckdb.DuckDBPyConnection, expected: oracle.Result) -> list[str]:
    """One line per difference, in words: row counts, repairs, purchases, customers, ids, contacts, segments, emails and
    money."""
    return [
        *compare_keyed(
            "row_counts",
            rows_by_key(connection, "staging.row_counts", "table_name"),
            {
                table: {
                    f"{name}_rows": getattr(counts, field)
                    for name, field in (
                        ("received", "received"),
                        ("kept", "kept"),
                        ("duplicate", "duplicates"),
                        ("rejected", "rejected"),
                        ("deleted", "deleted"),
                    )
                }
                | {"left_out_rows": 0}
                for table, counts in expected.counts.items()
            },
        ),
        *compare_sets(
            "rejected_rows",
            column_rows(connection, "select table_name, row_key from staging.rejected_rows"),
            {(row.table, row.key) for row in expected.rejected if row.table != "marketing_spend"}
            | {(row.table, None) for row in expected.rejected if row.table == "marketing_spend"},
        ),
        *compare_sets(
            "repaired_values",
            column_rows(connection, "select table_name, row_key, column_name from staging.repaired_values"),
            {(repair.table, repair.key, repair.column) for repair in expected.repaired},
        ),
        *compare_keyed(
            "int_purchases",
            rows_by_key(connection, "intermediate.int_purchases", "order_id"),
            {
                order_id: {
                    name: value
                    for name, value in purchase.items()
                    if name not in ("categories", "products", "products_ever")
                }
                for order_id, purchase in expected.purchases.items()
            },
        ),
        *compare_keyed(
            "customers",
            rows_by_key(connection, "marts.customers", "customer_id"),
            {
                customer_id: {column: as_stored(column, value) for column, value in customer.items()}
                for customer_id, customer in expected.customers.items()
            },
        ),
        *compare_keyed(
            "shop_figures",
            rows_by_key(connection, "marts.shop_figures", "as_of_date"),
            {
                as_of_date: shop_figures(expected, as_of_date)
                for (as_of_date,) in column_rows(connection, "select distinct as_of_date from marts.segments")
            },
        ),
        *compare_keyed(
            "customer_contacts",
            rows_by_key(connection, "marts.customer_contacts", "customer_id"),
            expected.customer_contacts,
        ),
        *compare_keyed(
            "rfm_thresholds",
            rows_by_key(connection, "marts.rfm_thresholds", "trait", "score"),
            {
                key: dict(zip(("from_value", "to_value", "customers"), values))
                for key, values in expected.rfm_thresholds.items()
            },
        ),
        *compare_sets(
            "customer_accounts",
            column_rows(connection, "select account_id, customer_id from marts.customer_accounts"),
            set(expected.customer_accounts.items()),
        ),
        *(
            line
            for segment, members in expected.segments.items()
            for line in compare_segment(connection, segment, members)
        ),
        *(
            line
            for marts in (oracle_finance, oracle_attribution, oracle_products, oracle_funnel)
            for mart, rows in marts.compute(expected).items()
            for line in compare_keyed(mart, rows_by_key(connection, f"marts.{mart}", *marts.KEYS[mart]), rows)
        ),
        *contact_differences(connection, expected),
        *alert_differences(connection, expected),
        *(
            line
            for mart, rows in oracle_messages.compute(expected).items()
            for line in compare_keyed(mart, rows_by_key(connection, f"marts.{mart}", "customer_id"), rows)
        ),
        *(
            line
            for mart, rows in oracle_journeys.compute(expected).items()
            for line in compare_keyed(mart, rows_by_key(connection, f"marts.{mart}", "event_id"), rows)
        ),
    ]


def alert_differences(connection, expected: oracle.Result) -> list[str]:
    """The same for the warnings of a first build, and what later ones compare themselves with."""
    marts = oracle_alerts.compute(expected)
    found = rows_by_key(connection, "marts.built_figures", "figure", "subject")
    remembered = {key: row for key, row in found.items() if key[0] not in ("segment_formula", "global_holdout_share")}
    return [
        *compare_keyed("built_figures", remembered, marts["built_figures"]),
        *compare_keyed("alerts", rows_by_key(connection, "marts.alerts", "kind", "subject"), marts["alerts"]),
    ]


def shop_figures(expected: oracle.Result, as_of_date: date) -> dict:
    """The shop's headline figures, with the unattributed purchases among them."""
    def in_year(years_ago: int) -> list[Decimal]:
        last = as_of_date - timedelta(days=365 * years_ago)
        return [
            purchase["net_revenue"]
            for purchase in expected.purchases.values()
            if 0 <= (last - purchase["purchased_on"]).days < 365
        ]

    return {
        "customers": len(expected.customers),
        "buyers": sum(customer["purchase_count"] > 0 for customer in expected.customers.values()),
        "first_purchased_on": min((purchase["purchased_on"] for purchase in expected.purchases.values()), default=None),
        "purchases_365d": len(in_year(0)),
        "net_revenue_365d": sum(in_year(0)),
        "purchases_previous_365d": len(in_year(1)),
        "net_revenue_previous_365d": sum(in_year(1)),
        "resellers": oracle_products.resellers(expected),
    }


def contact_differences(connection, expected: oracle.Result) -> list[str]:
    """The same for the marts on emails and contact."""
    members, hashes = (
        rows_by_key(connection, "marts.segment_customer_traits", "segment", "customer_id"),
        ", ".join(oracle_contact.HASHES),
    )
    return [
        *compare_keyed(
            "email_campaigns",
            rows_by_key(connection, "marts.email_campaigns", "campaign_id"),
            oracle_contact.email_campaigns(expected),
        ),
        *compare_sets(
            "audiences",
            column_rows(connection, f"select segment, customer_id, {hashes} from marts.audiences"),
            oracle_contact.audiences(expected),
        ),
        *compare_sets(
            "suppressions",
            column_rows(connection, f"select suppression_list, customer_id, {hashes} from marts.suppressions"),
            oracle_contact.suppressions(expected),
        ),
        *compare_keyed(
            "segment_customer_traits",
            members,
            {
                key: traits_shown(expected.customers[key[1]], members.get(key, {}))
                for key in oracle_contact.memberships(expected)
            },
        ),
    ]


def traits_shown(customer: oracle.Row, row: dict) -> dict:
    """The customer's traits, those that the row shows, as they are stored."""
    return {column: as_stored(column, value) for column, value in customer.items() if column in row}


def compare_segment(connection, segment, members):
    columns = "customer_id, category" if segment == "category_repeat_buyers" else "customer_id"
    found = column_rows(connection, f"select {columns} from marts.seg_{segment}")
    yield from compare_sets(
        f"seg_{segment}", found, {member if isinstance(member, tuple) else (member,) for member in members}
    )
    customers = {member[0] if isinstance(member, tuple) else member for member in members}
    in_memberships = column_rows(
        connection, f"select customer_id from marts.segment_memberships where segment = '{segment}'"
    )
    yield from compare_sets(
        f"segment_memberships of {segment}", in_memberships, {(customer,) for customer in customers}
    )


def rows_by_key(connection, table: str, *key: str) -> dict:
    """The rows of a table as dicts, by the value of the key's column, or by the values of its columns."""
    cursor = connection.execute(f"select * from {table}")
    names = [column[0] for column in cursor.description]
    rows = [dict(zip(names, row)) for row in cursor.fetchall()]
    return {row[key[0]] if len(key) == 1 else tuple(row[column] for column in key): row for row in rows}


def column_rows(connection, query: str) -> list[tuple]:
    return connection.execute(query).fetchall()


def compare_sets(name: str, found: list[tuple], expected: set[tuple]):
    if len(found) != len(set(found)) and name not in ("rejected_rows", "repaired_values"):
        yield f"{name}: {len(found) - len(set(found))} duplicate rows"
    for row in sorted(set(found) - expected, key=str):
        yield f"{name}: {row} is there but not expected"
    for row in sorted(expected - set(found), key=str):
        yield f"{name}: {row} is missing"


# A power takes doubles: of millions, their last place is as the engine pleases.
OF_DOUBLES = {("value_per_year", "value_over_years"), ("value_per_year", "prepaid_offer")}


def compare_keyed(name: str, found: dict, expected: dict):
    """Compare rows by key, in the columns that the expected row names."""
    yield from compare_sets(name, [(key,) for key in found], {(key,) for key in expected})
    for key in found.keys() & expected.keys():
        for column, value in expected[key].items():
            if column not in found[key]:
                yield f"{name}: there is no column {column}"
            elif found[key][column] != value and not (
                (name, column) in OF_DOUBLES
                and None not in (found[key][column], value)
                and abs(found[key][column] - value) <= Decimal("0.000001")
            ):
                yield f"{name}: {key}: {column} is {found[key][column]!r}, not {value!r}"


def as_stored(column: str, value: object) -> object:
    """The oracle keeps quotients exact; the marts store them with 8 places."""
    if column == "overdue_ratio" and value is not None:
        return (Decimal(value.numerator) / value.denominator).quantize(Decimal("1e-8"), ROUND_HALF_UP)
    return value
