"""${message}."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = ${repr(up_revision)}
down_revision: Final = ${repr(down_revision)}


def upgrade() -> None:
    """From ${repr(down_revision)}; downgrade by restoring the backup that was made before."""
    ${upgrades if upgrades else "pass"}
