from django.db import migrations, models


class Migration(migrations.Migration):
    # An index that is built while the service runs cannot be built in a transaction.
    atomic = False

    dependencies = [
        ('inbox', '0003_setting_up'),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS a_number_is_in_use_once"
                    " ON inbox_sender (address)"
                    " WHERE removed_at IS NULL AND kind IN ('number', 'whatsapp', 'service')",
                    "DROP INDEX CONCURRENTLY IF EXISTS a_number_is_in_use_once",
                )
            ],
            state_operations=[
                migrations.AddConstraint(
                    model_name='sender',
                    constraint=models.UniqueConstraint(condition=models.Q(('removed_at', None), ('kind__in', ['number', 'whatsapp', 'service'])), fields=('address',), name='a_number_is_in_use_once'),
                ),
            ],
        ),
    ]
