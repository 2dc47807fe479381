"""Plans and expressions that are nested deeply: a sum of 500 columns, a filter of 200 alternatives."""

from __future__ import annotations


def allow() -> None:
    """Lift protobuf's limit of 100 levels for this process: an expression `a + b + c + ...` takes two levels a term, so
    that the client fails at 50 (classic Spark has no limit, Spark's service takes 1024 levels)."""
    try:
        from google._upb import _message
    except ImportError:  # protobuf's implementation in Python
        from google.protobuf.internal import decoder

        decoder.SetRecursionLimit(10_000)
        return
    _message.SetAllowOversizeProtos(True)
