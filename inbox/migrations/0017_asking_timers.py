from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0015_attempts"),
        ("inbox", "0016_tags_are_told"),
    ]

    operations = [
        migrations.AddField(
            model_name="escalationtimer",
            name="ask_at",
            field=models.DateTimeField(
                blank=True,
                help_text="When its Data Action is asked, if nobody has answered before",
                null=True,
            ),
        ),
        migrations.AddIndex(
            model_name="escalationtimer",
            index=models.Index(
                condition=models.Q(("ask_at__isnull", False)),
                fields=["ask_at"],
                name="timer_asking",
            ),
        ),
        migrations.AddConstraint(
            model_name="escalationtimer",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("ask_at__isnull", True),
                    models.Q(
                        ("fired_at__isnull", True),
                        ("next_at__isnull", True),
                        ("obsolete_at__isnull", True),
                        ("suspended_remaining__isnull", True),
                    ),
                    _connector="OR",
                ),
                name="a_timer_that_asks_does_nothing_else",
            ),
        ),
    ]
