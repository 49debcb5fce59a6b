"""Determines the role of each statement, that is, its purpose and whom it addresses.

Less than half of a README's statements are about the product. The others tell the reader what to type, show an example,
praise, announce, compare, or lead elsewhere. If they were read as the product's own actions, they would produce threats
that the product does not have. The classifier is linear: each feature of a statement and its surroundings
(`role_features`) and each component of its vector has one weight for each of the twelve roles, learned from labelled
statements of real pages (`evals.training.roles`).

The classifier adds up weights, so the contribution of each group of features (the heading, the first words, the columns
of a table, …) to the result is known. A reason names the two largest contributions in words found on the page.
"""

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Final, get_args

import numpy as np
from numpy.typing import NDArray

from agent.errors import IntegrityError
from agent.intake.extract.statements.role_features import (
    BUCKETS,
    SHAPES,
    Paper,
    Place,
    bucket,
    hashed,
    named_features,
    paper,
)
from agent.intake.extract.statements.split import covered
from agent.records import CARRYING, Document, FindingKind, Statement, StatementRole
from agent.resources import data_folder

_MAX_REASONS: Final = 2
"""Maximum number of feature groups that a reason mentions."""
_MAX_QUOTED: Final = 60
_MAX_FIRST: Final = 3
_ORDER: Final = ("that", "made", "with", "without", "after", "under")
"""First words of the clauses of a reason, in the order in which a sentence would have them."""
_BLOCKS: Final = {
    "paragraph": "a sentence",
    "item": "a list item",
    "row": "a table row",
    "code": "a block of code",
    "image": "the text of a picture",
    "front-matter": "a field of the front matter",
}
ROLES: Final[tuple[StatementRole, ...]] = get_args(StatementRole)
WEIGHTS: Final = "weights.npy"
CONSTANTS: Final = "classifier.json"
WORDS_SCALE: Final = 3.0
VECTOR_SCALE: Final = 2.0
"""The lengths to which a statement's hashed features (`WORDS_SCALE`) and its vector are scaled, to balance them."""
ASIDE_ODDS: Final = 0.25
"""Factor for the odds that a statement contains facts if its section is set apart."""
_ASIDE: Final = re.compile(
    r"(?i)\b(?:contribut(?:e|ing|ors?|ions?)|development(?: setup)?|licen[cs]e|legal|community|acknowledge?ments?"
    r"|credits|thanks|citation|citing|contact|sponsors?|backers|star history|related (?:projects|work)|change ?log"
    r"|release (?:notes|history)|version history|what['’]?s new|news|(?:latest|recent) updates|road ?map|coming soon"
    r"|future (?:work|plans)|planned|migrat(?:e|ing|ion)|upgrad(?:e|es|ing)|uninstall(?:ing|ation)?|troubleshooting"
    r"|debugging|testimonials|what (?:people|users|customers) (?:say|are saying)|(?:example|sample) (?:prompts?"
    r"|queries|outputs?|conversations?)|mitwirken|beitragen|lizenz|fehlerbehebung|änderungen|licencia|contribuir"
    r"|historial de cambios|licence|contribuer|dépannage)\b|贡献|許可|许可|更新日志|路线图|故障排除|貢献|ライセンス"
    r"|変更履歴|トラブルシューティング|기여|라이선스|변경 ?(?:이력|사항)"
)
"""Headings by which a page itself says that the text below is not about what the product does.

On the labelled pages, at most about 15 % of the statements under such a heading contain facts; the translations follow
the English headings."""
Chances = NDArray[np.float32] | NDArray[np.float64]
"""The probability of each role for each statement, shape (n, roles)."""
_CARRIES: Final = np.array([role in CARRYING for role in ROLES])
_ID_CHARS: Final = 16
_NO_FINDING: Final[frozenset[FindingKind]] = frozenset({"vendor-claim"})
"""Findings that are ignored here: a vendor's claim about itself is context for adjacent sentences."""
_KIND_WORDS: Final = frozenset({"ai", "mcp", "server", "agent", "agents", "framework", "cli", "app", "skill", "sdk"})
"""Words that a title adds to a product's name but a column heading leaves out."""
_COLUMNS: Final = frozenset({
    "description", "notes", "note", "default", "status", "type", "required", "example", "purpose", "value", "details",
})  # fmt: skip
"""Column headings that are not the name of another product."""
_WORD: Final = re.compile(r"\w+")
_STATED: Final = {"analyst-note": "a note by the analyst", "vendor-answer": "an answer by the vendor"}
"""Kinds of document in which every statement is about the product."""


def reason(page: Paper, number: int, names: Sequence[str], pull: NDArray[np.float32]) -> str:
    """Return the reason for the role of the page's statement `number`, as a clause without a full stop.

    `names` are its features, and `pull` is how strongly each bucket favours its role, shape (BUCKETS,).
    """
    sums: dict[str, float] = defaultdict(float)
    best: dict[str, tuple[float, str]] = {}
    weights = pull[[bucket(name) for name in names]] if names else np.zeros(0, dtype=np.float32)
    for name, weight in zip(names, weights.tolist(), strict=True):
        group, _, rest = name.partition(":")
        sums[group] += weight
        best[group] = max(best.get(group, (float("-inf"), "")), (weight, rest))
    place = page.places[number]
    groups = sorted((group for group in sums if sums[group] > 0), key=lambda each: (-sums[each], each))
    clauses = (_clause(page, place, group, best[group][1]) for group in groups)
    reasons = list(islice(dict.fromkeys(filter(None, clauses)), _MAX_REASONS))
    statement = place.statement
    heads = " | ".join(head for head in statement.heads if head)
    what = _BLOCKS.get(statement.block, "a statement")
    if statement.block == "code" and statement.language:
        what = f"a block of {statement.language} code"
    elif statement.block == "row" and heads:
        what = f"a row of the table {_short(heads)}"
    return " ".join([what, *sorted(reasons, key=lambda clause: _ORDER.index(clause.split(" ", 1)[0]))])


def _clause(page: Paper, place: Place, group: str, feature: str) -> str:
    """Return what a group of features says about a statement; empty if its strongest feature cannot be described."""
    text, path = place.statement.text, place.statement.path
    if group == "first" and place.words:
        return f"that begins with “{' '.join(text.split()[:_MAX_FIRST])}”"
    if group == "heading" and path:
        return f"under “{_short(path[-1])}”"
    if group == "lead" and place.lead >= 0:
        return f"after “{_short(page.places[place.lead].statement.text, last=True)}”"
    if group == "word":
        said = feature.rpartition("/")[2].rstrip(".")
        return f"with the words “{said}”" if said.strip("…") and said in text.lower() else ""
    if group == "shape":
        shown, _ = SHAPES.get(feature.rpartition("/")[2].rstrip("0123456789"), ("", None))
        return f"with {shown}" if shown else ""
    if group == "link":
        return "without links" if place.linked <= 0 else "made of links" if place.linked > 0.5 else "with links"  # noqa: PLR2004
    return ""


def _short(text: str, *, last: bool = False) -> str:
    line = " ".join(text.split())
    if len(line) <= _MAX_QUOTED:
        return line
    return f"… {line[-_MAX_QUOTED:].partition(' ')[2]}" if last else f"{line[:_MAX_QUOTED].rpartition(' ')[0]} …"


@dataclass(frozen=True)
class RoleClassifier:
    """Linear classifier with its learned weights."""

    weights: NDArray[np.float32]
    """Shape (BUCKETS + size of a vector, roles)."""
    bias: NDArray[np.float32]
    steepness: float
    """Factor by which scores are multiplied before they are converted to probabilities."""
    threshold: float
    """Minimum probability at which a statement counts as containing facts."""
    fingerprint: str
    """Hash of all constants."""
    pulls: NDArray[np.float32]
    """How strongly each hashed feature favours a role, compared with the average of the roles on the other side (those
    with facts, or those without); shape (BUCKETS, roles)."""

    def chances(
        self, named: Sequence[Sequence[str]], statements: Sequence[Statement], vectors: NDArray[np.float32]
    ) -> NDArray[np.float64]:
        """Return the probability of each role, shape (n, roles); rows sum to 1.

        `named` are the features of the `statements` (`named_features`), and `vectors` their sentence vectors.
        """
        indices, starts = hashed(named)
        sums = np.add.reduceat(self.weights[indices], starts[:-1], axis=0)
        words = sums * (WORDS_SCALE / np.sqrt(np.diff(starts)))[:, None]
        scores = (words + VECTOR_SCALE * (vectors @ self.weights[BUCKETS:]) + self.bias).astype(np.float32)
        raised = np.exp(self.steepness * (scores - scores.max(axis=1, keepdims=True)))
        found = (raised / raised.sum(axis=1, keepdims=True)).astype(np.float32)
        return discounted(found, set_apart(statements))


def with_roles(
    statements: Sequence[Statement], documents: Sequence[Document], vectors: NDArray[np.float32]
) -> tuple[Statement, ...]:
    """Return the statements with their roles and the reasons for them, in the given order.

    `vectors` are their sentence vectors (`agent.retrieval.embed`), shape (n, 256). The role of a statement depends
    only on its own document, not on the order of statements or documents. Statements from analysts' notes, vendors'
    answers, manifests and tool lists always contain facts.

    A statement that a finding covers is not context for the others: it may have been planted, and must not influence
    how its neighbours are read. Raises IntegrityError if the stored weights are damaged.
    """
    placed: dict[int, Statement] = {}
    for document in documents:
        own = [(each.start, each.end, row) for row, each in enumerate(statements) if each.document == document.id]
        rows = [row for _, _, row in sorted(own)]
        unflagged = [row for start, end, row in sorted(own) if not covered(document, start, end, _NO_FINDING)]
        for part in (rows, unflagged) if len(unflagged) < len(rows) else (rows,):
            placed |= zip(part, _placed(document, [statements[row] for row in part], vectors[part]), strict=True)
    return tuple(placed[number] for number in range(len(statements)))


def role_chances(
    statements: Sequence[Statement],
    documents: Sequence[Document],
    vectors: NDArray[np.float32],
    classifier: RoleClassifier | None = None,
) -> NDArray[np.float64]:
    """Return the probability of each role for each statement, shape (n, roles); for arguments see `with_roles`.

    Leave out statements that a finding covers, since all given statements are context for one another.
    """
    pages = {document.id: document for document in documents}
    found = np.zeros((len(statements), len(ROLES)))
    for identity in dict.fromkeys(statement.document for statement in statements):
        rows = [n for n, statement in enumerate(statements) if statement.document == identity]
        own = [statements[n] for n in rows]
        named = named_features(paper(pages[identity], own))
        found[rows] = (classifier or load_roles()).chances(named, own, vectors[rows])
    return found


def carrying(statements: Sequence[Statement]) -> tuple[Statement, ...]:
    """Return the statements whose role may contain facts about the product, in order."""
    return tuple(statement for statement in statements if statement.role in CARRYING)


def _placed(document: Document, own: Sequence[Statement], vectors: NDArray[np.float32]) -> list[Statement]:
    if not own:
        return []
    classifier = load_roles()
    page = paper(document, own)
    named = named_features(page)
    chances = classifier.chances(named, own, vectors)
    stated = _STATED.get(document.kind, "") or ("a field of its manifest" if document.form != "prose" else "")
    carries = np.full(len(own), True) if stated else carries_facts(chances, classifier.threshold)
    placed = []
    for n, (statement, role) in enumerate(zip(own, choose(chances, carries), strict=True)):
        why = stated or reason(page, n, named[n], classifier.pulls[:, role])
        chosen = ROLES[role]
        if not stated and statement.block == "row" and compares(statement.heads, document.title):
            chosen, why = "other-product", f"a row of a table that compares {document.title} with others"
        placed.append(statement.model_copy(update={"role": chosen, "reason": why}))
    return placed


def compares(heads: Sequence[str], title: str) -> bool:
    """Return whether a table's columns stand for the page's product and for others: "| | Ours | Theirs |".

    Each cell of such a row is true of one product only, and a reader of the row alone cannot tell which.
    """
    name = [word for word in _words(title) if word not in _KIND_WORDS]
    columns = [[word for word in _words(head) if word not in _KIND_WORDS] for head in heads[1:]]
    others = [words for words in columns if words and not set(words) & {*name, *_COLUMNS}]
    return bool(name) and name in columns and bool(others)


def _words(text: str) -> list[str]:
    return [word.casefold() for word in _WORD.findall(text)]


def set_apart(statements: Sequence[Statement]) -> NDArray[np.bool_]:
    """Return whether each statement is under a heading that sets its section apart, shape (n,)."""
    aside = {path: any(map(_ASIDE.search, path[1:])) for path in {statement.path for statement in statements}}
    return np.array([aside[statement.path] for statement in statements], dtype=bool)


def discounted(chances: Chances, aside: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the probabilities with lower odds of containing facts where `aside` is True; rows still sum to 1."""
    weighed = chances * np.where(aside[:, None] & _CARRIES[None, :], ASIDE_ODDS, 1.0)
    found: NDArray[np.float64] = weighed / weighed.sum(axis=1, keepdims=True)
    return found


def carries_facts(chances: Chances, threshold: float) -> NDArray[np.bool_]:
    """Return whether the summed probabilities of the roles that contain facts reach the threshold, shape (n,)."""
    found: NDArray[np.bool_] = chances[:, _CARRIES].sum(axis=1) >= threshold
    return found


def choose(chances: Chances, carries: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return each statement's likeliest role: among those that contain facts if `carries`, otherwise among the rest."""
    allowed = np.where(carries[:, None], _CARRIES[None, :], ~_CARRIES[None, :])
    found: NDArray[np.int64] = np.where(allowed, chances, -1.0).argmax(axis=1)
    return found


@lru_cache(maxsize=1)
def load_roles() -> RoleClassifier:
    """Return the bundled classifier. Raises IntegrityError if its files do not belong together."""
    return read_roles(data_folder("corpus") / "knowledge" / "roles")


def read_roles(folder: Path) -> RoleClassifier:
    """Load the classifier that `write_roles` wrote to a folder. Raises IntegrityError if its files were changed."""
    constants = json.loads((folder / CONSTANTS).read_text("utf-8"))
    stored = (folder / WEIGHTS).read_bytes()
    if hashlib.sha256(stored).hexdigest() != constants["weights_sha256"] or tuple(constants["roles"]) != ROLES:
        raise IntegrityError("the weights of the role classifier do not match its constants", where=str(folder))
    scales = np.array(constants["scales"], dtype=np.float32)
    weights = np.load(folder / WEIGHTS, allow_pickle=False).astype(np.float32) * scales
    words = weights[:BUCKETS]
    facts, others = words[:, _CARRIES].mean(axis=1), words[:, ~_CARRIES].mean(axis=1)
    return RoleClassifier(
        weights=weights,
        bias=np.array(constants["bias"], dtype=np.float32),
        steepness=float(constants["steepness"]),
        threshold=float(constants["threshold"]),
        fingerprint=hashlib.sha256(json.dumps(constants, sort_keys=True).encode()).hexdigest()[:_ID_CHARS],
        pulls=words - np.where(_CARRIES, others[:, None], facts[:, None]),
    )
