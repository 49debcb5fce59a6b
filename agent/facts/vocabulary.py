"""The vocabulary of facts: what a fact may say, loaded from `corpus/knowledge/facts/<group>.yaml`.

Each key affects the risk in one direction. A *control* (approval, sandbox, encryption) never changes a factor directly:
its value depends on its rank, its default and the part of the product that it protects. A *description* may lower a
factor if it says what the product cannot do. An *ability* raises factors; if it can be denied, its denial may lower
them.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self, get_args

from pydantic import Field, model_validator

from agent.errors import SchemaError
from agent.facts.knowledge import knowledge
from agent.records import CARRYING, Record, SlotName, StatementRole, Unit
from agent.resources import data_folder
from agent.taxonomy.factors import FactorKey
from agent.taxonomy.layers import LayerKey

GroupId = Literal[
    "does", "reads", "decides", "asks", "acts_as", "keeps", "model", "runs_at", "shows", "meets", "attests"
]
Claim = Literal["ability", "control", "description"]
Use = Literal["threats", "severity", "questions", "picture"]
"""What a key is used for besides factors and layers."""

GROUPS: Final[tuple[GroupId, ...]] = get_args(GroupId)
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
    """The question about this key, for the vendor or an LLM."""
    definition: _Sentence
    excludes: _Sentence = Field(alias="not")
    """What does not count, with the key to use instead."""
    claim: Claim
    """ability: the product does or can do something. control: stands between the product and an effect, or guarantees
    an effect. description: how the product is made, limited or deployed."""
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
    """Keys that cannot be asserted of the same part of the product at the same time."""
    used_in: tuple[Use, ...] = ()
    carried_by: tuple[StatementRole, ...] = ()
    """Roles besides `CARRYING` that a quote for the key may have, because such text often contains the fact."""
    examples: tuple[_Sentence, ...] = Field(min_length=EXAMPLES, max_length=EXAMPLES)
    """Sentences that state the key."""
    near_misses: tuple[_Sentence, ...] = Field(min_length=EXAMPLES, max_length=EXAMPLES)
    """Sentences that appear to state the key but do not."""
    labels: tuple[str, ...] = ()
    """Labels given to statements of real pages (`evals.training.fact_labels`) that mean the same as the key."""
    candidates: tuple[str, ...] = ()
    """Broader labels: a statement with one of these labels may be an example of the key; a statement without any of
    them is not."""

    @model_validator(mode="after")
    def _sound(self) -> Self:
        lists = (self.slots, self.pins, self.raises, self.lowers, self.denial_lowers, self.opposes, self.used_in)
        moves = self.raises or self.lowers or self.denial_lowers or self.floor
        faults = {
            "a list has a duplicate value": any(len(set(values)) != len(values) for values in lists),
            "a control needs a slot for its part of the product": self.claim == "control" and "part" not in self.slots,
            "a control must not change a factor directly": self.claim == "control" and moves,
            "only the description of a limit may lower a factor": self.lowers and self.claim != "description",
            "a key that cannot be denied must not lower anything when denied": self.denial_lowers and not self.deniable,
            "it raises and lowers the same factor": set(self.lowers) & {*self.raises, *self.floor},
            "nothing uses it": not (self.pins or moves or self.used_in),
            "a floor must be for a factor that the key raises": not set(self.floor) <= set(self.raises),
            "only a key that raises a risk may be read from further roles": self.carried_by
            and (self.claim == "control" or self.lowers or set(self.carried_by) & CARRYING),
            "it opposes itself": self.id in self.opposes,
            "an example is also a near miss": set(self.examples) & set(self.near_misses),
        }
        if problem := next((name for name, found in faults.items() if found), None):
            raise ValueError(f"{self.id}: {problem}")
        return self

    @property
    def comforting(self) -> bool:
        """Whether asserting the key makes the product look less risky, so that its absence is the worse case."""
        return self.claim == "control" or bool(self.lowers) or (self.claim == "description" and bool(self.opposes))

    @property
    def search_text(self) -> str:
        """The definition and examples. Searching with these finds more than searching with the question, because they
        are worded like documentation."""
        return " ".join((self.definition, *self.examples))


class _Group(Record):
    group: GroupId
    title: str
    keys: tuple[FactKey, ...]

    @model_validator(mode="before")
    @classmethod
    def _of_group(cls, raw: dict[str, object]) -> dict[str, object]:
        entries: Any = raw["keys"]
        return {**raw, "keys": [{**entry, "group": raw["group"]} for entry in entries]}


class Vocabulary:
    """The fact keys by id, in the order of groups and files."""

    def __init__(self, keys: Sequence[FactKey], titles: Mapping[GroupId, str] | None = None) -> None:
        self.keys: Final = tuple(keys)
        self.titles: Final = dict(titles or {})
        self._by_id: Final = {key.id: key for key in self.keys}
        self.order: Final[Mapping[str, int]] = {key.id: n for n, key in enumerate(self.keys)}
        """The position of each key, from 0."""
        if double := [id_ for id_, n in Counter(key.id for key in self.keys).items() if n > 1]:
            raise ValueError(f"two keys have the id {', '.join(double)}")
        for key in self.keys:
            if unknown := [other for other in key.opposes if other not in self]:
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

    def group(self, group: GroupId) -> tuple[FactKey, ...]:
        """Return the keys of a group."""
        return tuple(key for key in self.keys if key.group == group)

    @cached_property
    def controls(self) -> frozenset[str]:
        """The ids of all keys that are controls."""
        return frozenset(key.id for key in self.keys if key.claim == "control")

    def pinning(self, layer: LayerKey) -> tuple[FactKey, ...]:
        """Return the keys that settle a layer."""
        return tuple(key for key in self.keys if layer in key.pins)

    def labelled(self, label: str) -> FactKey | None:
        """Return the key that has this label (`FactKey.labels`), or None if the label was split among several keys."""
        return next((key for key in self.keys if label in key.labels), None)

    def opposed(self, one: str, other: str) -> bool:
        """Return whether two keys cannot both be asserted of the same part."""
        return other in self[one].opposes or one in self[other].opposes


@cache
def load_vocabulary(folder: Path | None = None) -> Vocabulary:
    """Load the vocabulary of a folder, by default the bundled one.

    Raises SchemaError, naming file and key, for a file that belongs to no group, an unknown layer, factor or slot, a
    duplicate id, or a key whose parts contradict each other.
    """
    place = folder or data_folder("corpus") / "knowledge" / "facts"
    files = {file.stem: knowledge(file, _Group) for file in sorted(place.glob("*.yaml"))}
    try:
        if {name: file.group for name, file in files.items()} != {group: group for group in GROUPS}:
            raise ValueError(f"there must be exactly one file for each of {', '.join(GROUPS)}")
        groups = [files[group] for group in GROUPS]
        return Vocabulary([key for group in groups for key in group.keys], {one.group: one.title for one in groups})
    except ValueError as error:
        hint = "see the fields of FactKey in agent/facts/vocabulary.py"
        raise SchemaError(str(error), where=str(place), hint=hint) from error
