from typing import Any, ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    """What somebody did to a conversation can be taken back, and promises are told."""

    dependencies: ClassVar[list[Any]] = [("inbox", "0049_contact_imports")]

    operations: ClassVar[list[Any]] = [
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
                ],
                max_length=12,
            ),
        ),
    ]
