from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ("inbox", "0014_greetings_move"),
    ]

    operations = [
        migrations.RemoveField(model_name="teaminbox", name="first_reply"),
        migrations.RemoveField(model_name="teaminbox", name="first_reply_text"),
    ]
