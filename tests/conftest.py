"""Fixtures that the tests share."""

import gc

import pytest

from project import Project

# The oracle makes millions of small objects that live until its end: to look through them again and again takes a
# quarter of its time.
gc.set_threshold(200_000, 20, 100)
# Each of them is run by one worker, but the random shops. They come first, so that parallel workers end together.
LONG = [f"test_{name}.py" for name in ("publishing", "sample_shops", "own_segments", "commands", "random_shops")]


@pytest.fixture(scope="session")
def project(tmp_path_factory):
    return Project(tmp_path_factory.mktemp("project"))


def pytest_collection_modifyitems(items):
    names = {item: item.fspath.basename for item in items}
    items.sort(key=lambda item: LONG.index(names[item]) if names[item] in LONG else len(LONG))
