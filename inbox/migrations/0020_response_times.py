import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


def fill(apps, schema_editor):
    """Let what is there already count as it would have; a wait may have been snoozed."""
    conversations = apps.get_model("inbox", "Conversation").objects
    answered = conversations.filter(last_human_reply_at__isnull=False)
    answered.update(first_answer_at=models.F("last_human_reply_at"))
    waiting = conversations.filter(waiting_since__isnull=False)
    waiting.update(snoozed_at=models.F("waiting_since"))


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0015_attempts"),
        ("inbox", "0019_traces_of_broken_rules"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="conversation",
            name="first_answer_at",
            field=models.DateTimeField(
                blank=True, help_text="When a person first wrote in it", null=True
            ),
        ),
        migrations.AddField(
            model_name="conversation",
            name="snoozed_at",
            field=models.DateTimeField(blank=True, help_text="When it last was", null=True),
        ),
        migrations.CreateModel(
            name="ResponseTime",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("first", "First response"),
                            ("next", "Next response"),
                            ("unanswered", "Closed without an answer"),
                            ("resolution", "Resolution"),
                        ],
                        max_length=10,
                    ),
                ),
                ("turn", models.PositiveIntegerField()),
                ("began_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField()),
                ("calendar_time", models.DurationField()),
                ("business_time", models.DurationField()),
                (
                    "hours_number",
                    models.BigIntegerField(
                        blank=True,
                        help_text="The business hours it was measured with; none: always",
                        null=True,
                    ),
                ),
                ("hours_version", models.PositiveIntegerField(default=0)),
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
                    "conversation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="response_times",
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
                    "user",
                    models.ForeignKey(
                        blank=True,
                        help_text="Who answered or closed; none: it was closed by itself",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        fields=["account", "inbox", "kind", "ended_at"], name="response_by_inbox"
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("kind", "first")),
                        fields=("conversation",),
                        name="one_first_response_per_conversation",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("kind", "resolution"), _negated=True),
                        fields=("conversation", "turn"),
                        name="one_end_of_a_wait",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("kind", "resolution")),
                        fields=("conversation", "turn"),
                        name="one_resolution_per_close",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("ended_at__gte", models.F("began_at"))),
                        name="response_ends_after_it_began",
                    ),
                ],
            },
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
