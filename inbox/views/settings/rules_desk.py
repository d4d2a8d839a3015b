"""Who works on whose rules, and where do the pages about them lead?

An inbox's rules are set by account admins, and by its supervisors where it lets them; those of the
account, which are asked first in every inbox, by account admins alone.
"""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.utils.http import urlencode

from accounts.access import feature_is_on
from accounts.administrators import Administrator, administrator
from accounts.models import Feature
from accounts.numbers import number_in
from inbox.models import TeamInbox
from inbox.setup.rules import Whose, World, draft_version_of, world_of
from inbox.views.settings.door import setter
from routing.models import Rulebook
from routing.rules import Rule

_OF_INBOX, _OF_ACCOUNT = "settings_rule", "settings_first_rule"


@dataclass
class RulesDesk:
    """A person at work on the rules of an inbox, or on the account's own."""

    request: HttpRequest
    who: Administrator
    whose: Whose

    @cached_property
    def books(self) -> tuple[Rulebook | None, tuple[Rule, ...]]:
        """Return the row with the rules, and the account's that are asked first."""
        return self.whose.rulebooks()

    @property
    def row(self) -> Rulebook | None:
        """Return the row with the rules, None before anybody wrote any."""
        return self.books[0]

    @cached_property
    def world(self) -> World:
        """Return who and what rules may lean on."""
        return world_of(self.whose, now=self.who.now, first=self.books[1])

    @cached_property
    def inboxes(self) -> list[int]:
        """Return the inboxes whose decisions are counted."""
        if self.whose.inbox:
            return [self.whose.inbox.pk]
        rows = TeamInbox.objects.filter(account=self.whose.account)
        return list(rows.values_list("pk", flat=True))

    @cached_property
    def sharing(self) -> dict[int, str]:
        """Name the other inboxes that follow the same rules."""
        if self.whose.inbox is None or self.row is None:
            return {}
        others = self.row.inboxes.exclude(pk=self.whose.inbox.pk)
        return dict(others.values_list("pk", "name"))

    def look_again(self) -> None:
        """Forget what was read: somebody changed it meanwhile."""
        self.__dict__.pop("books", None)

    @property
    def deed(self) -> dict[str, Any]:
        """Return what every story is told."""
        return {"whose": self.whose, "by": self.who.user, "now": self.who.now}

    @property
    def seen(self) -> int:
        """Return the version of the draft that the page was made from."""
        return number_in(self.request.POST.get("version", "")) or 0

    def url(self, page: str = "s", **query: str | int) -> str:
        """Return where a page is: `s` the list, or what its name ends with; blank for none."""
        name = (_OF_INBOX if self.whose.inbox else _OF_ACCOUNT) + page
        number = query.pop("number", None)
        kwargs = {} if number is None else {"number": number}
        if self.whose.inbox:
            kwargs["slug"] = self.whose.inbox.slug
        try:
            path = reverse(name, kwargs=kwargs)
        except NoReverseMatch:
            return ""
        return f"{path}?{urlencode(query)}" if query else path

    def done(self, words: str, where: str = "") -> HttpResponse:
        """Say what was done, on the page as it is now."""
        messages.success(self.request, words)
        return HttpResponseRedirect(where or self.url())

    def page(self, template: str, *, status: int = 200, **context: Any) -> HttpResponse:
        """Show a page about these rules."""
        inbox = self.whose.inbox
        frame = {
            "who": self.who,
            "here": "home" if inbox else "rules",
            "tab": "rules",
            "inbox": inbox,
            "desk": self,
            "version": draft_version_of(self.row),
            "is_off": not feature_is_on(
                self.whose.account.pk, Feature.CUSTOM_ROUTING, now=self.who.now
            ),
            "urls": {
                "list": self.url(),
                "rule": self.url(""),
                "delete": self.url("_delete"),
                "publish": self.url("s_publish"),
                "discard": self.url("s_discard"),
                "versions": self.url("s_versions"),
                "document": self.url("s_document"),
                "download": self.url("s_download"),
                "try": self.url("s_try"),
                "examples": self.url("s_examples"),
                "replay": self.url("s_replay"),
            },
        }
        path = f"settings/rules/{template}.html"
        return render(self.request, path, {**frame, **context}, status=status)


def rules_desk(request: HttpRequest, slug: str | None = None) -> RulesDesk:
    """Return who works on which rules. Whoever may not: Http404."""
    if slug is None:
        account_admin = administrator(request)
        return RulesDesk(request, account_admin, Whose(account_admin.account))
    who = setter(request)
    rows = TeamInbox.objects.select_related("team__account", "escalation")
    inbox = rows.filter(account=who.account, slug=slug).first()
    if inbox is None or not who.may_set(inbox.pk):
        raise Http404
    desk = RulesDesk(request, who, Whose(who.account, inbox))
    # Rules that other inboxes follow as well stay the admins'.
    if who.is_supervisor and not all(map(who.may_set, desk.sharing)):
        raise Http404
    return desk


def anchor_of(rule_id: str) -> str:
    """Return the name of a rule in a page: its id may hold anything, also blanks."""
    return hashlib.sha256(rule_id.encode()).hexdigest()[:10]
