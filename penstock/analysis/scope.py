"""Which columns a name may mean: Spark's AttributeSeq, the DataFrame numbers of Connect, and what lies further out.

A scope belongs to the expressions of one node.  Looked up in this order: the input's columns; columns that the input
dropped but that can be had again (`through`, for ORDER BY and WHERE) or hid (USING keys); aliases further left in the
same SELECT; the enclosing query's columns (correlated subqueries).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from penstock.analysis.context import AnalysisContext
from penstock.analysis.errors import fail, sql_id
from penstock.analysis.extract import extract_field
from penstock.analysis.hidden import below, duplicate_of, hidden_columns
from penstock.analysis.suggestions import by_similarity
from penstock.plan.expressions import Alias, Attribute, Expression, LambdaVariable, UnresolvedAttribute
from penstock.plan.nodes import Aggregate, Join, Node, SetOperation


class Scope:
    """The names that the expressions of one node see.

    `missing` collects columns that were found below the input and must be made available by it;
    `laterals` are the aliases to the left in a SELECT, `used_laterals` those referred to;
    `aggregate`: expressions stand over this Aggregate (HAVING, ORDER BY) and may aggregate its input."""

    def __init__(self, context: AnalysisContext, *plans: Node, through: bool = False) -> None:
        self.context = context
        self.plans = plans
        self.through = through
        self.attributes: tuple[Attribute, ...] = tuple(a for plan in plans for a in plan.output)
        self.missing: dict[int, Attribute] = {}
        self.laterals: dict[str, list[Alias]] = {}
        self.used_laterals: set[int] = set()
        self.variables: tuple[LambdaVariable, ...] = ()
        self.aggregate: Aggregate | None = None
        self.sorts = False
        self.operator = ""  # set where generators may not stand: Filter, Sort
        self.prefer_aggregate_input = False
        self._index: dict[str, list[Attribute]] | None = None
        self._by_id: dict[int, Attribute] | None = None

    def with_variables(self, variables: Iterable[LambdaVariable]) -> Scope:
        """The same scope inside a lambda: its parameters come first."""
        inner = Scope.__new__(Scope)
        inner.__dict__.update(self.__dict__)
        inner.variables = (*variables, *self.variables)
        return inner

    # ------------------------------------------------------------ look-up

    def resolve(self, name: UnresolvedAttribute) -> Expression | None:
        """What `name` means here or further out; None if nothing.  Nested fields come back as an Alias of the last
        field's name, to be dropped where the expression is not a column of its own."""
        scope: Scope | None = self
        while scope is not None:
            found = scope.resolve_here(name)
            if found is not None:
                return found
            scope = scope.context.outer
        return None

    def resolve_here(self, name: UnresolvedAttribute) -> Expression | None:
        """As `resolve`, without the enclosing queries."""
        if name.plan_id is not None:
            return self._resolve_in_dataframe(name)
        return self.variable(name.parts) or self.lookup(name.parts) or self._fallback(name) or self._lateral(name.parts)

    def lookup(self, parts: tuple[str, ...]) -> Expression | None:
        """A column of the input by its name, with qualifier and nested fields where given."""
        candidates, rest = self._candidates(parts)
        if not candidates:
            return None
        if len(candidates) > 1:
            candidates = self._without_copies(candidates)
        if len(candidates) > 1 and self.sorts and below(self.plans[0]) is not None:
            return None  # a name that a SELECT gave twice is looked for below it
        if len(candidates) > 1:
            shown = sorted(sql_id((*a.qualifier, a.name)) for a in candidates)
            raise fail("AMBIGUOUS_REFERENCE", name=sql_id(parts), referenceNames=f"[{', '.join(shown)}]")
        found = candidates[0]
        if not rest and found.name != parts[-1]:
            found = replace(found, name=parts[-1])  # columns are named as the query writes them
        return self._nested(found, rest)

    def variable(self, parts: tuple[str, ...]) -> Expression | None:
        """A lambda's parameter, innermost first."""
        for variable in self.variables:
            if self.context.key(variable.name) == self.context.key(parts[0]):
                return self._nested(variable, parts[1:])
        return None

    def attribute(self, column_id: int) -> Attribute | None:
        """The input's column with that id."""
        if self._by_id is None:
            self._by_id = {a.id: a for a in self.attributes}
        return self._by_id.get(column_id)

    def unresolved(self, name: UnresolvedAttribute) -> Exception:
        """Spark's error for a name that means nothing, with the nearest names."""
        shown = sql_id(name.parts)
        if not self.attributes:
            return fail("UNRESOLVED_COLUMN.WITHOUT_SUGGESTION", objectName=shown)
        proposal = by_similarity(name.parts, [(*a.qualifier, a.name) for a in self.attributes])[:5]
        return fail("UNRESOLVED_COLUMN.WITH_SUGGESTION", objectName=shown, proposal=", ".join(proposal))

    # ------------------------------------------------------------ inside

    def _candidates(self, parts: tuple[str, ...]) -> tuple[list[Attribute], tuple[str, ...]]:
        key = self.context.key
        for depth in range(min(len(parts) - 1, 3), 0, -1):
            qualifier = tuple(key(part) for part in parts[:depth])
            named = self._named(key(parts[depth]))
            found = [a for a in named if tuple(key(q) for q in a.qualifier[-depth:]) == qualifier]
            if found:
                return found, parts[depth + 1 :]
        return self._named(key(parts[0])), parts[1:]

    def _named(self, key: str) -> list[Attribute]:
        if self._index is None:
            self._index = {}
            for a in dict.fromkeys(self.attributes):
                self._index.setdefault(self.context.key(a.name), []).append(a)
        return self._index.get(key, [])

    def _without_copies(self, candidates: list[Attribute]) -> list[Attribute]:
        """`select("a", "a")` yields one column twice; under Spark's ids these are the same reference."""
        ids = {a.id for a in candidates}
        kept = [a for a in candidates if not any(duplicate_of(plan, a.id) in ids for plan in self.plans)]
        return kept or candidates

    def _nested(self, root: Expression, rest: tuple[str, ...]) -> Expression:
        if not rest:
            return root
        found = root
        for field_name in rest:
            found = extract_field(found, field_name, self.context)
        return Alias(found, (rest[-1],))

    def _fallback(self, name: UnresolvedAttribute) -> Expression | None:
        """Columns hidden by USING (qualified or by DataFrame only), then columns that a SELECT below dropped."""
        if name.plan_id is not None or len(name.parts) > 1:
            hidden = tuple(a for plan in self.plans for a in hidden_columns(plan))
            if hidden and (found := self._among_hidden(name, hidden)) is not None:
                return self._note_missing(found)
        if not self.through or len(self.plans) != 1:
            return None
        lower = below(self.plans[0])
        if lower is None:
            return None
        inner = Scope(replace(self.context, outer=None), lower, through=True)
        found = inner.resolve_here(name)
        return None if found is None or not self._can_expose(found) else self._note_missing(found)

    def _among_hidden(self, name: UnresolvedAttribute, hidden: tuple[Attribute, ...]) -> Expression | None:
        if name.plan_id is not None:
            found, _ = self._search(name)
            return found if found is not None and _references(found) <= {a.id for a in hidden} else None
        scope = Scope(replace(self.context, outer=None))
        scope.attributes = hidden
        return scope.lookup(name.parts)

    def _can_expose(self, found: Expression) -> bool:
        """Through an Aggregate only its keys can be had; what stands right over it is checked as a whole later."""
        plan: Node | None = self.plans[0] if self.aggregate is None else None
        while plan is not None:
            if isinstance(plan, Aggregate):
                keys = {g.id for g in plan.grouping if isinstance(g, Attribute)}
                if not _references(found) <= keys | {a.id for a in plan.output}:
                    return False
            plan = below(plan)
        return True

    def _note_missing(self, found: Expression) -> Expression:
        for e in found.walk():
            if isinstance(e, Attribute) and self.attribute(e.id) is None:
                self.missing[e.id] = e
        return found

    def _lateral(self, parts: tuple[str, ...]) -> Expression | None:
        aliases = self.laterals.get(self.context.key(parts[0]))
        if not aliases:
            return None
        if len(aliases) > 1:
            raise fail("AMBIGUOUS_LATERAL_COLUMN_ALIAS", name=sql_id(parts), n=len(aliases))
        self.used_laterals.add(aliases[0].id)
        return self._nested(aliases[0].to_attribute(), parts[1:])

    # ------------------------------------------------------------ Connect's DataFrame numbers

    def _resolve_in_dataframe(self, name: UnresolvedAttribute) -> Expression | None:
        found, matched = self._search(name)
        if found is not None and all(self.attribute(i) is not None for i in _references(found)):
            return found.transform(self._as_here)
        fallback = self._fallback(name)
        if fallback is not None:
            return fallback
        if (matched and self.aggregate is not None) or self._known_outside(name):
            return None
        raise fail("CANNOT_RESOLVE_DATAFRAME_COLUMN", name=f'"{".".join(name.parts)}"')

    def _known_outside(self, name: UnresolvedAttribute) -> bool:
        outer = self.context.outer
        while outer is not None:
            if outer._search(name)[1]:
                return True
            outer = outer.context.outer
        return False

    def _as_here(self, e: Expression) -> Expression:
        """The input's own version of an attribute: an outer join below may have made it nullable."""
        return (self.attribute(e.id) or e) if isinstance(e, Attribute) else e

    def _search(self, name: UnresolvedAttribute) -> tuple[Expression | None, bool]:
        """The column in the DataFrame called `plan_id` somewhere below, and whether that DataFrame occurs at all.
        Where it occurs several times, one must be an input itself, else the reference is ambiguous (as in Connect)."""
        found, matched = self._search_all(name, self.plans, 0)
        return (found[0] if found is not None else None), matched

    def _search_all(
        self, name: UnresolvedAttribute, plans: tuple[Node, ...], depth: int
    ) -> tuple[tuple[Expression, int] | None, bool]:
        results = [self._search_node(name, plan, depth) for plan in plans]
        candidates = sorted((r[0] for r in results if r[0] is not None), key=lambda c: c[1])
        if (
            len(candidates) > 1
            and candidates[0][0] != candidates[1][0]
            and not candidates[0][1] == 0 < candidates[1][1]
        ):
            raise fail("AMBIGUOUS_COLUMN_REFERENCE", name=f'"{".".join(name.parts)}"')
        return (candidates[0] if candidates else None), any(matched for _, matched in results)

    def _search_node(
        self, name: UnresolvedAttribute, plan: Node, depth: int
    ) -> tuple[tuple[Expression, int] | None, bool]:
        if plan.plan_id == name.plan_id:
            expression = Scope(replace(self.context, outer=None), plan).lookup(name.parts)
            return (None if expression is None else (expression, depth)), True
        children = () if isinstance(plan, SetOperation) else plan.children
        if isinstance(plan, Join) and plan.kind in ("semi", "anti"):
            children = children[:1]
        found, matched = self._search_all(name, children, depth + 1)
        if found is not None:
            visible = {a.id for a in plan.output} | {a.id for a in hidden_columns(plan)}
            if not _references(found[0]) <= visible:
                found = None
        return found, matched


def _references(expression: Expression) -> set[int]:
    return {e.id for e in expression.walk() if isinstance(e, Attribute)}
