"""Which rows would anybody make for a shared inbox?"""

from typing import ClassVar

from django.conf import settings
from django.db import models


class Account(models.Model):
    """A customer company with its Twilio account."""

    name = models.CharField(max_length=120)
    account_sid = models.CharField(max_length=64, unique=True)
    auth_token = models.CharField(max_length=64)
    objects: ClassVar[models.Manager["Account"]] = models.Manager()

    def __str__(self) -> str:
        return self.name


class Inbox(models.Model):
    """A shared inbox and the people who work in it."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE)
    name = models.CharField(max_length=80)
    members = models.ManyToManyField(settings.AUTH_USER_MODEL)
    objects: ClassVar[models.Manager["Inbox"]] = models.Manager()

    def __str__(self) -> str:
        return self.name


class Sender(models.Model):
    """A number of an inbox."""

    inbox = models.ForeignKey(Inbox, on_delete=models.CASCADE)
    address = models.CharField(max_length=40)
    path_token = models.CharField(max_length=64, unique=True)
    objects: ClassVar[models.Manager["Sender"]] = models.Manager()

    def __str__(self) -> str:
        return self.address


class Contact(models.Model):
    """A customer."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE)
    phone = models.CharField(max_length=40)
    name = models.CharField(max_length=120, blank=True)
    is_opted_out = models.BooleanField(default=False)
    objects: ClassVar[models.Manager["Contact"]] = models.Manager()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["account", "phone"], name="textbook_one_contact_per_phone"
            )
        ]

    def __str__(self) -> str:
        return self.phone


class Conversation(models.Model):
    """What is said with one customer in one inbox."""

    inbox = models.ForeignKey(Inbox, on_delete=models.CASCADE)
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True
    )
    helpers = models.ManyToManyField(settings.AUTH_USER_MODEL, related_name="helps")
    is_open = models.BooleanField(default=True)
    preview = models.CharField(max_length=160, blank=True)
    last_activity_at = models.DateTimeField()
    objects: ClassVar[models.Manager["Conversation"]] = models.Manager()

    class Meta:
        ordering: ClassVar[list[str]] = ["-last_activity_at"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["inbox", "contact"],
                condition=models.Q(is_open=True),
                name="textbook_one_open_conversation",
            )
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["inbox", "is_open", "-last_activity_at"], name="textbook_list")
        ]

    def __str__(self) -> str:
        return self.preview


class ReadMark(models.Model):
    """How far one person has read one conversation."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE)
    read_at = models.DateTimeField()

    objects: ClassVar[models.Manager["ReadMark"]] = models.Manager()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["user", "conversation"], name="textbook_one_mark")
        ]

    def __str__(self) -> str:
        return f"read to {self.read_at}"


class Message(models.Model):
    """One text."""

    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE)
    sid = models.CharField(max_length=64, unique=True)
    is_inbound = models.BooleanField()
    body = models.TextField()
    status = models.CharField(max_length=20)
    created_at = models.DateTimeField(auto_now_add=True)
    processed_at = models.DateTimeField(null=True)
    objects: ClassVar[models.Manager["Message"]] = models.Manager()

    def __str__(self) -> str:
        return self.sid


class Timer(models.Model):
    """When a conversation that waits gets help, and whose."""

    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE)
    helper = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    due_at = models.DateTimeField(db_index=True)
    fired_at = models.DateTimeField(null=True)
    objects: ClassVar[models.Manager["Timer"]] = models.Manager()

    def __str__(self) -> str:
        return f"due at {self.due_at}"


class Activity(models.Model):
    """What happened to a conversation."""

    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE)
    words = models.CharField(max_length=200)
    at = models.DateTimeField(auto_now_add=True)
    objects: ClassVar[models.Manager["Activity"]] = models.Manager()

    def __str__(self) -> str:
        return self.words
