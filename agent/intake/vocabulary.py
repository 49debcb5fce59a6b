"""The vocabulary of a module: words and regular expressions, kept in the TOML file beside it."""

import re
import tomllib
from pathlib import Path
from typing import Final

_REFERENCE: Final = re.compile(r"<<(\w+)>>")


def texts(module: str) -> dict[str, str]:
    """Return the texts of the file beside `module`, the `__file__` of a module, by their names in order.

    The lines of a text are joined without anything between them; `<<name>>` stands for an earlier text of the file.
    """
    found: dict[str, str] = {}
    for name, text in tomllib.loads(Path(module).with_suffix(".toml").read_text("utf-8")).items():
        found[name] = _REFERENCE.sub(lambda match: found[match[1]], text.replace("\n", ""))
    return found


def patterns(module: str) -> dict[str, re.Pattern[str]]:
    """Return the same texts, compiled as regular expressions."""
    return {name: re.compile(text) for name, text in texts(module).items()}
