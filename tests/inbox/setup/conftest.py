"""What do tests of setting up start with?"""

import pytest

from tests.carrier import Twilio
from tests.inbox.setup.twilio_world import Shop


@pytest.fixture
def shop(db: None, twilio: Twilio) -> Shop:
    """An account with its own Twilio."""
    return Shop(twilio)
