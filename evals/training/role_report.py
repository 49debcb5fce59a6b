"""Render evals/training/ROLES.md, the role classifier's test data and figures."""

from collections.abc import Sequence
from typing import Final

from agent.intake.extract.statements.roles import ROLES
from agent.records import CARRYING, StatementRole
from evals.training.role_figures import LEAKS, Figures, Places, confusion, figures_of, second_reader, threshold_of

_STRICT: Final = 0.05
"""Share of instructions, praise and examples that may be classified as carrying."""
_STRICT_ROLES: Final[tuple[StatementRole, ...]] = ("instruction", "marketing", "example")


def render(places: Places, threshold: float, curve: Sequence[tuple[str, Figures]]) -> str:
    """Return the page as Markdown."""
    first = places.part(lambda label: label.batch == "first")
    later = places.part(lambda label: label.batch != "first" and not label.repository.startswith("corpus/"))
    corpus = places.part(lambda label: label.repository.startswith("corpus/"))
    strict = strict_threshold(first)
    rows = [
        ("the first labels", figures_of(first, threshold)),
        ("the same, threshold 0.5", figures_of(first, 0.5)),
        ("the same, strict threshold", figures_of(first, strict)),
        ("further labels of real pages", figures_of(later, threshold)),
        ("bundled corpus", figures_of(corpus, threshold)),
        *((f"the first labels, fitted on {name}", figures) for name, figures in curve),
    ]
    parts = [
        "# Roles of statements: how good the classifier is",
        "Written by `python -m evals.training.roles`. All figures are of statements whose owner's products were left\n"
        "out of the fit (8 folds by owner). One count for each labelled place; places of which intake keeps no word\n"
        "(badges, heads of tables) are in no figure.",
        f"Threshold {threshold:.3f}: it keeps 93 % of the carrying statements of the first labels. Strict threshold\n"
        f"{strict:.3f}: at most 5 % of instructions, praise and examples together pass.",
        _table(rows),
        _readers(first, later),
        "## Confusion\n\nThe first labels: rows are what the labeller said, columns what the classifier says.",
        _confusion(first, threshold),
    ]
    return "\n\n".join(parts) + "\n"


def strict_threshold(places: Places) -> float:
    """Return the lowest threshold at which at most 5 % of instructions, praise and examples pass."""
    wanted = sorted(
        (
            float(chance)
            for label, chance in zip(places.labels, places.carrying, strict=True)
            if label.role in _STRICT_ROLES
        ),
        reverse=True,
    )
    return wanted[int(_STRICT * len(wanted))] + 1e-9 if wanted else threshold_of(places, 1.0)


def _table(rows: Sequence[tuple[str, Figures]]) -> str:
    heads = ["measured on", "places", "lost", "carries or not", "carrying kept", "role", *LEAKS]
    lines = [_line(heads), _line(["---"] * len(heads))]
    for name, found in rows:
        shares = [found.accuracy, found.kept, found.role, *(found.leaks[role] for role in LEAKS)]
        lines.append(_line([name, str(found.places), str(found.lost), *(f"{share:.3f}" for share in shares)]))
    note = "Under a role that carries nothing: the share of its statements that passes as carrying."
    return "\n".join(lines) + f"\n\n{note}"


def _readers(first: Places, later: Places) -> str:
    lines = []
    for name, part in (("the first labels", first), ("further labels", later)):
        found = second_reader(part)
        leaks = ", ".join(f"{role} {found[role]:.2f}" for role in LEAKS)
        lines.append(
            f"Two readers of {found['places']:.0f} of {name}: carries or not {found['accuracy']:.3f}, role"
            f" {found['role']:.3f}; of what the first calls nothing the second calls carrying: {leaks}."
        )
    return "\n".join(lines)


def _confusion(places: Places, threshold: float) -> str:
    table = confusion(places, threshold)
    lines = [_line(["", *ROLES, "all"]), _line(["---"] * (len(ROLES) + 2))]
    for role, row in zip(ROLES, table.tolist(), strict=True):
        mark = f"**{role}**" if role in CARRYING else role
        lines.append(_line([mark, *map(str, row), str(sum(row))]))
    return "\n".join(lines)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
