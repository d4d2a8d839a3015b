"""Who writes to us, and under which addresses?"""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import Func, TextField, Value
from django.utils.functional import cached_property

from accounts.models import Account, User
from compliance.addresses import masked
from inbox.models.ids import public_id


def plain(text: str | Value) -> Func:
    """Write a column, or a text, without accents and in capitals: as searches compare names."""
    return Func(text, function="inbox_plain", output_field=TextField())


class Contact(models.Model):
    """A customer. May have many addresses; a phone number is not needed."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="contacts")
    public_id = models.CharField(max_length=32, unique=True, default=public_id, editable=False)
    name = models.CharField(max_length=120, blank=True, default="")
    profile_name = models.CharField(
        max_length=120, blank=True, default="", help_text="What they call themselves on WhatsApp"
    )
    language = models.CharField(max_length=12, blank=True, default="")
    owner = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, blank=True, related_name="owned_contacts"
    )
    tags = ArrayField(models.CharField(max_length=40), default=list, db_default=[], blank=True)
    attributes = models.JSONField(
        default=dict,
        db_default={},
        blank=True,
        help_text="What else is known: text, numbers, yes or no, lists of texts",
    )
    is_blocked = models.BooleanField(default=False)
    notes = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)
    erased_at = models.DateTimeField(null=True, blank=True, help_text="When they were forgotten")

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            GinIndex(
                OpClass(plain("name"), "gin_trgm_ops"),
                OpClass(plain("profile_name"), "gin_trgm_ops"),
                name="contact_by_plain_name",
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.profile_name or f"Contact {self.pk}"

    @cached_property
    def numbers(self) -> tuple[str, ...]:
        """Return every number and id under which they are reached; asked once."""
        return tuple(dict.fromkeys(one.number for one in self.addresses.order_by("pk")))


class ContactAddress(models.Model):
    """One way to reach a contact.

    `alias_of` says that this is a second name of the same WhatsApp account (a business-scoped user
    id and a phone number): messages under both go into one thread.
    """

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    contact = models.ForeignKey(Contact, on_delete=models.PROTECT, related_name="addresses")
    key = models.CharField(max_length=120, help_text="Normal form, see compliance.addresses")
    family = models.CharField(max_length=20)
    raw = models.CharField(max_length=120, help_text="As the carrier last wrote it")
    phone = models.CharField(max_length=20, blank=True, default="")
    is_repliable = models.BooleanField(default=True)
    alias_of = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="aliases"
    )
    out_of_reach_at = models.DateTimeField(
        null=True, blank=True, help_text="Since when nothing is sent there: it reaches nobody"
    )
    out_of_reach_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    out_of_reach_why = models.CharField(max_length=200, blank=True, default="", db_default="")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "contact addresses"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["account", "key"], name="one_contact_per_address"),
            models.CheckConstraint(
                condition=models.Q(alias_of__isnull=True) | ~models.Q(alias_of=models.F("id")),
                name="address_is_not_its_own_alias",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["account", "phone"], name="address_by_phone", condition=~models.Q(phone="")
            ),
            GinIndex(OpClass("phone", "gin_trgm_ops"), name="address_by_digits"),
        ]

    def __str__(self) -> str:
        return masked(self.key)

    @property
    def number(self) -> str:
        """Return what is dialled to reach them, or their id where there is no number."""
        return self.phone or self.key.partition(":")[2] or self.raw
