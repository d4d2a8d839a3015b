from typing import Any, ClassVar

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import Q
from django.db.models.functions import Length, Lower
from django.db.models.lookups import GreaterThan, LessThanOrEqual

import inbox.models.ids


class Migration(migrations.Migration):
    """Replies that are kept ready: of an account, an inbox or a person."""

    dependencies: ClassVar[list[Any]] = [
        ("accounts", "0016_api_keys"),
        ("inbox", "0040_moot_approvals"),
    ]

    operations: ClassVar[list[Any]] = [
        migrations.CreateModel(
            name="CannedReply",
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
                        help_text="Named by programs",
                        max_length=22,
                        unique=True,
                    ),
                ),
                ("shortcut", models.CharField(max_length=40)),
                ("body", models.TextField(max_length=1600)),
                ("kinds", models.JSONField(blank=True, default=dict)),
                ("version", models.PositiveIntegerField(default=1)),
                ("uses", models.PositiveBigIntegerField(default=0)),
                ("last_used_at", models.DateTimeField(blank=True, null=True)),
                ("made_at", models.DateTimeField()),
                ("changed_at", models.DateTimeField()),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="canned_replies",
                        to="accounts.account",
                    ),
                ),
                (
                    "inbox",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="canned_replies",
                        to="inbox.teaminbox",
                    ),
                ),
                (
                    "made_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="canned_replies",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "canned reply",
                "verbose_name_plural": "canned replies",
                "ordering": ["shortcut", "pk"],
                "constraints": [
                    models.CheckConstraint(
                        condition=Q(inbox=None) | Q(person=None),
                        name="a_canned_reply_is_of_an_inbox_or_a_person_not_both",
                    ),
                    models.UniqueConstraint(
                        "account",
                        Lower("shortcut"),
                        condition=Q(inbox=None, person=None),
                        name="canned_shortcut_once_per_account",
                    ),
                    models.UniqueConstraint(
                        "inbox",
                        Lower("shortcut"),
                        condition=Q(inbox__isnull=False),
                        name="canned_shortcut_once_per_inbox",
                    ),
                    models.UniqueConstraint(
                        "person",
                        Lower("shortcut"),
                        condition=Q(person__isnull=False),
                        name="canned_shortcut_once_per_person",
                    ),
                    models.CheckConstraint(
                        condition=Q(
                            GreaterThan(Length("body"), 0), LessThanOrEqual(Length("body"), 1600)
                        ),
                        name="a_canned_reply_fits_a_message",
                    ),
                    models.CheckConstraint(
                        condition=GreaterThan(Length("shortcut"), 0),
                        name="a_canned_reply_has_a_shortcut",
                    ),
                    models.CheckConstraint(
                        condition=Q(uses=0, last_used_at=None)
                        | Q(uses__gt=0, last_used_at__isnull=False),
                        name="a_canned_reply_was_used_at_some_time",
                    ),
                ],
            },
        ),
    ]
