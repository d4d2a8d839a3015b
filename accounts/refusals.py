"""How does a story of this app say no? In words a person can act on, and at which field."""


class RefusedError(Exception):
    """Something cannot be done as asked. `reason` is for people, `field` names what to change."""

    def __init__(self, reason: str, *, field: str = "") -> None:
        super().__init__(reason)
        self.reason, self.field = reason, field
