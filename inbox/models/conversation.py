"""What is one piece of work with a customer, who has it, and who may see it?"""

from typing import Any, ClassVar

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import OuterRef, Q
from django.utils.translation import gettext_lazy as _

from accounts.access import Viewer
from accounts.ledgers import NeverEmptied, Unchangeable
from accounts.models import Account, User
from accounts.prepared import OneOf, is_any
from inbox.models.contact import Contact
from inbox.models.ids import public_id
from inbox.models.inbox import TeamInbox
from inbox.models.thread import Thread
from routing.models import EscalationPolicy

# While it is not closed: the whole team reads it.
SHARED_WITH_TEAM = Q(is_team_wide=True) | Q(inbox__after_claim=TeamInbox.AfterClaim.READ_ONLY)


class ConversationQuerySet(models.QuerySet["Conversation"]):
    """Conversations, filtered by sight and state."""

    def visible_to(self, viewer: Viewer) -> "ConversationQuerySet":
        """Keep what `viewer` may read now: the one predicate of sight.

        What lies in an inbox that is switched off nobody reads, supervisors included. Who is in
        the account for support reads what supervisors read.

        `inbox.access.audience_of` is the same rule for one conversation; a property test holds
        the two equal.
        """
        if not viewer.may_see:
            return self.none()
        parts = Participant.objects.filter(conversation=OuterRef("pk"), user=viewer.user_id)
        takes_part = is_any(parts.filter(ended_at=None))
        had_at_close = is_any(parts.filter(is_ended_by_close=True))
        is_closed = Q(status=Conversation.Status.CLOSED)
        is_found_by_team = Q(inbox__closed_visibility=TeamInbox.ClosedVisibility.TEAM)
        as_member = Q(OneOf("inbox", viewer.member_of)) & (
            (~is_closed & SHARED_WITH_TEAM)
            | (is_closed & (is_found_by_team | Q(was_team_wide_at_close=True)))
        )
        # Who has it takes part: that is said first, since it costs no look at another table.
        is_mine = ~is_closed & Q(owner=viewer.user_id)
        by_name = is_mine | Q(takes_part) | (is_closed & Q(had_at_close))
        return self.filter(
            Q(OneOf("inbox", viewer.reads_all_of)) | (Q(is_hidden=False) & (as_member | by_name)),
            account=viewer.account_id,
            inbox__is_on=True,
        )

    def shared_with_team(self) -> "ConversationQuerySet":
        """Keep live conversations that every member of the team may read."""
        return self.live().filter(SHARED_WITH_TEAM, is_hidden=False)

    def live(self) -> "ConversationQuerySet":
        """Keep conversations that are not closed."""
        return self.exclude(status=Conversation.Status.CLOSED)


class Conversation(models.Model):
    """One segment of a thread, from open to closed."""

    class Status(models.TextChoices):
        OPEN = "open", _("Open")
        SNOOZED = "snoozed", _("Snoozed")
        CLOSED = "closed", _("Closed")

    class Priority(models.TextChoices):
        LOW = "low", _("Low")
        NORMAL = "normal", _("Normal")
        HIGH = "high", _("High")
        URGENT = "urgent", _("Urgent")

    class Routing(models.TextChoices):
        DONE = "done", _("Done")
        ASKING = "asking", _("Others are being asked")
        NOBODY = "nobody", _("Nobody was able")
        ANSWERING = "answer", _("Others are asked for an automatic reply")

    # No index of its own: `conversation_list` begins with it.
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_index=False)
    inbox = models.ForeignKey(TeamInbox, on_delete=models.PROTECT, related_name="conversations")
    thread = models.ForeignKey(Thread, on_delete=models.PROTECT, related_name="conversations")
    contact = models.ForeignKey(Contact, on_delete=models.PROTECT, related_name="conversations")
    public_id = models.CharField(max_length=32, unique=True, default=public_id, editable=False)
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.OPEN)
    version = models.BigIntegerField(default=1)
    priority = models.CharField(
        max_length=8, choices=Priority.choices, default=Priority.NORMAL, db_default="normal"
    )
    tags = ArrayField(models.CharField(max_length=40), default=list, db_default=[], blank=True)
    routing = models.CharField(
        max_length=8, choices=Routing.choices, default=Routing.DONE, db_default="done"
    )
    routing_trigger = models.CharField(max_length=12, blank=True, default="", db_default="")
    route_at = models.DateTimeField(
        null=True, blank=True, help_text="When rules are asked again, if nobody asks before"
    )
    answer_seq = models.BigIntegerField(
        null=True, blank=True, help_text="Which message is owed an automatic reply"
    )
    escalation = models.ForeignKey(
        EscalationPolicy,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        help_text="What a rule chose; none: the inbox's",
    )

    owner = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="owned_conversations"
    )
    owned_since = models.DateTimeField(null=True, blank=True)
    last_owner = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    is_team_wide = models.BooleanField(
        default=True, help_text="The audience is the whole team of the inbox"
    )
    was_team_wide_at_close = models.BooleanField(default=False)
    is_hidden = models.BooleanField(
        default=False, help_text="From a blocked contact: only supervisors see it"
    )
    audience_before = models.JSONField(
        null=True, blank=True, help_text="Whom a release gives it back to"
    )
    returns_at = models.DateTimeField(
        null=True, blank=True, help_text="A transfer goes back to the team at this moment"
    )
    return_inbox = models.ForeignKey(
        TeamInbox, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    waiting_since = models.DateTimeField(null=True, blank=True)
    wait_generation = models.PositiveIntegerField(default=0)
    snoozed_until = models.DateTimeField(null=True, blank=True)
    snoozed_at = models.DateTimeField(null=True, blank=True, help_text="When it last was")

    due_at = models.DateTimeField(
        null=True, blank=True, help_text="When its escalation does something next"
    )

    promised_at = models.DateTimeField(
        null=True, blank=True, help_text="By when we promised to come back"
    )
    promise_told_at = models.DateTimeField(
        null=True, blank=True, help_text="When it came up because it was due"
    )

    window_warns_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="When its owner is told that WhatsApp's window closes, if the customer waits",
    )

    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    close_reason = models.CharField(max_length=200, blank=True, default="")
    reopen_count = models.PositiveIntegerField(default=0)
    previous = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    last_activity_at = models.DateTimeField()
    first_answer_at = models.DateTimeField(
        null=True, blank=True, help_text="When a person first wrote in it"
    )
    last_human_reply_at = models.DateTimeField(null=True, blank=True)
    last_inbound_at = models.DateTimeField(null=True, blank=True)
    last_inbound_seq = models.BigIntegerField(default=0)
    preview = models.CharField(max_length=160, blank=True, default="")
    preview_kind = models.CharField(max_length=12, blank=True, default="")
    preview_author = models.CharField(max_length=120, blank=True, default="")
    preview_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, db_index=False, related_name="+"
    )
    preview_channel = models.CharField(max_length=20, blank=True, default="", db_default="")
    has_failed_message = models.BooleanField(default=False)
    is_opted_out = models.BooleanField(
        default=False,
        db_default=False,
        help_text="What the consent of its address said last, for lists; the gate asks the consent",
    )

    objects = ConversationQuerySet.as_manager()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["thread"],
                condition=~Q(status="closed"),
                name="one_conversation_not_closed_per_thread",
            ),
            models.CheckConstraint(
                condition=~Q(status="closed") | Q(owner__isnull=True, waiting_since__isnull=True),
                name="closed_conversation_has_no_owner_and_no_wait",
            ),
            models.CheckConstraint(
                condition=Q(owner__isnull=True, owned_since__isnull=True)
                | Q(owner__isnull=False, owned_since__isnull=False),
                name="owned_conversation_says_since_when",
            ),
            models.CheckConstraint(
                condition=~Q(status="closed") | Q(promised_at__isnull=True),
                name="closed_conversation_owes_no_promise",
            ),
            models.CheckConstraint(
                condition=Q(routing="done", route_at__isnull=True)
                | (~Q(routing="done") & Q(route_at__isnull=False) & ~Q(status="closed")),
                name="who_waits_for_rules_is_asked_again",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["account", "inbox", "-last_activity_at", "-id"],
                name="conversation_list_open",
                condition=Q(status="open"),
            ),
            models.Index(
                fields=["account", "inbox", "status", "-last_activity_at", "-id"],
                name="conversation_list",
            ),
            models.Index(
                fields=["account", "inbox", "owner", "-last_activity_at", "-id"],
                name="conversation_list_by_owner",
                condition=Q(status="open"),
            ),
            models.Index(
                fields=["inbox", "waiting_since"],
                name="conversation_waiting",
                condition=Q(waiting_since__isnull=False),
            ),
            models.Index(
                fields=["snoozed_until"],
                name="conversation_snoozed",
                condition=Q(status="snoozed"),
            ),
            models.Index(
                fields=["returns_at"],
                name="conversation_returning",
                condition=Q(returns_at__isnull=False),
            ),
            models.Index(
                fields=["route_at"],
                name="conversation_to_route",
                condition=Q(route_at__isnull=False),
            ),
            models.Index(
                fields=["promised_at"],
                name="conversation_promised",
                condition=Q(promised_at__isnull=False),
            ),
            models.Index(
                fields=["window_warns_at"],
                name="conversation_window",
                condition=Q(window_warns_at__isnull=False),
            ),
            models.Index(
                fields=["inbox", "due_at", "id"],
                name="conversation_due",
                condition=Q(due_at__isnull=False),
            ),
            # What filters of a list look for where few rows have it.
            models.Index(
                fields=["account", "inbox", "priority", "-last_activity_at", "-id"],
                name="conversation_by_priority",
                condition=~Q(priority="normal"),
            ),
            models.Index(
                fields=["account", "inbox", "-last_activity_at", "-id"],
                name="conversation_failed",
                condition=Q(has_failed_message=True),
            ),
            models.Index(fields=["contact", "-opened_at"], name="conversation_by_contact"),
            models.Index(fields=["account", "opened_at", "id"], name="conversation_by_opening"),
            # So that a policy can be deleted without a look at every conversation.
            models.Index(
                fields=["escalation"],
                name="conversation_by_policy",
                condition=Q(escalation__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"Conversation {self.public_id}"

    @property
    def is_closed(self) -> bool:
        """Say whether the conversation is closed."""
        return self.status == self.Status.CLOSED

    def take_priority(self, priority: str) -> bool:
        """Have this priority; blank, and what is none, changes nothing. Say whether it is another
        than before. Does not save."""
        if priority not in self.Priority.values or priority == self.priority:
            return False
        self.priority = priority
        return True


class Participant(models.Model):
    """A person's part in a conversation's audience, from a start to an end."""

    class Role(models.TextChoices):
        MEMBER = "member", _("Member")
        OWNER = "owner", _("Owner")
        WATCHER = "watcher", _("Watcher")

    class Source(models.TextChoices):
        TEAM = "team", _("Team")
        RULE = "rule", _("Rule")
        ESCALATION = "escalation", _("Escalation")
        CLAIM = "claim", _("Claim")
        MANUAL = "manual", _("Transfer or take-over")
        MENTION = "mention", _("Mention")

    # Whom these bring may work in a conversation without belonging to its inbox's team.
    NAMED: ClassVar = (Source.RULE, Source.ESCALATION)

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    conversation = models.ForeignKey(
        Conversation, on_delete=models.PROTECT, related_name="participants"
    )
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="participations")
    role = models.CharField(max_length=8, choices=Role.choices)
    source = models.CharField(max_length=10, choices=Source.choices)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    is_ended_by_close = models.BooleanField(default=False)
    mentioned_seq = models.BigIntegerField(
        null=True, blank=True, help_text="The last note that mentions them"
    )

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["conversation", "user"],
                condition=Q(ended_at__isnull=True),
                name="one_current_part_per_person",
            ),
            models.UniqueConstraint(
                fields=["conversation"],
                condition=Q(ended_at__isnull=True, role="owner"),
                name="one_owner_per_conversation",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["user", "conversation"],
                name="participant_current",
                condition=Q(ended_at__isnull=True),
            ),
            models.Index(
                fields=["user", "conversation"],
                name="participant_mentioned",
                condition=Q(ended_at__isnull=True, mentioned_seq__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} ({self.role})"


# The free text in `data`, typed by colleagues; and what makes a line of the rest (PostgreSQL).
FREE_TEXT = ("note", "reason", "mark")
WITHOUT_WORDS = "timeline_without_words"
LET_FORGET = "let_a_timeline_forget"


class OnlyForgets(Unchangeable):
    """No row is changed or deleted, but that its free text is emptied while something is forgotten.

    Allowed only to a run of retention, or an erasure, that is under way in the account and ends in
    a certificate (`inbox.forgetting`); nothing else of the row may differ.
    """

    def render_execute(self, model: Any) -> str:
        """Call the function that looks at both rows."""
        return f"{LET_FORGET}()"


class ConversationEvent(models.Model):
    """What happened to a conversation: its timeline and its audit are these rows. Append-only.

    Only what colleagues typed (`FREE_TEXT`) may go, with the words that it is about.
    """

    class Verb(models.TextChoices):
        OPENED = "opened", _("Opened")
        REOPENED = "reopened", _("Reopened")
        CLAIMED = "claimed", _("Claimed")
        RELEASED = "released", _("Released")
        TRANSFERRED = "transferred", _("Transferred")
        MOVED = "moved", _("Moved to another inbox")
        TAKEN_OVER = "taken_over", _("Taken over")
        RETURNED = "returned", _("Returned to the team")
        CLOSED = "closed", _("Closed")
        SNOOZED = "snoozed", _("Snoozed")
        WOKEN = "woken", _("Snooze ended")
        CONSENT = "consent", _("Consent changed")
        SILENT = "silent", _("No automatic reply")
        BLOCKED = "blocked", _("Contact blocked")
        UNBLOCKED = "unblocked", _("Contact unblocked")
        WARNED = "warned", _("Escalation is near")
        ESCALATED = "escalated", _("Escalated")
        ROUTED = "routed", _("Given by a rule")
        TAGGED = "tagged", _("Tags changed")
        CONTACT_TAGS = "contact_tags", _("Tags of the contact changed")
        CONTACT_FACT = "contact_fact", _("An attribute of the contact changed")
        UNDONE = "undone", _("Taken back")
        PROMISED = "promised", _("Promise")
        REACH = "reach", _("Out of reach, or within it again")
        WATCHING = "watching", _("Watchers changed")
        PRIORITY = "priority", _("Priority changed")
        WINDOW = "window", _("WhatsApp's window closes")
        REMOVED = "removed", _("The content of a message was removed")

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    conversation = models.ForeignKey(Conversation, on_delete=models.PROTECT, related_name="events")
    thread = models.ForeignKey(Thread, on_delete=models.PROTECT, related_name="events")
    public_id = models.CharField(max_length=32, default=public_id, editable=False)
    verb = models.CharField(max_length=12, choices=Verb.choices)
    actor = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    actor_label = models.CharField(max_length=120)
    after_seq = models.BigIntegerField(help_text="It happened after this message of the thread")
    data = models.JSONField(default=dict)
    at = models.DateTimeField()

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["thread", "after_seq", "id"], name="event_by_thread"),
            models.Index(fields=["conversation", "id"], name="event_by_conversation"),
            # What reports count.
            models.Index(
                fields=["account", "at"],
                name="event_counted",
                condition=Q(verb__in=["opened", "reopened", "consent"]),
            ),
        ]
        triggers: ClassVar[list[pgtrigger.Trigger]] = [
            OnlyForgets(name="conversation_event_is_append_only"),
            NeverEmptied(name="conversation_event_is_never_emptied"),
        ]

    def __str__(self) -> str:
        return f"{self.actor_label} {self.get_verb_display().lower()}"


class ReadCursor(models.Model):
    """How far one person has read one conversation: a message's `seq`."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="read_cursors"
    )
    seq = models.BigIntegerField(default=0)
    handover_id = models.BigIntegerField(
        default=0, db_default=0, help_text="The last hand-over whose card they put away"
    )
    muted_round = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text="How often it had been reopened when they muted it: after another time it alerts",
    )

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["user", "conversation"], name="one_cursor_per_reader"),
        ]

    def __str__(self) -> str:
        return f"{self.user} read to {self.seq}"
