"""Write the evaluation as one self-contained HTML file that needs no network access, other files or third-party
scripts.

The page shows untrusted text from third-party pages. The templates therefore escape all of it, hidden characters are
made visible, and a content security policy in the head allows only this file's own style and script, by their hashes.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Final

import jinja2
from markupsafe import Markup

from agent.report.html import hash_source
from agent.report.safe_markdown import one_line
from agent.taxonomy.factors import FACTOR_TITLES
from evals.gate.verdict import Verdict
from evals.metrics.results import LOSSES, DraftView, Evaluation
from evals.report import cards, further, heat, pictures, pictures_certainty, pictures_score, saying
from evals.report.tables import tables

_TEMPLATES: Final = Path(__file__).with_name("templates")
_WORST: Final = 8
_TILES: Final = {
    "factor_mae_reader": "Factor error, reader",
    "factor_mae_published": "Factor error, published",
    "flag_f1_reader": "Flag F1, reader",
    "score_mae_published": "Score error, points",
    "band_agreement_published": "Same severity band",
    "interval_coverage_published": "Labels within ranges",
    "evidence_recall_reader": "Reader's quotes cited",
    "citation_validity": "Valid citations",
}
"""Metric → its title among the key figures."""


def html(
    evaluation: Evaluation,
    views: Sequence[DraftView],
    verdict: Verdict | None = None,
    *,
    categories: Mapping[str, str] | None = None,
) -> str:
    """Return the page as HTML; `categories` maps cases to their categories. The same records give the same bytes."""
    groups = categories or {}
    names = {view.case: view.name for view in views}
    results = evaluation.per_case
    columns = heat.columns(results, names, groups)
    rows = saying.metric_rows(evaluation, verdict)
    # The page's own style and script are not escaped, since they contain no untrusted text.
    style, script = (Markup((_TEMPLATES / name).read_text("utf-8")) for name in ("page.css", "page.js"))
    worst = {name: saying.worst(results, name, _WORST) for name in LOSSES}
    return _environment().get_template("page.html.j2").render(
        evaluation=evaluation,
        verdict=verdict,
        standing=saying.standing(verdict),
        said=saying.verdict_words(evaluation, verdict),
        next=saying.next_words(evaluation, verdict).replace("`", ""),
        tiles=[(_TILES[row.name], row) for row in rows if row.name in _TILES],
        metrics=rows,
        part_moves=saying.part_moves(verdict),
        columns=columns,
        maps=[found for which in saying.LABEL_TITLES if (found := heat.heat_map(columns, which))],
        certainty=[pictures_certainty.certainty(results), pictures_certainty.risk(results)],
        scores=[pictures_score.scores(results, names), pictures_score.bases(results, names)],
        ranges=pictures.ranges(results),
        recall=pictures.recall(results),
        moves=pictures.moves(verdict),
        worst=[(saying.LOSS_TITLES[name], found) for name, found in worst.items() if found],
        further=further.further(results),
        tables=tables(evaluation),
        cards=cards.cards(results, {view.case: view for view in views}, verdict, groups),
        names=names,
        grouped=bool(groups),
        style=style,
        script=script,
        policy=(
            f"default-src 'none'; style-src '{hash_source(style)}'; script-src '{hash_source(script)}'; "
            "img-src data:; base-uri 'none'; form-action 'none'"
        ),
    )  # fmt: skip


def _lines(text: str) -> str:
    """Return `text` with its line breaks kept and hidden characters made visible."""
    return "\n".join(one_line(line) if line.strip() else "" for line in text.split("\n"))


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    words = (saying.number, saying.signed, saying.percent, saying.tenth, saying.hundredth, saying.metric_title)
    environment.filters.update({word.__name__: word for word in words}, shown=one_line, lines=_lines, flag=cards.flag)
    told = (saying.difference, saying.relative_percent, saying.count, saying.test_words, saying.finding_words)
    environment.globals.update(
        {word.__name__: word for word in (*told, heat.cell_words, cards.span, cards.off, cards.far)},
        label_titles=saying.LABEL_TITLES,
        factor_titles=[FACTOR_TITLES[key] for key in heat.FACTORS],
    )
    return environment
