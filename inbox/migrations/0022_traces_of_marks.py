"""A decision says which rules only marked, and whether a webhook is still to be called."""

from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import migrations, models


class Migration(migrations.Migration):
    """Keep it with each decision."""

    dependencies: ClassVar[list[Any]] = [("inbox", "0021_replies_ask_others")]

    operations: ClassVar[list[Any]] = [
        migrations.AddField(
            model_name="routingtrace",
            name="marked",
            field=ArrayField(
                base_field=models.CharField(max_length=80),
                db_default=[],
                default=list,
                help_text="Rules that marked and went on",
                size=None,
            ),
        ),
        migrations.AddField(
            model_name="routingtrace",
            name="webhook_at",
            field=models.DateTimeField(
                blank=True,
                help_text="When the rule's webhook is called next, if it is owed",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="routingtrace",
            name="webhook_tries",
            field=models.PositiveSmallIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="routingtrace",
            name="webhook_problem",
            field=models.CharField(blank=True, db_default="", default="", max_length=200),
        ),
    ]
