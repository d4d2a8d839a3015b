from typing import Any, ClassVar

import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    """Lists show what is due, opted out, urgent and failed, and inboxes say how long is too long."""

    dependencies: ClassVar[list[Any]] = [("inbox", "0051_promises")]

    operations: ClassVar[list[Any]] = [
        migrations.AddField(
            model_name="conversation",
            name="due_at",
            field=models.DateTimeField(
                blank=True, help_text="When its escalation does something next", null=True
            ),
        ),
        migrations.AddField(
            model_name="conversation",
            name="preview_channel",
            field=models.CharField(blank=True, db_default="", default="", max_length=20),
        ),
        migrations.AddField(
            model_name="teaminbox",
            name="target_minutes",
            field=models.PositiveSmallIntegerField(
                db_default=15,
                default=15,
                help_text="Within this time a customer should have an answer",
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(1440),
                ],
            ),
        ),
        migrations.AddField(
            model_name="conversation",
            name="is_opted_out",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="What the consent of its address said last, for lists; the gate asks the consent",
            ),
        ),
        migrations.AlterField(
            model_name="conversationevent",
            name="verb",
            field=models.CharField(
                choices=[
                    ("opened", "Opened"),
                    ("reopened", "Reopened"),
                    ("claimed", "Claimed"),
                    ("released", "Released"),
                    ("transferred", "Transferred"),
                    ("moved", "Moved to another inbox"),
                    ("taken_over", "Taken over"),
                    ("returned", "Returned to the team"),
                    ("closed", "Closed"),
                    ("snoozed", "Snoozed"),
                    ("woken", "Snooze ended"),
                    ("consent", "Consent changed"),
                    ("silent", "No automatic reply"),
                    ("blocked", "Contact blocked"),
                    ("unblocked", "Contact unblocked"),
                    ("warned", "Escalation is near"),
                    ("escalated", "Escalated"),
                    ("routed", "Given by a rule"),
                    ("tagged", "Tags changed"),
                    ("contact_tags", "Tags of the contact changed"),
                    ("contact_fact", "An attribute of the contact changed"),
                    ("undone", "Taken back"),
                    ("promised", "Promise"),
                    ("priority", "Priority changed"),
                ],
                max_length=12,
            ),
        ),
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(
                condition=models.Q(due_at__isnull=False),
                fields=["inbox", "due_at", "id"],
                name="conversation_due",
            ),
        ),
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(
                condition=models.Q(("priority", "normal"), _negated=True),
                fields=["account", "inbox", "priority", "-last_activity_at", "-id"],
                name="conversation_by_priority",
            ),
        ),
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(
                condition=models.Q(has_failed_message=True),
                fields=["account", "inbox", "-last_activity_at", "-id"],
                name="conversation_failed",
            ),
        ),
    ]
