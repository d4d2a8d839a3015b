"""Which rules marked, and which webhooks are owed, is found without looking through them all."""

from typing import Any, ClassVar

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Concurrently: messages come in while the indexes are built."""

    atomic = False

    dependencies: ClassVar[list[Any]] = [("inbox", "0022_traces_of_marks")]

    operations: ClassVar[list[Any]] = [
        AddIndexConcurrently(
            model_name="routingtrace",
            index=models.Index(
                condition=models.Q(("marked", []), _negated=True),
                fields=["inbox", "-at"],
                name="trace_marked",
            ),
        ),
        AddIndexConcurrently(
            model_name="routingtrace",
            index=models.Index(
                condition=models.Q(("webhook_at__isnull", False)),
                fields=["webhook_at"],
                name="trace_webhook_owed",
            ),
        ),
    ]
