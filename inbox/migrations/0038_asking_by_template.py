from typing import Any, ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    """A template may ask whether somebody consents."""

    dependencies: ClassVar[list[Any]] = [("inbox", "0037_mentions")]

    operations: ClassVar[list[Any]] = [
        migrations.AddField(
            model_name="whatsapptemplate",
            name="asks_in",
            field=models.CharField(
                blank=True,
                default="",
                db_default="",
                help_text="In which language it asks whether somebody consents; "
                "blank: it does not",
                max_length=20,
            ),
        ),
        migrations.AddField(
            model_name="whatsapptemplate",
            name="asks_with",
            field=models.JSONField(
                blank=True,
                default=dict,
                db_default={},
                help_text="What stands in each place when it asks",
            ),
        ),
    ]
