from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("inbox", "0053_lists_know_what_was"),
    ]

    operations = [
        migrations.AddField(
            model_name="message",
            name="reached_at",
            field=models.DateTimeField(
                blank=True, help_text="When it was delivered, or read once that is known", null=True
            ),
        ),
        migrations.AddField(
            model_name="attachment",
            name="alt",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="What is to be seen, in the words of who sends it",
                max_length=300,
            ),
        ),
    ]
