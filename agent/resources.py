"""Locate Septet's data folders: inside the wheel, or next to the package in a checkout.

A wheel contains `prompts` and `corpus` as `agent/_data/…`. An editable install or a checkout does not, so the folder
next to the package is searched second.
"""

from pathlib import Path
from typing import Literal

from agent.errors import SourceError

DataFolder = Literal["prompts", "corpus"]

_PACKAGE = Path(__file__).resolve().parent


def data_folder(name: DataFolder) -> Path:
    """Return the folder `prompts` or `corpus` of this installation.

    Raises SourceError, listing both places, when neither exists.
    """
    places = (_PACKAGE / "_data" / name, _PACKAGE.parent / name)
    for place in places:
        if place.is_dir():
            return place
    raise SourceError(
        f"the data folder {name!r} is missing",
        where=f"looked in {places[0]} and {places[1]}",
        hint="reinstall the package; the wheel contains its data folders",
    )
