"""Alembic's environment. `store.migrations.upgrade` passes the connection with its transaction open."""

from alembic import context

from agent.review.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite cannot alter most of a table, so Alembic creates a new table and copies the rows.
    render_as_batch=True,
    # Alembic assumes by default that SQLite's DDL is not transactional, but it is.
    transactional_ddl=True,
)
context.run_migrations()
