"""Make the key that messages to people's browsers are signed with; asks no database."""

from base64 import urlsafe_b64encode
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    """`manage.py new_push_key`."""

    help = "Print a new value for VAPID_PRIVATE_KEY. Browsers that were subscribed with another"
    help += " key must be subscribed again."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Make it and print it, and nothing else."""
        number = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value
        self.stdout.write(urlsafe_b64encode(number.to_bytes(32)).rstrip(b"=").decode())
