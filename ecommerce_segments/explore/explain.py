"""Say for one customer which segments hold them, and which values put them in or keep them out."""

import re
from collections.abc import Callable

import sqlglot
from sqlglot import exp

from ecommerce_segments.dbt_session import DbtError, Session, as_is
from ecommerce_segments.define.register import priority_of, registered
from ecommerce_segments.publish.comments import quoted
from ecommerce_segments.settings import defaults

ROWS_SHOWN = 3
# The rows of a query, as dicts.
Rows = Callable[[str], list[dict]]
NOT_OF_A_FILTER = ("joins", "group", "having", "qualify", "distinct", "limit", "offset")


class Filter:
    """A segment's rendered SQL, read as the filter that it is: one source, and conditions that must all hold.

    Raises DbtError where it is something else, whose conditions cannot be told apart.
    """

    def __init__(self, segment: str, sql: str, dialect: str, row_per: str | None = None):
        query = sqlglot.parse_one(sql, read=dialect)
        if not isinstance(query, exp.Select) or query.ctes or any(query.args.get(part) for part in NOT_OF_A_FILTER):
            raise DbtError(f"seg_{segment} is no filter on one table: it cannot be explained.")
        where = query.args.get("where")
        self.segment, self.dialect, self.row_per = segment, dialect, row_per
        self.source = query.args["from_"].this
        self.conditions = (
            [] if where is None else list(where.this.flatten()) if isinstance(where.this, exp.And) else [where.this]
        )

    def columns(self) -> list[str]:
        """The SQL of one text column per condition, `yes` where it holds, and of each column that a condition asks."""
        text = exp.DataType.build("text").sql(self.dialect)
        return [f"case when {condition.sql(self.dialect)} then 'yes' end as {self.segment}__{place}"
                for place, condition in enumerate(self.conditions)] + [
            f"cast({name} as {text}) as {name}" for condition in self.conditions for name in asked(condition)] + [
            *([self.row_per] if self.row_per else [])]

    def names(self) -> set[str]:
        """The columns of the source that it asks."""
        return {name for condition in self.conditions for name in asked(condition)}

    def fails(self, row: dict) -> list[int]:
        """The places of the conditions that do not hold for a row of the source."""
        return [place for place in range(len(self.conditions)) if row[f"{self.segment}__{place}"] != "yes"]

    def told(self, row: dict) -> list[str]:
        """Each condition, with the values that it asked."""
        lines = [f"    {self.row_per} {row[self.row_per]}"] if self.row_per else []
        for place, condition in enumerate(self.conditions):
            values = ", ".join(f"{name} is {plain(row[name])}" for name in asked(condition))
            lines.append(
                f"    {'-' if place in self.fails(row) else '+'}"
                f" {readable(condition)}{f'   ({values})' if values else ''}"
            )
        return lines


def plain(value: str | None) -> str:
    """A value for people: decimals without the zeros at their end."""
    return "null" if value is None else re.sub(r"^(-?\d+)(?:\.0*|(\.\d*?)0+)$", r"\1\2", value)


def asked(condition: exp.Expr) -> list[str]:
    """The columns of the source that a condition names, those of its subqueries aside."""
    own = condition.copy().transform(lambda node: exp.Null() if isinstance(node, exp.Subquery) else node)
    return sorted({column.name for column in own.find_all(exp.Column)} - {"customer_id"})


def readable(condition: exp.Expr) -> str:
    """A condition for people: dates without their cast, tables without their schema."""
    def simpler(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Cast) and isinstance(node.this, exp.Literal):
            return exp.Var(this=node.this.name)
        return exp.to_table(node.name) if isinstance(node, exp.Table) else node
    return condition.copy().transform(simpler).sql()


def rows_by_source(rows_of: Rows, filters: list[Filter], customer_id: str) -> dict[str, list[dict]]:
    """The customer's rows of each source, with the verdicts of all its filters: one query per source."""
    rows = {}
    for source in {one.source.sql(one.dialect) for one in filters}:
        columns = dict.fromkeys(
            column for one in filters if one.source.sql(one.dialect) == source for column in one.columns()
        )
        rows[source] = rows_of(
            f"select {', '.join(columns) or '1'} from {source} where customer_id = {quoted(customer_id)}"
        )
    return rows


MESSAGE = """
    select
        customers.is_contactable_by_email,
        suppressions.suppression_list,
        next_messages.segment,
        next_messages.held_back_by
    from {{{{ ref('customers') }}}} as customers
    left join {{{{ ref('suppressions') }}}} as suppressions on customers.customer_id = suppressions.customer_id
    left join {{{{ ref('next_messages') }}}} as next_messages on customers.customer_id = next_messages.customer_id
    where customers.customer_id = {customer}
    order by suppressions.suppression_list
"""


def next_message(session: Session, customer_id: str, inside: list[str]) -> str:
    """Say which segment the customer's next message is of, which of theirs come after it, and what holds it back; or
    why there is none. inside: the segments that hold the customer, in the order of the register."""
    (found, *_) = session.rows(MESSAGE.format(customer=as_is(quoted(customer_id))))
    if not found["is_contactable_by_email"]:
        return "No message: mail may not reach them."
    if found["suppression_list"]:
        return f"No message: they are on the suppression list {found['suppression_list']}."
    if not found["segment"]:
        return "No message: they are in no segment with a priority."
    plan = session.variables.get("message_plan", defaults()["message_plan"])
    places = {entry["name"]: place for entry in registered() if (place := priority_of(entry, plan))}
    after = sorted((name for name in inside if name in places and name != found["segment"]), key=places.__getitem__)
    return (
        f"Next message: {found['segment']} (priority {places.get(found['segment'])})"
        + (f", before {', '.join(f'{name} ({places[name]})' for name in after)}" if after else "")
        + (f". Held back: {found['held_back_by']}." if found["held_back_by"] else ".")
    )


def explain(session: Session, customer: str) -> str:
    """The explanation as text. customer: an account or guest id.

    Raises DbtError for an id that the last build does not know.
    """
    found = session.rows(
        "select customer_id from {{ ref('customer_accounts') }} where account_id = " + as_is(quoted(customer))
    )
    if not found:
        raise DbtError(
            f"The last build knows no customer and no account {customer}: the ids are those of customer_accounts."
        )
    customer_id = str(found[0]["customer_id"])
    adapter = str(session.manifest.metadata.adapter_type)
    compiled = session.compiled("path:models/marts/segments")
    filters = [
        Filter(entry["name"], compiled[f"seg_{entry['name']}"], adapter, entry.get("row_per")) for entry in registered()
    ]
    return explanation(
        lambda sql: session.rows(as_is(sql)),
        filters,
        customer,
        customer_id,
        session.as_of_date,
        lambda inside: [next_message(session, customer_id, inside)],
    )


def explanation(
    rows_of: Rows,
    filters: list[Filter],
    customer: str,
    customer_id: str,
    as_of_date: str,
    messages_of: Callable[[list[str]], list[str]] = lambda inside: [],
) -> str:
    """The explanation as text. rows_of: asks the build that the filters are of; customer: the id that was asked for, of
    an account of the customer_id; messages_of: what is to be said of messages, by the segments that hold the customer.
    """
    rows = rows_by_source(rows_of, filters, customer_id)
    inside: list[str] = []
    outside: list[str] = []
    for one in filters:
        own = sorted(rows[one.source.sql(one.dialect)], key=lambda row: len(one.fails(row)))
        is_in = bool(own) and not one.fails(own[0])
        shown = [row for row in own if not one.fails(row)] if is_in else own
        lines = [f"  {one.segment}", *(line for row in shown[:ROWS_SHOWN] for line in one.told(row))]
        if not own:
            lines.append(f"    - not in {one.source.name}")
        if len(shown) > ROWS_SHOWN:
            lines.append(f"    and {len(shown) - ROWS_SHOWN} rows more")
        (inside if is_in else outside).append("\n".join(lines))
    messages = messages_of([text.split()[0] for text in inside])
    belongs = f" (to whom {customer} belongs)" if customer != customer_id else ""
    return "\n".join([f"{customer_id}{belongs} on {as_of_date}: + holds, - does not", *messages, "",
                      f"In {len(inside)} segments:", *inside, "", f"Not in {len(outside)}:", *outside])
