"""Fixtures that the tests share."""

import pytest

from project import Project


@pytest.fixture(scope="session")
def project(tmp_path_factory):
    return Project(tmp_path_factory.mktemp("project"))


def pytest_collection_modifyitems(items):
    """The long tests first, so that parallel workers end together."""
    items.sort(key=lambda item: item.fspath.basename not in ("test_sample_shops.py", "test_random_shops.py"))
