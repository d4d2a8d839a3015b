"""Which seats do accounts have, who holds them, and what ends when one is taken away?"""

from collections.abc import Iterable, Sequence
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from accounts.admin_scope import DELETE, LOOK, OwnRowsFilter, ToDo, count_of, person
from accounts.admin_tasks import Task, posted
from accounts.entitlement_forms import (
    LicenseAddForm,
    MomentField,
    PoolAddForm,
    PoolChangeForm,
    ReasonForm,
)
from accounts.licences import assign_licenses, left_without
from accounts.models import Account, License, LicensePool, User, in_force
from accounts.pools import PoolChange, add_pool, foretell_pool_change
from accounts.refusals import RefusedError
from accounts.seats import lock_licenses, lock_pool, note_pool
from inbox.admin.stories import MAKE, StoryAdmin
from inbox.setup.expiring import ending_soon
from inbox.setup.licences import change_seats, hand_over_seat, move_license_end, remove_licenses
from inbox.setup.previews import Preview, preview_license_removal

MOST_LINES = 10


def this_second() -> Any:
    """Return now as a form proposes it."""
    return timezone.now().replace(microsecond=0)


# --- Licences -------------------------------------------------------------------------------------


def _is_over(row: License) -> bool:
    return row.ends_at is not None and row.ends_at <= timezone.now()


class TakeAway(Task[License]):
    """Take seats away."""

    name = "take-away"
    label = "Take away now"
    words = "These people lose their seat at once. The rows stay: who held a seat is on record."
    button = "Take away"

    def fits(self, row: License) -> bool:
        """Only what has not ended."""
        return not _is_over(row)

    def form_for(self, request: HttpRequest, rows: Sequence[License]) -> ReasonForm:
        """Ask why."""
        return ReasonForm(posted(request))

    def previews(
        self, request: HttpRequest, rows: Sequence[License], form: forms.Form
    ) -> Sequence[Preview]:
        """Say who would lose what."""
        now = timezone.now()
        return [preview_license_removal(holders=left_without(rows, now=now), now=now)]

    def do(
        self, request: HttpRequest, rows: Sequence[License], form: forms.Form, admin: Any
    ) -> None:
        """Take them away, and say whose conversations went back."""
        given = remove_licenses(
            licenses=rows,
            by=person(request),
            reason=form.cleaned_data["reason"],
            now=timezone.now(),
        )
        admin.message_user(request, f"Taken away: {len(rows)}.", messages.SUCCESS)
        admin.tell_given_back(request, given)


class HandOverForm(ReasonForm):
    """To whom, and why?"""

    to: Any = forms.ModelChoiceField(User.objects.none(), label="New holder")
    field_order = ["to", "reason"]

    def __init__(self, data: Any, *, people: QuerySet[User]) -> None:
        super().__init__(data)
        choice = self.fields["to"]
        assert isinstance(choice, forms.ModelChoiceField)
        choice.queryset = people


class HandOver(Task[License]):
    """Give somebody else the seat."""

    name = "hand-over"
    label = "Hand over"
    words = "The licence ends now, and the new holder has the seat from the same moment on."
    button = "Hand over"

    def fits(self, row: License) -> bool:
        """Only what is valid now."""
        return row.holds_at(timezone.now())

    def problem_with(self, rows: Sequence[License]) -> str:
        """One at a time: each has a new holder of its own."""
        return "Hand over one licence at a time." if len(rows) > 1 else ""

    def form_for(self, request: HttpRequest, rows: Sequence[License]) -> HandOverForm:
        """Offer the people of the account who have no licence."""
        held = License.objects.filter(in_force(timezone.now()), plan=rows[0].plan)
        people = User.objects.filter(account=rows[0].pool.account_id, is_active=True)
        return HandOverForm(posted(request), people=people.exclude(licenses__in=held))

    def previews(
        self, request: HttpRequest, rows: Sequence[License], form: forms.Form
    ) -> Sequence[Preview]:
        """Say what the holder would lose."""
        now = timezone.now()
        return [preview_license_removal(holders=left_without(rows, now=now), now=now)]

    def do(
        self, request: HttpRequest, rows: Sequence[License], form: forms.Form, admin: Any
    ) -> None:
        """Hand it over."""
        new, given = hand_over_seat(
            license=rows[0],
            to=form.cleaned_data["to"],
            by=person(request),
            reason=form.cleaned_data["reason"],
            now=timezone.now(),
        )
        admin.message_user(request, f"{new.holder} has the seat now.", messages.SUCCESS)
        admin.tell_given_back(request, given)


class MoveEndForm(ReasonForm):
    """Until when, and why?"""

    ends_at = MomentField(label="Ends at", required=False, help_text="UTC; empty: with the seats")
    field_order = ["ends_at", "reason"]


class MoveEnd(Task[License]):
    """Let licences end at another moment."""

    name = "move-end"
    label = "Change the end"
    words = "At that moment these people lose their seat, and what they have goes back."
    button = "Change"
    asks_twice = True

    def fits(self, row: License) -> bool:
        """Only what has not ended."""
        return not _is_over(row)

    def form_for(self, request: HttpRequest, rows: Sequence[License]) -> MoveEndForm:
        """Ask until when."""
        return MoveEndForm(posted(request), initial={"ends_at": rows[0].ends_at})

    def previews(
        self, request: HttpRequest, rows: Sequence[License], form: forms.Form
    ) -> Sequence[Preview]:
        """Say what would end if the moment had come."""
        now = timezone.now()
        return [preview_license_removal(holders=left_without(rows, now=now), now=now)]

    def do(
        self, request: HttpRequest, rows: Sequence[License], form: forms.Form, admin: Any
    ) -> None:
        """Move the ends: all, or none."""
        wanted: dict[str, Any] = {**form.cleaned_data, "by": person(request)}
        with transaction.atomic():
            lock_licenses(rows)
            results = [move_license_end(license=row, **wanted, now=timezone.now()) for row in rows]
        admin.message_user(request, f"Changed: {len(results)}.", messages.SUCCESS)
        for _row, given in results:
            admin.tell_given_back(request, given)


@admin.register(License)
class LicenseAdmin(StoryAdmin[License]):
    """Who holds a seat. Taken away or handed over, never deleted: who held one is on record."""

    account_path = "pool__account"
    admin_may = MAKE
    form = LicenseAddForm
    tasks = (TakeAway(), HandOver(), MoveEnd())
    fields = ("pool", "holder", "starts_at", "ends_at")
    readonly_fields = ("ended_by", "end_reason")
    autocomplete_fields = ("pool", "holder")
    list_display = ("holder", "account", "plan", "is_in_force", "starts_at", "ends_at")
    list_filter = (("pool__account", OwnRowsFilter),)
    list_select_related = ("holder", "pool__account")
    search_fields = ("holder__name", "holder__email", "pool__account__name")
    ordering = ("-starts_at", "-pk")
    date_hierarchy = "starts_at"

    def get_queryset(self, request: HttpRequest) -> QuerySet[License]:
        """Bring holder and pool along for the tasks."""
        return super().get_queryset(request).select_related("holder", "pool__account")

    def get_fields(self, request: HttpRequest, obj: License | None = None) -> Any:
        """Show how it ended."""
        return (*self.fields, "ended_by", "end_reason") if obj else self.fields

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Propose from now on."""
        return {"starts_at": this_second(), **super().get_changeform_initial_data(request)}

    def save_model(
        self, request: HttpRequest, obj: License, form: forms.Form, change: bool
    ) -> None:
        """Assign the seat."""
        [given] = assign_licenses(
            pool=obj.pool,
            holders=[obj.holder],
            by=person(request),
            now=timezone.now(),
            starts_at=obj.starts_at,
            ends_at=obj.ends_at,
        )
        obj.pk, obj._state.adding = given.pk, False

    @admin.display(description="account", ordering="pool__account__name")
    def account(self, obj: License) -> str:
        """Show whose seat it is."""
        return str(obj.pool.account)

    @admin.display(description="plan")
    def plan(self, obj: License) -> str:
        """Show what it is a licence for."""
        return obj.get_plan_display()

    @admin.display(description="valid now", boolean=True)
    def is_in_force(self, obj: License) -> bool:
        """Show whether it holds at this moment."""
        return obj.holds_at(timezone.now())


# --- Pools ----------------------------------------------------------------------------------------


def change_words(change: PoolChange) -> tuple[str, ...]:
    """Say what a change of seats does to licences."""
    return tuple(
        words
        for words in (
            change.ending and f"Licences that end with it: {_holders(change.ending)}.",
            change.going_on and f"Licences that go on with it: {_holders(change.going_on)}.",
            change.staying
            and f"Licences that stay as they are, since their holder has another one by then: "
            f"{_holders(change.staying)}.",
            change.splits
            and "More seats were held once than will be: those of the past stay as they were "
            "bought, and a second row with the new number begins now.",
        )
        if words
    )


def _holders(rows: Sequence[License]) -> str:
    names = ", ".join(row.holder.name for row in rows[:10])
    return f"{names} and {len(rows) - 10} more" if len(rows) > 10 else names


class ChangeSeats(Task[LicensePool]):
    """Buy more or fewer seats, or for another time."""

    name = "change-seats"
    label = "Change seats or time"
    words = (
        "Fewer seats than people hold are refused: take licences away first. An earlier end ends "
        "the licences that go beyond it; a later one extends those that would have ended with it."
    )
    button = "Change"
    asks_twice = True

    def fits(self, row: LicensePool) -> bool:
        """Only what has not ended."""
        return row.ends_at is None or row.ends_at > timezone.now()

    def problem_with(self, rows: Sequence[LicensePool]) -> str:
        """One at a time: each has numbers of its own."""
        return "Change one row of seats at a time." if len(rows) > 1 else ""

    def form_for(self, request: HttpRequest, rows: Sequence[LicensePool]) -> PoolChangeForm:
        """Begin with what is."""
        pool = rows[0]
        initial = {"seats": pool.seats, "starts_at": pool.starts_at, "ends_at": pool.ends_at}
        return PoolChangeForm(posted(request), initial=initial)

    def previews(
        self, request: HttpRequest, rows: Sequence[LicensePool], form: forms.Form
    ) -> Sequence[Preview]:
        """Say which licences would end, and what their holders would lose."""
        if not (form.is_bound and form.is_valid()):
            return []
        now = timezone.now()
        change = foretell_pool_change(pool=rows[0], **_wanted(rows[0], form), now=now)
        ending = left_without(change.ending, now=now)
        if not change.ending:
            return [Preview("No licence ends.", change_words(change))]
        preview = preview_license_removal(holders=ending, now=now)
        return [Preview(**{**vars(preview), "sentences": change_words(change)})]

    def do(
        self, request: HttpRequest, rows: Sequence[LicensePool], form: forms.Form, admin: Any
    ) -> None:
        """Change the seats, and say what became of licences."""
        wanted = _wanted(rows[0], form)
        _pool, change, given = change_seats(
            pool=rows[0], **wanted, by=person(request), now=timezone.now()
        )
        admin.message_user(request, "Changed.", messages.SUCCESS)
        for words in change_words(change):
            admin.message_user(request, words, messages.INFO)
        admin.tell_given_back(request, given)


def _wanted(pool: LicensePool, form: forms.Form) -> dict[str, Any]:
    """Return what was filled in; a browser's form knows no seconds, so an unchanged time stays."""
    data = dict(form.cleaned_data)
    for name in ("starts_at", "ends_at"):
        was = getattr(pool, name)
        if was and data[name] and data[name] == was.replace(second=0, microsecond=0):
            data[name] = was
    return data


@admin.register(LicensePool)
class LicensePoolAdmin(StoryAdmin[LicensePool]):
    """Seats that accounts have bought. Ended, not deleted, once somebody holds one."""

    staff_may = partner_may = MAKE | {DELETE}
    admin_may = LOOK
    form = PoolAddForm
    tasks = (ChangeSeats(),)
    fields = ("account", "plan", "seats", "starts_at", "ends_at")
    autocomplete_fields = ("account",)
    list_display = ("account", "plan", "seats", "taken", "starts_at", "ends_at")
    list_filter = ("plan", ("account", OwnRowsFilter))
    list_select_related = ("account",)
    search_fields = ("account__name",)
    ordering = ("account__name", "-starts_at", "-pk")
    date_hierarchy = "starts_at"

    def get_queryset(self, request: HttpRequest) -> QuerySet[LicensePool]:
        """Count the licences along."""
        held = License.objects.filter(in_force(timezone.now()))
        counted = super().get_queryset(request).annotate(taken_count=count_of(held, "pool"))
        return counted.select_related("account")

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Propose from now on."""
        return {"starts_at": this_second(), **super().get_changeform_initial_data(request)}

    def has_delete_permission(self, request: HttpRequest, obj: LicensePool | None = None) -> bool:
        """Only a pool that nobody ever held a seat of can go."""
        may = super().has_delete_permission(request, obj)
        return may and not (obj and obj.licenses.exists())

    def save_model(
        self, request: HttpRequest, obj: LicensePool, form: forms.Form, change: bool
    ) -> None:
        """Add the seats."""
        added = add_pool(
            account=obj.account,
            plan=obj.plan,
            seats=obj.seats,
            starts_at=obj.starts_at,
            ends_at=obj.ends_at,
            by=person(request),
            now=timezone.now(),
        )
        obj.pk, obj._state.adding = added.pk, False

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[LicensePool]) -> None:
        """Delete one by one, each with its line."""
        for obj in queryset:
            self.delete_model(request, obj)

    def delete_model(self, request: HttpRequest, obj: LicensePool) -> None:
        """Delete seats that nobody held, with a line that says so."""
        with transaction.atomic():
            if lock_pool(obj).licenses.exists():
                raise RefusedError(f"{obj} stays: somebody was given a seat of it meanwhile.")
            note_pool("licensepool_deleted", obj, by=person(request), now=timezone.now())
            super().delete_model(request, obj)

    def to_do(self, request: HttpRequest) -> Iterable[ToDo]:
        """Name what ends soon for the accounts of this person, the nearest first."""
        accounts = self.admin_site.get_model_admin(Account).get_queryset(request)
        mine = Account.objects.filter(pk__in=accounts.order_by().values("pk"))
        found = ending_soon(mine, now=timezone.now())
        for ending in found[:MOST_LINES]:
            opts = ending.row._meta
            url = f"admin:{opts.app_label}_{opts.model_name}_change"
            yield ToDo(f"{ending.account}: {ending.words}", reverse(url, args=[ending.row.pk]))
        if len(found) > MOST_LINES:
            words = f"And {len(found) - MOST_LINES} more that end within 30 days."
            yield ToDo(words, self.list_url())

    @admin.display(description="taken", ordering="taken_count")
    def taken(self, obj: LicensePool) -> int:
        """Show how many seats are held now."""
        return int(getattr(obj, "taken_count", 0))
