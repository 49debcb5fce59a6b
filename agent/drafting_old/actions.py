"""Which signal a verb and its object stand for, from `corpus/knowledge/actions.yaml`."""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, cast, get_args

import yaml

from agent.drafting_old.inflection import listed, singular, verb_forms
from agent.drafting_old.phrases import Grammar
from agent.errors import InputError
from agent.resources import data_folder

ActionMode = Literal["read", "write", "delete", "execute"]
_PAIR_FIELDS: Final = 4
_OPTIONS: Final = frozenset({"only", "verb", "not"})
_NO_OBJECT: Final = "nothing"
"""The class of nouns that only look like an object of another class ("exit code")."""
_QUANTITY_HEADS: Final = listed(
    "set list range number kind sort lot variety copy series amount choice collection piece batch group"
)


class Pair(NamedTuple):
    """A class of verbs with a class of nouns, and what the two mean together."""

    verbs: str
    nouns: frozenset[str]
    """Noun classes; empty for any noun."""
    signal: str
    mode: ActionMode
    only: frozenset[str]
    """When not empty, only these nouns."""
    verb: str
    """When not empty, only this lemma."""
    barred: frozenset[str]
    """Lemmas of the class that do not count."""


class Meaning(NamedTuple):
    """What a verb with its object stands for."""

    signal: str
    mode: ActionMode


@dataclass(frozen=True)
class Actions:
    """The loaded knowledge."""

    verbs: Mapping[str, str]
    """Lemma to its class."""
    nouns: Mapping[str, frozenset[str]]
    """Noun, singular, to its classes."""
    pairs: tuple[Pair, ...]
    nominals: Mapping[str, str]
    """Action noun to its lemma."""
    light: frozenset[str]
    weight: Mapping[str, int]
    fallback: Mapping[str, tuple[str, ActionMode]]
    """Signal to the verb and mode with which it reads when no verb and object of its own were found."""
    vague: frozenset[str]
    """Nouns that say too little there."""
    verbless: frozenset[str]
    """Of these signals a phrase without a verb is enough."""
    grammar: Grammar

    def meaning(self, lemma: str, words: Sequence[str]) -> Meaning | None:
        """The signal and mode of `lemma` done to the noun phrase `words` (lower case), or None when it is no pair."""
        group = self.verbs.get(lemma)
        for noun in self.heads(words):
            classes = self.nouns[noun]
            for pair in self.pairs:
                if (
                    pair.verbs != group
                    or lemma in pair.barred
                    or (pair.verb and pair.verb != lemma)
                    or (pair.only and noun not in pair.only)
                ):
                    continue
                if not pair.nouns or pair.nouns & classes:
                    return Meaning(pair.signal, pair.mode)
        return None

    def nouns_of(self, signal: str) -> frozenset[str]:
        """Nouns that a pair with this signal takes, unless it takes any."""
        found: set[str] = set()
        for pair in self.pairs:
            if pair.signal == signal:
                found |= pair.only or {noun for noun, groups in self.nouns.items() if groups & pair.nouns}
        return frozenset(found)

    def heads(self, words: Sequence[str]) -> list[str]:
        """Known nouns of a phrase, the likeliest head first: longest ending of the part before "of", then after it."""
        runs = [list(words)]
        if "of" in words:
            cut = list(words).index("of")
            before, behind = list(words[:cut]), list(words[cut + 1 :])
            empty = bool(before) and singular(before[-1]) in (_QUANTITY_HEADS | self.light)
            runs = [behind] if empty else [before, behind]
        found: list[str] = []
        for run in runs:
            for length in (3, 2, 1):
                noun = " ".join([*run[-length:-1], singular(run[-1])]) if len(run) >= length else ""
                if _NO_OBJECT in self.nouns.get(noun, ()):
                    return []
                if noun in self.nouns and noun not in found:
                    found.append(noun)
        return found


@functools.cache
def load_actions() -> Actions:
    """The bundled knowledge. Raises InputError naming the entry that is not understood."""
    file = data_folder("corpus") / "knowledge" / "actions.yaml"
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    raw = yaml.load(file.read_text("utf-8"), Loader=loader)  # a safe loader either way
    verbs = {lemma: group for group, lemmas in raw["verbs"].items() for lemma in lemmas.split()}
    nouns: dict[str, set[str]] = {}
    for group, row in raw["nouns"].items():
        for noun in row.split("|"):
            nouns.setdefault(noun, set()).add(group)
    groups = set(raw["verbs"])
    return Actions(
        verbs=verbs,
        nouns={noun: frozenset(groups) for noun, groups in nouns.items()},
        pairs=tuple(_pair(row, groups, set(raw["nouns"]), nouns, file.name) for row in raw["pairs"]),
        nominals=raw["nominals"],
        light=frozenset(raw["light"].split()),
        weight=raw["weight"],
        fallback={signal: (verb, _mode(mode, file.name)) for signal, (verb, mode) in raw["fallback"].items()},
        vague=frozenset(raw["vague"].split()),
        verbless=frozenset(raw["verbless"].split()),
        grammar=Grammar(verb_forms(verbs)),
    )


def _pair(row: Sequence[object], verbs: set[str], groups: set[str], nouns: Mapping[str, set[str]], where: str) -> Pair:
    group, classes, signal, mode = (str(cell) for cell in row[:_PAIR_FIELDS])
    options: dict[str, str] = {}
    for extra in row[_PAIR_FIELDS:]:
        options |= cast(dict[str, str], extra)
    named = frozenset() if classes == "*" else frozenset(classes.split("|"))
    only = frozenset(options.get("only", "").split("|")) - {""}
    barred = frozenset(options.get("not", "").split("|")) - {""}
    unknown = sorted((named - groups) | (only - set(nouns)) | ({group} - verbs) | (options.keys() - _OPTIONS))
    if unknown:
        raise InputError(
            f"a pair names what is not listed: {', '.join(unknown)}", where=f"{where}: {row}", hint="list it above"
        )
    return Pair(group, named, signal, _mode(mode, where), only, options.get("verb", ""), barred)


def _mode(mode: str, where: str) -> ActionMode:
    if mode not in get_args(ActionMode):
        raise InputError(f"unknown mode {mode!r}", where=where, hint="read, write, delete or execute")
    return cast(ActionMode, mode)
