"""Do the page's pure modules do what they say? Run in Chromium, without a server."""
