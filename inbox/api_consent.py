"""Where did somebody stand at an instant? For programs of the account, its admins and auditors."""

import re
from datetime import datetime
from typing import Any

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.administrators import consent_reader
from accounts.audit import record
from compliance.addresses import Address, masked
from compliance.history import as_json, views_of_address
from inbox.api_answers import private, told
from inbox.api_shapes import ConsentAsOf, Refused
from inbox.setup.persons import LONGEST_TYPED, read_addresses


class AsOfQuery(serializers.Serializer[Any]):
    """Whose consent, and at which instant."""

    address = serializers.CharField(max_length=LONGEST_TYPED, trim_whitespace=False)
    at = serializers.CharField(max_length=40, required=False, default="", allow_blank=True)

    def validate_address(self, text: str) -> str:
        """Read a plus that was not encoded and came as a space."""
        return re.sub(r"^((?:sms|whatsapp|rcs):)? (?=\d)", r"\1+", text)

    def validate_at(self, text: str) -> datetime | None:
        """Read an instant with its time zone; there is no guess."""
        if not text:
            return None
        try:
            at = datetime.fromisoformat(re.sub(r" (?=\d\d:\d\d$)(?<=:\d\d )", "+", text))
        except ValueError:
            raise serializers.ValidationError("is no moment like 2026-11-23T15:00Z") from None
        if at.tzinfo is None:
            raise serializers.ValidationError("has no time zone, and we do not guess")
        return at


@extend_schema(
    parameters=[
        OpenApiParameter("address", str, required=True, description="+1415…, whatsapp:…, US.1349…"),
        OpenApiParameter("at", str, description="2026-11-23T15:00Z; without it: now"),
    ],
    request=None,
    responses={
        200: ConsentAsOf,
        400: OpenApiResponse(description="No address, or `at` is no instant with a time zone."),
        401: OpenApiResponse(description="No key, or one that opens nothing."),
        404: OpenApiResponse(description="It is not there, or not yours."),
        422: Refused,
        429: OpenApiResponse(description="Too often; Retry-After says when to come back."),
    },
)
@api_view(["GET"])
@told
def consent_as_of(request: Request) -> Response:
    """Say where an address stood at an instant: as is known now, and as was known then.

    A number without a channel is looked up for SMS and for WhatsApp. An address that nobody knows
    has the state `none`.
    """
    who = consent_reader(request._request)
    query = AsOfQuery(data=request.query_params)
    query.is_valid(raise_exception=True)
    at = query.validated_data["at"] or who.now
    if at > who.now:
        raise serializers.ValidationError({"at": ["lies in the future"]})
    addresses = read_addresses(query.validated_data["address"], who.account.default_country)
    record(
        action="consent_looked_up",
        subject=f"consent of {masked(addresses[0].consent_key)}",
        actor=who.user,
        account_id=who.account.pk,
        now=who.now,
        at=at.isoformat(),
    )
    body = [_of_address(who.account.pk, one, at) for one in addresses]
    return private({"at": at.isoformat(), "addresses": body})


def _of_address(account_id: int, address: Address, at: datetime) -> dict[str, Any]:
    views = [as_json(one) for one in views_of_address(account_id, address, at)]
    return {"address": address.consent_key, "programmes": views}
