#!/usr/bin/env bash
# Runs a command beside servers: `bash tests/services/with.sh postgres -- cargo test --all-features --test postgres`.
#
# The servers are private, on free ports, and gone when the command ends; their addresses are in the command's environment.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lifecycle.sh"

services=()
while (($#)) && [[ $1 != -- ]]; do
    services+=("$1")
    shift
done
if ((${#services[@]} == 0 || $# < 2)); then
    printf 'usage: with.sh SERVICE... -- COMMAND...\n' >&2
    exit 2
fi
shift

# Servers of a run around this one are not ours to stop.
unset DK_SERVICES
trap stop_services EXIT
start_services "${services[@]}"
"$@"
