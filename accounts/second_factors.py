"""How are the secrets of second factors kept? Encrypted, as every other secret."""

from allauth.mfa.adapter import DefaultMFAAdapter

from accounts.secrets import PREFIX, decrypt, encrypt


class EncryptingMFAAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Encrypts what an authenticator app and recovery codes are made from."""

    def encrypt(self, text: str) -> str:
        """Encrypt with the newest key."""
        return encrypt(text)

    def decrypt(self, encrypted_text: str) -> str:
        """Decrypt. What was kept before secrets were encrypted is plain until it is rotated."""
        is_ours = encrypted_text.startswith(PREFIX)
        return decrypt(encrypted_text) if is_ours else encrypted_text
