from django.db import migrations, models


class Migration(migrations.Migration):
    # An index that is built while the service runs cannot be built in a transaction.
    atomic = False

    dependencies = [
        ('accounts', '0005_twilio_subaccounts'),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS one_open_subaccount_per_account"
                    " ON accounts_twilioaccount (account_id)"
                    " WHERE is_ours AND NOT (status = 'closed')",
                    "DROP INDEX CONCURRENTLY IF EXISTS one_open_subaccount_per_account",
                )
            ],
            state_operations=[
                migrations.AddConstraint(
                    model_name='twilioaccount',
                    constraint=models.UniqueConstraint(condition=models.Q(('is_ours', True), models.Q(('status', 'closed'), _negated=True)), fields=('account',), name='one_open_subaccount_per_account'),
                ),
            ],
        ),
    ]
