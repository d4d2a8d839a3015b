"""Where is somebody logged in?"""

from typing import ClassVar

from django.contrib.sessions.base_session import BaseSessionManager
from django.db import models

from accounts.models.people import User


class BrowserSession(models.Model):
    """One browser that somebody came with. Deleting the row logs that browser out.

    The key is what the browser shows to be let in. Only its hash is kept: who reads this table, or
    a copy of it, can come in as nobody.
    """

    key_hash = models.CharField(max_length=40, unique=True, editable=False, db_column="session_key")
    session_data = models.TextField()
    expire_date = models.DateTimeField(db_index=True)
    user = models.ForeignKey(
        User, on_delete=models.CASCADE, null=True, blank=True, related_name="sessions"
    )
    ip = models.GenericIPAddressField("address", null=True, blank=True)
    browser = models.CharField(max_length=200, blank=True)
    by_company = models.BooleanField(
        default=False, db_default=False, help_text="Their company's own sign-in vouched for them"
    )
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField(help_text="When a person last did something, to the minute")

    objects: ClassVar[BaseSessionManager] = BaseSessionManager()  # type: ignore[type-arg]

    class Meta:
        verbose_name = "session"

    def __str__(self) -> str:
        return f"Session of {self.user or 'nobody'}"
