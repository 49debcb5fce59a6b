"""Names and nouns by which the parts of a system are recognised, from `corpus/knowledge/gazetteer.yaml`."""

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import yaml

from agent.resources import data_folder

_WORD: Final = re.compile(r"[^\s,;()]+")
_BEFORE_SHY: Final = re.compile(
    r"(?:\b(?:in|on|to|from|with|via|through|into|as|by|of|for|and|or|at|over|inside|using|like)|[,(/])\s*$"
)
_SAME: Final[Mapping[str, str]] = {
    "Postgres": "PostgreSQL",
    "AWS Bedrock": "Amazon Bedrock",
    "Visual Studio Code": "VS Code",
    "Google Vertex AI": "Vertex AI",
    "Microsoft Azure": "Azure",
    "Amazon Web Services": "AWS",
    "Entra ID": "Microsoft Entra ID",
    "Azure Entra": "Microsoft Entra ID",
    "Chroma": "ChromaDB",
    "opencode": "OpenCode",
    "OpenAI Codex": "Codex",
    "Codex CLI": "Codex",
    "Microsoft Outlook": "Outlook",
    "S3": "Amazon S3",
    "Model Context Protocol": "MCP",
    "Kafka": "Apache Kafka",
    "RooCode": "Roo Code",
    "JetBrains": "JetBrains IDEs",
    "GCP": "Google Cloud",
    "Microsoft OneDrive": "OneDrive",
    "Mistral AI": "Mistral",
    "Hugging Face Transformers": "local Transformers models",
    "Workers AI": "Cloudflare Workers AI",
    "X.AI": "xAI",
    "Excel": "Microsoft Excel",
    "Twitter": "X (Twitter)",
    "Phoenix": "Arize Phoenix",
    "Postgres pgvector": "pgvector",
    "Cerner": "Oracle Cerner",
    "OpenAI Whisper": "Whisper",
}
"""Names of one thing under one name."""

_CODE_SPAN: Final = re.compile(r"`[^`\n]*`")


class Name(NamedTuple):
    """A known name in a text."""

    name: str
    group: str
    """llm, store, saas, cloud, sandbox, host, registry, protocol, framework"""
    kind: str
    start: int
    end: int


class Noun(NamedTuple):
    """A known noun in a text."""

    kind: str
    word: str
    """As listed."""
    start: int
    end: int


class _Entry(NamedTuple):
    name: str
    group: str
    kind: str
    shy: bool


@dataclass(frozen=True)
class Gazetteer:
    """The loaded lists."""

    names: Mapping[str, tuple[_Entry, ...]]
    """First word of a name to its entries, the longest first."""
    actors: "re.Pattern[str]"
    actor_kinds: Mapping[str, str]
    components: "re.Pattern[str]"
    component_kinds: Mapping[str, str]
    stores: tuple[tuple[str, "re.Pattern[str]"], ...]
    credentials: tuple[tuple[str, "re.Pattern[str]"], ...]
    data: tuple[tuple[str, "re.Pattern[str]"], ...]

    def find_names(self, text: str, *, listed: bool = False) -> list[Name]:
        """Known names in `text`, by place. `listed` says that the text is an item of an integrations list."""
        found: list[Name] = []
        done = 0
        for word in _WORD.finditer(text):
            if word.start() < done:
                continue
            for entry in self.names.get(word.group().rstrip(".:!?'’").removesuffix("'s").removesuffix("’s"), ()):
                start, end = word.start(), word.start() + len(entry.name)
                if not text.startswith(entry.name, start) or (
                    text[end : end + 1].isalnum() or text[end : end + 1] == "-"
                ):
                    continue
                if entry.shy and not listed and not _BEFORE_SHY.search(text[:start]):
                    continue
                found.append(Name(_SAME.get(entry.name, entry.name), entry.group, entry.kind, start, end))
                done = end
                break
        return found

    def find_actors(self, text: str) -> list[Noun]:
        """Actor nouns in `text`, by place; a name in code, such as that of a command, is nobody."""
        return _nouns(self.actors, self.actor_kinds, _CODE_SPAN.sub(lambda span: " " * len(span[0]), text))

    def find_components(self, text: str) -> list[Noun]:
        """Nouns of product parts in `text`, by place."""
        return _nouns(self.components, self.component_kinds, text)

    def data_classes(self, text: str, limit: int) -> tuple[str, ...]:
        """Data classes that the words of `text` name, at most `limit`, in the order of the list."""
        low = text.lower()
        return tuple(name for name, pattern in self.data if pattern.search(low))[:limit]


def _nouns(pattern: "re.Pattern[str]", kinds: Mapping[str, str], text: str) -> list[Noun]:
    found: list[Noun] = []
    for match in pattern.finditer(text):
        word = match.group(1)
        found.append(Noun(kinds[word.lower()], word.lower(), match.start(1), match.end()))
    return found


def _noun_pattern(groups: Mapping[str, str]) -> tuple["re.Pattern[str]", dict[str, str]]:
    kinds = {word.lower(): kind for kind, words in groups.items() for word in words.split("|")}
    longest_first = sorted(kinds, key=lambda word: (-len(word), word))
    return re.compile(r"\b(" + "|".join(map(re.escape, longest_first)) + r")(?:s|es)?\b(?!-)", re.I), kinds


def _patterns(rows: Sequence[tuple[str, str]]) -> tuple[tuple[str, "re.Pattern[str]"], ...]:
    return tuple(
        (name, re.compile(source if source.startswith("\\b") else r"\b(?:" + source + r")(?!\w)"))
        for name, source in rows
    )


@functools.cache
def load_gazetteer() -> Gazetteer:
    """The bundled lists."""
    file = data_folder("corpus") / "knowledge" / "gazetteer.yaml"
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    raw = yaml.load(file.read_text("utf-8"), Loader=loader)  # a safe loader either way
    shy = set(raw["shy"].split("|"))
    names: dict[str, list[_Entry]] = {}
    for group, kinds in raw["names"].items():
        for kind, listed in kinds.items():
            for name in listed.split("|"):
                names.setdefault(_WORD.findall(name)[0], []).append(_Entry(name, group, kind, name in shy))
    actors, actor_kinds = _noun_pattern(raw["actors"])
    components, component_kinds = _noun_pattern(raw["components"])
    return Gazetteer(
        names={
            word: tuple(sorted(entries, key=lambda e: (-len(e.name), e.name, e.group)))
            for word, entries in names.items()
        },
        actors=actors,
        actor_kinds=actor_kinds,
        components=components,
        component_kinds=component_kinds,
        stores=_patterns(tuple(raw["stores"].items())),
        credentials=_patterns(tuple((kind, source) for kind, source in raw["credentials"])),
        data=_patterns(tuple(raw["data"].items())),
    )
