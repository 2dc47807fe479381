"""What a SQL script is made of.  The SQL in it stays text until it runs: it may depend on what ran before."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Step:
    """The base of all statements of a script."""


@dataclass(frozen=True)
class Sql(Step):
    """A query or a command."""

    text: str


@dataclass(frozen=True)
class DeclareLocal(Step):
    """`DECLARE x INT DEFAULT 1`, as the text of the statement."""

    text: str


@dataclass(frozen=True)
class Handler:
    """`DECLARE EXIT | CONTINUE HANDLER FOR conditions body`.  A condition is ("name", X), ("state", "22012"),
    ("exception", "") or ("not found", "")."""

    leaves: bool
    conditions: tuple[tuple[str, str], ...]
    body: Step


@dataclass(frozen=True)
class Compound(Step):
    """`[label:] BEGIN ... END`; `conditions` are the names that were declared, with their SQLSTATEs."""

    label: str | None
    body: tuple[Step, ...]
    handlers: tuple[Handler, ...] = ()
    conditions: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class If(Step):
    """IF and ELSEIF with their conditions, and CASE without a value; `otherwise` is None without ELSE."""

    branches: tuple[tuple[str, tuple[Step, ...]], ...]
    otherwise: tuple[Step, ...] | None


@dataclass(frozen=True)
class Loop(Step):
    """WHILE (`before`), REPEAT (`after`: it ends when this holds) and LOOP (neither)."""

    label: str | None
    body: tuple[Step, ...]
    before: str | None = None
    after: str | None = None


@dataclass(frozen=True)
class For(Step):
    """`[label:] FOR [name AS] query DO ... END FOR`."""

    label: str | None
    name: str | None
    query: str
    body: tuple[Step, ...]


@dataclass(frozen=True)
class Jump(Step):
    """`LEAVE label` and `ITERATE label`."""

    label: str
    leaves: bool
