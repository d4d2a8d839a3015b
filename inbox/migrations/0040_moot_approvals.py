from typing import Any, ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    """An opt-in that waits may end because it is not needed any more."""

    dependencies: ClassVar[list[Any]] = [("inbox", "0039_one_template_asks")]

    operations: ClassVar[list[Any]] = [
        migrations.AlterField(
            model_name="optinapproval",
            name="outcome",
            field=models.CharField(
                blank=True,
                choices=[
                    ("approved", "Approved"),
                    ("refused", "Refused"),
                    ("outdated", "Not recorded: something later counts for more"),
                    ("moot", "Not needed: they are not opted out any more"),
                ],
                default="",
                max_length=8,
            ),
        ),
    ]
