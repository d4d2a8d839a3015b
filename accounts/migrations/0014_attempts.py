from django.db import migrations


class Migration(migrations.Migration):
    """Where attempts to log in are counted while Redis is away: the table of Django's own cache."""

    dependencies = [
        ('accounts', '0013_hash_session_keys'),
    ]

    operations = [
        migrations.RunSQL(
            """
            CREATE TABLE accounts_attempts (
                cache_key varchar(255) PRIMARY KEY,
                value text NOT NULL,
                expires timestamp with time zone NOT NULL
            );
            CREATE INDEX accounts_attempts_expires ON accounts_attempts (expires);
            """,
            "DROP TABLE accounts_attempts",
        ),
    ]
