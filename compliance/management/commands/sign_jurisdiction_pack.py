"""Sign a pack of rules, or make the key to do so; asks no database."""

import json
import os
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from compliance.jurisdictions import PackError, read_pack
from compliance.signing import (
    KeyFileError,
    key_as_text,
    key_id,
    new_key,
    public_key_of,
    read_key,
    sign,
)
from compliance.vetting import VersionError, order_of


class Command(BaseCommand):
    """`manage.py sign_jurisdiction_pack PACK.json --key KEY.pem > SIGNED.json`."""

    help = "Print a pack with a signature under it, if all of it is right; or make a key to sign."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Ask for pack and key, or for where a new key goes."""
        parser.add_argument("pack", type=Path, nargs="?", help="what make_jurisdiction_pack made")
        parser.add_argument("--key", type=Path, help="the file of the private key")
        parser.add_argument("--new-key", type=Path, help="make a private key in this new file")

    def handle(self, *args: Any, **options: Any) -> None:
        """Sign, or make a key. Fails with every problem of the pack."""
        pack, key, new = options["pack"], options["key"], options["new_key"]
        if new and not pack and not key:
            self._make_key(new)
        elif pack and key and not new:
            self._sign(pack, key)
        else:
            raise CommandError("Say PACK.json --key KEY.pem, or --new-key KEY.pem.")

    def _make_key(self, path: Path) -> None:
        key = new_key()
        try:
            # Never over one that is there, and for nobody else to read.
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(key_as_text(key))
        except OSError as error:
            raise CommandError(f"The key cannot be kept: {error}") from None
        public = public_key_of(key)
        self.stderr.write(f"Keep {path} to yourself. Its id is {key_id(public)}. Trust it with:")
        self.stdout.write(f"JURISDICTION_PACK_KEYS={public}")

    def _sign(self, path: Path, key_path: Path) -> None:
        try:
            document = json.loads(path.read_text(encoding="utf-8-sig"))
            key = read_key(key_path.read_text(encoding="utf-8"))
            order_of(read_pack(document).version)
        except PackError as error:
            raise CommandError("\n".join(error.problems)) from None
        except (KeyFileError, VersionError) as error:
            raise CommandError(error.reason) from None
        except (OSError, ValueError, RecursionError) as error:
            raise CommandError(f"The pack or the key cannot be read: {error}") from None
        self.stdout.write(json.dumps(sign(document, key), ensure_ascii=False, indent=1))
