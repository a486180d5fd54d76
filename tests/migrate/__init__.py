import pytest

# Before anything imports them, in whichever order test files are collected.
pytest.register_assert_rewrite("migrate.conformance.contract", "migrate.conformance.journey")
