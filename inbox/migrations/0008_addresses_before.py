import json

import accounts.secrets
from django.db import migrations, models

URLS = ("inbound_url", "fallback_url")


def seal(apps, schema_editor):
    """Encrypt the addresses that are remembered, and leave of them what may be shown."""
    Sender = apps.get_model("inbox", "Sender")
    for sender in Sender.objects.exclude(pointed_before=None).iterator():
        before = sender.pointed_before
        sender.addresses_before = json.dumps(before)
        pointing = before.get("pointing", {})
        for name in URLS:
            if name in pointing:
                pointing[name] = shown(pointing[name])
        sender.save(update_fields=["addresses_before", "pointed_before"])


def shown(url):
    """Cut what may be secret in an address: what stands before the host, the query."""
    plain = url.partition("#")[0].partition("?")[0]
    scheme, mark, rest = plain.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}{mark}{host.rpartition('@')[2]}{slash}{path}"


class Migration(migrations.Migration):

    dependencies = [
        ("inbox", "0007_fleet_index"),
    ]

    operations = [
        migrations.AddField(
            model_name="sender",
            name="addresses_before",
            field=accounts.secrets.EncryptedTextField(blank=True, db_default="", default="", help_text="The same, whole, to be put back"),
        ),
        migrations.AlterField(
            model_name="sender",
            name="pointed_before",
            field=models.JSONField(blank=True, editable=False, help_text="The addresses it had at Twilio before, without what is secret in them", null=True),
        ),
        migrations.RunPython(seal, migrations.RunPython.noop),
    ]
