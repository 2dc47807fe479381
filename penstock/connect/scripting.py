"""Runs SQL scripts: blocks with variables of their own, branches, loops and handlers of errors.

The rows of a script are those of the query that ran last.  Its variables are seen by the thread that runs it alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from penstock.connect.encode import rows_result
from penstock.connect.pipeline import Result, resolve, run
from penstock.connect.script_scope import Frame, running
from penstock.connect.variable_commands import declared, row_values
from penstock.core.errors import SparkError, analysis_error
from penstock.plan.expressions import Alias, Expression
from penstock.plan.nodes import OneRow, Project
from penstock.plan.types import BooleanType, StructType
from penstock.sql import Arguments, parse_expression, parse_statement
from penstock.sql import statements as s
from penstock.sql.scripts import Compound, DeclareLocal, For, Handler, If, Jump, Loop, Sql, Step

if TYPE_CHECKING:
    from penstock.connect.session import Session


_CONTINUE = "spark.sql.scripting.continueHandlerEnabled"


class _JumpError(Exception):
    """LEAVE or ITERATE on its way to the block of its label."""

    def __init__(self, jump: Jump) -> None:
        super().__init__(jump.label)
        self.jump = jump


class _HandledError(Exception):
    """An EXIT handler has run: the block that declared it is left."""

    def __init__(self, frame: Frame) -> None:
        super().__init__()
        self.frame = frame


def run_script(session: Session, statement: s.Script) -> Result:
    """The rows of the last query of a script."""
    if _goes_on(statement.body) and (session.conf.get(_CONTINUE) or "false").lower() != "true":
        message = f"CONTINUE handlers are switched off; {_CONTINUE}=true switches them on."
        raise analysis_error("UNSUPPORTED_FEATURE.CONTINUE_EXCEPTION_HANDLER", message, "0A000")
    with running() as frames:
        return _Runner(session, statement.args, frames).result(statement.body)


def _goes_on(step: Step) -> bool:
    """Whether there is a CONTINUE handler in a statement."""
    handlers = step.handlers if isinstance(step, Compound) else ()
    inner = [*(handler.body for handler in handlers), *getattr(step, "body", ())]
    if isinstance(step, If):
        inner += [child for _, body in step.branches for child in body] + list(step.otherwise or ())
    return any(not handler.leaves for handler in handlers) or any(map(_goes_on, inner))


class _Runner:
    def __init__(self, session: Session, args: Arguments, frames: list[Frame]) -> None:
        self._session = session
        self._args = args
        self._frames = frames
        self._last: Result | None = None

    def result(self, body: Compound) -> Result:
        self._compound(body)
        return rows_result(StructType(), []) if self._last is None else self._last

    # ------------------------------------------------------------ statements

    def _steps(self, steps: Iterable[Step]) -> None:
        for step in steps:
            try:
                _RUN[type(step)](self, step)
            except SparkError as error:
                self._handle(error)

    def _sql(self, step: Sql) -> None:
        from penstock.connect.sql_commands import run_command

        statement = self._parsed(step.text)
        if isinstance(statement, s.Query):
            self._last = run(self._session, resolve(self._session, statement.plan))
            return
        if isinstance(statement, s.DropVariable):
            message = "A script does not drop variables: those of its blocks end with them."
            raise analysis_error("UNSUPPORTED_FEATURE.SQL_SCRIPTING_DROP_TEMPORARY_VARIABLE", message, "0A000")
        found = run_command(self._session, statement)
        if isinstance(statement, s.ExecuteImmediate) and found.schema.fields:
            self._last = found

    def _parsed(self, text: str) -> s.Statement:
        session = self._session
        return parse_statement(text, self._args, time_zone=session.time_zone, variable=session.catalog.variable)

    def _declare(self, step: DeclareLocal) -> None:
        statement = self._parsed(step.text)
        assert isinstance(statement, s.DeclareVariables)
        known = self._frames[-1].variables
        for parts in statement.names:
            name = ".".join(parts).lower()
            shown = f"`{name}`"
            if statement.replace:
                message = f"The variable {shown} is one of a block: declare it without OR REPLACE."
                raise analysis_error("INVALID_VARIABLE_DECLARATION.REPLACE_LOCAL_VARIABLE", message, "42K0M",
                                     varName=shown)  # fmt: skip
            if len(parts) > 1:
                message = f"The variable {shown} is one of a block: its name has one part."
                raise analysis_error("INVALID_VARIABLE_DECLARATION.QUALIFIED_LOCAL_VARIABLE", message, "42K0M",
                                     varName=shown)  # fmt: skip
            if name in known:
                message = f"There is a variable {shown} in this block already."
                raise analysis_error("VARIABLE_ALREADY_EXISTS", message, "42723", variableName=shown)
            known[name] = declared(self._session, statement)

    # ------------------------------------------------------------ blocks

    def _compound(self, block: Compound) -> None:
        with self._frame(Frame(block.label, {}, block)) as frame:
            try:
                self._steps(block.body)
            except _HandledError as handled:
                if handled.frame is not frame:
                    raise
            except _JumpError as jumped:
                if jumped.jump.label != block.label:
                    raise

    @contextmanager
    def _frame(self, frame: Frame) -> Iterator[Frame]:
        self._frames.append(frame)
        depth = len(self._frames)
        try:
            yield frame
        finally:
            del self._frames[depth - 1 :]

    def _if(self, step: If) -> None:
        for condition, body in step.branches:
            if self._holds(condition):
                self._steps(body)
                return
        if step.otherwise is not None:
            self._steps(step.otherwise)

    def _loop(self, step: Loop) -> None:
        while step.before is None or self._holds(step.before):
            if not self._once(step.label, step.body):
                return
            if step.after is not None and self._holds(step.after):
                return

    def _once(self, label: str | None, body: tuple[Step, ...]) -> bool:
        """One round of a loop; False when it is left."""
        try:
            self._steps(body)
        except _JumpError as jumped:
            if jumped.jump.label != label:
                raise
            return not jumped.jump.leaves
        return True

    def _for(self, step: For) -> None:
        statement = self._parsed(step.query)
        if not isinstance(statement, s.Query):
            raise analysis_error("INVALID_STATEMENT_FOR_FOR_LOOP", "FOR goes over the rows of a query.", "42K0L")
        rows = run(self._session, resolve(self._session, statement.plan))
        names = [f.name.lower() for f in rows.schema.fields]
        for index in range(rows.table.num_rows):
            values = row_values(replace(rows, table=rows.table.slice(index, 1)))
            with self._frame(Frame(step.name, dict(zip(names, values, strict=True)), None)):
                goes_on = self._once(step.label, step.body)
            if not goes_on:
                return

    def _jump(self, step: Jump) -> None:
        raise _JumpError(step)

    # ------------------------------------------------------------ conditions and handlers

    def _holds(self, text: str) -> bool:
        """Whether a condition of IF, WHILE and the like is true; NULL is not."""
        session = self._session
        value: Expression
        value = parse_expression(text, self._args, time_zone=session.time_zone, variable=session.catalog.variable)
        found = run(session, resolve(session, Project((Alias(value, ("condition",)),), OneRow())))
        if not isinstance(found.schema[0].dataType, BooleanType):
            shown = re.sub(r"\s+", " ", text).strip().upper()
            message = f"A condition is true or false, and {shown} is {found.schema[0].dataType.simpleString()}."
            raise analysis_error("INVALID_BOOLEAN_STATEMENT", message, "22546", invalidStatement=shown)
        return found.table.column(0)[0].as_py() is True

    def _handle(self, error: SparkError) -> None:
        """Run the handler that an error finds, the innermost first; the error itself where there is none."""
        for index in range(len(self._frames) - 1, -1, -1):
            frame = self._frames[index]
            handler = None if frame.block is None or frame.handling else _handler(frame.block, error)
            if handler is None:
                continue
            inner = self._frames[index + 1 :]
            del self._frames[index + 1 :]
            frame.handling = True
            try:
                self._body(handler)
            finally:
                frame.handling = False
            if handler.leaves:
                raise _HandledError(frame)
            self._frames.extend(inner)
            return
        raise error

    def _body(self, handler: Handler) -> None:
        """A handler's statement; an error in it looks for the handlers further out."""
        step = handler.body
        _RUN[type(step)](self, step)


def _handler(block: Compound, error: SparkError) -> Handler | None:
    """The handler of a block for an error: one that names it comes before one of its SQLSTATE, and this before all
    others."""
    state = error.sqlstate or ""
    names = {error.condition.upper(), error.condition.upper().split(".")[0]}

    def rank(kind: str, value: str) -> int | None:
        if kind == "name":
            if value in block.conditions:
                return 1 if block.conditions[value] == state else None
            return 0 if value in names else None
        if kind == "state":
            return 1 if value == state else None
        is_missing = state.startswith("02")
        return 2 if is_missing == (kind == "not found") and state[:2] not in ("00", "01", "XX") else None

    ranked = [
        (found, handler)
        for handler in block.handlers
        for kind, value in handler.conditions
        if (found := rank(kind, value)) is not None
    ]
    return min(ranked, key=lambda pair: pair[0])[1] if ranked else None


_RUN: dict[type[Step], Callable[[_Runner, Any], None]] = {
    Sql: _Runner._sql,
    DeclareLocal: _Runner._declare,
    Compound: _Runner._compound,
    If: _Runner._if,
    Loop: _Runner._loop,
    For: _Runner._for,
    Jump: _Runner._jump,
}
