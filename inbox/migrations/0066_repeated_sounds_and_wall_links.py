from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("inbox", "0060_saved_searches"),
    ]

    operations = [
        migrations.AddField(
            model_name="attention",
            name="repeats_sound",
            field=models.BooleanField(
                default=False, help_text="Every half minute, until what came is read"
            ),
        ),
    ]
