"""What was promised to go is gone in time, and says so before."""

import warnings

import pytest

import core.api
from core.deprecation import REGISTER, deprecated, overdue


@pytest.fixture
def old():
    """A function marked for removal with 2.0."""
    before = list(REGISTER)

    @deprecated(since="1.1", removed_in="2.0", instead="find_all")
    def find(number: int) -> int:
        return number + 1

    yield find
    REGISTER[:] = before


def test_nothing_is_left_whose_time_is_over():
    assert overdue(core.api.API_VERSION) == []


def test_the_build_fails_with_the_version_that_removes_it(old):
    assert overdue("1.9") == []
    assert [name.rpartition(".")[2] for name in overdue("2.0")] == ["find"]


def test_its_use_is_warned_of_with_what_to_use_and_works(old):
    with pytest.warns(DeprecationWarning, match=r"gone in 2\.0; use find_all"):
        assert old(1) == 2


def test_a_removal_within_a_major_version_is_refused():
    with pytest.raises(ValueError, match="no later major version"):
        deprecated(since="1.1", removed_in="1.2", instead="x")


def test_the_interface_itself_uses_nothing_deprecated():
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)
        assert all(getattr(core.api, name) is not None for name in core.api.__all__)
