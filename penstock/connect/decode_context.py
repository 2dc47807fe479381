"""What decoding needs besides the message: the session's hooks, and the plans that a WithRelations brought along."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from penstock.core.errors import SparkError
from penstock.plan.expressions import Literal
from penstock.plan.nodes import Node


class DecodeHooks(Protocol):
    """What the session lends to the decoder."""

    @property
    def time_zone(self) -> str:
        """`spark.sql.session.timeZone`: TIMESTAMP literals of SQL text without a zone are in it."""

    def artifact(self, content_hash: str) -> bytes:
        """The bytes that the client uploaded under `cache/<hash>`."""

    def variable(self, parts: tuple[str, ...]) -> Literal | None:
        """The value of a session variable."""


class NoHooks:
    """For plans that need no session: UTC, and no artifacts."""

    time_zone = "UTC"

    def artifact(self, content_hash: str) -> bytes:
        message = f"Not found any cached local relation with the hash: {content_hash}."
        raise SparkError("INVALID_HANDLE.LOCAL_RELATION", message, {"hash": content_hash}, sqlstate="HY000")

    def variable(self, parts: tuple[str, ...]) -> Literal | None:
        return None


@dataclass(frozen=True)
class DecodeContext:
    """Handed down through one plan.  `references`: plan id -> node, for subqueries; `views`: names that
    `spark.sql("... {df}", df=df)` made up."""

    hooks: DecodeHooks = field(default_factory=NoHooks)
    references: Mapping[int, Node] = field(default_factory=dict)
