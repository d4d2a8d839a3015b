from typing import Any, ClassVar

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """Numbers that reach nobody are marked, people are asked to watch, a close says goodbye."""

    dependencies: ClassVar[list[Any]] = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("inbox", "0055_segment_price"),
    ]

    operations: ClassVar[list[Any]] = [
        migrations.AddField(
            model_name="contactaddress",
            name="out_of_reach_at",
            field=models.DateTimeField(
                blank=True,
                help_text="Since when nothing is sent there: it reaches nobody",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="contactaddress",
            name="out_of_reach_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="contactaddress",
            name="out_of_reach_why",
            field=models.CharField(blank=True, db_default="", default="", max_length=200),
        ),
        migrations.AddField(
            model_name="teaminbox",
            name="goodbye",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="Said when a person closes a conversation; empty: nothing",
                max_length=320,
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
                ],
                max_length=12,
            ),
        ),
    ]
