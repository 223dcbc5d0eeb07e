#!/usr/bin/env bash
# A private PostgreSQL server for tests: `postgres.sh install`, `postgres.sh start DIR`, `postgres.sh stop DIR`.
#
# install  puts Debian's package on the machine when no server program is there (as root, or by sudo).
# start    makes a cluster in DIR where there is none, starts it on a free loopback port (the same one again after a stop), waits until
#          it answers, and prints its addresses as NAME=value lines. Starting a server that runs changes nothing.
# stop     ends it by process id, and what is left of a killed one.
#
# The server refuses to run as root, so that root drops to the package's own user here, who must be able to enter DIR.
#
# Database `test`, password `secret` where one is asked for:
#   postgres  superuser           app      owner of the database, scram-sha-256     trusty   no password
#   md5user   md5                 pwuser   password in clear                        tlsonly  refused without TLS
#
# fsync is off: the tests kill processes, not machines, and what a server wrote is with the kernel. PG_EXTRA may hold more lines of
# configuration for this start.
set -euo pipefail

fail() {
    printf 'postgres.sh: %s\n' "$*" >&2
    exit 1
}

as_root() {
    if ((EUID == 0)); then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        fail "this needs root and there is no sudo: $*"
    fi
}

# as_server COMMAND...: as the user that the server runs as, from a folder which that user can read.
as_server() {
    if ((EUID == 0)); then
        (cd / && exec setpriv --reuid=postgres --regid=postgres --clear-groups --inh-caps=-all "$@")
    else
        (cd / && exec "$@")
    fi
}

# The folder of the newest server programs on this machine; nothing where there are none.
programs() {
    local folder
    for folder in $(printf '%s\n' /usr/lib/postgresql/*/bin /usr/local/pgsql/bin /usr/bin | sort -rV); do
        if [[ -x $folder/postgres && -x $folder/initdb && -x $folder/pg_ctl ]]; then
            printf '%s\n' "$folder"
            return
        fi
    done
}

apt_get() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 "$@"
}

install_server() {
    if [[ -n $(programs) ]] && command -v openssl >/dev/null; then
        return
    fi
    printf 'PostgreSQL is missing: installing it\n' >&2
    # The package would start a server of its own, which nobody asked for.
    local conf=/etc/postgresql-common/createcluster.conf
    as_root mkdir -p "${conf%/*}"
    [[ -e $conf ]] || printf 'create_main_cluster = false\n' | as_root tee "$conf" >/dev/null
    apt_get update >&2
    apt_get install -y --no-install-recommends postgresql openssl >&2
    [[ -n $(programs) ]] || fail "the package brought no server"
}

# is_alive PID: a process that runs. A killed one stays in the table for a while, as a zombie.
is_alive() {
    local state
    state=$(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null) || return 1
    [[ -n $state && $state != Z* ]]
}

# The process ids of all living processes of the cluster: each has its data folder as its own.
processes() {
    local folder
    for folder in /proc/[0-9]*; do
        if [[ $(readlink "$folder/cwd" 2>/dev/null) == "$data" ]] && is_alive "${folder#/proc/}"; then
            printf '%s\n' "${folder#/proc/}"
        fi
    done
}

postmaster() {
    head -1 "$data/postmaster.pid" 2>/dev/null || true
}

is_up() {
    local pid
    pid=$(postmaster)
    [[ -n $pid ]] && is_alive "$pid"
}

# wait_gone TENTHS: waits until no process of the cluster is left; false when some are.
wait_gone() {
    local i
    for ((i = 0; i < $1; i++)); do
        [[ -z $(processes) ]] && return
        sleep 0.1
    done
    return 1
}

# signal_all SIGNAL: to each process of the cluster, by its id.
signal_all() {
    local pid
    for pid in $(processes); do
        kill -s "$1" "$pid" 2>/dev/null || true
    done
}

stop_server() {
    local pid
    pid=$(postmaster)
    if [[ -n $pid ]] && is_alive "$pid"; then
        kill -s INT "$pid" 2>/dev/null || true
        wait_gone 100 || kill -s QUIT "$pid" 2>/dev/null || true
    fi
    if ! wait_gone 20; then
        signal_all KILL
        wait_gone 50 || fail "the server in $dir does not end"
    fi
    # To a server that starts, a killed one whose parent has not asked for it yet is one that runs.
    rm -f "$data/postmaster.pid" "$run"/.s.PGSQL.*.lock
}

# A port that nobody listens on. Somebody may come first: then the start fails and is tried with another.
free_port() {
    local port
    while :; do
        port=$((20000 + RANDOM % 12000))
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
    done
    printf '%s\n' "$port"
}

# An authority, and a certificate for the server that it signed: clients that verify refuse a certificate that is both.
make_certificate() {
    local authority=$run/authority
    {
        new_certificate "$authority.key" "$dir/ca.crt" "/CN=authority of the tests" \
            -addext 'basicConstraints=critical,CA:TRUE' -addext 'keyUsage=keyCertSign'
        new_certificate "$data/server.key" "$data/server.crt" /CN=localhost -CA "$dir/ca.crt" -CAkey "$authority.key" \
            -addext 'basicConstraints=critical,CA:FALSE' -addext 'subjectAltName=DNS:localhost,IP:127.0.0.1'
    } >"$dir/openssl.log" 2>&1 || fail "openssl: $(cat "$dir/openssl.log")"
    chmod 600 "$data/server.key"
}

# new_certificate KEY CERTIFICATE SUBJECT OPTIONS...
new_certificate() {
    openssl req -x509 -config /dev/null -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 \
        -keyout "$1" -out "$2" -subj "$3" "${@:4}"
}

make_cluster() {
    rm -rf "$data"
    mkdir -p "$data"
    printf 'secret\n' >"$run/password"
    own "$data" "$run"
    chmod 700 "$data"
    as_server "$bin/initdb" -D "$data" -U postgres -E UTF8 --locale=C --pwfile="$run/password" --auth-local=trust \
        --auth-host=scram-sha-256 --no-sync >"$dir/initdb.log" 2>&1 || fail "initdb: $(cat "$dir/initdb.log")"
    printf "include_if_exists = 'tests.conf'\n" >>"$data/postgresql.conf"
    make_certificate
    write_access
    own "$data"
}

# own PATH...: gives files to the server's user.
own() {
    ((EUID != 0)) || chown -R postgres:postgres "$@"
}

write_access() {
    local net
    printf 'local all all trust\n' >"$data/pg_hba.conf"
    for net in 127.0.0.1/32 ::1/128; do
        cat <<ACCESS
hostssl all tlsonly $net scram-sha-256
host    all tlsonly $net reject
host    all trusty  $net trust
host    all md5user $net md5
host    all pwuser  $net password
host    all all     $net scram-sha-256
ACCESS
    done >>"$data/pg_hba.conf"
}

write_settings() {
    cat >"$data/tests.conf" <<SETTINGS
listen_addresses = '127.0.0.1'
port = $1
unix_socket_directories = '$run'
max_connections = 200
shared_buffers = 128MB
max_wal_size = 2GB
fsync = off
full_page_writes = off
password_encryption = 'scram-sha-256'
jit = off
logging_collector = off
ssl = on
ssl_cert_file = 'server.crt'
ssl_key_file = 'server.key'
${PG_EXTRA:-}
SETTINGS
    own "$data/tests.conf"
}

make_accounts() {
    as_server "$bin/psql" -qX -v ON_ERROR_STOP=1 -h "$run" -p "$1" -U postgres -d postgres <<'SQL'
CREATE ROLE app LOGIN PASSWORD 'secret';
CREATE ROLE trusty LOGIN;
CREATE ROLE pwuser LOGIN PASSWORD 'secret';
CREATE ROLE tlsonly LOGIN PASSWORD 'secret';
SET password_encryption = 'md5';
CREATE ROLE md5user LOGIN PASSWORD 'secret';
CREATE DATABASE test OWNER app;
SQL
}

# start_on PORT: false when the server does not come up on this port.
start_on() {
    write_settings "$1"
    as_server "$bin/pg_ctl" -D "$data" -w -t 60 -l "$dir/server.log" start >/dev/null 2>&1
}

start_server() {
    local bin try port
    install_server
    bin=$(programs)
    as_server test -x "$dir" || fail "the server's user cannot enter $dir"
    if ! is_up; then
        # What a killed server left behind must be gone before another one touches its files.
        stop_server
        if [[ ! -e $dir/ready ]]; then
            make_cluster
        fi
        touch "$dir/server.log"
        own "$dir/server.log"
        for try in 1 2 3 4 5; do
            port=$(cat "$dir/port" 2>/dev/null || free_port)
            start_on "$port" && break
            # A port of before is kept: those who wait for the server know no other.
            ((try < 5)) || fail "the server does not start: $(tail -20 "$dir/server.log")"
            sleep 0.2
        done
        printf '%s\n' "$port" >"$dir/port"
        if [[ ! -e $dir/ready ]]; then
            make_accounts "$port"
            touch "$dir/ready"
        fi
    fi
    print_addresses "$(cat "$dir/port")"
}

print_addresses() {
    cat <<ADDRESSES
DK_POSTGRES_URL=postgres://app:secret@127.0.0.1:$1/test
DK_POSTGRES_ADMIN_URL=postgres://postgres:secret@127.0.0.1:$1/test
DK_POSTGRES_CA=$dir/ca.crt
DK_POSTGRES_DIR=$dir
ADDRESSES
}

command=${1:?install, start DIR or stop DIR}
if [[ $command == install ]]; then
    install_server
    exit
fi
mkdir -p "${2:?a folder}"
dir=$(cd "$2" && pwd -P)
data=$dir/data
run=$dir/run
mkdir -p "$run"
case $command in
start) start_server ;;
stop) stop_server ;;
*) fail "unknown command: $command" ;;
esac
