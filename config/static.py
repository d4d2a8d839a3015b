"""How are static files named in production? By their content, ES modules included."""

from django.contrib.staticfiles.storage import ManifestFilesMixin
from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedModulesStorage(CompressedManifestStaticFilesStorage):
    """Hash file names and rewrite the `import` lines of our own modules to them.

    Django's pattern for modules also matches type comments in other people's files, so it is
    limited to our folder.
    """

    support_js_module_import_aggregation = True
    _js_module_import_aggregation_patterns = (
        "inbox/*.js",
        ManifestFilesMixin._js_module_import_aggregation_patterns[1],  # type: ignore[attr-defined]
    )
