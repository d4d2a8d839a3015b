"""What reports count is found by its moment."""

from typing import Any, ClassVar

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Concurrently: messages come in while the indexes are built."""

    atomic = False

    dependencies: ClassVar[list[Any]] = [("inbox", "0044_reports")]

    operations: ClassVar[list[Any]] = [
        AddIndexConcurrently(
            model_name="conversation",
            index=models.Index(
                fields=["account", "opened_at", "id"], name="conversation_by_opening"
            ),
        ),
        AddIndexConcurrently(
            model_name="conversationevent",
            index=models.Index(
                condition=models.Q(("verb__in", ["opened", "reopened", "consent"])),
                fields=["account", "at"],
                name="event_counted",
            ),
        ),
        AddIndexConcurrently(
            model_name="message",
            index=models.Index(
                condition=models.Q(("direction", "in")),
                fields=["account", "created_at"],
                name="message_arrived",
            ),
        ),
    ]
