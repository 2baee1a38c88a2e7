#!/bin/bash
# Waits until a service on this machine accepts connections.
#
# Usage: wait_for_service.sh PORT
#
# Tries PORT (1 to 65535) of 127.0.0.1 twice a second, for as long as the server
# lets it: the time limit is the key `timeout` of its configuration.

set -u

if (($# != 1)) || [[ ! $1 =~ ^[0-9]{1,5}$ ]] || ((10#$1 < 1 || 10#$1 > 65535)); then
    printf 'wait_for_service: give one port between 1 and 65535\n' >&2
    exit 2
fi
port=$((10#$1))

attempts=0
give_up() {
    printf 'wait_for_service: no answer on port %d after %d attempts\n' "$port" "$attempts" >&2
    exit 143
}
trap give_up TERM

while true; do
    attempts=$((attempts + 1))
    if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
        printf 'Port %d accepts connections (attempt %d)\n' "$port" "$attempts"
        exit 0
    fi
    printf 'Waiting for port %d, attempt %d\n' "$port" "$attempts"
    sleep 0.5 &
    wait $!
done
