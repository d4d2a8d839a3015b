"""What does an account have, and where is each part of it looked after?"""

import re
from decimal import Decimal

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from accounts.administrators import Administrator, administrator
from inbox.reporting.asking import MOST_FOR_A_SEGMENT, price_in
from inbox.setup.connections import connections_of
from inbox.setup.overview import overview_of
from inbox.setup.pricing import price_of, set_price
from inbox.views.settings.finding import PAGE, Find

PLACES = 5
_CURRENCY = re.compile(r"[A-Z]{3}")


class PriceForm(forms.Form):
    """What a text segment costs, and in which currency."""

    price = forms.CharField(
        label=gettext_lazy("What a segment costs"),
        help_text=gettext_lazy(
            "Such as 0.0079. Agents see what a text is about to cost, and reports what texts did. "
            "Empty: nobody sees a price."
        ),
        required=False,
        max_length=12,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )
    currency = forms.CharField(
        label=gettext_lazy("Currency"),
        help_text=gettext_lazy("Three letters, such as USD or EUR."),
        required=False,
        max_length=3,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters"}),
    )

    def clean_price(self) -> Decimal | None:
        """Read the price; refuse what is none."""
        said = self.cleaned_data["price"].strip()
        price = price_in(said)
        if said and (price is None or price != round(price, PLACES)):
            raise forms.ValidationError(
                _("Write a price above 0, at most %(most)s, with at most %(places)s decimals."),
                params={"most": MOST_FOR_A_SEGMENT, "places": PLACES},
            )
        return price

    def clean_currency(self) -> str:
        """Refuse what is no code of a currency, and none beside a price."""
        currency: str = self.cleaned_data["currency"].strip().upper()
        if self.data.get("price", "").strip() and not _CURRENCY.fullmatch(currency):
            raise forms.ValidationError(_("Write the three letters of a currency, such as USD."))
        return currency


@require_http_methods(["GET", "POST"])
def home(request: HttpRequest) -> HttpResponse:
    """Show the account, its teams and the one next step of each; save what a segment costs."""
    who = administrator(request)
    if request.method == "GET":
        return _page(request, who, _price_form(who))
    form = PriceForm(request.POST)
    if not form.is_valid():
        return _page(request, who, form)
    set_price(account=who.account, by=who.user, now=who.now, **form.cleaned_data)
    is_set = form.cleaned_data["price"] is not None
    messages.success(request, _("The price is saved.") if is_set else _("No price is shown."))
    return HttpResponseRedirect(reverse("settings") + "#price")


def _price_form(who: Administrator) -> PriceForm:
    row = price_of(who.account.pk)
    if row is None:
        return PriceForm()
    return PriceForm(initial={"price": f"{row.price.normalize():f}", "currency": row.currency})


def _page(request: HttpRequest, who: Administrator, form: PriceForm) -> HttpResponse:
    find = Find.of(request)
    overview = overview_of(who.account, now=who.now, words=find.words, after=find.after, most=PAGE)
    context = {
        "who": who,
        "here": "home",
        "overview": overview,
        "find": find,
        "next": find.next(overview.next_after),
        "connections": connections_of(who.account),
        "price": form,
    }
    status = 422 if form.errors else 200
    return render(request, "settings/home.html", context, status=status)
