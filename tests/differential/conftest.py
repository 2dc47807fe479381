"""The way from SQL text to values that the tests of functions use."""

from tests.functions.conftest import answer

__all__ = ["answer"]
