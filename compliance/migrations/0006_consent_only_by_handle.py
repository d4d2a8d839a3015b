from django.db import migrations, models


def forget_programmes(apps, schema_editor):
    """Go back to one consent per address and family."""
    rows = apps.get_model("compliance", "Consent").objects.using(schema_editor.connection.alias)
    rows.exclude(programme="*").delete()


class Migration(migrations.Migration):
    """Every event is in its chain; whose it is is sealed and nowhere else."""

    dependencies = [
        ('compliance', '0005_consent_is_chained'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='consent',
            name='one_consent_per_address_and_family',
        ),
        migrations.RemoveIndex(
            model_name='consentevent',
            name='consent_by_address',
        ),
        migrations.RemoveField(
            model_name='consent',
            name='state_before_opt_out',
        ),
        # So that going back finds something to put there, until 0005 opens what is sealed.
        migrations.AlterField(
            model_name='consentevent',
            name='address',
            field=models.CharField(blank=True, default='', max_length=120),
        ),
        migrations.RemoveField(
            model_name='consentevent',
            name='address',
        ),
        migrations.RemoveField(
            model_name='consentevent',
            name='words',
        ),
        migrations.AlterField(
            model_name='consentevent',
            name='source',
            field=models.CharField(choices=[('inbound_keyword', 'They texted a keyword'), ('inbound_fuzzy', 'They said so in their own words'), ('button', 'They pressed a button'), ('web_form', 'They filled in a form'), ('link', 'They opened a link and confirmed'), ('verbal', 'They said so on the phone or in person'), ('paper', 'They signed a paper'), ('import', 'Imported'), ('agent', 'Recorded by an agent'), ('provider_21610', 'The carrier refused a message (21610)'), ('provider_event', 'The carrier told us (OptOutType)'), ('admin', 'Recorded by an admin'), ('api', 'Told by another system'), ('lookup_reassigned', 'A look-up says the number was reassigned'), ('linked', 'Said from another address of the same person'), ('clock', 'Time ran out')], max_length=20),
        ),
        migrations.AlterField(
            model_name='consentevent',
            name='seq',
            field=models.BigIntegerField(help_text="Its number in the account's ledger"),
        ),
        migrations.AlterField(
            model_name='consentevent',
            name='handle',
            field=models.CharField(help_text='The address, as a keyed hash', max_length=64),
        ),
        migrations.AlterField(
            model_name='consentevent',
            name='details_hash',
            field=models.CharField(help_text='Commits to what is sealed', max_length=64),
        ),
        migrations.AlterField(
            model_name='consentevent',
            name='prev_hash',
            field=models.CharField(max_length=64),
        ),
        migrations.AlterField(
            model_name='consentevent',
            name='hash',
            field=models.CharField(max_length=64),
        ),
        migrations.AddIndex(
            model_name='consentevent',
            index=models.Index(fields=['account', 'handle', 'seq'], name='consent_by_handle'),
        ),
        migrations.AddConstraint(
            model_name='consent',
            constraint=models.UniqueConstraint(fields=('account', 'address', 'family', 'programme'), name='one_consent_per_address_family_and_programme'),
        ),
        migrations.AddConstraint(
            model_name='consentevent',
            constraint=models.UniqueConstraint(fields=('account', 'seq'), name='one_event_per_number'),
        ),
        migrations.AddConstraint(
            model_name='consentevent',
            constraint=models.CheckConstraint(condition=models.Q(('supersedes', None), ('supersedes__lt', models.F('seq')), _connector='OR'), name='an_event_corrects_an_earlier_one'),
        ),
        migrations.RunPython(migrations.RunPython.noop, forget_programmes),
    ]
