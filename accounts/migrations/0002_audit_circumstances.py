import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

# As `accounts.ledgers` explains: it asks nobody.
MAKE_REFUSAL = """
CREATE OR REPLACE FUNCTION refuse_to_change_a_ledger() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'Cannot % rows of %: it is append-only', lower(TG_OP), TG_TABLE_NAME;
END;
$$
"""


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0001_initial'),
    ]

    operations = [
        migrations.AddField(
            model_name='auditentry',
            name='request_id',
            field=models.CharField(blank=True, db_default='', default='', max_length=64),
        ),
        migrations.AddField(
            model_name='auditentry',
            name='network',
            field=models.CharField(blank=True, db_default='', default='', help_text='Where the request came from: the address, shortened to its network', max_length=49),
        ),
        migrations.AddField(
            model_name='auditentry',
            name='session',
            field=models.CharField(blank=True, db_default='', default='', help_text='Tells two sessions apart', max_length=12),
        ),
        migrations.AddField(
            model_name='auditentry',
            name='on_behalf_of',
            field=models.CharField(blank=True, db_default='', default='', max_length=200),
        ),
        migrations.RunSQL(MAKE_REFUSAL, 'DROP FUNCTION refuse_to_change_a_ledger()'),
        pgtrigger.migrations.RemoveTrigger(
            model_name='auditentry',
            name='audit_is_append_only',
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='auditentry',
            trigger=pgtrigger.compiler.Trigger(name='audit_is_append_only', sql=pgtrigger.compiler.UpsertTriggerSql(execute='refuse_to_change_a_ledger()', func='RETURN NULL;', hash='ba7ba117150be90760df0d0f2b8ce51176132405', operation='UPDATE OR DELETE', pgid='pgtrigger_audit_is_append_only_a92c0', table='accounts_auditentry', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='auditentry',
            trigger=pgtrigger.compiler.Trigger(name='audit_is_never_emptied', sql=pgtrigger.compiler.UpsertTriggerSql(execute='refuse_to_change_a_ledger()', func='RETURN NULL;', hash='5d5a65e43801320c316089f8551822a98a4358bc', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_audit_is_never_emptied_9824e', table='accounts_auditentry', when='BEFORE')),
        ),
    ]
