"""How Superset runs here: on this machine, for whoever tries it.

What it keeps is in SUPERSET_DIR, which run.py sets.
"""

import os
import secrets
from pathlib import Path

from superset.config import TALISMAN_CONFIG

DIRECTORY = Path(os.environ["SUPERSET_DIR"])


def kept(name: str) -> str:
    """A secret that is made up once and then stays, readable by its owner alone."""
    path = DIRECTORY / name
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(32))
    return path.read_text()


SECRET_KEY = kept("secret_key")
SQLALCHEMY_DATABASE_URI = f"sqlite:///{DIRECTORY / 'superset.db'}"
# No page tells Superset's makers that it was seen.
POLICY = TALISMAN_CONFIG["content_security_policy"]
POLICY["img-src"] = [source for source in POLICY["img-src"] if "scarf" not in source]
# The published file never changes but as a whole, once a night. Superset's own memory of answers would outlive it.
DATA_CACHE_CONFIG = {"CACHE_TYPE": "NullCache"}
