"""`BEGIN ... END`: SQL scripts.  Their own grammar is read here; the statements in them are cut out as text."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from penstock.core.errors import analysis_error, parse_error
from penstock.sql.scripts import Compound, DeclareLocal, For, Handler, If, Jump, Loop, Sql, Step
from penstock.sql.strings import unescape
from penstock.sql.syntax import syntax_error

_TOKEN = re.compile(
    r"\s+|--[^\n]*|/\*.*?\*/"
    r"|(?P<token>[rR]'[^']*'|[rR]\"[^\"]*\"|'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|`(?:[^`]|``)*`|\w+|.)",
    re.DOTALL,
)
_SCRIPT = re.compile(r"BEGIN\b", re.IGNORECASE)
_SQLSTATE = re.compile(r"[0-9A-Z]{5}")


def is_script(text: str) -> bool:
    """Whether a text begins as a script does."""
    return _SCRIPT.match(text) is not None


def parse_script(text: str) -> Compound:
    """The script that `text` is.  Raises PARSE_SYNTAX_ERROR and what Spark says of labels and declarations."""
    parser = _Parser(text)
    step = parser.compound(None)
    parser.skip(";")
    if parser.word():
        raise syntax_error(parser.word())
    assert isinstance(step, Compound)
    return step


@dataclass
class _Block:
    """What is being collected between BEGIN and END."""

    body: list[Step] = field(default_factory=list)
    handlers: list[Handler] = field(default_factory=list)
    conditions: dict[str, str] = field(default_factory=dict)
    stage: int = 0  # variables and conditions, then handlers, then all else


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = [m for m in _TOKEN.finditer(text) if m["token"] is not None]
        self._at = 0
        self._labels: dict[str, str] = {}  # of the blocks around, with the words that they begin with

    # ------------------------------------------------------------ tokens

    def word(self, ahead: int = 0) -> str:
        """A token in upper case; "" behind the last."""
        index = self._at + ahead
        return self._tokens[index]["token"].upper() if index < len(self._tokens) else ""

    def skip(self, *words: str) -> bool:
        """Whether these come next; they are passed then (a semicolon as often as it stands there)."""
        if [self.word(i) for i in range(len(words))] != list(words):
            return False
        self._at += len(words)
        while words == (";",) and self.word() == ";":
            self._at += 1
        return True

    def _expect(self, *words: str) -> None:
        if not self.skip(*words):
            raise syntax_error(self._token())

    def _token(self) -> str:
        return self._tokens[self._at]["token"] if self._at < len(self._tokens) else ""

    def _name(self) -> str:
        token = self._token()
        if not re.fullmatch(r"\w+|`.*`", token, re.DOTALL):
            raise syntax_error(token)
        self._at += 1
        return token[1:-1].replace("``", "`") if token.startswith("`") else token

    def _until(self, *ends: str) -> str:
        """The text before the first of `ends` that stands outside of parentheses and of CASE ... END."""
        start, depth = self._at, 0
        while True:
            word = self.word()
            if not word or (word == ";" and ";" not in ends):
                raise syntax_error(word)
            if (depth == 0 or word == ";") and self._at > start and word in ends:
                break
            depth += (word in ("(", "CASE")) - (word == ")" or (word == "END" and depth > 0))
            self._at += 1
        return self._text[self._tokens[start].start() : self._tokens[self._at - 1].end()]

    # ------------------------------------------------------------ statements

    def steps(self, *ends: str) -> tuple[Step, ...]:
        """Statements, each with its semicolon, until one of `ends` begins the next."""
        found = []
        while self.word() not in ends:
            found.append(self.step())
            self._expect(";")
        return tuple(found)

    def step(self) -> Step:
        """One statement, without its semicolon."""
        label = None
        if self.word(1) == ":":
            label = self._name().lower()
            self._at += 1
            if label in self._labels:
                message = f"The label {label} stands around a block with the same label."
                raise parse_error("LABEL_OR_FOR_VARIABLE_ALREADY_EXISTS", message, "42K0L", label=f"`{label}`")
        build = _BLOCKS.get(self.word())
        if build is not None:
            if label is not None:
                self._labels[label] = self.word()
            step = build(self, label)
            self._labels.pop(label or "", None)
            return step
        if label is not None:
            raise syntax_error(self._token())
        return self._plain()

    def _plain(self) -> Step:
        word = self.word()
        if word in ("IF", "CASE"):
            return self._if() if word == "IF" else self._case()
        if word in ("LEAVE", "ITERATE"):
            return self._jump(word)
        if word == "SET":
            if self.word(1) in ("VAR", "VARIABLE") and self.word(2) not in ("=", "."):
                raise syntax_error(self._tokens[self._at + 2]["token"])
            return Sql(f"SET VAR {self._until(';')[len('SET') :]}")
        if word == ";" or not word:
            raise syntax_error(word)
        return Sql(self._until(";"))

    def compound(self, label: str | None) -> Step:
        self._expect("BEGIN")
        self.skip("NOT", "ATOMIC")
        block = _Block()
        while self.word() != "END":
            if self.word() == "DECLARE":
                self._declaration(block)
            else:
                block.stage = 2
                block.body.append(self.step())
            self._expect(";")
        self._end(label)
        return Compound(label, tuple(block.body), tuple(block.handlers), block.conditions)

    def _end(self, label: str | None, *words: str) -> None:
        self._expect("END", *words)
        if self.word() in (";", ""):
            return
        name = self._name().lower()
        if label is None:
            message = f"END names the label {name}, and the block begins without one."
            raise parse_error("END_LABEL_WITHOUT_BEGIN_LABEL", message, "42K0L", endLabel=f"`{name}`")
        if name != label:
            message = f"The block that begins as {label} ends as {name}."
            raise parse_error("LABELS_MISMATCH", message, "42K0L", beginLabel=f"`{label}`", endLabel=f"`{name}`")

    # ------------------------------------------------------------ DECLARE

    def _declaration(self, block: _Block) -> None:
        if self.word(1) in ("EXIT", "CONTINUE") and self.word(2) == "HANDLER":
            self._in_order(block, 1, "HANDLER")
            block.handlers.append(self._handler())
        elif self.word(2) == "CONDITION":
            self._in_order(block, 0, "CONDITION")
            self._condition(block)
        else:
            text = self._until(";")
            self._in_order(block, 0, "VARIABLE", text)
            block.body.append(DeclareLocal(text))

    def _in_order(self, block: _Block, stage: int, what: str, text: str = "") -> None:
        """Variables and conditions come before handlers, and these before all else."""
        if block.stage <= stage:
            block.stage = stage
            return
        if what == "VARIABLE":
            words = re.sub(r"DECLARE\s+(?:OR\s+REPLACE\s+)?(?:VARIABLE\s+|VAR\s+)?", "", text, flags=re.IGNORECASE)
            bare = (re.match(r"[\w`.]+", words) or [""])[0].strip("`")
            name = f"`{bare}`"
            message = f"The variable {name} is declared behind other statements; variables come first in a block."
            condition = "INVALID_VARIABLE_DECLARATION.ONLY_AT_BEGINNING"
            raise parse_error(condition, message, "42K0M", varName=name)
        if what == "CONDITION":
            name = f"`{self.word(1).lower()}`"
            message = f"The condition {name} is declared behind other statements; conditions come first in a block."
            raise parse_error("INVALID_ERROR_CONDITION_DECLARATION.ONLY_AT_BEGINNING", message, "42K0R",
                              conditionName=name)  # fmt: skip
        message = "A handler is declared behind other statements; handlers come before them in a block."
        raise parse_error("INVALID_HANDLER_DECLARATION.WRONG_PLACE_OF_DECLARATION", message, "42K0Q")

    def _condition(self, block: _Block) -> None:
        self._at += 1
        name = self._name().upper()
        self._expect("CONDITION")
        block.conditions[name] = self._sqlstate() if self.skip("FOR") else "45000"

    def _handler(self) -> Handler:
        self._at += 1
        leaves = self.word() == "EXIT"
        self._at += 1
        self._expect("HANDLER", "FOR")
        conditions = [self._handled()]
        while self.skip(","):
            conditions.append(self._handled())
        if self.word() == "DECLARE":
            raise syntax_error(self._token())
        return Handler(leaves, tuple(conditions), self.step())

    def _handled(self) -> tuple[str, str]:
        if self.skip("SQLEXCEPTION"):
            return "exception", ""
        if self.skip("NOT", "FOUND"):
            return "not found", ""
        if self.word() == "SQLSTATE":
            return "state", self._sqlstate()
        name = self._name().upper()
        while self.skip("."):
            name += "." + self._name().upper()
        return "name", name

    def _sqlstate(self) -> str:
        self._expect("SQLSTATE")
        self.skip("VALUE")
        token = self._token()
        state = unescape(token).upper() if token[:1] in ("'", '"') else ""
        if not _SQLSTATE.fullmatch(state) or state.startswith("00"):
            message = f"{token} is no SQLSTATE of an error: it has five letters or digits and does not begin with 00."
            raise analysis_error("INVALID_SQLSTATE", message, "428B3", sqlState=token.strip("'\""))
        self._at += 1
        return state

    # ------------------------------------------------------------ branches and loops

    def _if(self) -> Step:
        branches = []
        while self.skip("IF") or self.skip("ELSEIF"):
            condition = self._until("THEN")
            self._at += 1
            branches.append((condition, self._some("ELSEIF", "ELSE", "END")))
            if self.word() not in ("ELSEIF",):
                break
        otherwise = self._some("END") if self.skip("ELSE") else None
        self._expect("END", "IF")
        return If(tuple(branches), otherwise)

    def _some(self, *ends: str) -> tuple[Step, ...]:
        """Statements, at least one."""
        found = self.steps(*ends)
        if not found:
            raise syntax_error(self._token())
        return found

    def _case(self) -> Step:
        self._at += 1
        value = None if self.word() == "WHEN" else self._until("WHEN")
        branches = []
        while self.skip("WHEN"):
            condition = self._until("THEN")
            self._at += 1
            whole = condition if value is None else f"({value}) = ({condition})"
            branches.append((whole, self._some("WHEN", "ELSE", "END")))
        otherwise = self._some("END") if self.skip("ELSE") else None
        self._expect("END", "CASE")
        return If(tuple(branches), otherwise)

    def while_loop(self, label: str | None) -> Step:
        self._at += 1
        condition = self._until("DO")
        self._at += 1
        body = self._some("END")
        self._end(label, "WHILE")
        return Loop(label, body, before=condition)

    def repeat(self, label: str | None) -> Step:
        self._at += 1
        body = self._some("UNTIL")
        self._at += 1
        condition = self._until("END")
        self._end(label, "REPEAT")
        return Loop(label, body, after=condition)

    def loop(self, label: str | None) -> Step:
        self._at += 1
        body = self._some("END")
        self._end(label, "LOOP")
        return Loop(label, body)

    def for_loop(self, label: str | None) -> Step:
        self._at += 1
        name = None
        if self.word(1) == "AS":
            name = self._name().lower()
            self._at += 1
        query = self._until("DO")
        self._at += 1
        body = self._some("END")
        self._end(label, "FOR")
        return For(label, name, query, body)

    def _jump(self, word: str) -> Step:
        self._at += 1
        label = self._name().lower()
        if label not in self._labels:
            shown = f"`{label}`"
            message = f"{word} names the label {shown}, and no block around it has it."
            raise parse_error(
                "INVALID_LABEL_USAGE.DOES_NOT_EXIST", message, "42K0L", labelName=shown, statementType=word
            )
        if word == "ITERATE" and self._labels[label] == "BEGIN":
            message = f"ITERATE begins a loop anew, and the label {label} is that of a block."
            raise parse_error("INVALID_LABEL_USAGE.ITERATE_IN_COMPOUND", message, "42K0L", labelName=f"`{label}`")
        return Jump(label, word == "LEAVE")


_BLOCKS = {
    "BEGIN": _Parser.compound,
    "WHILE": _Parser.while_loop,
    "REPEAT": _Parser.repeat,
    "LOOP": _Parser.loop,
    "FOR": _Parser.for_loop,
}
