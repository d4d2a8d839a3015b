"""How does a process get ready to be fast? With a quiet garbage collector, and all at hand that the
first message would wait for.

A full collection over Django's heap is what p99 of a socket process consisted of: 50 ms without
this, 10 ms with it. The first story a process tells would take a second longer, most of it for
finding out where our pages are; the first text whose language it tells, 0.7 s.
"""

import gc
import logging
from threading import Thread

from django.db import connections
from django.template.loader import get_template
from django.urls import get_resolver

from compliance.jurisdictions import shipped_pack
from compliance.lexicon import warm_up

logger = logging.getLogger(__name__)


# What a message is drawn with (`inbox.fragments`).
_FRAGMENTS = ("_bubble", "_activity", "_row", "_header")


def fetch_all() -> None:
    """Have at hand what every message needs: words, rules, the addresses of pages, templates.

    Django must be set up. Asks no database.
    """
    warm_up()
    shipped_pack()
    assert get_resolver().reverse_dict
    for name in _FRAGMENTS:
        get_template(f"inbox/{name}.html")


def settle_memory() -> None:
    """Fetch all, freeze what exists after start-up, make full collections rare. Call once, last."""
    fetch_all()
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def learn_languages() -> Thread:
    """Load what tells languages apart, if any inbox needs it; the process starts meanwhile."""
    learning = Thread(target=_learn_languages, name="languages", daemon=True)
    learning.start()
    return learning


def _learn_languages() -> None:
    # Here, since models can only be imported when Django is set up.
    from inbox.reply_settings import tells_languages_apart
    from routing.languages import load

    try:
        if tells_languages_apart():
            load()
    except Exception:
        # The first text will take longer; nothing else is lost.
        logger.exception("languages are not at hand yet")
    finally:
        connections.close_all()
