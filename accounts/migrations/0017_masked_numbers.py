"""An account may keep customers' numbers from its agents."""

from typing import Any, ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    """Nobody's numbers are masked before somebody says so."""

    dependencies: ClassVar[list[Any]] = [("accounts", "0016_api_keys")]

    operations: ClassVar[list[Any]] = [
        migrations.AddField(
            model_name="account",
            name="masks_numbers",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="Agents see the first and last digits of customers' numbers only",
            ),
        ),
    ]
