"""The first reply becomes part of what an inbox says by itself."""

from django.db import migrations


def move(apps, schema_editor):
    rows = apps.get_model("inbox", "TeamInbox").objects.using(schema_editor.connection.alias)
    for row in rows.exclude(first_reply="off", first_reply_text=""):
        reply = written(row.first_reply, row.first_reply_text)
        row.replies = {"format": 1, **row.replies, "first_message": reply}
        row.save(update_fields=["replies"])


def written(when, text):
    """Return the first reply as the document has it; nothing was ever said without a text."""
    has_text = bool(text.strip())
    return {
        **({} if when != "off" and has_text else {"on": False}),
        "when": "per_conversation" if when == "off" else when,
        "variants": [{"text": text}] if has_text else [],
    }


def move_back(apps, schema_editor):
    rows = apps.get_model("inbox", "TeamInbox").objects.using(schema_editor.connection.alias)
    for row in rows.filter(replies__has_key="first_message"):
        row.first_reply, row.first_reply_text = taken_back(row.replies.pop("first_message"))
        if set(row.replies) == {"format"}:
            row.replies = {}
        row.save(update_fields=["replies", "first_reply", "first_reply_text"])


def taken_back(reply):
    """Return what the columns can hold of a first reply: when, and one text."""
    texts = [one["text"] for one in reply["variants"] if not one.get("language")]
    texts += [one["text"] for one in reply["variants"]]
    when = "ever" if reply.get("when") == "ever" else "per_conversation"
    return when if reply.get("on", True) else "off", texts[0][:1600] if texts else ""


class Migration(migrations.Migration):

    dependencies = [
        ("inbox", "0013_routing"),
    ]

    operations = [
        migrations.RunPython(move, move_back),
    ]
