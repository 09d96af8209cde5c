"""Say who a segment would hold, before any build: its file as it stands now, run against the customers of the last
build."""

from sqlglot.errors import ParseError, TokenError

from ecommerce_segments.dbt_session import DbtError, Session, as_is
from ecommerce_segments.define.register import registered
from ecommerce_segments.explore.explain import Filter, Rows
from ecommerce_segments.settings import did_you_mean
from ecommerce_segments.shop import pasted

SHOWN = 10


def preview(session: Session, segment: str) -> str:
    """The preview as text: size, who would enter and leave, and ten rows.

    segment: name, with or without `seg_`; where there is no such segment, a trait. Raises DbtError where there is no
    such file or its SQL does not run.
    """
    segment = segment.removeprefix("seg_")
    model = f"seg_{segment}"
    if not session.has_model(model):
        if session.has_model(trait := f"trait_{segment.removeprefix('trait_')}"):
            return preview_of_trait(session, trait)
        near = did_you_mean(segment, [entry["name"] for entry in registered()])
        raise DbtError(
            f"There is no models/marts/segments/{model}.sql{near or '.'} `segments new {pasted(segment)}` writes one."
        )
    sql = as_is(session.compiled(model)[model])
    changes = session.rows(f"""
        {{%- set built = load_relation(ref('{model}')) -%}}
        with previewed as (select distinct customer_id from (\n{sql}\n) as now),
        built as (select distinct customer_id from {{{{ built or 'previewed where 1 = 0' }}}}),
        changes as (
            select
                coalesce(previewed.customer_id, built.customer_id) as customer_id,
                case when built.customer_id is null then 'enter'
                    when previewed.customer_id is null then 'leave' else 'stay' end as change
            from previewed full outer join built on previewed.customer_id = built.customer_id
        ),
        ranked as (
            select
                changes.*,
                count(*) over (partition by change) as customers,
                row_number() over (partition by change order by customer_id) as place
            from changes
        )
        select * from ranked where place <= {SHOWN + 1} order by change, place""")
    by_change = {change: [row for row in changes if row["change"] == change] for change in ("stay", "enter", "leave")}
    sizes = {change: int(rows[0]["customers"]) if rows else 0 for change, rows in by_change.items()}
    size = sizes["stay"] + sizes["enter"]
    lines = [
        f"{segment}, as its file stands, on the build of {session.as_of_date}:",
        f"{size:,} customers, {size / max(session.customers, 1):.1%} of {session.customers:,}.",
    ]
    for change in ("enter", "leave"):
        ids = [str(row["customer_id"]) for row in by_change[change]]
        examples = ": " + ", ".join(ids[:SHOWN]) + (", ..." if len(ids) > SHOWN else "") if ids else "."
        lines.append(f"Compared with the last build, {sizes[change]:,} would {change}{examples}")
    rows = session.rows(f"select * from (\n{sql}\n) as now order by customer_id limit {SHOWN}")
    return "\n".join([*lines, "", as_table(rows) if rows else "It is empty."])


def preview_of_trait(session: Session, model: str) -> str:
    """Who would have a trait, as its file stands, and ten rows."""
    sql = as_is(session.compiled(model)[model])
    found = session.rows(
        f"select count(*) as row_count, count(distinct customer_id) as customers from (\n{sql}\n) as now"
    )[0]
    customers, doubled = int(found["customers"]), int(found["row_count"]) - int(found["customers"])
    lines = [
        f"{model.removeprefix('trait_')}, as its file stands, on the build of {session.as_of_date}:",
        f"{customers:,} customers, {customers / max(session.customers, 1):.1%} of {session.customers:,}.",
        *(
            [f"It has {doubled:,} rows too many: it may have one per customer, and none without customer_id."]
            if doubled
            else []
        ),
    ]
    rows = session.rows(f"select * from (\n{sql}\n) as now order by customer_id limit {SHOWN}")
    return "\n".join([*lines, "", as_table(rows) if rows else "It is empty."])


def preview_of_condition(rows_of: Rows, condition: str, as_of_date: str) -> str:
    """Whom a condition over the traits of customers holds, as text: size, the segments that they are in, and ten rows.

    rows_of: asks what is published. Raises DbtError where the condition is none.
    """
    try:
        one = Filter("this", f"select customer_id from customers where (\n{condition}\n)", "duckdb")
    except (ParseError, TokenError):
        raise DbtError(f"That is no condition: {condition}") from None
    held = f"select * from customers where (\n{condition}\n)"
    (size,) = rows_of(f"select (select count(*) from ({held})) as held, count(*) as customers from customers")
    segments = rows_of(
        f"select segment, count(*) as customers from segment_memberships"
        f" where customer_id in (select customer_id from ({held})) group by segment order by customers desc, segment"
    )
    columns = ", ".join(["customer_id", *sorted(one.names())])
    rows = rows_of(f"select {columns} from ({held}) order by customer_id limit {SHOWN}")
    return "\n".join([
        f"{condition.strip()}, as of {as_of_date}:",
        f"{size['held']:,} customers, {size['held'] / max(size['customers'], 1):.1%} of {size['customers']:,}.",
        *[f"  {found['customers']:,} of them are in {found['segment']}" for found in segments[:SHOWN]],
        "",
        as_table(rows) if rows else "It is empty.",
    ])


def as_table(rows: list[dict]) -> str:
    """Rows of the same columns as aligned text."""
    cells = [list(rows[0])] + [["" if value is None else str(value) for value in row.values()] for row in rows]
    widths = [max(len(row[place]) for row in cells) for place in range(len(cells[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in cells)
