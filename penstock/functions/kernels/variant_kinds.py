"""What schema_of_variant_agg keeps of the variants that it has seen."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa

from penstock.core.variants import Variant
from penstock.functions.kernels.rows import by_row
from penstock.functions.kernels.variant import decoded, kind_of, kind_text, merged


@by_row(pa.string())
def variant_kind(variants: list[Variant | None]) -> str:
    """The kind of all of them, as JSON: what `schema_of_variants` tells, before it is a text."""
    kind: Any = "VOID"
    for variant in variants:
        if variant is not None:
            kind = merged(kind, kind_of(decoded(variant)))
    return json.dumps(kind)


@by_row(pa.string())
def merged_variant_kind(a: str, b: str) -> str:
    """The kind of values of both kinds."""
    return json.dumps(merged(json.loads(a), json.loads(b)))


@by_row(pa.string())
def variant_kind_text(kind: str) -> str:
    """A kind as schema_of_variant writes it."""
    return kind_text(json.loads(kind))
