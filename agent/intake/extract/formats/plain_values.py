"""Loads JSON and YAML as plain values under size limits, and reads fields without relying on their types.

No value is trusted to have the shape that its format prescribes: a field of the wrong type counts as absent. Imported
by the parsing child.
"""

import json
from collections import Counter
from collections.abc import Hashable, Iterator, Mapping
from typing import Final, NamedTuple

import yaml

from agent.intake.extract.formats.charset import Unreadable as Unreadable

Tree = object
"""A JSON or YAML value: a mapping, list, string, number, Boolean or null."""
_MAX_VALUES: Final = 400_000
"""Maximum number of values in one source, counting a value again for every reference to it."""
_MAX_DEPTH: Final = 100
_MAX_ALIASES: Final = 1000
_SHOWN: Final = 60
_DEEP: Final = "it is nested too deeply"


class Loaded(NamedTuple):
    """A value, and the duplicate keys of its mappings; the last duplicate counts, as in most parsers."""

    value: Tree
    twice: tuple[str, ...]


def load_json(text: str) -> Loaded:
    """Load a JSON text.

    Raises Unreadable if it is not JSON (NaN and Infinity are not JSON), is nested too deeply or has too many values.
    """
    twice: list[str] = []

    def pairs(items: list[tuple[str, Tree]]) -> dict[str, Tree]:
        made = dict(items)
        if len(made) < len(items):
            twice.extend(key for key, n in Counter(key for key, _ in items).items() if n > 1)
        return made

    def constant(name: str) -> float:
        raise ValueError(f"{name} is not JSON")

    try:
        value: Tree = json.loads(text.lstrip("\ufeff"), object_pairs_hook=pairs, parse_constant=constant)
    except json.JSONDecodeError as error:
        raise Unreadable("json", str(error)) from None
    except ValueError as error:
        raise Unreadable("json", str(error)[:_SHOWN]) from None
    except RecursionError:
        raise Unreadable("json", _DEEP) from None
    return _checked(value, "json", twice)


class _Loader(yaml.SafeLoader):
    """The pure Python loader, where deep nesting raises RecursionError; the C loader would overflow the stack."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.aliases = self.depth = 0
        self.twice: list[str] = []

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            self.aliases += 1
            if self.aliases > _MAX_ALIASES:
                raise Unreadable("expands")
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            raise Unreadable("yaml", _DEEP)
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Tree]:
        if isinstance(node, yaml.MappingNode):
            keys = Counter(str(key.value) for key, _ in node.value if isinstance(key, yaml.ScalarNode))
            self.twice.extend(key for key, n in keys.items() if n > 1)
        return super().construct_mapping(node, deep)


_Loader.add_constructor("tag:yaml.org,2002:timestamp", lambda _, node: str(node.value))


def load_yaml(text: str) -> Loaded:
    """Load a YAML text with a single document. Tags that construct objects are refused; dates stay text.

    Raises Unreadable if it is not YAML, has too many aliases, is nested too deeply or expands to too many values.
    """
    try:
        loader = _Loader(text)
        value: Tree = loader.get_single_data()
    except yaml.MarkedYAMLError as error:
        if error.context == "expected a single document in the stream":
            raise Unreadable("yaml", "it contains several documents") from None
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise Unreadable("yaml", f"{line}{error.problem or 'cannot be read'}"[: 2 * _SHOWN]) from None
    except (yaml.YAMLError, ValueError, TypeError) as error:
        raise Unreadable("yaml", str(error).split("\n")[0][:_SHOWN]) from None
    except RecursionError:
        raise Unreadable("yaml", _DEEP) from None
    return _checked(value, "yaml", loader.twice)


def _checked(value: Tree, sort: str, twice: list[str]) -> Loaded:
    """Return the value as Loaded. Raises Unreadable if it is nested too deeply or has too many values."""
    stack: list[tuple[Tree, int]] = [(value, 0)]
    count = 0
    while stack:
        item, depth = stack.pop()
        count += 1
        if depth > _MAX_DEPTH:
            raise Unreadable(sort, _DEEP)
        if count > _MAX_VALUES:
            raise Unreadable("expands")
        if isinstance(item, (dict, list)):
            stack.extend((inner, depth + 1) for inner in (item.values() if isinstance(item, dict) else item))
    return Loaded(value, tuple(dict.fromkeys(twice)))


def at(value: Tree, *path: str) -> Tree:
    """Return the value at a path of keys, or None."""
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def fields(value: Tree, *path: str) -> Mapping[str, Tree]:
    """Return the value at a path as a mapping with text keys; empty if it is not a mapping."""
    found = at(value, *path)
    return {str(key): inner for key, inner in found.items()} if isinstance(found, dict) else {}


def entries(value: Tree, *path: str) -> list[Tree]:
    """Return the value at a path as a list; empty if it is not a list."""
    found = at(value, *path)
    return found if isinstance(found, list) else []


def words(value: Tree, *path: str) -> str:
    """Return a string, number or Boolean at a path as text, or a list of these joined by commas; otherwise empty."""
    found = at(value, *path)
    if isinstance(found, bool):
        return "true" if found else "false"
    if isinstance(found, (str, int, float)):
        return str(found).strip()
    if isinstance(found, list):
        return ", ".join(text for item in found if not isinstance(item, list) and (text := words(item)))
    return ""


def text_at(value: Tree, *keys: str) -> str:
    """Return the value of the first of `keys` with a non-blank string, or an empty string."""
    found = (at(value, key) for key in keys)
    return next((text.strip() for text in found if isinstance(text, str) and text.strip()), "")


def strings(value: Tree, most: int) -> Iterator[str]:
    """Yield up to `most` strings of a value, in order and without keys."""
    stack = [value]
    count = 0
    while stack and count < most:
        item = stack.pop()
        if isinstance(item, str):
            count += 1
            yield item
        elif isinstance(item, (dict, list)):
            stack.extend(reversed(list(item.values() if isinstance(item, dict) else item)))
