"""Kernels over XML: xpath functions."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import pyarrow as pa

from penstock.functions.kernels import xpath
from penstock.functions.kernels.rows import by_row, raised


def _value(text: str, path: str) -> Any:
    """The path's value; None for an empty text."""
    if not text:
        return None
    try:
        return xpath.evaluate(xpath.parse(path), xpath.document(text))
    except ElementTree.ParseError as error:
        raise raised(
            "MALFORMED_XML", f"The text is no XML: {error}.", sqlstate="22000", kind="runtime", text=text
        ) from None


def _nodes(value: Any, path: str) -> list[xpath.NodeOf]:
    if not isinstance(value, list):
        raise raised(
            "UNSUPPORTED_FEATURE.PENSTOCK", f"Penstock does not support an xpath list from `{path}`.",
            sqlstate="0A000", kind="unsupported", feature="an xpath list of no nodes",
        )  # fmt: skip
    return value


@by_row(pa.list_(pa.string()))
def xpath_list(text: str, path: str) -> list[str | None] | None:
    """The values of text and attribute nodes; an element has none (NULL)."""
    value = _value(text, path)
    if value is None:
        return None
    return [node.value if node.kind != "element" else None for node in _nodes(value, path)]


@by_row(pa.string())
def xpath_string(text: str, path: str) -> str | None:
    value = _value(text, path)
    return None if value is None else xpath.string(value)


@by_row(pa.float64())
def xpath_number(text: str, path: str) -> float | None:
    value = _value(text, path)
    return None if value is None else xpath.number(value)


@by_row(pa.bool_())
def xpath_boolean(text: str, path: str) -> bool | None:
    value = _value(text, path)
    return None if value is None else xpath.boolean(value)
