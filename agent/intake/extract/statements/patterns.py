"""The regular expressions of `patterns.toml`, by which sentences are judged."""

import re
import tomllib
from functools import cache
from pathlib import Path


@cache
def patterns(section: str) -> dict[str, re.Pattern[str]]:
    """Return the compiled patterns of a section by their names, in order."""
    listed = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))[section]
    return {name: re.compile(text.replace("\n", "")) for name, text in listed.items()}
