"""What every test shares: hypothesis's profiles, and the check of the rule marks."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

from tests.conformance import marks, requirements

# The fixture `emitted`: messages that other programs read as well.
pytest_plugins = ["tests.plugins_emitted"]

# No deadlines: a shared machine is slow now and then, and no test speaks of time.
settings.register_profile("dev", deadline=None)
settings.register_profile("ci", deadline=None, max_examples=1000, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "dev")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse a rule mark that names no requirement, or that a scan of the source cannot see."""
    seen = {mark.rule for mark in marks.scan()}
    known = requirements.load()
    for item in items:
        for mark in item.iter_markers("rule"):
            for identifier in mark.args:
                if identifier not in known:
                    raise pytest.UsageError(f"{item.nodeid}: no requirement {identifier}")
                if identifier not in seen:
                    raise pytest.UsageError(
                        f"{item.nodeid}: write {identifier} as a literal in a mark"
                    )
