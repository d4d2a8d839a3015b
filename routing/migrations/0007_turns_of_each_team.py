"""The name of a turn says which team's it is, where a rule means each inbox's own."""

from typing import Any, ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    """Make room for the team."""

    dependencies: ClassVar[list[Any]] = [("routing", "0006_examples")]

    operations: ClassVar[list[Any]] = [
        migrations.AlterField(
            model_name="turn", name="key", field=models.CharField(max_length=100)
        ),
    ]
