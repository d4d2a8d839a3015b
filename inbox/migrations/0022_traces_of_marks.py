"""Rules that only mark are counted too: which of them acted is kept with each decision."""

from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import migrations, models


class Migration(migrations.Migration):
    """Keep them beside those that broke."""

    dependencies: ClassVar[list[Any]] = [("inbox", "0021_replies_ask_others")]

    operations: ClassVar[list[Any]] = [
        migrations.AddField(
            model_name="routingtrace",
            name="marked",
            field=ArrayField(
                base_field=models.CharField(max_length=80),
                default=list,
                help_text="Rules that marked and went on",
                size=None,
            ),
        ),
        migrations.AddIndex(
            model_name="routingtrace",
            index=models.Index(
                condition=models.Q(("marked", []), _negated=True),
                fields=["inbox", "-at"],
                name="trace_marked",
            ),
        ),
    ]
