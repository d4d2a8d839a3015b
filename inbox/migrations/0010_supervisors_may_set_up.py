from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('inbox', '0009_events_are_a_ledger'),
    ]

    operations = [
        migrations.AddField(
            model_name='teaminbox',
            name='supervisors_may_set_up',
            field=models.BooleanField(db_default=False, default=False, help_text='Those of other inboxes, and all else, only account admins change', verbose_name='supervisors set hours and replies'),
        ),
    ]
