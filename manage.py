#!/usr/bin/env python
"""How do I run a management command?"""

import os
import sys

from django.core.management import execute_from_command_line

from config import celery as celery

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    execute_from_command_line(sys.argv)
