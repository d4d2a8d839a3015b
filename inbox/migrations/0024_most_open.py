"""An inbox may say how many open conversations are enough for one person."""

from typing import Any, ClassVar

import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    """No inbox has a limit to begin with."""

    dependencies: ClassVar[list[Any]] = [("inbox", "0023_traces_of_marks_are_found")]

    operations: ClassVar[list[Any]] = [
        migrations.AddField(
            model_name="teaminbox",
            name="most_open",
            field=models.PositiveSmallIntegerField(
                blank=True,
                help_text=(
                    "Who has as many gets no more by rules, and none that comes back; empty = any"
                ),
                null=True,
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(10000),
                ],
                verbose_name="most open conversations",
            ),
        ),
    ]
