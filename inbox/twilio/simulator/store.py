"""Which accounts, senders, messages and files are there?"""

import threading
from collections import defaultdict
from collections.abc import Iterator

from inbox.twilio.simulator.addresses import bare, channel_of
from inbox.twilio.simulator.model import Account, Media, Message, Persona, Sender, Service
from inbox.twilio.simulator.shelf import Shelf
from inbox.twilio.simulator.sids import derived


class Store:
    """Everything in memory; hold the lock for anything that reads and then writes."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.wipe()

    def wipe(self) -> None:
        """Forget everything."""
        self.accounts: dict[str, Account] = {}
        self.senders: dict[str, Sender] = {}
        self.services: dict[str, Service] = {}
        self.personas: dict[str, Persona] = {}
        self.shelf = Shelf()
        self.forget_traffic()

    def forget_traffic(self) -> None:
        """Forget messages, files, opt-outs and windows; keep accounts, senders and personas."""
        self.messages: dict[str, Message] = {}
        self.media: dict[str, Media] = {}
        self.cdn: dict[str, str] = {}
        self.opt_outs: dict[tuple[str, str], bool] = {}
        self.last_inbound: dict[tuple[str, str], float] = {}
        self.sticky: dict[tuple[str, str], str] = {}
        self.consents: list[dict[str, str]] = []
        self.consent_requests: list[float] = []
        self.owners: dict[str, str] = {}
        self.lookups: list[str] = []
        self._by_account: dict[str, list[Message]] = defaultdict(list)
        self._by_pair: dict[tuple[str, str], list[Message]] = defaultdict(list)

    def add_message(self, message: Message) -> None:
        """Keep a message; one without a sender yet is filed when it gets one."""
        with self.lock:
            self.messages[message.sid] = message
            self._by_account[message.account_sid].append(message)
            if message.sender:
                self._by_pair[message.sender, message.customer].append(message)

    def assign_sender(self, message: Message, address: str) -> None:
        """Give a message of a service the sender that the service chose."""
        with self.lock:
            message.sender = address
            self._by_pair[address, message.customer].append(message)

    def drop_message(self, sid: str) -> None:
        """Delete a message and its files."""
        with self.lock:
            message = self.messages.pop(sid)
            for media_sid in list(message.media_sids):
                self.drop_media(media_sid)
            self._by_account[message.account_sid].remove(message)
            pair = self._by_pair[message.sender, message.customer]
            if message in pair:
                pair.remove(message)

    def add_media(self, media: Media) -> None:
        """Keep a file of a message."""
        with self.lock:
            media.cdn_token = derived("", media.account_sid, media.sid)
            self.media[media.sid] = media
            self.cdn[media.cdn_token] = media.sid

    def drop_media(self, sid: str) -> None:
        """Delete a file."""
        with self.lock:
            media = self.media.pop(sid, None)
            if media is None:
                return
            self.cdn.pop(media.cdn_token, None)
            message = self.messages.get(media.message_sid)
            if message is not None and sid in message.media_sids:
                message.media_sids.remove(sid)

    def messages_of(self, account_sid: str) -> list[Message]:
        """Return what Twilio's own log of an account shows, newest first."""
        with self.lock:
            return [one for one in reversed(self._by_account[account_sid]) if not one.unlisted]

    def thread(self, sender: str, customer: str) -> list[Message]:
        """Return everything between a sender and a customer, oldest first."""
        with self.lock:
            return list(self._by_pair.get((sender, customer), ()))

    def senders_of(self, account_sid: str) -> list[Sender]:
        """Return the senders of an account, oldest first."""
        return [one for one in list(self.senders.values()) if one.account_sid == account_sid]

    def release_senders(self, account_sid: str) -> None:
        """Take the senders of an account away."""
        with self.lock:
            kept = {a: one for a, one in self.senders.items() if one.account_sid != account_sid}
            self.senders = kept

    def pool_of(self, service_sid: str, channel: str) -> list[Sender]:
        """Return the senders of a service that can reach a channel."""
        pool = [one for one in list(self.senders.values()) if one.service_sid == service_sid]
        return [one for one in pool if channel_of(one.address) == channel]

    def service_of(self, sender: Sender) -> Service | None:
        """Return the Messaging Service that a sender belongs to."""
        return self.services.get(sender.service_sid) if sender.service_sid else None

    def children_of(self, account_sid: str) -> Iterator[Account]:
        """Yield the subaccounts of an account."""
        return (one for one in list(self.accounts.values()) if one.parent_sid == account_sid)

    def persona_for(self, address: str) -> Persona | None:
        """Return the pretend customer with this address, on whichever channel they write."""
        return self.personas.get(address) or self.personas.get(bare(address))
