"""Reading records from a DataFrame of texts: spark.read.json(df), .csv(df) and .xml(df)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from penstock.plan.expressions import Attribute
from penstock.plan.nodes import Node
from penstock.plan.types import StructType


@dataclass(frozen=True, eq=False)
class ParseText(Node):
    """Records in the one string column of `child`.  `format` is csv, json or xml; without a schema it is inferred."""

    format: str
    child: Node
    options: Mapping[str, str]
    user_schema: StructType | None = None

    @property
    def output(self) -> tuple[Attribute, ...]:
        return ()
