"""What people search is found whatever accents it has: jose finds José.

The new indexes are built beside the old ones, which then go: nothing waits meanwhile. A version
from before finds names and old words slowly from then on.
"""

import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.functions.text
from django.contrib.postgres.operations import (
    AddIndexConcurrently,
    RemoveIndexConcurrently,
    UnaccentExtension,
)
from django.db import migrations, models

# An index takes only what never changes. `unaccent` of a dictionary that is named is that, and
# says so nowhere; it is named with the place of its extension, which may be any.
MAKE = """
DO $do$
DECLARE
  place text := (
    SELECT quote_ident(nspname) FROM pg_extension
    JOIN pg_namespace ON pg_namespace.oid = extnamespace WHERE extname = 'unaccent'
  );
BEGIN
  EXECUTE format(
    'CREATE OR REPLACE FUNCTION inbox_plain(text) RETURNS text'
    ' LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE'
    ' AS $f$ SELECT upper(%s.unaccent(%L::regdictionary, $1)) $f$',
    place, place || '.unaccent'
  );
  IF NOT EXISTS (SELECT FROM pg_ts_config WHERE cfgname = 'inbox_words') THEN
    CREATE TEXT SEARCH CONFIGURATION inbox_words (COPY = pg_catalog.simple);
    EXECUTE format(
      'ALTER TEXT SEARCH CONFIGURATION inbox_words'
      ' ALTER MAPPING FOR word, hword, hword_part, numword, numhword, hword_numpart'
      ' WITH %s.unaccent, pg_catalog.simple',
      place
    );
  END IF;
END
$do$
"""
UNMAKE = "DROP TEXT SEARCH CONFIGURATION inbox_words; DROP FUNCTION inbox_plain(text)"


def plain(column):
    return django.contrib.postgres.indexes.OpClass(
        models.Func(column, function='inbox_plain', output_field=models.TextField()), 'gin_trgm_ops'
    )


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('inbox', '0062_whatsapp_window'),
    ]

    operations = [
        UnaccentExtension(),
        migrations.RunSQL(MAKE, UNMAKE),
        AddIndexConcurrently(
            model_name='contact',
            index=django.contrib.postgres.indexes.GinIndex(
                plain('name'), plain('profile_name'), name='contact_by_plain_name'
            ),
        ),
        AddIndexConcurrently(
            model_name='message',
            index=django.contrib.postgres.indexes.GinIndex(
                django.contrib.postgres.search.SearchVector(django.db.models.functions.text.Left('body', 100000), config='inbox_words'), name='message_by_plain_words'
            ),
        ),
        RemoveIndexConcurrently(model_name='contact', name='contact_by_name'),
        RemoveIndexConcurrently(model_name='message', name='message_by_words'),
    ]
