"""No example of Spark's functions that agreed may stop agreeing.

The examples that agree are listed in functions_agree.txt; `python -m tests.conformance.functions --write-agreeing`
writes the list anew.
"""

from __future__ import annotations

from tests.conformance.functions import AGREEING, Conformance, agreeing_line, examples


def test_every_example_that_agreed_still_agrees() -> None:
    listed = set(AGREEING.read_text("utf-8").splitlines())
    conformance = Conformance()
    verdicts = {agreeing_line(case): conformance.verdict(case) for case in examples()}
    assert listed <= set(verdicts), "an example of the list is not recorded any more"
    lost = {line: verdicts[line] for line in listed if verdicts[line] != "agree"}
    assert lost == {}
    assert len(listed) >= 770
