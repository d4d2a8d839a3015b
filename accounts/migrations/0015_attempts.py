from django.db import migrations


class Migration(migrations.Migration):
    """Where attempts to log in are counted while Redis is away: the table of Django's own cache."""

    dependencies = [
        ('accounts', '0014_hash_session_keys'),
    ]

    operations = [
        migrations.RunSQL(
            """
            CREATE TABLE IF NOT EXISTS accounts_attempts (
                cache_key varchar(255) PRIMARY KEY,
                value text,
                expires timestamp with time zone
            );
            CREATE INDEX IF NOT EXISTS accounts_attempts_expires ON accounts_attempts (expires);
            """,
            # It holds nothing that anybody would miss, and is in nobody's way.
            migrations.RunSQL.noop,
        ),
    ]
