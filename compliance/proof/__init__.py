"""What is handed to somebody who asks for proof of consents? A zip that verifies without us."""
