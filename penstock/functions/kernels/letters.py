"""Upper and lower case as Java has them: a letter may become several, and the last sigma of a word has its own form."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from penstock.functions.kernels.rows import by_row

#: Letters whose upper case is several letters (ß, ligatures, Greek letters with marks).
_GROWING = "".join(chr(c) for c in range(0x80, min(sys.maxunicode, 0x1FFFF)) if len(chr(c).upper()) > 1)


def _kernel(simple: Callable[[Any], Any], exact: Callable[[str], str], special: str) -> Any:
    pattern = f"[{re.escape(special)}]"

    def kernel(values: Any) -> pa.Array:
        texts = pa.concat_arrays(values.chunks) if isinstance(values, pa.ChunkedArray) else values
        changed = simple(texts)
        special_rows = pc.fill_null(pc.match_substring_regex(texts, pattern), False)
        if not special_rows.true_count:
            return changed
        found = [exact(text) for text in texts.filter(special_rows).to_pylist()]
        return pc.replace_with_mask(changed, special_rows, pa.array(found, changed.type))

    return kernel


@by_row(pa.string())
def java_initcap(text: str) -> str:
    """The first letter of each word in title case, the others in lower case; words are separated by spaces."""
    return " ".join(word[:1].title() + word[1:] for word in text.lower().split(" "))


java_upper = _kernel(pc.utf8_upper, str.upper, _GROWING)
java_lower = _kernel(pc.utf8_lower, str.lower, "İΣ")
