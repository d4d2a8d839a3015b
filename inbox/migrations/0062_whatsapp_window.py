from typing import Any, ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    """Owners are told before WhatsApp's window closes over a customer who waits."""

    dependencies: ClassVar[list[Any]] = [("inbox", "0061_removed_messages")]

    operations: ClassVar[list[Any]] = [
        migrations.AddField(
            model_name="conversation",
            name="window_warns_at",
            field=models.DateTimeField(
                blank=True,
                help_text=(
                    "When its owner is told that WhatsApp's window closes, if the customer waits"
                ),
                null=True,
            ),
        ),
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(
                condition=models.Q(("window_warns_at__isnull", False)),
                fields=["window_warns_at"],
                name="conversation_window",
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
                    ("reach", "Out of reach, or within it again"),
                    ("watching", "Watchers changed"),
                    ("priority", "Priority changed"),
                    ("window", "WhatsApp's window closes"),
                    ("removed", "The content of a message was removed"),
                ],
                max_length=12,
            ),
        ),
    ]
