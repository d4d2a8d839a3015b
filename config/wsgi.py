"""How are pages, API and webhooks served? Over WSGI: several times Django's speed under ASGI."""

import os

from django.core.wsgi import get_wsgi_application

from config import celery as celery
from config.warm import learn_languages, settle_memory

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = get_wsgi_application()
settle_memory()
learn_languages()
