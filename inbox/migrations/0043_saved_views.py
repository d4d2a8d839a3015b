from typing import Any, ClassVar

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import Q
from django.db.models.functions import Lower

import inbox.models.ids


class Migration(migrations.Migration):
    """People keep ways to look at a list under a name."""

    dependencies: ClassVar[list[Any]] = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("inbox", "0042_drafts"),
    ]

    operations: ClassVar[list[Any]] = [
        migrations.CreateModel(
            name="SavedView",
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
                        max_length=22,
                        unique=True,
                    ),
                ),
                ("name", models.CharField(max_length=60)),
                (
                    "query",
                    models.CharField(
                        blank=True, help_text="As in the list's address", max_length=300
                    ),
                ),
                ("created_at", models.DateTimeField()),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.account",
                    ),
                ),
                (
                    "inbox",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="saved_views",
                        to="inbox.teaminbox",
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        blank=True,
                        help_text="Whose it is; of nobody if it is shared with the inbox",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="saved_views",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["name", "pk"],
                "constraints": [
                    models.UniqueConstraint(
                        Lower("name"),
                        "inbox",
                        "owner",
                        condition=Q(owner__isnull=False),
                        name="a_person_has_one_view_of_a_name",
                    ),
                    models.UniqueConstraint(
                        Lower("name"),
                        "inbox",
                        condition=Q(owner__isnull=True),
                        name="an_inbox_has_one_shared_view_of_a_name",
                    ),
                ],
            },
        ),
    ]
