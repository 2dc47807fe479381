"""Names of collations: which there are, and which Spark would know."""

from __future__ import annotations

import re

from pyspark.sql.types import DataType, StringType

from penstock.core.errors import analysis_error, unsupported

BINARY = "UTF8_BINARY"
_KNOWN = (BINARY, "UTF8_LCASE", "UNICODE", "UNICODE_CI")
_SPARKS = re.compile(
    r"(?:UTF8_(?:BINARY|LCASE)|(?:UNICODE|[a-z]{2,3}(?:_[a-z]{4})?(?:_[a-z]{3})?)(?:_(?:CI|CS|AI|AS))*)(?:_RTRIM)?",
    re.IGNORECASE,
)


def check_collation(name: str) -> None:
    """Texts are compared by their bytes: another collation of Spark's is refused by name, any other name is
    COLLATION_INVALID_NAME."""
    if name.upper() == BINARY:
        return
    if _SPARKS.fullmatch(name):
        raise unsupported(f"the collation {name}", "Compare lower(...) of the texts where case shall not matter.")
    from difflib import get_close_matches

    proposals = ", ".join(get_close_matches(name.upper(), _KNOWN, cutoff=0.0))
    message = f"There is no collation {name}. Similar names: {proposals}."
    raise analysis_error("COLLATION_INVALID_NAME", message, "42704", collationName=name, proposals=proposals)


def without_collations(data_type: DataType) -> DataType:
    """The type itself; raises as `check_collation` where a text in it has a collation."""
    if isinstance(data_type, StringType):
        check_collation(data_type.collation)
    for inner in ("elementType", "keyType", "valueType"):
        if (found := getattr(data_type, inner, None)) is not None:
            without_collations(found)
    for field in getattr(data_type, "fields", ()):
        without_collations(field.dataType)
    return data_type
