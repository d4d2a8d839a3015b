from django.db import migrations


class Migration(migrations.Migration):
    """Who is logged in stays so: their browsers have the keys, and here are the hashes."""

    dependencies = [
        ('accounts', '0013_session_key_hash'),
    ]

    operations = [
        migrations.RunSQL(
            "UPDATE accounts_browsersession"
            " SET session_key = left(encode(sha256(convert_to(session_key, 'UTF8')), 'hex'), 40)",
            # No way leads from a hash to its key.
            "DELETE FROM accounts_browsersession",
        ),
    ]
