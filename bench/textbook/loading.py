"""Load the comparator's data: the same world as ours, in its own tables."""

from __future__ import annotations

import json
import os
import sys

import django

from bench.shape import Shape


def main() -> None:
    """Read a shape, make the tables and rows, and say what a load generator must know."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bench.textbook.settings")
    django.setup()
    from django.core.management import call_command

    call_command("migrate", run_syncdb=True, verbosity=0)
    from bench.textbook.population import populate

    print(json.dumps(populate(Shape(**json.loads(sys.stdin.read())))))


if __name__ == "__main__":
    main()
