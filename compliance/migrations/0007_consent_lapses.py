from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """What runs out by itself is found without reading everybody."""

    atomic = False

    dependencies = [
        ('compliance', '0006_consent_only_by_handle'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='consent',
            index=models.Index(
                fields=['id'],
                name='consent_that_may_lapse',
                condition=models.Q(('expires_at__isnull', False), ('state', 'opted_in'))
                | models.Q(('state', 'pending')),
            ),
        ),
    ]
