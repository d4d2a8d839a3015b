"""Files of contacts come in."""

from typing import Any, ClassVar

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import Q

import accounts.secrets
import inbox.models.ids

STATUSES = [
    ("draft", "Looked at, not started"),
    ("running", "Under way"),
    ("done", "Done"),
    ("canceled", "Cancelled"),
    ("failed", "Could not go on"),
]


class Migration(migrations.Migration):
    """Empty at first."""

    dependencies: ClassVar[list[Any]] = [
        ("inbox", "0048_merges"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations: ClassVar[list[Any]] = [
        migrations.CreateModel(
            name="ContactImport",
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
                ("status", models.CharField(choices=STATUSES, default="draft", max_length=8)),
                ("file_name", models.CharField(blank=True, default="", max_length=120)),
                ("content", accounts.secrets.EncryptedTextField(blank=True, default="")),
                ("mapped", models.JSONField(default=dict, help_text="Which column holds what")),
                ("uploaded_at", models.DateTimeField()),
                ("started_at", models.DateTimeField(blank=True, null=True)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                ("leased_until", models.DateTimeField(blank=True, null=True)),
                ("problem", models.CharField(blank=True, default="", max_length=300)),
                ("rows", models.PositiveIntegerField(default=0)),
                ("done", models.PositiveIntegerField(default=0)),
                (
                    "created",
                    models.PositiveIntegerField(default=0, verbose_name="new contacts"),
                ),
                (
                    "updated",
                    models.PositiveIntegerField(default=0, verbose_name="changed contacts"),
                ),
                (
                    "unchanged",
                    models.PositiveIntegerField(default=0, verbose_name="said nothing new"),
                ),
                (
                    "wrong",
                    models.PositiveIntegerField(default=0, verbose_name="cannot be used"),
                ),
                ("faults", accounts.secrets.EncryptedTextField(blank=True, default="")),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.account",
                    ),
                ),
                (
                    "uploaded_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-uploaded_at", "-id"],
                "indexes": [
                    models.Index(fields=["account", "-uploaded_at"], name="contact_import_by_time"),
                    models.Index(
                        fields=["id"],
                        condition=Q(status="running"),
                        name="contact_import_under_way",
                    ),
                ],
            },
        ),
    ]
