"""Load our build's data into an empty, migrated database. Its own process: it needs Django."""

from __future__ import annotations

import json
import os
import sys

import django

from bench.shape import Shape


def main() -> None:
    """Read a shape, make the rows, and say what a load generator must know about them."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from bench.population import populate

    print(json.dumps(populate(Shape(**json.loads(sys.stdin.read())))))


if __name__ == "__main__":
    main()
