"""How are webhooks served where there are many? By a thin ASGI application of their own."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
get_asgi_application()

from config import celery as celery  # noqa: E402
from config.warm import learn_languages, settle_memory  # noqa: E402
from inbox.edge import Edge  # noqa: E402

application = Edge()
settle_memory()
learn_languages()
