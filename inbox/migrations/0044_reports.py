"""What happened when is counted for reports."""

from typing import Any, ClassVar

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """The cells that reports add up, and how far each account is counted."""

    dependencies: ClassVar[list[Any]] = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("inbox", "0043_saved_views"),
    ]

    operations: ClassVar[list[Any]] = [
        migrations.CreateModel(
            name="ReportCell",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "begins_at",
                    models.DateTimeField(help_text="The quarter of an hour, in UTC"),
                ),
                ("channel", models.CharField(max_length=20)),
                (
                    "tags",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=40),
                        blank=True,
                        default=list,
                        size=None,
                    ),
                ),
                ("inbound", models.PositiveIntegerField(default=0)),
                ("replies", models.PositiveIntegerField(default=0, help_text="What people sent")),
                ("automatic", models.PositiveIntegerField(default=0, help_text="What was sent by itself")),
                ("notes", models.PositiveIntegerField(default=0)),
                ("sent", models.PositiveIntegerField(default=0, help_text="What the carrier took")),
                ("delivered", models.PositiveIntegerField(default=0)),
                ("failed", models.PositiveIntegerField(default=0)),
                ("blocked", models.PositiveIntegerField(default=0, help_text="What our own checks stopped")),
                ("segments", models.PositiveIntegerField(default=0, help_text="Of text messages that were taken")),
                ("opened", models.PositiveIntegerField(default=0)),
                ("reopened", models.PositiveIntegerField(default=0)),
                ("closed", models.PositiveIntegerField(default=0)),
                ("opt_outs", models.PositiveIntegerField(default=0)),
                (
                    "error_codes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=24),
                        blank=True,
                        default=list,
                        help_text="One for each failure",
                        size=None,
                    ),
                ),
                (
                    "templates",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=120),
                        blank=True,
                        default=list,
                        size=None,
                    ),
                ),
                (
                    "rules",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=80),
                        blank=True,
                        default=list,
                        help_text="Rules that decided",
                        size=None,
                    ),
                ),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.account",
                    ),
                ),
                (
                    "agent",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "conversation",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        help_text="None: what was written belongs to no conversation, as a confirmation of STOP",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="inbox.conversation",
                    ),
                ),
                (
                    "inbox",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="inbox.teaminbox",
                    ),
                ),
                (
                    "sender",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="inbox.sender",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=(
                            "account",
                            "begins_at",
                            "conversation",
                            "sender",
                            "agent",
                            "inbox",
                        ),
                        name="one_cell_for_each_quarter",
                        nulls_distinct=False,
                    ),
                ],
                "indexes": [
                    models.Index(
                        fields=["account", "inbox", "begins_at"], name="report_by_inbox"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ReportState",
            fields=[
                (
                    "account",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="report_state",
                        serialize=False,
                        to="accounts.account",
                    ),
                ),
                (
                    "counted_to",
                    models.DateTimeField(help_text="What happened before is in the reports"),
                ),
                ("next_at", models.DateTimeField(help_text="When it is counted next")),
                (
                    "repaired_to",
                    models.DateTimeField(
                        blank=True,
                        help_text="How far the nightly repair has come; none: it is done",
                        null=True,
                    ),
                ),
                (
                    "repair_at",
                    models.DateTimeField(
                        help_text="When the next repair begins; in the past while one goes on"
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["next_at"], name="report_state_due"),
                ],
            },
        ),
    ]
