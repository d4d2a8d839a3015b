from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # The indexes come and go while the service runs.
    atomic = False

    dependencies = [("inbox", "0001_initial")]

    operations = [
        AddIndexConcurrently(
            model_name="conversation",
            index=models.Index(
                condition=models.Q(("status", "open")),
                fields=["account", "inbox", "owner", "-last_activity_at", "-id"],
                name="conversation_list_by_owner",
            ),
        ),
        RemoveIndexConcurrently(model_name="conversation", name="conversation_mine"),
    ]
