"""sqlglot's tokens of Spark SQL, read by Spark's rules: string literals, suffixes of numbers, words that are names."""

from __future__ import annotations

from collections.abc import Iterable

from sqlglot.tokens import Token, TokenType

from penstock.sql.strings import unescape, unescape_body

_NUMBER_SUFFIXES = {"L", "S", "Y", "D", "F", "BD"}
_NEGATED = {TokenType.LT: TokenType.GTE, TokenType.GT: TokenType.LTE}  # `!<` and `!>`
_COUNTS = {
    TokenType.NUMBER, TokenType.PLACEHOLDER, TokenType.COLON, TokenType.L_PAREN, TokenType.ALL, TokenType.STRING,
    TokenType.DASH, TokenType.VAR, TokenType.TRUE, TokenType.FALSE, TokenType.NULL,
}  # fmt: skip


def by_spark_rules(tokens: Iterable[Token], sql: str) -> list[Token]:
    """sqlglot's tokens of a text with string literals read by Spark's rules, number suffixes kept with their numbers,
    and words that are keywords only in some places turned into names in all others."""
    found: list[Token] = []
    for token in tokens:
        kind = token.token_type
        before = found[-1] if found else None
        if kind in (TokenType.STRING, TokenType.RAW_STRING):
            _add_string(found, token, sql)
        elif kind == TokenType.DCOLON and token.start != token.end and sql[token.start] != ":":
            continue  # the tokenizer writes 1L as 1::BIGINT
        elif before and before.text == "!" and before.end + 1 == token.start and kind in _NEGATED:
            found[-1] = _token(_NEGATED[kind], before.text + token.text, before, token)
        elif before and _is_suffix(before, token):
            found[-1] = _token(TokenType.NUMBER, before.text + token.text.upper(), before, token)
        else:
            found.append(token)
    return _with_named_aliases([_in_place(found, index) for index in range(len(found))])


def _with_named_aliases(tokens: list[Token]) -> list[Token]:
    """`AS IDENTIFIER('name')` as an alias."""
    i = 1
    while i + 3 < len(tokens):
        word, opening, name, closing = tokens[i : i + 4]
        kinds = (opening.token_type, name.token_type, closing.token_type)
        is_name = kinds == (TokenType.L_PAREN, TokenType.STRING, TokenType.R_PAREN)
        if is_name and word.text.upper() == "IDENTIFIER" and tokens[i - 1].token_type == TokenType.ALIAS:
            tokens[i : i + 4] = [_token(TokenType.IDENTIFIER, name.text, word, closing)]
        i += 1
    return tokens


def _is_suffix(number: Token, token: Token) -> bool:
    same_place = number.token_type == TokenType.NUMBER and number.end == token.end
    return same_place and token.text.upper() in _NUMBER_SUFFIXES


def _in_place(tokens: list[Token], index: int) -> Token:
    """Nothing after a dot is a keyword, `window` is one before `name AS`, `offset` and `limit` before a count; ALL
    after ORDER BY, FROM right after SELECT, and FROM and WHERE at the end are names."""
    token = tokens[index]
    kind = token.token_type
    ahead = [t.token_type for t in tokens[index + 1 : index + 3]] + [TokenType.SENTINEL] * 2
    as_name = False
    if index > 0 and tokens[index - 1].token_type == TokenType.DOT:
        as_name = kind not in (TokenType.IDENTIFIER, TokenType.STRING) and token.text.isidentifier()
    elif kind == TokenType.WINDOW:
        as_name = ahead[1] != TokenType.ALIAS or ahead[0] in (TokenType.R_PAREN, TokenType.COMMA)
    elif kind in (TokenType.OFFSET, TokenType.LIMIT):
        as_name = ahead[0] not in _COUNTS
    elif kind in (TokenType.ISNULL, TokenType.NOTNULL):
        as_name = True  # only functions in Spark, no postfix operators
    elif kind in (TokenType.FROM, TokenType.WHERE):
        begins = index > 0 and tokens[index - 1].token_type == TokenType.SELECT and kind == TokenType.FROM
        as_name = begins or (index > 0 and index + 1 == len(tokens))
    elif kind == TokenType.ALL:
        as_name = index > 0 and tokens[index - 1].token_type == TokenType.ORDER_BY
    return _token(TokenType.VAR, token.text, token, token) if as_name else token


def _add_string(found: list[Token], token: Token, sql: str) -> None:
    raw = sql[token.start : token.end + 1]
    before = found[-1] if found else None
    if before and before.token_type == TokenType.VAR and before.text in ("x", "X"):
        found[-1] = _token(TokenType.HEX_STRING, raw[1:-1], before, token)
    elif before and before.token_type == TokenType.STRING:
        # 'it''s' is one literal with a quote in it; 'a' 'b' are two that Spark joins
        joined = before.end + 1 == token.start and sql[before.end] == raw[0]
        value = raw[0] + unescape_body(raw[1:-1]) if joined else unescape(raw)
        found[-1] = _token(TokenType.STRING, before.text + value, before, token)
    else:
        found.append(_token(TokenType.STRING, unescape(raw), token, token))


def _token(kind: TokenType, text: str, first: Token, last: Token) -> Token:
    return Token(kind, text, first.line, first.col, first.start, last.end, first.comments)
