from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0012_audit_search'),
    ]

    operations = [
        # The column keeps its name: processes of before go on until they are replaced.
        migrations.AlterField(
            model_name='browsersession',
            name='session_key',
            field=models.CharField(db_column='session_key', editable=False, max_length=40, unique=True),
        ),
        migrations.RenameField(
            model_name='browsersession',
            old_name='session_key',
            new_name='key_hash',
        ),
    ]
