import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import inbox.models.ids


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0020_what_pages_read_out"),
        ("inbox", "0063_search_without_accents"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="attention",
            name="repeats_sound",
            field=models.BooleanField(
                default=False, help_text="Every half minute, until what came is read"
            ),
        ),
        migrations.CreateModel(
            name="WallLink",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.CharField(default=inbox.models.ids.public_id, editable=False, max_length=22, unique=True)),
                ("secret_hash", models.CharField(editable=False, max_length=64, unique=True)),
                ("created_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                ("account", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.account")),
                ("inbox", models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="inbox.teaminbox")),
                ("owner", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="wall_links", to=settings.AUTH_USER_MODEL)),
            ],
            options={"ordering": ["-created_at", "-pk"]},
        ),
    ]
