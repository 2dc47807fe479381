"""sqlglot as a parser of Spark SQL: its Spark dialect, changed so that the tree still says what the user wrote.

sqlglot means to translate between dialects, hence rewrites known functions, typed literals, suffixes of numbers and
intervals while it parses.  Here every call stays a call by its own name (`FUNCTIONS` is empty), types are read by
`sql/types.py` from the text, operators bind as in Spark's grammar, and literals keep their text.
"""

from __future__ import annotations

from typing import Any, ClassVar

from sqlglot import exp
from sqlglot.dialects.spark import Spark
from sqlglot.parsers.spark import SparkParser
from sqlglot.tokens import Token, TokenType

from penstock.sql.intervals import DAY_TIME_FIELDS, YEAR_MONTH_FIELDS, unit_name
from penstock.sql.syntax import star_as_index, syntax_error
from penstock.sql.tokenizing import by_spark_rules
from penstock.sql.types import parse_type

_TYPED_LITERALS = {"DATE", "TIMESTAMP", "TIMESTAMP_NTZ", "TIMESTAMP_LTZ", "TIME"}
_COMPARISONS = {
    TokenType.EQ: exp.EQ, TokenType.NEQ: exp.NEQ, TokenType.NULLSAFE_EQ: exp.NullSafeEQ, TokenType.LT: exp.LT,
    TokenType.LTE: exp.LTE, TokenType.GT: exp.GT, TokenType.GTE: exp.GTE,
}  # fmt: skip
_AFTER_ITEMS = {TokenType.COMMA, TokenType.R_PAREN, TokenType.ORDER_BY, TokenType.SORT_BY}


_AFTER_STREAM = {TokenType.VAR, TokenType.IDENTIFIER, TokenType.L_PAREN, TokenType.DEFAULT}
_CLAUSES = {"GROUP", "ORDER", "SORT", "CLUSTER", "DISTRIBUTE"}


class TypedCast(exp.Expression):  # type: ignore[misc]
    """CAST, TRY_CAST and `::`; `to` is a Spark type, `mode` "" or "try"."""

    arg_types: ClassVar[Any] = {"this": True, "to": True, "mode": True}


class TypedLiteral(exp.Expression):  # type: ignore[misc]
    """`DATE '2020-01-01'`: the keyword and the text."""

    arg_types: ClassVar[Any] = {"keyword": True, "text": True}


class IntervalLiteral(exp.Expression):  # type: ignore[misc]
    """`INTERVAL 1 DAY -2 HOURS`, `INTERVAL '1-2' YEAR TO MONTH`, `INTERVAL '1 day'`: (value, unit, end unit) each."""

    arg_types: ClassVar[Any] = {"fields": True}


class TableArgument(exp.Expression):  # type: ignore[misc]
    """`TABLE(query) PARTITION BY (...) ORDER BY (...)` or `WITH SINGLE PARTITION` in a table function's arguments."""

    arg_types: ClassVar[Any] = {"this": True, "partition_by": False, "order_by": False, "single": False}


class VariantPath(exp.Expression):  # type: ignore[misc]
    """`v:a.b[0]`; `path` is `$.a.b[0]`."""

    arg_types: ClassVar[Any] = {"this": True, "path": True, "name": True}


class NamedCall(exp.Expression):  # type: ignore[misc]
    """`IDENTIFIER(name)(arguments)`."""

    arg_types: ClassVar[Any] = {"this": True, "expressions": False}


class UnsignedShift(exp.Expression):  # type: ignore[misc]
    """`a >>> b`."""

    arg_types: ClassVar[Any] = {"this": True, "expression": True}


def tokenize(sql: str) -> list[Token]:
    """The tokens, by Spark's rules."""
    return by_spark_rules(DIALECT.tokenize(sql), sql)


class SparkSqlParser(SparkParser):  # type: ignore[misc]
    """Spark's expression grammar over sqlglot's query grammar."""

    FUNCTIONS: ClassVar[Any] = {}
    FUNCTION_PARSERS: ClassVar[Any] = {
        "CAST": lambda self: self._spark_cast(""),
        "TRY_CAST": lambda self: self._spark_cast("try"),
        "EXTRACT": lambda self: self._spark_extract(),
        "TRIM": lambda self: self._spark_trim(),
        "SUBSTRING": lambda self: self._spark_keyword_call("substring", "FROM", "FOR"),
        "SUBSTR": lambda self: self._spark_keyword_call("substr", "FROM", "FOR"),
        "OVERLAY": lambda self: self._spark_keyword_call("overlay", "PLACING", "FROM", "FOR"),
        "POSITION": lambda self: self._spark_position(),
        "TABLE": lambda self: self._spark_table_argument(),
    }
    # `AS select` names a column, `AS "text"` does not
    RESERVED_TOKENS: ClassVar[Any] = (SparkParser.RESERVED_TOKENS - {TokenType.SELECT}) | {TokenType.STRING}
    NO_PAREN_FUNCTION_PARSERS: ClassVar[Any] = {"CASE": lambda self: self._parse_case()}
    TERM: ClassVar[Any] = {
        TokenType.DASH: exp.Sub,
        TokenType.PLUS: exp.Add,
        TokenType.DPIPE: exp.DPipe,
        TokenType.COLLATE: exp.Collate,
    }
    RANGE_PARSERS: ClassVar[Any] = {k: v for k, v in SparkParser.RANGE_PARSERS.items() if k != TokenType.FOR}
    ARRAY_CONSTRUCTORS: ClassVar[Any] = {}
    COLUMN_OPERATORS: ClassVar[Any] = {
        TokenType.DOT: None,
        TokenType.DCOLON: lambda self, this, to: self.expression(TypedCast(this=this, to=to.args["to"], mode="")),
    }
    CAST_COLUMN_OPERATORS: ClassVar[Any] = {TokenType.DCOLON}
    UNARY_PARSERS: ClassVar[Any] = {
        **SparkParser.UNARY_PARSERS,
        TokenType.PLUS: lambda self: exp.Anonymous(this="positive", expressions=[self._parse_unary()]),
    }
    LAMBDAS: ClassVar[Any] = {
        TokenType.ARROW: lambda self, names: self.expression(
            exp.Lambda(this=self._parse_disjunction(), expressions=names)
        ),
        TokenType.FARROW: SparkParser.LAMBDAS[TokenType.FARROW],
    }
    PLACEHOLDER_PARSERS: ClassVar[Any] = {
        **SparkParser.PLACEHOLDER_PARSERS,
        TokenType.PLACEHOLDER: lambda self: exp.Placeholder(this=f"?{self._prev.start}"),
    }
    ADD_JOIN_ON_TRUE = False
    JOINS_HAVE_EQUAL_PRECEDENCE = True

    def _parse_csv(self, parse_method: Any, sep: TokenType = TokenType.COMMA) -> Any:
        """Items between commas; sqlglot would let `a,, b` and `a,` pass."""
        first = parse_method()
        items = [] if first is None else [first]
        while self._match(sep):
            item = parse_method()
            if first is None or item is None:
                self.raise_error("Expected an item beside the comma")
            items.append(item)
        return items

    # ------------------------------------------------------------ operators, weakest first below AND

    def _parse_table_parts(self, *args: Any, fast: bool = False, **kwargs: Any) -> Any:
        """`STREAM name` and `STREAM(name)`: a table or view, read as a stream."""
        following = self._next.token_type if self._next else None
        is_stream = self._curr and self._curr.text.upper() == "STREAM" and self._curr.token_type == TokenType.VAR
        begins_clause = self._next is not None and self._next.text.upper() in _CLAUSES
        if not is_stream or begins_clause or following not in _AFTER_STREAM:
            return super()._parse_table_parts(*args, fast=fast, **kwargs)
        if fast:
            return None
        self._advance()
        in_parentheses = self._match(TokenType.L_PAREN)
        table = super()._parse_table_parts(*args, **kwargs)
        if in_parentheses:
            self._match_r_paren()
        if table is not None:
            table.meta["stream"] = True
        return table

    def _parse_function_args(self, alias: bool = False) -> Any:
        """In `struct(1 a, 2 AS b)` a name needs no AS, as in a SELECT list."""
        name = self._tokens[self._index - 2]
        if name.token_type == TokenType.IDENTIFIER or name.text.upper() != "STRUCT":
            return super()._parse_function_args(alias)
        return self._parse_csv(self._spark_field)

    def _spark_field(self) -> Any:
        item = self._parse_lambda(alias=True)
        return item if item is None or isinstance(item, exp.Alias) else self._parse_alias(item)

    def _parse_string_as_identifier(self) -> Any:
        """A text in quotes is no name."""
        return None

    def _parse_pivot_aggregation(self) -> Any:
        """Any expression: whether it aggregates is looked at when its names are known."""
        return self._parse_alias(self._parse_disjunction())

    def _parse_table_alias(self, *args: Any, **kwargs: Any) -> Any:
        """`name(columns) MAX RECURSION LEVEL 10` of a WITH clause."""
        alias = super()._parse_table_alias(*args, **kwargs)
        if alias is not None and self._match_text_seq("MAX", "RECURSION", "LEVEL"):
            if not (self._match(TokenType.NUMBER) and self._prev.text.isdigit()):
                self.raise_error("Expected a number of levels")
            alias.meta["max_levels"] = int(self._prev.text)
        return alias

    def _parse_equality(self, parse_is: bool = True) -> Any:
        """Spark's valueExpression (all comparisons on one level) and the predicates after it."""
        this = self._spark_level(self._parse_bitwise, _COMPARISONS)
        return self._parse_range(this, parse_is=True) if this else this

    def _parse_comparison(self, this: Any = None) -> Any:
        return this or self._spark_level(self._parse_bitwise, _COMPARISONS)

    def _parse_bitwise(self) -> Any:
        return self._spark_level(self._spark_xor, {TokenType.PIPE: exp.BitwiseOr})

    def _spark_xor(self) -> Any:
        return self._spark_level(self._spark_and, {TokenType.CARET: exp.BitwiseXor})

    def _spark_and(self) -> Any:
        return self._spark_level(self._spark_shift, {TokenType.AMP: exp.BitwiseAnd})

    def _spark_shift(self) -> Any:
        this = self._parse_term()
        while this:
            if self._match_pair(TokenType.LT, TokenType.LT):
                kind: Any = exp.BitwiseLeftShift
            elif self._match_pair(TokenType.GT, TokenType.GT):
                kind = UnsignedShift if self._match(TokenType.GT) else exp.BitwiseRightShift
            else:
                break
            this = self.expression(kind(this=this, expression=self._parse_term()))
        return this

    def _spark_level(self, operand: Any, operators: Any) -> Any:
        this = operand()
        while this and self._curr.token_type in operators:
            if self._spark_shift_ahead():
                break
            self._advance()
            kind = operators[self._prev.token_type]
            this = self.expression(kind(this=this, expression=operand()))
        return this

    def _spark_shift_ahead(self) -> bool:
        kind = self._curr.token_type
        return kind in (TokenType.LT, TokenType.GT) and self._next.token_type == kind

    # ------------------------------------------------------------ literals and types

    def _parse_type(self, parse_interval: bool = True, fallback_to_identifier: bool = False) -> Any:
        if self._next.token_type == TokenType.STRING and self._curr.text.upper() in _TYPED_LITERALS:
            self._advance(2)
            keyword = self._tokens[self._index - 2].text.upper()
            return self._parse_column_ops(TypedLiteral(keyword=keyword, text=self._prev.text))
        interval = self._parse_interval() if parse_interval else None
        if interval:
            return self._parse_column_ops(interval)
        if not fallback_to_identifier and (atom := self._parse_atom()) is not None:
            return atom
        return self._parse_id_var() if fallback_to_identifier else self._parse_column()

    def _parse_interval(self, require_interval: bool = True, parse_function_unit: bool = True) -> Any:
        if self._curr.token_type != TokenType.INTERVAL:
            return None
        if self._next.token_type not in (TokenType.STRING, TokenType.NUMBER, TokenType.DASH, TokenType.PLUS):
            return None
        start = self._index
        self._advance()
        fields = []
        while (field := self._spark_interval_field()) is not None:
            fields.append(field)
        if not fields:
            self._retreat(start)
            return None
        return IntervalLiteral(fields=fields)

    def _spark_interval_field(self) -> tuple[str, str, str] | None:
        start = self._index
        sign = "-" if self._match(TokenType.DASH) else ""
        if not sign:
            self._match(TokenType.PLUS)
        if not self._match_set((TokenType.STRING, TokenType.NUMBER)):
            self._retreat(start)
            return None
        is_string, value = self._prev.token_type == TokenType.STRING, sign + self._prev.text
        unit = unit_name(self._curr.text)
        if unit is None:
            if is_string and self._tokens[start - 1].token_type == TokenType.INTERVAL:
                return value, "", ""
            self._retreat(start)
            return None
        self._advance()
        return value, unit, self._spark_interval_end()

    def _spark_interval_end(self) -> str:
        if self._curr.text.upper() != "TO" or unit_name(self._next.text) not in (*DAY_TIME_FIELDS, *YEAR_MONTH_FIELDS):
            return ""
        self._advance(2)
        return unit_name(self._prev.text) or ""

    def _parse_dcolon(self) -> Any:
        return TypedCast(this=exp.Null(), to=self._spark_type(), mode="")

    def _spark_type(self) -> Any:
        """A type, read from the text between here and where it ends."""
        first = self._curr
        name = first.text.lower()
        if first.token_type == TokenType.SENTINEL:
            raise syntax_error("")
        self._advance()
        if self._curr.token_type == TokenType.L_PAREN:
            self._spark_skip(TokenType.L_PAREN, TokenType.R_PAREN)
        elif self._curr.token_type == TokenType.LT:
            self._spark_skip(TokenType.LT, TokenType.GT)
        elif self._curr.token_type == TokenType.NEQ:
            self._advance()
        elif name == "interval" and unit_name(self._curr.text):
            self._advance()
            self._spark_interval_end()
        elif name == "timestamp" and not self._match_text_seq("WITHOUT", "TIME", "ZONE"):
            self._match_text_seq("WITH", "LOCAL", "TIME", "ZONE")
        elif name == "string" and self._match_text_seq("COLLATE"):
            self._advance()
        return parse_type(self.sql[first.start : self._prev.end + 1])

    def _spark_skip(self, opening: TokenType, closing: TokenType) -> None:
        depth = 0
        while self._curr.token_type != TokenType.SENTINEL:
            kind = self._curr.token_type
            depth += (kind == opening) - (kind == closing)
            self._advance()
            if depth == 0:
                return
        raise syntax_error("")

    # ------------------------------------------------------------ what may follow a column or a call

    def _parse_column(self) -> Any:
        this = super()._parse_column()
        if (
            isinstance(this, exp.Anonymous)
            and str(this.this).upper() == "IDENTIFIER"
            and self._match(TokenType.L_PAREN)
        ):
            call = NamedCall(this=this, expressions=self._parse_function_args())
            self._match_r_paren()
            this = self._parse_column_ops(self._parse_window(call))
        while this is not None and self._curr.token_type == TokenType.COLON:
            self._advance()
            this = self._parse_column_ops(self._spark_variant_path(this))
        return this

    def _spark_variant_path(self, this: Any) -> Any:
        """Names, `[index]` and `['name']` after a colon; the last name is that of the column."""
        first, path, name = self._curr, "$", ""
        while True:
            if self._match(TokenType.L_BRACKET):
                start = self._curr
                if start.token_type == TokenType.STAR:
                    raise star_as_index()
                if not self._match_set((TokenType.STRING, TokenType.NUMBER)):
                    raise syntax_error(start.text)
                name = start.text if start.token_type == TokenType.STRING else name
                path += self.sql[self._tokens[self._index - 2].start : start.end + 1] + "]"
                if not self._match(TokenType.R_BRACKET):
                    raise syntax_error(self._curr.text)
            elif self._curr is first or self._match(TokenType.DOT):
                key = self._parse_id_var(any_token=True)
                if key is None:
                    raise syntax_error(self._curr.text)
                name = key.name
                path += f".{name}" if name.isidentifier() else "['" + name.replace("'", "\\'") + "']"
            else:
                return VariantPath(this=this, path=path, name=name)

    # ------------------------------------------------------------ calls with syntax of their own

    def _spark_cast(self, mode: str) -> Any:
        this = self._parse_disjunction()
        if not self._match(TokenType.ALIAS):
            self.raise_error("Expected AS after CAST")
        return self.expression(TypedCast(this=this, to=self._spark_type(), mode=mode))

    def _spark_extract(self) -> Any:
        self._advance()
        unit = exp.Literal.string(self._prev.text)
        if not self._match(TokenType.FROM):
            self.raise_error("Expected FROM")
        return exp.Anonymous(this="extract", expressions=[unit, self._parse_disjunction()])

    def _spark_trim(self) -> Any:
        side = self._prev.text if self._match_texts(("BOTH", "LEADING", "TRAILING")) else ""
        name = {"LEADING": "ltrim", "TRAILING": "rtrim"}.get(side.upper(), "trim")
        first = None if self._curr.token_type == TokenType.FROM else self._parse_disjunction()
        if self._match(TokenType.FROM):
            return exp.Anonymous(this=name, expressions=[a for a in (first, self._parse_disjunction()) if a])
        if side:
            self.raise_error("Expected FROM")
        return self._spark_call("trim", first)

    def _spark_keyword_call(self, name: str, *keywords: str) -> Any:
        first = self._parse_lambda()
        args = [first]
        while self._match_texts(keywords):
            args.append(self._parse_disjunction())
        if len(args) == 1:
            return self._spark_call(name, first)
        return exp.Anonymous(this="substring" if name == "substr" else name, expressions=args)

    def _spark_call(self, name: str, first: Any) -> Any:
        rest = self._parse_function_args() if self._match(TokenType.COMMA) else []
        return exp.Anonymous(this=name, expressions=[a for a in (first, *rest) if a])

    def _spark_table_argument(self) -> Any:
        return TableArgument(this=self._parse_select() or self._parse_table_parts())

    def _parse_window(self, this: Any, alias: bool = False) -> Any:
        if isinstance(this, TableArgument):
            return self._spark_table_partitions(this)
        return super()._parse_window(this, alias=alias)

    def _spark_table_partitions(self, this: Any) -> Any:
        """What may follow `TABLE(...)`."""
        if self._match_set((TokenType.PARTITION_BY, TokenType.DISTRIBUTE_BY)):
            this.set("partition_by", self._spark_items(self._parse_disjunction))
        elif self._match_text_seq("WITH", "SINGLE", "PARTITION"):
            this.set("single", True)
        else:
            return this
        if self._match_set((TokenType.ORDER_BY, TokenType.SORT_BY)):
            this.set("order_by", self._spark_items(self._parse_ordered))
        return this

    def _spark_items(self, item: Any) -> Any:
        """One item, or several in parentheses."""
        start = self._index
        if self._match(TokenType.L_PAREN):
            items = self._parse_csv(item)
            if self._match(TokenType.R_PAREN) and self._curr.token_type in _AFTER_ITEMS:
                return items
            self._retreat(start)
        return [item()]

    def _spark_position(self) -> Any:
        first = self._parse_bitwise()
        if self._match(TokenType.IN):
            return exp.Anonymous(this="locate", expressions=[first, self._parse_bitwise()])
        return self._spark_call("position", first)


class SparkSql(Spark):  # type: ignore[misc]
    """The dialect of this package."""

    class Tokenizer(Spark.Tokenizer):  # type: ignore[misc]
        HEREDOC_STRINGS: ClassVar[Any] = []

    Parser = SparkSqlParser


DIALECT = SparkSql()
