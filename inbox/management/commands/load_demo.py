"""How does demo data get in? `manage.py load_demo --folder .demo`, on a laptop only."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from inbox import demo_data


class Command(BaseCommand):
    """Bring the database up to date, load people and conversations, write what others need."""

    help = "Load demo data; writes demo.json and simulator.json into --folder."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the folder that holds the demo's secrets."""
        parser.add_argument("--folder", type=Path, required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        """Load once; write the two files anew each time, since the port may have moved."""
        if not settings.DEMO:
            raise CommandError("Demo data is loaded only where DEMO=1 is set.")
        call_command("migrate", verbosity=0)
        folder: Path = options["folder"]
        secrets = demo_data.DemoSecrets(**json.loads((folder / "logins.json").read_text()))
        now = timezone.now()
        demo_data.load(secrets, now=now)
        demo_data.load_conversations(now=now)
        described = demo_data.describe(
            secrets, base_url=settings.PUBLIC_BASE_URL, simulator_url=settings.TWILIO_API_BASE
        )
        _write(folder / "demo.json", described)
        _write(folder / "simulator.json", demo_data.simulator_config())


def _write(path: Path, content: dict[str, Any]) -> None:
    path.touch(mode=0o600)
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")
