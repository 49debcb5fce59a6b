"""Loads JSON and YAML as plain values under size limits, with field access that trusts no type.

No value is trusted to have the shape that its format prescribes: a field of the wrong type counts as absent. Imported
by the parsing child.
"""

import json
from collections import Counter
from collections.abc import Hashable, Iterator, Mapping
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    import yaml

Tree = object
"""A JSON or YAML value: a mapping, list, string, number, Boolean or null."""
_MAX_VALUES: Final = 400_000
"""Maximum number of values in one source, counting a value again for every reference to it."""
_MAX_DEPTH: Final = 100
_MAX_ALIASES: Final = 1000
_SHOWN: Final = 60


class Unreadable(Exception):  # noqa: N818  (the parsing child knows no exception tree; the parent turns it into one)
    """A source that cannot be read; `sort` is a key of the error texts in `parse`."""

    def __init__(self, sort: str, detail: str = "") -> None:
        super().__init__(detail)
        self.sort = sort


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

    try:
        value: Tree = json.loads(text.lstrip("\ufeff"), object_pairs_hook=pairs, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise Unreadable("json", str(error)) from None
    except ValueError as error:
        raise Unreadable("json", str(error)[:_SHOWN]) from None
    except RecursionError:
        raise Unreadable("json", "it nests too deeply") from None
    _check(value, "json")
    return Loaded(value, tuple(dict.fromkeys(twice)))


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def load_yaml(text: str) -> Loaded:
    """Load a YAML text with a single document. Tags that construct objects are refused; dates stay text.

    Raises Unreadable if it is not YAML, has too many aliases, is nested too deeply or expands to too many values.
    """
    import yaml

    twice: list[str] = []
    make, loader = _loader(twice), None
    try:
        loader = make(text)
        value: Tree = _first(loader)
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise Unreadable("yaml", f"{line}{error.problem or 'cannot be read'}"[: 2 * _SHOWN]) from None
    except (yaml.YAMLError, ValueError, TypeError) as error:
        raise Unreadable("yaml", str(error).split("\n")[0][:_SHOWN]) from None
    except RecursionError:
        raise Unreadable("yaml", "it nests too deeply") from None
    finally:
        if loader is not None:
            loader.dispose()
    _check(value, "yaml")
    return Loaded(value, tuple(dict.fromkeys(twice)))


def _first(loader: "yaml.SafeLoader") -> Tree:
    """Return the single document of a text; refuse a text with several documents."""
    import yaml

    try:
        return loader.get_single_data()
    except yaml.composer.ComposerError as error:
        if error.context == "expected a single document in the stream":
            raise Unreadable("yaml", "it holds several documents") from None
        raise


def _loader(twice: list[str]) -> "type[yaml.SafeLoader]":
    import yaml

    class Loader(yaml.SafeLoader):
        """The pure Python loader, where deep nesting raises RecursionError; the C loader would overflow the stack."""

        aliases = 0
        depth = 0

        def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
            if self.check_event(yaml.AliasEvent):
                self.aliases += 1
                if self.aliases > _MAX_ALIASES:
                    raise Unreadable("expands")
            self.depth += 1
            if self.depth > _MAX_DEPTH:
                raise Unreadable("yaml", "it nests too deeply")
            try:
                return super().compose_node(parent, index)
            finally:
                self.depth -= 1

        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Tree]:
            if isinstance(node, yaml.MappingNode):
                keys = Counter(str(key.value) for key, _ in node.value if isinstance(key, yaml.ScalarNode))
                twice.extend(key for key, n in keys.items() if n > 1)
            return super().construct_mapping(node, deep)

    Loader.add_constructor("tag:yaml.org,2002:timestamp", lambda _, node: str(node.value))
    return Loader


def _check(value: Tree, sort: str) -> None:
    """Refuse a value that is nested too deeply or that aliases expand to an excessive size."""
    stack: list[tuple[Tree, int]] = [(value, 0)]
    count = 0
    while stack:
        item, depth = stack.pop()
        count += 1
        if depth > _MAX_DEPTH:
            raise Unreadable(sort, "it nests too deeply")
        if count > _MAX_VALUES:
            raise Unreadable("expands")
        if isinstance(item, dict):
            stack.extend((inner, depth + 1) for inner in item.values())
        elif isinstance(item, list):
            stack.extend((inner, depth + 1) for inner in item)


def fields(value: Tree) -> Mapping[str, Tree]:
    """Return `value` as a mapping with text keys; empty if it is not a mapping."""
    return {str(key): inner for key, inner in value.items()} if isinstance(value, dict) else {}


def entries(value: Tree) -> list[Tree]:
    """Return `value` as a list; empty if it is not a list."""
    return value if isinstance(value, list) else []


def words(value: Tree) -> str:
    """Return a string, number or Boolean as text, or a list of these joined by commas; otherwise empty."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float)):
        return str(value).strip()
    if isinstance(value, list):
        return ", ".join(text for item in value if not isinstance(item, list) and (text := words(item)))
    return ""


def text_at(value: Tree, *keys: str) -> str:
    """Return the value of the first of `keys` with a non-blank string, or an empty string."""
    inside = fields(value)
    for key in keys:
        found = inside.get(key)
        if isinstance(found, str) and found.strip():
            return found.strip()
    return ""


def strings(value: Tree, most: int) -> Iterator[str]:
    """Return at most `most` strings of a value, in order and without keys."""
    stack = [value]
    count = 0
    while stack and count < most:
        item = stack.pop()
        if isinstance(item, str):
            count += 1
            yield item
        elif isinstance(item, dict):
            stack.extend(reversed(list(item.values())))
        elif isinstance(item, list):
            stack.extend(reversed(item))
