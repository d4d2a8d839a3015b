"""Which running processes can a flow be told through?"""

from tests.live import edge, live, processes

__all__ = ["edge", "live", "processes"]
