from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # Concurrently: messages come in while the index is built.
    atomic = False

    dependencies = [("inbox", "0017_asking_timers")]

    operations = [
        AddIndexConcurrently(
            model_name="conversation",
            index=models.Index(
                condition=models.Q(("escalation__isnull", False)),
                fields=["escalation"],
                name="conversation_by_policy",
            ),
        ),
    ]
