"""The simulated demo shop, made by make_demo.py. Nobody in it exists; docs/demo_shop.md tells what is simulated.

The same values come out on every machine: weighted draws use whole numbers, and other draws are rounded to whole days
before anything depends on them.

How to read it: shop.py puts the parts together. People come first, their purchases follow, everything else is built
around these. Times are whole seconds of the shop's local clock since FIRST_DAY and become UTC when a table is made;
money is in whole cents. Where a column points to a row of another table, -1 means none. Dirt is added last, to the
finished tables.
"""
