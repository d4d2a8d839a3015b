"""Who holds the seats that an account bought, who needs one, and who does not use theirs?"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.db.models import F, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.administrators import Administrator, administrator
from accounts.audit import record_export
from accounts.entitlement_forms import MomentField, add_refusal
from accounts.exports import csv_response
from accounts.licences import assign_licenses, left_without
from accounts.models import Account, License, LicensePool, User, in_force
from accounts.numbers import number_in
from accounts.refusals import RefusedError
from inbox.labels import moment_words
from inbox.setup.expiring import ending_soon
from inbox.setup.licence_fit import Asked, HeldSeat, LicenceFit, licence_fit, matching
from inbox.setup.licences import GivenBack, hand_over_seat, remove_licenses
from inbox.setup.previews import preview_license_removal

PAGE = 50
BLOCKED = 10
GONE = gettext_lazy("Somebody you chose has a seat by now, or can no longer log in. Choose again.")
COLUMNS = (
    "State",
    "Name",
    "E-mail",
    "Teams without access",
    "Seat since",
    "Seat until",
    "Last used",
    "Open conversations",
)


@dataclass(frozen=True)
class Search:
    """What a page asks for, and after whom it begins."""

    words: str
    is_unused: bool
    after: int | None

    @classmethod
    def of(cls, request: HttpRequest) -> "Search":
        """Read it from the address; what makes no sense counts as not asked."""
        return cls(
            words=request.GET.get("q", "").strip()[:100],
            is_unused=request.GET.get("unused") == "1",
            after=number_in(request.GET.get("after", "")),
        )

    def query(self, **other: Any) -> str:
        """Write the query of an address that differs in this."""
        facts = {"q": self.words, "unused": "1" if self.is_unused else "", **other}
        return urlencode({name: value for name, value in facts.items() if value})


def named(user: Any) -> str:
    """Name a person with their address: names repeat."""
    return f"{user.name} ({user.email})"


class PeopleField(forms.ModelMultipleChoiceField[User]):
    """Some of the account's people; the page draws a box for each that it found."""

    widget = forms.CheckboxSelectMultiple


class PoolField(forms.ModelChoiceField[LicensePool]):
    """Seats of the account."""

    zone = "UTC"

    def label_from_instance(self, obj: Any) -> str:
        """Say how many there are, and until when."""
        seats = f"{obj.seats} × {obj.get_plan_display()}"
        if obj.ends_at is None:
            return seats
        until = moment_words(obj.ends_at, self.zone)
        return _("%(seats)s until %(until)s") % {"seats": seats, "until": until}


class AssignForm(forms.Form):
    """To whom, of which seats, until when?"""

    pool: Any = PoolField(
        LicensePool.objects.none(),
        label=gettext_lazy("Seats"),
        empty_label=None,
        error_messages={
            "invalid_choice": gettext_lazy("These seats are not there any more. Choose others.")
        },
    )
    holders: Any = PeopleField(
        User.objects.none(),
        label=gettext_lazy("People without a licence"),
        error_messages={
            "required": gettext_lazy("Choose at least one person."),
            "invalid_choice": GONE,
            "invalid_pk_value": GONE,
        },
    )

    def __init__(self, who: Administrator, data: Any = None) -> None:
        super().__init__(data)
        self.fields["ends_at"] = MomentField(
            zone=who.account.time_zone,
            required=False,
            label=_("Until"),
            help_text=_("Leave empty: until the seats end."),
        )
        pools = LicensePool.objects.filter(in_force(who.now), account=who.account)
        pool = self.fields["pool"]
        assert isinstance(pool, PoolField)
        pool.zone = who.account.time_zone
        self._offer("pool", pools.order_by("starts_at", "pk"))
        self._offer("holders", people_without(who))

    def _offer(self, name: str, rows: "QuerySet[Any]") -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = rows

    def chosen(self) -> set[str]:
        """Return the keys of whom somebody ticked."""
        return {str(one) for one in self["holders"].value() or ()}


class TakeAwayForm(forms.Form):
    """Why, and does somebody else get the seat?"""

    reason = forms.CharField(label=gettext_lazy("Why?"), max_length=200)
    to: Any = forms.ModelChoiceField(
        User.objects.none(),
        label=gettext_lazy("Hand the seat over to"),
        required=False,
        empty_label=gettext_lazy("nobody: it is free again"),
        error_messages={"invalid_choice": GONE},
    )

    def __init__(self, who: Administrator, search: Search, data: Any = None) -> None:
        super().__init__(data)
        field = self.fields["to"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = people_without(who)
        found = list(field.queryset.filter(matching(search.words))[: PAGE + 1])
        self.is_more = len(found) > PAGE
        offered = [(str(one.pk), named(one)) for one in found[:PAGE]]
        offered += self._chosen_besides(field.queryset, offered)
        assert isinstance(field.widget, forms.Select)
        field.widget.choices = [("", field.empty_label), *offered]

    def _chosen_besides(self, people: "QuerySet[User]", offered: Any) -> list[tuple[str, str]]:
        """Keep whom somebody chose before, although this search does not find them."""
        pk = number_in(str(self["to"].value() or ""))
        if pk is None or str(pk) in dict(offered):
            return []
        return [(str(one.pk), named(one)) for one in people.filter(pk=pk)]


def people_without(who: Administrator) -> "QuerySet[User]":
    """Return the people of the account who can log in and hold no licence now."""
    held = License.objects.filter(in_force(who.now), pool__account=who.account)
    people = User.objects.filter(account=who.account, is_active=True)
    return people.exclude(pk__in=held.values("holder")).order_by("name", "email")


@require_GET
def licences(request: HttpRequest) -> HttpResponse:
    """Show seats, holders, and whether licences and people fit."""
    who = administrator(request)
    return _page(request, who, AssignForm(who))


@require_POST
def assign(request: HttpRequest) -> HttpResponse:
    """Give several people a seat: all of them, or nobody."""
    who = administrator(request)
    form = AssignForm(who, request.POST)
    if form.is_valid():
        people = list(form.cleaned_data["holders"])
        try:
            assign_licenses(
                pool=form.cleaned_data["pool"],
                holders=people,
                by=who.user,
                now=who.now,
                ends_at=form.cleaned_data["ends_at"],
            )
        except RefusedError as no:
            add_refusal(form, no)
        else:
            words = ngettext("%d person has a seat now.", "%d people have a seat now.", len(people))
            messages.success(request, words % len(people))
            return HttpResponseRedirect(reverse("settings_licences"))
    return _page(request, who, form)


@require_http_methods(["GET", "POST"])
def take_away(request: HttpRequest, *, pk: int) -> HttpResponse:
    """Say what taking a seat away does, and do it when that is confirmed."""
    who = administrator(request)
    ours = License.objects.filter(pool__account=who.account)
    # One that never began ends when it would have begun.
    is_over = Q(ends_at__lte=who.now) | Q(ends_at=F("starts_at"))
    if request.method == "POST" and ours.filter(is_over, pk=pk).exists():
        messages.info(request, _("This seat was taken away already."))
        return HttpResponseRedirect(reverse("settings_licences"))
    license = get_object_or_404(
        ours.exclude(ends_at__lte=who.now)
        .exclude(ends_at=F("starts_at"))
        .select_related("holder", "pool__account"),
        pk=pk,
    )
    search = Search.of(request)
    form = TakeAwayForm(who, search, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            given = _take(who, license, form)
        except RefusedError as no:
            add_refusal(form, no)
        else:
            to = form.cleaned_data["to"]
            messages.success(request, _words_after(license, to, given, now=who.now))
            return HttpResponseRedirect(reverse("settings_licences"))
    losing = left_without([license], now=who.now)
    context = {
        "who": who,
        "here": "licences",
        "license": license,
        "form": form,
        "search": search,
        "preview": preview_license_removal(holders=losing, now=who.now),
    }
    return render(request, "settings/licence_take_away.html", context, status=_status(form))


def _take(who: Administrator, license: License, form: TakeAwayForm) -> GivenBack:
    reason, to = form.cleaned_data["reason"], form.cleaned_data["to"]
    if to is None:
        return remove_licenses(licenses=[license], by=who.user, reason=reason, now=who.now)
    _new, given = hand_over_seat(license=license, to=to, by=who.user, reason=reason, now=who.now)
    return given


def _words_after(license: License, to: User | None, given: GivenBack, *, now: datetime) -> str:
    name = license.holder.name
    if license.starts_at > now:
        return _("The seat of %s, which had not begun, is taken back.") % name
    done = (
        _("%(new)s has the seat of %(name)s now.") % {"new": to.name, "name": name}
        if to
        else _("%s has no licence any more.") % name
    )
    number = given.numbers.get(name, 0)
    if not number:
        return done
    back = ngettext(
        "%d conversation went back to the team.",
        "%d conversations went back to their teams.",
        number,
    )
    return f"{done} {back % number}"


@require_POST
def export(request: HttpRequest) -> HttpResponseBase:
    """Send the report as CSV."""
    who = administrator(request)
    record_export(what="licence_fit", by=who.user, now=who.now, account_id=who.account.pk)
    rows = _rows(licence_fit(who.account, now=who.now))
    return csv_response(f"licences-{who.now:%Y-%m-%d}", COLUMNS, rows)


def _rows(fit: LicenceFit) -> Iterator[tuple[object, ...]]:
    for seat in fit.seats:
        yield (
            _state(seat),
            seat.person.name,
            seat.person.email,
            "",
            seat.license.starts_at,
            seat.license.ends_at,
            seat.used_at,
            seat.conversations,
        )
    for person in fit.blocked:
        yield (
            "needs a licence",
            person.person.name,
            person.person.email,
            person.teams,
            None,
            None,
            None,
            None,
        )


def _state(seat: HeldSeat) -> str:
    if seat.begins_later:
        return "begins later"
    return "unused for 30 days" if seat.is_unused else "in use"


def _page(request: HttpRequest, who: Administrator, form: AssignForm) -> HttpResponse:
    search = Search.of(request)
    asked = Asked(search.words, search.is_unused, search.after, PAGE, BLOCKED)
    fit = licence_fit(who.account, now=who.now, asked=asked)
    without = list(people_without(who).filter(matching(search.words))[: PAGE + 1])
    context = {
        "who": who,
        "here": "licences",
        "fit": fit,
        "endings": ending_soon(Account.objects.filter(pk=who.account.pk), now=who.now),
        "form": form,
        "without": _boxes(who, form, without[:PAGE]),
        "is_more_without": len(without) > PAGE,
        "search": search,
        "is_search_needed": bool(
            search.query()
            or search.after
            or fit.next_after
            or fit.is_more_blocked
            or len(without) > PAGE
        ),
        "unused_query": search.query(unused="1"),
        "next": search.query(after=fit.next_after) if fit.next_after else "",
    }
    return render(request, "settings/licences.html", context, status=_status(form))


def _boxes(who: Administrator, form: AssignForm, found: list[User]) -> list[tuple[User, bool]]:
    """Return whom to offer, and whether they are ticked: whom somebody ticked stays in sight."""
    chosen = form.chosen()
    keys = [pk for text in chosen if (pk := number_in(text))]
    besides = people_without(who).filter(pk__in=keys) if keys else []
    people = {user.pk: user for user in [*besides, *found]}
    return [(user, str(user.pk) in chosen) for user in people.values()]


def _status(form: forms.Form) -> int:
    return 422 if form.is_bound else 200
