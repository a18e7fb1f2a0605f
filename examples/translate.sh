#!/bin/sh
# Translate with curl: ./translate.sh de en 'Guten Morgen.'
# Where the server is, and a key if it asks for one: FERRY_URL, FERRY_KEY. A refusal is told on stderr, in the server's words.
set -eu
if [ $# -ne 3 ]; then
    echo 'usage: translate.sh SOURCE TARGET TEXT' >&2
    exit 2
fi
# The key goes through a pipe: everybody on the machine can read a command's arguments.
answer=$(
    printf '%s' "${FERRY_KEY:+header = \"Authorization: Bearer $FERRY_KEY\"}" |
        curl --silent --show-error --fail-with-body --max-time 70 --config - \
            --get "${FERRY_URL:-http://127.0.0.1:8000}/translate" \
            --data-urlencode "source=$1" --data-urlencode "target=$2" --data-urlencode "q=$3"
) || {
    printf '%s\n' "$answer" >&2
    exit 1
}
printf '%s' "$answer" | python3 -c 'import json, sys; print(json.load(sys.stdin)["translatedText"])'
