"""How is a program told what is wrong? In the language that it asks for, else in English."""

from typing import Any

from rest_framework.response import Response
from rest_framework.views import exception_handler

from accounts.retelling import retold


def say_what_is_wrong(error: Exception, context: dict[str, Any]) -> Response | None:
    """Answer an error in the language that the program asks for."""
    response = exception_handler(error, context)
    if response is not None:
        response.data = _said(response.data)
    return response


def _said(detail: Any) -> Any:
    if isinstance(detail, dict):
        return {name: _said(one) for name, one in detail.items()}
    if isinstance(detail, list):
        return [_said(one) for one in detail]
    return retold(detail) if isinstance(detail, str) else detail
