"""Which contacts people made one is kept, so that it can be undone."""

from typing import Any, ClassVar

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import F, Q

import inbox.models.ids


def _user(**options: Any) -> Any:
    return models.ForeignKey(
        on_delete=django.db.models.deletion.PROTECT,
        related_name="+",
        to=settings.AUTH_USER_MODEL,
        **options,
    )


def _contact(name: str) -> Any:
    return models.ForeignKey(
        on_delete=django.db.models.deletion.PROTECT, related_name=name, to="inbox.contact"
    )


class Migration(migrations.Migration):
    """Empty at first."""

    dependencies: ClassVar[list[Any]] = [
        ("accounts", "0017_masked_numbers"),
        ("inbox", "0046_attention"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations: ClassVar[list[Any]] = [
        migrations.CreateModel(
            name="MergeLog",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "public_id",
                    models.CharField(
                        default=inbox.models.ids.public_id,
                        editable=False,
                        max_length=32,
                        unique=True,
                    ),
                ),
                ("merged_at", models.DateTimeField()),
                ("moved", models.JSONField(default=dict)),
                ("before", models.JSONField(default=dict)),
                ("after", models.JSONField(default=dict)),
                ("undone_at", models.DateTimeField(blank=True, null=True)),
                ("left", models.JSONField(blank=True, default=list)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.account",
                    ),
                ),
                ("kept", _contact("merges")),
                ("absorbed", _contact("merged_into")),
                ("by", _user()),
                ("undone_by", _user(blank=True, null=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=Q(undone_at__isnull=True),
                        fields=["absorbed"],
                        name="a_contact_is_absorbed_once_at_a_time",
                    ),
                    models.CheckConstraint(
                        condition=~Q(kept=F("absorbed")), name="a_contact_does_not_absorb_itself"
                    ),
                ],
            },
        ),
    ]
