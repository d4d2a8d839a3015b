"""How is the API described? Operations named after their addresses, and the key as a way in."""

import re

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema

from accounts.api import SCHEME


class Schema(AutoSchema):
    """Names each operation after what it is done to: `business_hours_id_put`."""

    def get_operation_id(self) -> str:
        """Return a name that no other operation has."""
        words = re.findall(r"[a-z_]+", self.path.replace("-", "_").removeprefix("/api/v1"))
        return "_".join([*words, self.method.lower()])


class KeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Describes the key."""

    target_class = "accounts.api.KeyAuthentication"
    name = "apiKey"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        """Return how OpenAPI says it."""
        return {"type": "http", "scheme": SCHEME, "bearerFormat": "tik_…"}
