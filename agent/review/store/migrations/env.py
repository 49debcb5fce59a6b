"""Alembic's environment: the connection comes from `store.migrations.upgrade`, with its transaction open."""

from alembic import context

from agent.review.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite cannot alter most of a table; Alembic then makes a new one and moves the rows.
    render_as_batch=True,
    # SQLite's DDL takes part in transactions all the same.
    transactional_ddl=True,
)
context.run_migrations()
