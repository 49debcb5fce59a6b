"""Bytes whose declared character set is wrong."""

import pytest

from agent.intake.extract.formats.charset import decode

QUOTED = (
    "The operators see names “as typed” and nothing else. The agent’s role is given by an administrator, "
    "who may take it away – at once – in the settings of the account."
)
SPANISH = "El año pasado la administración canceló la sesión según la política de protección de datos del país."
RUSSIAN = "Агент удаляет учётные записи и хранит журнал действий в течение одного года на сервере поставщика. " * 3


@pytest.mark.parametrize(
    ("text", "written", "declared"),
    [
        *((text, "cp1252", name) for text in (QUOTED, SPANISH) for name in ("utf-8", "", "no-such-set", "iso-8859-1")),
        (RUSSIAN, "cp1251", "utf-8"),
        ("naïve café", "utf-8", "iso-8859-1"),
    ],
)
def test_text_survives_a_wrong_declaration(text: str, written: str, declared: str) -> None:
    assert decode(text.encode(written), declared) == text


def test_utf_8_with_a_broken_byte_stays_utf_8() -> None:
    body = "a naïve old café in the harbour".encode() + b"\xff"
    assert decode(body, "utf-8") == "a naïve old café in the harbour\ufffd"
