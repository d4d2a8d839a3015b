"""An automatic reply may hang on what CRMs say: which message is owed one is kept till then."""

from typing import Any, ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    """Keep it beside what rules are asked about."""

    dependencies: ClassVar[list[Any]] = [("inbox", "0020_response_times")]

    operations: ClassVar[list[Any]] = [
        migrations.AddField(
            model_name="conversation",
            name="answer_seq",
            field=models.BigIntegerField(
                blank=True, help_text="Which message is owed an automatic reply", null=True
            ),
        ),
        migrations.AlterField(
            model_name="conversation",
            name="routing",
            field=models.CharField(
                choices=[
                    ("done", "Done"),
                    ("asking", "Others are being asked"),
                    ("nobody", "Nobody was able"),
                    ("answer", "Others are asked for an automatic reply"),
                ],
                db_default="done",
                default="done",
                max_length=8,
            ),
        ),
    ]
