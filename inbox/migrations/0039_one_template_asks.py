from typing import Any, ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    """One template asks in a language, for each connection."""

    # An index that is built while the service runs cannot be built in a transaction.
    atomic = False

    dependencies: ClassVar[list[Any]] = [("inbox", "0038_asking_by_template")]

    operations: ClassVar[list[Any]] = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS one_template_asks_in_a_language"
                    " ON inbox_whatsapptemplate (twilio_account_id, asks_in)"
                    " WHERE NOT (asks_in = '')",
                    "DROP INDEX CONCURRENTLY IF EXISTS one_template_asks_in_a_language",
                )
            ],
            state_operations=[
                migrations.AddConstraint(
                    model_name="whatsapptemplate",
                    constraint=models.UniqueConstraint(
                        condition=~models.Q(asks_in=""),
                        fields=("twilio_account", "asks_in"),
                        name="one_template_asks_in_a_language",
                    ),
                ),
            ],
        ),
    ]
