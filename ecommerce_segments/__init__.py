"""What dbt cannot do for the project: the command `segments` (cli.py), and what it builds, publishes, asks, hands on
and draws."""

from pathlib import Path

# The dbt project that the command runs: this package stands in it.
PROJECT = Path(__file__).parent.parent


class CannotDo(Exception):
    """Why a command cannot do what it was asked for, and what to do instead, in a sentence. Nothing was changed."""
