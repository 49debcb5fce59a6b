"""The store's schema, built step by step: Alembic's environment and versions, run from this folder.

Each upgrade runs all its steps in one transaction, so a process killed halfway leaves the old schema. A new step is a
file in `versions`; `tables.SCHEMA` is the newest step.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from sqlalchemy import Connection

from agent.errors import SchemaError
from agent.review.store.tables import SCHEMA

_FOLDER: Final = Path(__file__).resolve().parent


def upgrade(connection: Connection, to: str = SCHEMA, *, more: Sequence[Path] = ()) -> None:
    """Upgrade the schema to step `to` within the transaction of `connection`.

    `more` are folders with further steps. Nothing is committed here. Raises SchemaError if the current schema is not
    one of the steps; database errors are left to the caller.
    """
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", _plain(_FOLDER))
    # Use the operating system's path separator, since folder names may contain spaces.
    config.set_main_option("path_separator", "os")
    config.set_main_option("version_locations", os.pathsep.join(map(_plain, (_FOLDER / "versions", *more))))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, to)
    except CommandError as error:
        raise SchemaError("the store's schema is unknown", where=str(error), hint="restore a backup") from None


def _plain(folder: Path) -> str:
    # A percent sign begins a reference in Alembic's options.
    return str(folder).replace("%", "%%")
