# Starts and stops the servers of a test run; sourced by the scripts that run something beside them.
#
# start_services NAME...  starts each service by its script in this folder and exports the addresses that it prints.
# stop_services           stops them, and those that the tests started in the same folder, and removes the folder.

services_scripts=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# Every server of the run lives in a folder `NAME` or `NAME-…` of this one. The servers' own users must be able to enter it.
start_services() {
    local name addresses line
    if [[ -z ${DK_SERVICES:-} ]]; then
        DK_SERVICES=$(mktemp -d -p /tmp dk-services.XXXXXX)
        export DK_SERVICES
        chmod 755 "$DK_SERVICES"
    fi
    for name in "$@"; do
        addresses=$(bash "$services_scripts/$name.sh" start "$DK_SERVICES/$name") || return
        while IFS= read -r line; do
            export "${line?}"
            printf '%s\n' "$line"
        done <<<"$addresses"
    done
}

stop_services() {
    local folder name
    [[ -n ${DK_SERVICES:-} ]] || return 0
    for folder in "$DK_SERVICES"/*/; do
        [[ -d $folder ]] || continue
        name=$(basename "$folder")
        bash "$services_scripts/${name%%-*}.sh" stop "$folder" || printf 'left behind: %s\n' "$folder" >&2
    done
    rm -rf "$DK_SERVICES"
    unset DK_SERVICES
}
