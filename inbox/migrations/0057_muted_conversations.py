from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("inbox", "0056_numbers_out_of_reach"),
    ]

    operations = [
        migrations.AddField(
            model_name='readcursor',
            name='muted_round',
            field=models.PositiveIntegerField(blank=True, help_text='How often it had been reopened when they muted it: after another time it alerts', null=True),
        ),
    ]
