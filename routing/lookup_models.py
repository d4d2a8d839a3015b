"""Which rows say who outside may be asked? Customers' own code, CRMs, and tables kept here."""

import json
from collections.abc import Mapping
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from accounts.models import Account
from accounts.secrets import EncryptedTextField
from routing import crm
from routing.crm_fields import Field, fields_from

LONGEST_NAME = 40
LONGEST_FAILURE = 200
MOST_MINUTES = 24 * 60


class Followed(models.Model):
    """Whoever is asked outside, and what came of that lately; no person sets this.

    `failures` counts those since the last answer, `failure` says why the last one was.
    """

    answered_at = models.DateTimeField(null=True, blank=True, editable=False)
    failed_at = models.DateTimeField(null=True, blank=True, editable=False)
    failure = models.CharField(
        max_length=LONGEST_FAILURE, blank=True, default="", db_default="", editable=False
    )
    failures = models.PositiveIntegerField(default=0, db_default=0, editable=False)

    class Meta:
        abstract = True

    def forget_failures(self) -> None:
        """Begin anew: what failed was something else."""
        self.failure, self.failures = "", 0


class DataAction(Followed):
    """A customer's own code that may decide about a message, see `routing.data_action`.

    Both secrets sign while a change of secret is on its way: `secret_next` is the new one.
    """

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="data_actions")
    name = models.CharField(max_length=LONGEST_NAME)
    url = models.CharField("address", max_length=crm.LONGEST_URL)
    secret = EncryptedTextField()
    secret_next = EncryptedTextField(blank=True, default="")
    is_on = models.BooleanField("on", default=True)
    version = models.PositiveIntegerField(default=1, help_text="Grows with every change")
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar[list[str]] = ["name"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                "account", Lower("name"), name="data_action_name_once_per_account"
            ),
            # Rules write `name.field`.
            models.CheckConstraint(
                condition=~Q(name__contains="."), name="data_action_name_has_no_dot"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def signing_secrets(self) -> tuple[str, ...]:
        """Return the secrets that sign now, the newest first."""
        return tuple(filter(None, (self.secret_next, self.secret)))


class CrmTable(models.Model):
    """Facts about customers that an account keeps here: rows by number, imported from a file."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="crm_tables")
    name = models.CharField(max_length=LONGEST_NAME)
    columns = ArrayField(models.CharField(max_length=LONGEST_NAME), default=list)
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    class Meta:
        verbose_name = "CRM table"
        ordering: ClassVar[list[str]] = ["name"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                "account", Lower("name"), name="crm_table_name_once_per_account"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class CrmRow(models.Model):
    """What is known of one number."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    table = models.ForeignKey(CrmTable, on_delete=models.CASCADE, related_name="rows")
    key = models.CharField(max_length=20, help_text="The customer's number, as +E.164")
    values = models.JSONField(default=dict)

    class Meta:
        verbose_name = "CRM row"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["table", "key"], name="crm_row_once_per_key"),
        ]

    def __str__(self) -> str:
        return f"Row {self.pk}"


class CrmConnector(Followed):
    """A CRM that may be asked about a contact, see `routing.crm`.

    Of HubSpot and Salesforce only the address is kept (HubSpot's may be blank) and which of their
    fields are wanted; of a table only the latter.
    """

    class Kind(models.TextChoices):
        JSON = "json", _("HTTP and JSON")
        HUBSPOT = "hubspot", _("HubSpot")
        SALESFORCE = "salesforce", _("Salesforce")
        TABLE = "table", _("Table kept here")

    class Method(models.TextChoices):
        GET = "GET", _("GET")
        POST = "POST", _("POST")

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="crm_connectors")
    name = models.CharField(max_length=LONGEST_NAME)
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.JSON)
    table = models.ForeignKey(
        CrmTable, on_delete=models.PROTECT, null=True, blank=True, related_name="connectors"
    )
    url = models.CharField("address", max_length=crm.LONGEST_URL, blank=True, default="")
    method = models.CharField(max_length=4, choices=Method.choices, default=Method.GET)
    headers = models.JSONField(default=dict, blank=True)
    body = models.JSONField(null=True, blank=True)
    secrets = EncryptedTextField(
        blank=True, default="", help_text="What headers call {{secret.name}}, as JSON"
    )
    fields = models.JSONField(default=list)
    cache_minutes = models.PositiveSmallIntegerField(
        default=10, help_text="For how long an answer is used again"
    )
    is_on = models.BooleanField("on", default=True)
    version = models.PositiveIntegerField(default=1, help_text="Grows with every change")
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    class Meta:
        verbose_name = "CRM connector"
        ordering: ClassVar[list[str]] = ["name"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                "account", Lower("name"), name="crm_connector_name_once_per_account"
            ),
            models.CheckConstraint(
                condition=~Q(name__contains="."), name="crm_connector_name_has_no_dot"
            ),
            models.CheckConstraint(
                condition=Q(kind="table", table__isnull=False)
                | (~Q(kind="table") & Q(table__isnull=True)),
                name="only_a_table_connector_has_a_table",
            ),
            models.CheckConstraint(
                condition=Q(cache_minutes__lte=MOST_MINUTES), name="crm_answers_last_up_to_a_day"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def wanted(self) -> tuple[Field, ...]:
        """Return the facts that are wanted of an answer. Raises ValueError if they are none."""
        return fields_from(self.fields)

    def definition(self) -> crm.Connector:
        """Return how to ask over HTTP. Raises ValueError for a table, which is not asked so."""
        if self.kind == self.Kind.HUBSPOT:
            return crm.hubspot(self.wanted(), **({"base": self.url} if self.url else {}))
        if self.kind == self.Kind.SALESFORCE:
            return crm.salesforce(self.wanted(), base=self.url)
        if self.kind == self.Kind.TABLE:
            raise ValueError("a table is not asked over HTTP")
        return crm.Connector(self.url, self.wanted(), self.method, self.headers, self.body)

    def secret_values(self) -> Mapping[str, str]:
        """Return the secrets by name. Raises SecretUnreadableError if no key opens them."""
        found: dict[str, str] = json.loads(self.secrets) if self.secrets else {}
        return found
