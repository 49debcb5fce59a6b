"""The schema of the store in steps: Alembic's environment and versions, run from this folder wherever it is installed.

Each upgrade is one transaction over all its steps, so a process that is killed half way leaves the old schema. A new
step is a file in `versions`; `tables.SCHEMA` names the newest.
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
    """Upgrade the schema to step `to`, within the transaction that `connection` is in.

    `more` are folders with further steps. Nothing is committed here. Raises SchemaError for a schema that is none of
    the steps; errors of the database are left to the caller.
    """
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", _plain(_FOLDER))
    # Use the system's own path separator, since a folder's name may contain a blank.
    config.set_main_option("path_separator", "os")
    config.set_main_option("version_locations", os.pathsep.join(map(_plain, (_FOLDER / "versions", *more))))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, to)
    except CommandError as error:
        raise SchemaError("the store's schema is unknown", where=str(error), hint="restore a backup") from None


def _plain(folder: Path) -> str:
    # A per cent sign begins a reference in Alembic's options.
    return str(folder).replace("%", "%%")
