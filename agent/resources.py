"""Where the product's data folders are: inside the wheel, or beside the package in a checkout.

A wheel carries `prompts` and `corpus` as `agent/_data/…`; an editable install and a checkout do not, so the
folder beside the package is the second place to look.
"""

from pathlib import Path
from typing import Literal

from agent.errors import SourceError

DataFolder = Literal["prompts", "corpus"]

_PACKAGE = Path(__file__).resolve().parent


def data_folder(name: DataFolder) -> Path:
    """Return the folder `prompts` or `corpus` of this installation.

    Raises SourceError, naming both places, when neither exists.
    """
    places = (_PACKAGE / "_data" / name, _PACKAGE.parent / name)
    for place in places:
        if place.is_dir():
            return place
    raise SourceError(
        f"the data folder {name!r} is missing",
        where=f"looked in {places[0]} and {places[1]}",
        hint="install the package again; a wheel carries its data folders",
    )
