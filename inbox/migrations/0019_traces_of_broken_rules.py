"""Which rules broke lately is found without looking through every decision."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('inbox', "0018_conversation_by_policy"),
    ]

    operations = [
        migrations.AddIndex(
            model_name='routingtrace',
            index=models.Index(condition=models.Q(('broken', []), _negated=True), fields=['inbox', '-at'], name='trace_broken'),
        ),
    ]
