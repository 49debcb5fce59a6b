"""A draft of Paperhawk with an LLM and a judge, recorded; and in a process of its own, what changes its requests.

    python -m tests.fakes.assisted_replay FOLDER

records into FOLDER, writes the draft beside it, and prints for each prompt file what a changed sign in it does to a
replay. That edits the prompt files of the installation that it runs in, so give it a copy.
"""

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from agent.drafting_old.assisted import asking
from agent.drafting_old.assisted.run import Assistant, assist
from agent.drafting.calibration import load_calibration
from agent.errors import DriftError, LlmError
from agent.export.draft_json import dump
from agent.llm.budget import Budget, Caps
from agent.llm.cassette import Record, Replay, Run
from agent.llm.port import Call, Llm
from agent.llm.tokens import by_bytes
from agent.pipeline import draft_documents
from agent.records import Draft
from agent.resources import data_folder
from agent.settings import Settings
from tests.fakes.llm_answers import answer
from tests.fakes.llm_port import AnsweringLlm
from tests.fakes.paperhawk_reading import CONSTANTS, documents, interim, shown

WHEN: Final = datetime(2026, 11, 1, tzinfo=UTC)
DRAFT: Final = "draft.json"
_TOKENS: Final = 2_000_000


def one_layer_lost(call: Call) -> str:
    """A good answer, but at first each claim about one layer is invented, so that it is asked for again."""
    text = answer(call)
    if call.stage != "layers":
        return text
    made = json.loads(text)
    for item in made["layers"]:
        if item["layer"] == "data_operations":
            item["claims"] = [{"text": "Paperhawk flies to Mars.", "quotes": [1]}]
    return json.dumps(made)


def helper(llm: Llm, judge: Llm | None, delimiter: str) -> Assistant:
    """An assistant with room for everything."""
    budget = Budget(by_bytes(), None, Caps(_TOKENS))
    return Assistant(llm, budget, by_bytes(), delimiter, 6_000, 2_950, judge=judge)


def drafted(assistant: Assistant) -> Draft:
    """Paperhawk's draft with this assistant."""
    return draft_documents(
        documents(),
        name=None,
        calibration=load_calibration(),
        settings=Settings(),
        created_at="2026-11-01T00:00:00Z",
        assistant=assistant,
    )


def recorded(folder: Path, delimiter: str) -> str:
    """The draft, its answers recorded below `folder`."""
    run = Run(delimiter)
    llms = [
        Record(AnsweringLlm(one_layer_lost), folder / name, run, ci=False, recorded_at=WHEN)
        for name in ("llm", "judge")
    ]
    made = dump(drafted(helper(llms[0], llms[1], delimiter)))
    for llm in llms:
        llm.close()
    return made


def changes(folder: Path, delimiter: str) -> Iterator[str]:
    """For each prompt of the drafting: whether a replay notices that the first letter of its body is another one."""
    for path in sorted((data_folder("prompts") / "drafting").glob("*.md")):
        old = path.read_text("utf-8")
        front, body = old.removeprefix("---\n").split("\n---\n", 1)
        path.write_text(f"---\n{front}\n---\n{body[0].swapcase()}{body[1:]}", "utf-8")
        asking.prompt.cache_clear()
        yield f"{path.stem} {'missed' if _misses(folder, delimiter) else 'not noticed'}"
        path.write_text(old, "utf-8")
    asking.prompt.cache_clear()
    yield f"nothing {'missed' if _misses(folder, delimiter) else 'not noticed'}"


def _misses(folder: Path, delimiter: str) -> bool:
    llms = [Replay(folder / name, Run(delimiter)) for name in ("llm", "judge")]
    missed = False
    try:
        assist(shown().reading, interim(), helper(llms[0], llms[1], delimiter), CONSTANTS)
    except LlmError:
        missed = True
    for llm in llms:
        try:
            llm.close()
        except DriftError:
            missed = True
    return missed


if __name__ == "__main__":
    place = Path(sys.argv[1])
    (place / DRAFT).parent.mkdir(parents=True)
    (place / DRAFT).write_text(recorded(place, "987654321"), "utf-8")
    sys.stdout.writelines(f"{line}\n" for line in changes(place, "123456789"))
