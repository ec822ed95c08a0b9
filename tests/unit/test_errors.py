"""Errors cross the border between processes as they are."""

from __future__ import annotations

import pickle
import traceback

import pytest

from mikey import errors
from mikey.errors import PeerError
from mikey.registry import ErrorNumber, ProtType
from mikey.wire import Sp

RAISED = [
    errors.LocalError("no such file"),
    errors.LibraryError("impossible"),
    PeerError("bad", number=ErrorNumber.INVALID_CERT, payload="CERT"),
    errors.DecodeError("cut", offset=7, payload="T"),
    errors.AuthenticationError(),
    errors.ReplayError(),
    errors.TimestampError("late", payload="T"),
    errors.UnsupportedError("new", number=ErrorNumber.UNSUPPORTED_MESSAGE),
    errors.PolicyError("no", number=None),
    errors.ReportedError(
        (ErrorNumber.INVALID_SPPAR,), authenticated=True, offered=(Sp(0, ProtType.SRTP),)
    ),
    errors.CarriageError("not here", status=488, warnings=((399, "why"),)),
]


def test_every_kind_is_here() -> None:
    named = {getattr(errors, name) for name in errors.__all__} - {errors.MikeyError}
    assert {type(error) for error in RAISED} == named


@pytest.mark.parametrize("error", RAISED, ids=lambda error: type(error).__name__)
def test_an_error_survives_pickling(error: errors.MikeyError) -> None:
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is type(error)
    assert str(back) == str(error)
    assert back.args == error.args
    assert vars(back) == vars(error)
    assert traceback.format_exception_only(back) == traceback.format_exception_only(error)


def test_what_was_refused_stays_behind() -> None:
    """The message may hold keys in clear, and what proved it holds ours."""
    error = PeerError("bad")
    error.origin = object()
    back = pickle.loads(pickle.dumps(error))
    assert back.origin is None
    assert back.reason == "bad"
