#!/bin/sh
# Is there a Chromium for the browser tests? If not, install Debian's where we may.
# Without one the tests skip what needs it and say so; with CI=true that is a failure.
set -u

found() {
    command -v chromium || command -v chromium-browser || command -v google-chrome
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

found >/dev/null && exit 0

if command -v apt-get >/dev/null && as_root true 2>/dev/null; then
    echo "Installing Chromium for the browser tests (once)"
    log=$(mktemp)
    if as_root apt-get update >"$log" 2>&1 &&
        as_root env DEBIAN_FRONTEND=noninteractive \
            apt-get install -y --no-install-recommends chromium >>"$log" 2>&1 &&
        found >/dev/null; then
        rm -f "$log"
        exit 0
    fi
    tail -n 5 "$log"
    rm -f "$log"
fi

echo "There is no Chromium here, and it could not be installed: the browser tests need it."
if [ "${CI:-}" = true ]; then
    exit 1
fi
echo "SKIPPED: tests/browser. On Debian: apt install chromium"
