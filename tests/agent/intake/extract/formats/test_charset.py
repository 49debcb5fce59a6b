"""Bytes whose declared character set is wrong."""

import pytest

from agent.intake.extract.formats.charset import decode

QUOTED = (
    "The operators see names “as typed” and nothing else. The agent’s role is given by an administrator, "
    "who may take it away – at once – in the settings of the account."
)
SPANISH = "El año pasado la administración canceló la sesión según la política de protección de datos del país."


@pytest.mark.parametrize("text", [QUOTED, SPANISH])
@pytest.mark.parametrize("declared", ["utf-8", "", "no-such-set", "iso-8859-1"])
def test_western_text_survives_a_wrong_declaration(text: str, declared: str) -> None:
    assert decode(text.encode("cp1252"), declared) == text


def test_utf_8_with_a_broken_byte_stays_utf_8() -> None:
    body = "a naïve old café in the harbour".encode() + b"\xff"
    assert decode(body, "utf-8") == "a naïve old café in the harbour\ufffd"


def test_another_alphabet_is_detected_behind_a_wrong_declaration() -> None:
    text = "Агент удаляет учётные записи и хранит журнал действий в течение одного года на сервере поставщика. " * 3
    assert decode(text.encode("cp1251"), "utf-8") == text


def test_utf_8_is_read_as_such_whatever_is_declared() -> None:
    assert decode("naïve café".encode(), "iso-8859-1") == "naïve café"
