"""The mart membership_changes, as Python reads it."""

# How many customers a state gains by a row; models have it from customers_gained in macros/history.sql.
CUSTOMERS_GAINED = (
    "case when change_type in ('entered', 'continued') then 1 when change_type in ('exited', 'handed_over') then -1"
    " else 0 end"
)
