import django.contrib.postgres.indexes
import django.db.models.functions.text
from django.contrib.postgres.operations import AddIndexConcurrently, TrigramExtension
from django.db import migrations, models

# As `accounts.ledgers` explains: they fire whatever a session says of itself.
ALWAYS = """
ALTER TABLE accounts_auditentry ENABLE ALWAYS TRIGGER pgtrigger_audit_is_append_only_a92c0;
ALTER TABLE accounts_auditentry ENABLE ALWAYS TRIGGER pgtrigger_audit_is_never_emptied_9824e
"""
AS_USUAL = """
ALTER TABLE accounts_auditentry ENABLE TRIGGER pgtrigger_audit_is_append_only_a92c0;
ALTER TABLE accounts_auditentry ENABLE TRIGGER pgtrigger_audit_is_never_emptied_9824e
"""


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('accounts', '0011_vouched_for_by_company'),
    ]

    operations = [
        TrigramExtension(),
        AddIndexConcurrently(
            model_name='auditentry',
            index=models.Index(fields=['action', '-id'], name='audit_by_what'),
        ),
        AddIndexConcurrently(
            model_name='auditentry',
            index=models.Index(condition=models.Q(('on_behalf_of', ''), _negated=True), fields=['-id'], name='audit_on_behalf'),
        ),
        AddIndexConcurrently(
            model_name='auditentry',
            index=django.contrib.postgres.indexes.BrinIndex(autosummarize=True, fields=['at'], name='audit_by_time'),
        ),
        AddIndexConcurrently(
            model_name='auditentry',
            index=django.contrib.postgres.indexes.GinIndex(
                django.contrib.postgres.indexes.OpClass(django.db.models.functions.text.Upper('actor_label'), 'gin_trgm_ops'),
                django.contrib.postgres.indexes.OpClass(django.db.models.functions.text.Upper('action'), 'gin_trgm_ops'),
                django.contrib.postgres.indexes.OpClass(django.db.models.functions.text.Upper('subject'), 'gin_trgm_ops'),
                name='audit_search',
            ),
        ),
        migrations.RunSQL(ALWAYS, AS_USUAL),
    ]
