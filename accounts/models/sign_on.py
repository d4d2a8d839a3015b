"""Where do the people of an account sign in, if not here?"""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from accounts.models.tenants import Account
from accounts.secrets import EncryptedTextField


class SignOn(models.Model):
    """The OpenID Connect issuer that vouches for the people of one account.

    It can be made the only way in once somebody came in through it as it is now (`proved_at`).
    """

    account = models.OneToOneField(Account, on_delete=models.CASCADE, related_name="sign_on")
    issuer = models.URLField(max_length=200)
    client_id = models.CharField("client ID", max_length=191)
    client_secret = EncryptedTextField()
    domains = ArrayField(models.CharField(max_length=100))
    is_on = models.BooleanField("on", default=True)
    is_only_way = models.BooleanField("the only way in", default=False)
    proved_at = models.DateTimeField(null=True, blank=True)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        verbose_name = "company sign-in"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=models.Q(is_only_way=False)
                | models.Q(is_on=True, proved_at__isnull=False),
                name="the_only_way_in_is_proved",
            ),
        ]

    def __str__(self) -> str:
        return f"Company sign-in of {self.account}"
