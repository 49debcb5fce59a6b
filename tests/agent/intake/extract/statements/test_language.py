"""The language of a document is reported, and text that the embedded drafter cannot read is listed with what would read
it.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from agent.intake.extract.formats.markdown import read_markdown
from agent.intake.extract.statements import language
from agent.pipeline import read_documents
from agent.records import Document
from tests.fakes import paired
from tests.fakes.fact_sources import composed
from tests.places import ROOT

TEXTS = {
    "en": "The agent reads the mail of a support team, drafts an answer and sends it when a person has agreed to it.",
    "de": "Der Agent liest die Nachrichten eines Teams, entwirft eine Antwort und schickt sie ab, wenn man zustimmt.",
    "fr": "L'agent lit les messages de l'équipe, rédige une réponse et l'envoie dès qu'une personne donne son accord.",
    "es": "El agente lee los mensajes del equipo, redacta una respuesta y la envía cuando una persona da su permiso.",
    "ja": (
        "エージェントはチームのメールを読み、返信の下書きを作成し、担当"
        "者が同意したときに送信します。会話の記録は一週間保存されます。"
    ),
    "zh": (
        "该代理读取团队的邮件，起草回复，并在有人同意之后发送。所有对"
        "话记录会保存一个星期，之后会被自动删除，用户也可以提前删除。"
    ),
    "ko": (
        "이 에이전트는 팀의 메일을 읽고 답장 초안을 작성하며 담당자가 "
        "동의하면 전송합니다. 대화 기록은 일주일 동안 보관됩니다."
    ),
}
CODE = "\n\n```python\nfrom acme import Agent\n\nagent = Agent('acme')\nagent.run('read the mail and answer it')\n```\n"


def read(text: str) -> Document:
    return composed(read_markdown(f"# Acme\n\n{text}\n"))


@pytest.mark.parametrize("code", TEXTS)
def test_the_language_is_told_in_spite_of_code_and_addresses(code: str) -> None:
    text = f"{TEXTS[code]}\n\nhttps://acme.example/the/documentation/of/the/agent{CODE}" + CODE * 5
    assert (read(text).language, read(text).language) == (code, code)


@pytest.mark.parametrize("text", ["", "Acme", "12 345", "Acme " * 200, "aaaa " * 400, "https://acme.example/" * 40])
def test_nothing_is_told_of_a_text_that_says_nothing(text: str) -> None:
    assert language.detect(text) == ""


def test_english_is_told_without_the_library() -> None:
    code = (
        "import sys; from agent.intake.extract.statements import language; "
        f"assert language.detect({TEXTS['en']!r}) == 'en'; assert 'py3langid' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_what_is_left_unread_is_counted_with_what_would_read_it() -> None:
    document = read(TEXTS["ja"] + "\n\n- `read_mail`: reads the mail of the team\n")
    (gap,) = language.unread((document,))
    (left,) = language.unread((document,), by_llm=True)
    assert gap.reason == left.reason == "language"
    assert gap.detail.startswith("D1 is in Japanese")
    assert "1 of its 2 statements was left unread; draft with --llm" in gap.detail
    assert "--llm" not in left.detail


def test_an_english_document_and_one_without_a_language_have_no_gap() -> None:
    unknown = read(TEXTS["de"]).model_copy(update={"language": ""})
    assert language.unread((read(TEXTS["en"]), unknown)) == ()


def test_the_draft_says_what_it_left_unread(tmp_path: Path) -> None:
    page = f"<html><body><main><h1>Acme</h1><p>{TEXTS['de']} {TEXTS['de']}</p></main></body></html>"
    other = paired.listing()
    made = paired.of_files(tmp_path, {"listing.html": other, "zusatz.html": page})
    assert [document.language for document in made.documents] == ["en", "de"]
    assert [source.language for source in made.draft.sources] == ["en", "de"]
    dropped = [each for each in made.draft.dropped if each.reason == "language"]
    assert len(dropped) == 1
    assert "D2 is in German" in dropped[0].what
    assert "D2 in German" in made.markdown
    assert any(gap.reason == "language" for gap in made.intake.missing)


def test_the_embedded_drafter_reads_tables_and_names_but_no_foreign_sentence() -> None:
    mixed = "危険な操作なので agent が delete all files を実行します。"
    table = (
        "| tool | what it does |\n|---|---|\n| `drop` | Deletes the mail of a team |\n| `wipe` | Deletes all notes |"
    )
    document = read(f"{TEXTS['ja']}\n\n{mixed}\n\n{table}\n")
    whole = read_documents((document,))
    part = language.readable(whole.documents, whole.statements)
    told = " ".join(statement.text for statement in part)
    assert "wipe" in told
    assert "実行" not in told
    assert len(part) < len(whole.statements)
    assert all(mixed not in item.quote for item in whole.sheet.evidence)
    assert any("wipe" in item.quote for item in whole.sheet.evidence)


def test_an_english_reading_is_read_as_it_is() -> None:
    whole = read_documents((read(TEXTS["en"]),))
    assert language.readable(whole.documents, whole.statements) == whole.statements
