"""A person's part in a conversation knows the last note that mentions them."""

from typing import Any, ClassVar

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    """Empty for everybody who takes part now."""

    dependencies: ClassVar[list[Any]] = [("inbox", "0036_search")]

    operations: ClassVar[list[Any]] = [
        migrations.AddField(
            model_name="participant",
            name="mentioned_seq",
            field=models.BigIntegerField(
                blank=True, help_text="The last note that mentions them", null=True
            ),
        ),
        migrations.AddIndex(
            model_name="participant",
            index=models.Index(
                condition=Q(ended_at__isnull=True, mentioned_seq__isnull=False),
                fields=["user", "conversation"],
                name="participant_mentioned",
            ),
        ),
    ]
