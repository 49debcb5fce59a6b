"""The recorded answers of a capable LLM: they fit what is asked today, and their drafts keep what was measured."""

import shutil
from pathlib import Path

import pytest

from agent.llm.cassette import MANIFEST, complaints
from agent.resources import data_folder
from agent.settings import Settings
from evals.assisted import held, run
from evals.corpus import load_case
from evals.lessons import bundled_lessons
from evals.run import pattern_ids
from evals.summary import summarise

RECORDED = Path(__file__).parents[1] / "evals" / "recorded"
SLUGS = sorted(path.parent.name for path in RECORDED.glob(f"*/{MANIFEST}"))
MAY_BE_LOST = 0.03


def test_recordings_hold_no_key_and_stay_small() -> None:
    assert len(SLUGS) >= 8
    assert complaints(RECORDED) == []


@pytest.mark.slow
def test_the_recorded_answers_fit_and_make_better_drafts_than_words_alone(tmp_path: Path) -> None:
    folder = tmp_path / "recorded"
    shutil.copytree(RECORDED, folder)
    cases = held([load_case(data_folder("corpus") / "cases" / slug) for slug in SLUGS], bundled_lessons(Settings()))
    pairs = run(cases, folder, "", Settings())
    assisted, embedded = (
        summarise([getattr(one, name) for one in pairs], drafter=name, patterns=pattern_ids()).metrics
        for name in ("assisted", "embedded")
    )
    for name in ("factor_mae_published", "factor_mae_reader", "factor_sum_mae_published"):
        better, plain = assisted[name], embedded[name]
        assert better is not None
        assert plain is not None
        assert better < plain, name
    assert assisted["citation_validity"] == 1.0
    assert assisted["flag_f1_reader"] == embedded["flag_f1_reader"], "flags are code's"
    lost = sum(one.draft.usage["claims_dropped"] for one in pairs)
    assert lost <= MAY_BE_LOST * sum(one.draft.usage["claims_proposed"] for one in pairs)
