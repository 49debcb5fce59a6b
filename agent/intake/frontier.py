"""The pages that wait to be asked for, best first, with a cap for each template of addresses."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from agent.intake.identity import edition, folder, identity, is_varied, template, version
from agent.intake.net.netguard import Target
from agent.intake.novelty import TRAP
from agent.intake.ranking import Verdict, worth_of_path
from agent.intake.sites import Scope

_DEPTH_COST: Final = 2
_VARIED_COST: Final = 2
_BESIDE_COST: Final = 100
_LAST_COST: Final = 50
_EDITION_COST: Final = 40
_LISTED_COST: Final = 30
"""A page that only the site's map names comes after those that pages link."""
_TOPICS: Final = 2
"""Times the cap of a template for pages that a link names by a topic, as sites without telling addresses do."""
_SIDE_BY_SIDE: Final = 3
"""Pages of one varied template in one batch: a trap must be told before it takes the budget."""
TOO_MANY: Final = "the most pages of one kind were read"


@dataclass(frozen=True)
class Candidate:
    """An address that waits."""

    target: Target
    scope: Scope
    verdict: Verdict
    depth: int
    probe: bool = False
    """True for a file that nobody linked."""
    last: bool = False
    """True for a link that its page does not vouch for."""
    listed: bool = False
    """True for a page that only the site's map names."""
    topic: bool = False
    """True for a link whose words name documentation."""
    shown: str = ""
    """The address as the page had it."""
    key: str = ""
    kind: str = ""
    """The template that it counts for."""


class Frontier:
    """Waiting addresses; each identity waits once, with the best verdict that a link gave it."""

    def __init__(self, per_template: int) -> None:
        self._per_template = per_template
        self._waiting: dict[str, Candidate] = {}
        self._order: dict[str, int] = {}
        self._taken: Counter[str] = Counter()
        self._dropped: list[tuple[Candidate, str]] = []
        self._newest: dict[str, tuple[int, ...]] = {}

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def push(self, key: str, candidate: Candidate) -> None:
        """Let `candidate` wait; of two with one identity the better stays, at the place of the first."""
        named = worth_of_path(candidate.target.path) > 0
        kind = template(candidate.target) if named or candidate.probe else folder(candidate.target)
        made = replace(candidate, key=key, kind=kind)
        _, age, bare = version(candidate.target)
        page = identity(bare)
        self._newest[page] = max(age, self._newest.get(page, age))
        known = self._waiting.get(key)
        self._order.setdefault(key, len(self._order))
        if known is None or _worth(made) > _worth(known):
            self._waiting[key] = made

    def pop(self, most: int, is_trap: Callable[[str], bool], is_known: Callable[[str], bool]) -> list[Candidate]:
        """The best, at most `most`; further editions of known pages and exhausted templates are dropped on the way.

        `is_trap` judges a template, `is_known` says whether an identity was asked for already.
        """
        batch: list[Candidate] = []
        within: Counter[str] = Counter()
        ranked = sorted(self._waiting.values(), key=lambda found: (-self._priority(found), self._order[found.key]))
        for candidate in ranked:
            if len(batch) >= most:
                break
            kind = candidate.kind
            reason = self._other_edition(candidate, is_known) or (TRAP if is_trap(kind) else "")
            if not reason and self._taken[kind] >= self._per_template * (_TOPICS if candidate.topic else 1):
                reason = TOO_MANY
            if reason:
                self._dropped.append((self._waiting.pop(candidate.key), reason))
                continue
            if is_varied(candidate.target) and within[kind] >= _SIDE_BY_SIDE:
                continue
            within[kind] += 1
            self._taken[kind] += 1
            batch.append(self._waiting.pop(candidate.key))
        return batch

    def dropped(self) -> list[tuple[Candidate, str]]:
        """What was dropped since the last call, with the reason."""
        found, self._dropped = self._dropped, []
        return found

    def drain(self) -> list[Candidate]:
        """Everything that still waits, in the order of its arrival."""
        found = sorted(self._waiting.values(), key=lambda candidate: self._order[candidate.key])
        self._waiting = {}
        return found

    def _other_edition(self, candidate: Candidate, is_known: Callable[[str], bool]) -> str:
        """Why another edition of the page is read in its place, or an empty text."""
        name, bare = edition(candidate.target)
        if name and (is_known(identity(bare)) or identity(bare) in self._order):
            return f"the same page as another: {name}"
        name, age, bare = version(candidate.target)
        if name and (age < self._newest[identity(bare)] or is_known(identity(bare))):
            return f"the same page as another: the edition of another version ({name})"
        return ""

    def _priority(self, candidate: Candidate) -> int:
        varied = is_varied(candidate.target) and not candidate.probe
        # Pages that differ in a number only fall behind with each one that was taken.
        return _worth(candidate) - (_VARIED_COST * (1 + self._taken[candidate.kind]) if varied else 0)


def _worth(candidate: Candidate) -> int:
    return (
        candidate.verdict.score
        - _DEPTH_COST * (candidate.depth - 1)
        - (_BESIDE_COST if candidate.verdict.beside else 0)
        - (_LAST_COST if candidate.last else 0)
        - (_EDITION_COST if edition(candidate.target)[0] else 0)
        - (_LISTED_COST if candidate.listed else 0)
    )
