"""JSON text that is safe to print: terminal control characters and invisible characters are written as escapes."""

import json
import re
from typing import Final

# Such characters occur only inside strings, where the character and its escape are equivalent.
_UNSEEN: Final = re.compile(
    "[\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f]"
)


def dumps(value: object, *, sort_keys: bool = False) -> str:
    """Serialise `value` as JSON with an indent of two spaces, one line feed at the end, numbers as JSON numbers.

    Letters of all scripts are kept; control and format characters and lone surrogates are written as `\\uXXXX`.
    """
    text = json.dumps(value, ensure_ascii=False, indent=2, sort_keys=sort_keys, allow_nan=False)
    return _UNSEEN.sub(lambda match: json.dumps(match[0])[1:-1], text) + "\n"
