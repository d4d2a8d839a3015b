from typing import Any, ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    """Somebody promises to come back, and whoever was given a conversation puts its card away."""

    dependencies: ClassVar[list[Any]] = [("inbox", "0050_acts_are_taken_back")]

    operations: ClassVar[list[Any]] = [
        migrations.AddField(
            model_name="conversation",
            name="promised_at",
            field=models.DateTimeField(
                blank=True, help_text="By when we promised to come back", null=True
            ),
        ),
        migrations.AddField(
            model_name="conversation",
            name="promise_told_at",
            field=models.DateTimeField(
                blank=True, help_text="When it came up because it was due", null=True
            ),
        ),
        migrations.AddField(
            model_name="readcursor",
            name="handover_id",
            field=models.BigIntegerField(
                db_default=0,
                default=0,
                help_text="The last hand-over whose card they put away",
            ),
        ),
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(
                condition=models.Q(("promised_at__isnull", False)),
                fields=["promised_at"],
                name="conversation_promised",
            ),
        ),
        migrations.AddConstraint(
            model_name="conversation",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status", "closed"), _negated=True),
                    ("promised_at__isnull", True),
                    _connector="OR",
                ),
                name="closed_conversation_owes_no_promise",
            ),
        ),
    ]
