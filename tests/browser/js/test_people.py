"""By which letters is somebody known who is here?"""

import pytest
from playwright.sync_api import Page

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(
    ("name", "letters"),
    [("Alice", "A"), ("ann lee smith", "AL"), ("😀 ann", "😀A"), ("", ""), (" bob", "B")],
)
def test_initials_are_whole_signs(modules: Page, name: str, letters: str) -> None:
    said = modules.evaluate(
        """async (name) => (await import("/inbox/people.js")).initialsOf(name)""", name
    )

    assert said == letters
