"""What people search is found by indexes: what was said by words, names and numbers by parts.

The index of words keeps a list of what came last (fastupdate), so that a message costs little.
"""

import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.functions.text
from django.contrib.postgres.operations import AddIndexConcurrently, TrigramExtension
from django.db import migrations


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('inbox', '0035_web_evidence_is_kept'),
    ]

    operations = [
        TrigramExtension(),
        AddIndexConcurrently(
            model_name='contact',
            index=django.contrib.postgres.indexes.GinIndex(
                django.contrib.postgres.indexes.OpClass(django.db.models.functions.text.Upper('name'), 'gin_trgm_ops'),
                django.contrib.postgres.indexes.OpClass(django.db.models.functions.text.Upper('profile_name'), 'gin_trgm_ops'),
                name='contact_by_name',
            ),
        ),
        AddIndexConcurrently(
            model_name='contactaddress',
            index=django.contrib.postgres.indexes.GinIndex(
                django.contrib.postgres.indexes.OpClass('phone', 'gin_trgm_ops'), name='address_by_digits'
            ),
        ),
        AddIndexConcurrently(
            model_name='message',
            index=django.contrib.postgres.indexes.GinIndex(
                django.contrib.postgres.search.SearchVector(django.db.models.functions.text.Left('body', 100000), config='simple'), name='message_by_words'
            ),
        ),
    ]
