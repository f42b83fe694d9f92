"""The Alembic environment of every service; `common.migrations` gives it a connection."""

from alembic import context

schema = context.config.attributes["schema"]
context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=context.config.attributes["metadata"],
    version_table_schema=schema,
    include_schemas=True,
    include_name=lambda name, kind, _parents: kind != "schema" or name == schema,
    compare_type=True,
    compare_server_default=True,
)
with context.begin_transaction():
    context.run_migrations()
