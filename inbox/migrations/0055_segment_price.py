import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0019_user_language"),
        ("inbox", "0054_times_and_words_of_bubbles"),
    ]

    operations = [
        migrations.CreateModel(
            name="SegmentPrice",
            fields=[
                (
                    "account",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="segment_price",
                        serialize=False,
                        to="accounts.account",
                    ),
                ),
                ("price", models.DecimalField(decimal_places=5, max_digits=7)),
                ("currency", models.CharField(help_text="ISO 4217 code", max_length=3)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("price__gt", 0)), name="segment_price_is_one"
                    )
                ],
            },
        ),
    ]
