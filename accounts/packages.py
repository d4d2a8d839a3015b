"""How far is the work that a partner sells beside the features?"""

from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.audit import changes, record_row, snapshot
from accounts.models import Account, AccountPackage, ChecklistItem, Package, User
from accounts.refusals import RefusedError

_Status = AccountPackage.Status


def offer_package(
    *,
    account: Account,
    package: Package,
    by: User,
    now: datetime,
    status: str = _Status.OFFERED,
    note: str = "",
) -> AccountPackage:
    """Give an account a package of the catalogue, with a checklist of its own.

    Raises RefusedError if it has it already.
    """
    try:
        with transaction.atomic():
            row = AccountPackage.objects.create(
                account=account, package=package, status=status, note=note, changed_at=now
            )
            ChecklistItem.objects.bulk_create(
                ChecklistItem(account_package=row, position=step.position, words=step.words)
                for step in package.steps.all()
            )
            _note("accountpackage_added", row, by=by, now=now, changes=changes(None, row))
    except IntegrityError as error:
        words = _("%(account)s has %(package)s already.") % {"account": account, "package": package}
        raise RefusedError(words, field="package") from error
    return row


def move_package(*, row: AccountPackage, status: str, by: User, now: datetime) -> AccountPackage:
    """Say how far a package is.

    Raises RefusedError if it is to be done and something of its checklist is not.
    """
    with transaction.atomic():
        package = _locked(row)
        if package.status == status:
            return package
        left = package.items.filter(ticked_at=None).count()
        if status == _Status.DONE and left:
            words = ngettext("%d step is not ticked yet.", "%d steps are not ticked yet.", left)
            raise RefusedError(words % left, field="status")
        before = snapshot(package)
        package.status, package.changed_at = status, now
        package.save(update_fields=["status", "changed_at"])
        told = changes(before, package)
        _note("accountpackage_changed", package, by=by, now=now, changes=told)
    return package


def tick(*, item: ChecklistItem, is_done: bool, by: User, now: datetime) -> None:
    """Tick a step, or take the tick back. A tick that is there keeps its name.

    Raises RefusedError if the package is done or cancelled.
    """
    with transaction.atomic():
        package = _locked(item.account_package)
        row = ChecklistItem.objects.select_related("ticked_by").get(pk=item.pk)
        if (row.ticked_at is not None) == is_done:
            return
        if package.status in (_Status.DONE, _Status.CANCELLED):
            words = _("This package is %s: open it again first.")
            raise RefusedError(words % package.get_status_display().lower(), field="status")
        before = snapshot(row)
        row.ticked_by, row.ticked_at = (by, now) if is_done else (None, None)
        row.save(update_fields=["ticked_by", "ticked_at"])
        if is_done and package.status in (_Status.OFFERED, _Status.ORDERED):
            move_package(row=package, status=_Status.IN_PROGRESS, by=by, now=now)
        verb = "ticked" if is_done else "unticked"
        told = changes(before, row)
        _note(f"accountpackage_{verb}", package, by=by, now=now, step=row.words, changes=told)


def _locked(row: AccountPackage) -> AccountPackage:
    return AccountPackage.objects.select_for_update(no_key=True).get(pk=row.pk)


def _note(action: str, row: AccountPackage, *, by: User, now: datetime, **data: Any) -> None:
    shows = ("package", "status")
    record_row(action, row, shows, by=by, now=now, account_id=row.account_id, **data)
