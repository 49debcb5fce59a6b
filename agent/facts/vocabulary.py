"""The vocabulary of facts: what a fact may say, loaded from `corpus/knowledge/facts/<group>.yaml`.

A key has one direction of risk. A *control* (approval, sandbox, encryption) never moves a factor by itself: its value
depends on its rank, its default and the part of the product that it belongs to. A *description* may lower a factor if
it says what the product cannot do. An *ability* raises factors; if it can be denied, its denial may lower them.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Final, Literal, Self

import yaml
from pydantic import ConfigDict, Field, ValidationError, model_validator

from agent.errors import InputError
from agent.records import CARRYING, Record, SlotName, StatementRole, Unit
from agent.resources import data_folder
from agent.taxonomy.factors import FactorKey
from agent.taxonomy.layers import LayerKey

GroupId = Literal[
    "does", "reads", "decides", "asks", "acts_as", "keeps", "model", "runs_at", "shows", "meets", "attests"
]
Claim = Literal["ability", "control", "description"]
Use = Literal["threats", "severity", "questions", "picture"]
"""Uses of a key other than factors and layers."""

GROUPS: Final[tuple[GroupId, ...]] = (
    "does", "reads", "decides", "asks", "acts_as", "keeps", "model", "runs_at", "shows", "meets", "attests",
)  # fmt: skip
"""The groups in the order in which a sheet shows them."""
EXAMPLES: Final = 3
"""The number of examples, and of near misses, of each key."""
_Sentence = Annotated[str, Field(min_length=8, max_length=300)]


class FactKey(Record):
    """One key of the vocabulary."""

    id: str = Field(pattern=r"^[a-z][a-z_]{2,39}$")
    group: GroupId
    title: str = Field(min_length=4, max_length=70)
    """A phrase for readers that completes "the product …": "runs shell commands"."""
    question: str = Field(max_length=200, pattern=r"\?$")
    """The question to the vendor or an LLM about this key."""
    definition: _Sentence
    excludes: _Sentence = Field(alias="not")
    """What does not count, with the key to use instead."""
    claim: Claim
    """ability: the product does or can do something. control: stands between the product and an effect, or assures an
    effect. description: how the product is made, limited or placed."""
    grave: bool = False
    """Whether the key is one of the twenty gravest, which should have a second signal."""
    deniable: bool = False
    """Whether the key's denial is a fact too; silence never is."""
    slots: tuple[SlotName, ...] = Field(min_length=1)
    pins: tuple[LayerKey, ...] = ()
    """The layers that one clear statement of the key settles."""
    raises: tuple[FactorKey, ...] = ()
    """The factors raised by the key if it is asserted or configurable."""
    lowers: tuple[FactorKey, ...] = ()
    """The factors lowered by the key if it is asserted."""
    denial_lowers: tuple[FactorKey, ...] = ()
    """The factors lowered by a denial of the key."""
    floor: dict[FactorKey, Unit] = Field(default_factory=dict)
    """The minimum value of a factor while the key is asserted."""
    opposes: tuple[str, ...] = ()
    """Keys that cannot be asserted of the same part at the same time."""
    used_in: tuple[Use, ...] = ()
    carried_by: tuple[StatementRole, ...] = ()
    """Roles besides `CARRYING` that a quote for the key may have, because the fact hides in such text."""
    examples: tuple[_Sentence, ...] = Field(min_length=EXAMPLES, max_length=EXAMPLES)
    """Sentences that state the key."""
    near_misses: tuple[_Sentence, ...] = Field(min_length=EXAMPLES, max_length=EXAMPLES)
    """Sentences that appear to state the key but do not."""
    labels: tuple[str, ...] = ()
    """Labels of the real pages with the same meaning as the key."""
    candidates: tuple[str, ...] = ()
    """Wider labels: statements with one of these labels may be examples of the key; statements without any are not."""

    model_config = ConfigDict(populate_by_name=True)

    @model_validator(mode="after")
    def _sound(self) -> Self:
        problem = next(self._problems(), None)
        if problem:
            raise ValueError(f"{self.id}: {problem}")
        return self

    def _problems(self) -> Iterator[str]:
        lists = (self.slots, self.pins, self.raises, self.lowers, self.denial_lowers, self.opposes, self.used_in)
        if any(len(set(values)) != len(values) for values in lists):
            yield "a value is listed twice"
        if self.claim == "control":
            if "part" not in self.slots:
                yield "a control has a slot for its part of the product"
            if self.raises or self.lowers or self.denial_lowers or self.floor:
                yield "a control moves no factor by itself"
        if self.lowers and self.claim != "description":
            yield "only the description of a limit lowers a factor"
        if self.denial_lowers and not self.deniable:
            yield "a denial that is no fact lowers nothing"
        if set(self.lowers) & {*self.raises, *self.floor}:
            yield "it raises and lowers the same factor"
        if not (self.pins or self.raises or self.lowers or self.denial_lowers or self.floor or self.used_in):
            yield "nothing uses it"
        if not set(self.floor) <= set(self.raises):
            yield "a floor is for a factor that it raises"
        if self.carried_by and (self.claim == "control" or self.lowers or set(self.carried_by) & CARRYING):
            yield "only what raises a risk is read from further roles"
        if self.id in self.opposes:
            yield "it opposes itself"
        if set(self.examples) & set(self.near_misses):
            yield "an example is a near miss"

    @property
    def comforting(self) -> bool:
        """Whether asserting the key makes the product look less risky, so that its absence is the worse case."""
        return self.claim == "control" or bool(self.lowers) or (self.claim == "description" and bool(self.opposes))


class Vocabulary:
    """The fact keys by id, in the order of groups and files."""

    def __init__(self, keys: Sequence[FactKey], titles: Mapping[GroupId, str] | None = None) -> None:
        self.keys: Final = tuple(keys)
        self.titles: Final = dict(titles or {})
        self._by_id: Final = {key.id: key for key in self.keys}
        if len(self._by_id) != len(self.keys):
            double = sorted({key.id for key in self.keys if sum(other.id == key.id for other in self.keys) > 1})
            raise ValueError(f"two keys have the id {', '.join(double)}")
        for key in self.keys:
            unknown = [other for other in key.opposes if other not in self._by_id]
            if unknown:
                raise ValueError(f"{key.id}: opposes unknown keys {', '.join(unknown)}")

    def __getitem__(self, key: str) -> FactKey:
        """Return the key with this id. Raises KeyError if there is none."""
        return self._by_id[key]

    def __contains__(self, key: str) -> bool:
        """Return whether there is a key with this id."""
        return key in self._by_id

    def __iter__(self) -> Iterator[FactKey]:
        """Iterate over the keys in order."""
        return iter(self.keys)

    def __len__(self) -> int:
        """Return the number of keys."""
        return len(self.keys)

    @cached_property
    def order(self) -> Mapping[str, int]:
        """The position of each key, from 0."""
        return {key.id: n for n, key in enumerate(self.keys)}

    def group(self, group: GroupId) -> tuple[FactKey, ...]:
        """Return the keys of a group."""
        return tuple(key for key in self.keys if key.group == group)

    def pinning(self, layer: LayerKey) -> tuple[FactKey, ...]:
        """Return the keys that pin a layer."""
        return tuple(key for key in self.keys if layer in key.pins)

    def labelled(self, label: str) -> FactKey | None:
        """Return the key with the same meaning as a label of the real pages, or None for a label that was split."""
        return next((key for key in self.keys if label in key.labels), None)

    def opposed(self, one: str, other: str) -> bool:
        """Return whether two keys cannot both be asserted of the same part."""
        return other in self._by_id[one].opposes or one in self._by_id[other].opposes


def load_vocabulary(folder: Path | None = None) -> Vocabulary:
    """Load the vocabulary of a folder, by default the bundled one.

    Raises InputError, naming file and key, for a file of no group, an unknown layer, factor or slot, a duplicate id, or
    a key whose parts contradict each other.
    """
    return _bundled() if folder is None else _load(folder)


@lru_cache(maxsize=1)
def _bundled() -> Vocabulary:
    return _load(data_folder("corpus") / "knowledge" / "facts")


def _load(folder: Path) -> Vocabulary:
    keys: list[FactKey] = []
    titles: dict[GroupId, str] = {}
    for group in GROUPS:
        file = folder / f"{group}.yaml"
        raw = _yaml(file)
        if set(raw) != {"group", "title", "keys"} or raw["group"] != group or not isinstance(raw["keys"], list):
            raise _wrong(file, "a group has its own name, a title and keys")
        titles[group] = str(raw["title"])
        for entry in raw["keys"]:
            keys.append(_key(file, group, entry))
    strays = sorted({file.stem for file in folder.glob("*.yaml")} - set(GROUPS))
    if strays:
        raise _wrong(folder, f"files of no group: {', '.join(strays)}")
    try:
        return Vocabulary(keys, titles)
    except ValueError as error:
        raise _wrong(folder, str(error)) from error


def _yaml(file: Path) -> dict[str, object]:
    try:
        raw = yaml.safe_load(file.read_text("utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise _wrong(file, "the file cannot be read") from error
    if not isinstance(raw, dict):
        raise _wrong(file, "the file holds no mapping")
    return raw


def _key(file: Path, group: GroupId, entry: object) -> FactKey:
    if not isinstance(entry, dict):
        raise _wrong(file, f"a key is no mapping: {entry!r:.80}")
    try:
        return FactKey.model_validate({**entry, "group": group})
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(step) for step in first["loc"])
        raise _wrong(file, f"{entry.get('id')}: {place} {first['msg']}".strip()) from error


def _wrong(place: Path, what: str) -> InputError:
    return InputError(what, where=str(place), hint="see the fields of FactKey in agent/facts/vocabulary.py")
