"""Fixtures that the tests share."""

import gc

import pytest

from project import Project

# The oracle makes millions of small objects that live until its end: to look through them again and again takes a
# quarter of its time.
gc.set_threshold(200_000, 20, 100)


@pytest.fixture(scope="session")
def project(tmp_path_factory):
    return Project(tmp_path_factory.mktemp("project"))


def pytest_collection_modifyitems(items):
    """The long tests first, so that parallel workers end together."""
    items.sort(key=lambda item: item.fspath.basename not in ("test_sample_shops.py", "test_random_shops.py"))
