"""The migrations of the store's schema: Alembic's environment and versions, run from this folder.

Each upgrade runs all its steps in one transaction, so a process killed halfway leaves the old schema in place. A new
step is a new file in `versions`; `tables.SCHEMA` is the newest step.
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

    `more` are folders with further steps. Does not commit. Raises SchemaError if the current schema is not one of the
    steps; database errors propagate.
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
    # Escape percent signs, since they begin references in Alembic's options.
    return str(folder).replace("%", "%%")
