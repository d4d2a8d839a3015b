"""What people have begun to write is kept on the server as well."""

from typing import Any, ClassVar

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    """Empty at first: browsers send what they have kept."""

    dependencies: ClassVar[list[Any]] = [
        ("inbox", "0041_canned_replies"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations: ClassVar[list[Any]] = [
        migrations.CreateModel(
            name="Draft",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "mode",
                    models.CharField(
                        choices=[("reply", "Reply"), ("note", "Internal note")], max_length=5
                    ),
                ),
                ("body", models.TextField(blank=True, default="")),
                (
                    "files",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=32),
                        blank=True,
                        default=list,
                        help_text="Ids of attachments",
                        size=None,
                    ),
                ),
                ("revision", models.BigIntegerField()),
                ("device", models.CharField(max_length=32)),
                ("typed_ms", models.BigIntegerField(help_text="By the clock of that device")),
                ("written_at", models.DateTimeField()),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.account",
                    ),
                ),
                (
                    "conversation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="drafts",
                        to="inbox.conversation",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["written_at"], name="draft_by_time")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=["user", "conversation", "mode"],
                        name="one_draft_per_person_and_mode",
                    ),
                    models.CheckConstraint(
                        condition=Q(mode__in=["reply", "note"]),
                        name="a_draft_is_a_reply_or_a_note",
                    ),
                ],
            },
        ),
    ]
