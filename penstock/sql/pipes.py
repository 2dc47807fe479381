"""`FROM t |> WHERE a > 1 |> AGGREGATE sum(b) GROUP BY c`: each operator works on the rows of what stands before it.

An operator that SELECT has as a clause is read as one over a table of a name that nobody can write, which is then
replaced by the rows before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlglot.tokens import Token, TokenType

from penstock.core.errors import unsupported
from penstock.plan import nodes
from penstock.plan.expressions import Alias, Expression, UnresolvedAttribute, UnresolvedStar, UnresolvedStarExcept
from penstock.plan.pipe_nodes import PipeInput, PipeSet
from penstock.sql import queries
from penstock.sql.expressions import Scope, expression, expressions
from penstock.sql.relations import relation, with_joins
from penstock.sql.syntax import syntax_error
from penstock.sql.tree import part

Tokens = list[Token]
Parse = Callable[[Tokens], Any]
"""Reads the tokens of one query."""

_INPUT = "|>"
_OPENING = {TokenType.L_PAREN: 1, TokenType.L_BRACKET: 1, TokenType.R_PAREN: -1, TokenType.R_BRACKET: -1}
_CLAUSES = {"ORDER", "ORDER BY", "SORT", "SORT BY", "CLUSTER", "CLUSTER BY", "DISTRIBUTE", "DISTRIBUTE BY", "LIMIT",
            "OFFSET"}  # fmt: skip
_SETS = {"UNION", "EXCEPT", "INTERSECT", "MINUS"}
_JOINS = {"JOIN", "INNER", "CROSS", "LEFT", "RIGHT", "FULL", "NATURAL", "SEMI", "ANTI"}


def is_piped(tokens: Tokens) -> bool:
    """Whether the text uses the syntax anywhere."""
    return any(token.token_type == TokenType.PIPE_GT for token in tokens)


def piped(tokens: Tokens, parse: Parse, scope: Scope) -> nodes.Node:
    """The plan of a query with `|>`; inside of parentheses the syntax is refused."""
    first, *operators = _split(tokens, TokenType.PIPE_GT)
    if first and first[0].token_type == TokenType.FROM:
        first = [*_made("SELECT", "*"), *first]
    if not first:
        raise syntax_error("|>")
    plan = queries.query(parse(first), scope)
    for operator in operators:
        plan = _Operator(operator, parse, scope).over(plan)
    return plan


def _split(tokens: Tokens, at: TokenType) -> list[Tokens]:
    """The parts between the tokens `at` outside of all parentheses."""
    parts: list[Tokens] = [[]]
    depth = 0
    for token in tokens:
        depth += _OPENING.get(token.token_type, 0)
        if token.token_type == at and depth == 0:
            parts.append([])
        else:
            parts[-1].append(token)
            if token.token_type == TokenType.PIPE_GT:
                raise unsupported("the pipe syntax (|>) inside of parentheses", "Name the query in a WITH clause.")
    return parts


_KINDS = {"SELECT": TokenType.SELECT, "*": TokenType.STAR, "FROM": TokenType.FROM, _INPUT: TokenType.VAR,
          ",": TokenType.COMMA}  # fmt: skip


def _made(*words: str) -> Tokens:
    return [Token(_KINDS[word], word) for word in words]


class _Operator:
    """One `|> ...`, by its first word."""

    def __init__(self, tokens: Tokens, parse: Parse, scope: Scope) -> None:
        if not tokens:
            raise syntax_error("")
        self._word = tokens[0].text.upper()
        self._tokens, self._rest = tokens, tokens[1:]
        self._parse, self._scope = parse, scope

    def over(self, plan: nodes.Node) -> nodes.Node:
        """The operator's plan over the rows of `plan`."""
        word = self._word
        if word not in ("EXTEND", "SET", "AGGREGATE"):
            plan = PipeInput(plan)
        if (method := _OPERATORS.get(word)) is not None:
            return method(self, plan)
        if word in _CLAUSES:
            return queries.modified(self._clause(), plan, self._scope)
        if word in _SETS:
            tree = self._parse([*_made("SELECT", "*", "FROM", _INPUT), *self._tokens])
            return _placed(queries.query(tree, self._scope), plan)
        if word in _JOINS:
            return self._joined(plan)
        raise syntax_error(self._tokens[0].text)

    def _clause(self) -> Any:
        return self._parse([*_made("SELECT", "*", "FROM", _INPUT), *self._tokens])

    def _items(self, tokens: Tokens) -> tuple[Expression, ...]:
        if not tokens:
            raise syntax_error("")
        tree = self._parse([*_made("SELECT"), *tokens])
        if {k for k, v in tree.args.items() if v} != {"expressions"}:
            raise syntax_error(tokens[-1].text)
        return expressions(tree.expressions, self._scope)

    def _select(self, plan: nodes.Node) -> nodes.Node:
        tree = self._parse([*self._tokens, *_made("FROM", _INPUT)])
        return _placed(queries.query(tree, self._scope), plan)

    def _where(self, plan: nodes.Node) -> nodes.Node:
        return nodes.Filter(expression(self._clause().args["where"].this, self._scope), plan)

    def _extend(self, plan: nodes.Node) -> nodes.Node:
        items = self._items(self._rest)
        return nodes.Project((UnresolvedStar(), *items), PipeInput(plan, self._word, items))

    def _set(self, plan: nodes.Node) -> nodes.Node:
        aliases = []
        for item in _split(self._rest, TokenType.COMMA):
            if len(item) < 3 or item[1].token_type != TokenType.EQ:
                raise syntax_error(item[0].text if item else "")
            aliases.append(Alias(self._items(item[2:])[0], (item[0].text,)))
        return PipeSet(tuple(aliases), PipeInput(plan, self._word, tuple(aliases)))

    def _drop(self, plan: nodes.Node) -> nodes.Node:
        names = [e.parts for e in self._items(self._rest) if isinstance(e, UnresolvedAttribute)]
        return nodes.Project((UnresolvedStarExcept((), tuple(names)),), plan)

    def _as(self, plan: nodes.Node) -> nodes.Node:
        if len(self._rest) != 1:
            raise syntax_error(self._rest[1].text if self._rest else "")
        return nodes.SubqueryAlias(self._rest[0].text, plan)

    def _aggregate(self, plan: nodes.Node) -> nodes.Node:
        """The keys come first, then the aggregates."""
        at = next((i for i, t in enumerate(self._rest) if t.text.upper() in ("GROUP", "GROUP BY")), len(self._rest))
        keys_at = at + (2 if at < len(self._rest) and self._rest[at].text.upper() == "GROUP" else 1)
        items = self._items(self._rest[:at]) if at else ()
        keys = self._keys(self._rest[keys_at:]) if at < len(self._rest) else ()
        grouping = tuple(key.child if isinstance(key, Alias) else key for key in keys)
        return nodes.Aggregate(grouping, (*keys, *items), PipeInput(plan, self._word, items))

    def _keys(self, tokens: Tokens) -> tuple[Expression, ...]:
        if tokens and tokens[0].text.upper() in ("ROLLUP", "CUBE", "GROUPING", "GROUPING SETS"):
            raise unsupported(f"{tokens[0].text.upper()} in the pipe operator AGGREGATE")
        return self._items(tokens)

    def _joined(self, plan: nodes.Node) -> nodes.Node:
        tree = self._clause()
        source = tree.args["from_"].this
        return with_joins(plan, [*(part(source, "joins") or []), *(part(tree, "joins") or [])], self._scope)

    def _relation(self, plan: nodes.Node) -> nodes.Node:
        """PIVOT, UNPIVOT and TABLESAMPLE."""
        return _placed(relation(self._clause().args["from_"].this, self._scope), plan)


_OPERATORS: dict[str, Callable[[_Operator, nodes.Node], nodes.Node]] = {
    "SELECT": _Operator._select,
    "WHERE": _Operator._where,
    "EXTEND": _Operator._extend,
    "SET": _Operator._set,
    "DROP": _Operator._drop,
    "AS": _Operator._as,
    "AGGREGATE": _Operator._aggregate,
    "PIVOT": _Operator._relation,
    "UNPIVOT": _Operator._relation,
    "TABLESAMPLE": _Operator._relation,
}


def _placed(plan: nodes.Node, rows: nodes.Node) -> nodes.Node:
    """`plan` with `rows` in the place of the table that stands for them."""
    return plan.transform(lambda n: rows if isinstance(n, nodes.UnresolvedTable) and n.parts == (_INPUT,) else n)
