# Shared by the scripts; sourced, never run. Everything private lives below one state folder:
#
#   STATE/config.toml   written once, then a person's
#   STATE/postgres      data of the private PostgreSQL      STATE/redis   of the private Redis
#   STATE/log           one file per process                STATE/run     one "pid starttime" file per process
#
# Sockets lie in a short folder below /tmp, because a socket's path has at most 107 bytes.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
BUILD=${GULOU_BUILD:-$ROOT/build}
PG_BIN=/usr/lib/postgresql/15/bin
SERVICE_USER=gulou   # PostgreSQL refuses to run as root; this user stands in then

say() { printf '%s\n' "$*" >&2; }
die() { say "$(basename "$0"): $*"; exit "${EXIT_CODE:-1}"; }

# Every GULOU_… of the environment that something here reads, without the GULOU_: any other may be a slip of the pen that
# does nothing, or a secret's name (env:NAME), so it is only said. First the scripts' and the tests' own, then what a
# configuration may be overridden with (server/config.c).
read -r -d '' -a KNOWN_NAMES <<'NAMES' || true
BUILD TEST_BUILD FUZZ_BUILD FUZZ_SECONDS TEST_RUNS TEST_SEED FAULTS_SEED FAULTS_COUNT FAULTS_PORT STARVED_TRIES SCREENSHOTS
DEB BACKUP_KEEP BENCH_PORT BENCH_STATE BENCH_BUILD BENCH_PG BENCH_SOCKETS TEST_PG_URL TEST_REDIS_URL TEST_LOG STARVED
E2E_STATE E2E_BIN E2E_INSTALLED E2E_SERVER E2E_OPS E2E_SIMULATOR
SERVER_LISTEN SERVER_OPS_LISTEN SERVER_PUBLIC_URL SERVER_WORKERS SERVER_LOG_LEVEL SERVER_TEST_CLOCK SERVER_TRUSTED_PROXY
SERVER_SECCOMP POSTGRES_URL POSTGRES_OPERATOR_URL REDIS_URL WECHAT_API_BASE WECHAT_OPEN_BASE BACKUP_RECIPIENT BACKUP_KEY
ACCOUNT_*
NAMES

check_names() {
    local name known
    for name in $(compgen -e -- GULOU_); do
        for known in "${KNOWN_NAMES[@]}"; do [[ $name != GULOU_$known ]] || continue 2; done
        say "$(basename "$0"): the environment's $name means nothing here; known are ${KNOWN_NAMES[*]/#/GULOU_}"
    done
}
check_names

BUILD_PACKAGES="gcc g++ cmake ninja-build ccache mold pkg-config libmicrohttpd-dev libevent-dev libpq-dev libhiredis-dev
  libcjson-dev libtomlplusplus-dev libexpat1-dev libpugixml-dev libpopt-dev libutf8proc-dev libopencc-dev libkainjow-mustache-dev
  libssl-dev libcurl4-openssl-dev libvips-dev libqrencode-dev
  libxlsxwriter-dev libcsv-dev libzip-dev libseccomp-dev"
RUN_PACKAGES="postgresql-15 redis-server nodejs curl util-linux fonts-noto-cjk age"
TEST_PACKAGES="libcmocka-dev postgresql-15-pgtap libtap-parser-sourcehandler-pgtap-perl clang libclang-rt-14-dev
  clang-format chromium libxml2-utils unzip nginx-light openssl devscripts systemd"
BENCH_PACKAGES="wrk nginx-light valgrind"

missing_packages() {
    local name
    for name in "$@"; do
        dpkg-query -W -f '${Status}' "$name" 2>/dev/null | grep -q 'ok installed' || echo "$name"
    done
}

# Installs what is missing of the named Debian packages; nothing is asked when all are there.
need_packages() {
    local missing sudo=""
    missing=$(missing_packages "$@")
    # Node may come from elsewhere than Debian.
    command -v node >/dev/null && missing=$(grep -vx nodejs <<<"$missing" || true)
    [ -n "$missing" ] || return 0
    [ "$(id -u)" = 0 ] || sudo=sudo
    if [ -n "$sudo" ] && ! command -v sudo >/dev/null; then
        die "these packages are missing and sudo is not here; as root: apt-get install" $missing
    fi
    say "installing:" $missing
    # Debian's postgresql package would start a cluster of its own; ours is private.
    if [ ! -d /etc/postgresql-common ]; then
        $sudo mkdir -p /etc/postgresql-common
        echo 'create_main_cluster = false' | $sudo tee /etc/postgresql-common/createcluster.conf >/dev/null
    fi
    $sudo apt-get update -qq >/dev/null || say "apt-get update failed; trying with what is known"
    DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends $missing >/dev/null ||
        die "apt-get could not install:" $missing
}

# What the pages take from npm; nothing is asked when it is there.
fetch_page_assets() {
    [ -d "$ROOT/server/pages/node_modules/weui" ] && return 0
    command -v npm >/dev/null || need_packages npm
    (cd "$ROOT/server/pages" && npm ci --no-audit --no-fund --silent) || die "npm could not fetch the pages' style"
}

# build_program DIR [cmake options]: configures once, then builds what changed.
build_program() {
    local dir=$1
    shift
    fetch_page_assets
    [ -f "$dir/build.ninja" ] || cmake -G Ninja -S "$ROOT" -B "$dir" "$@" >/dev/null || die "cmake failed"
    ninja -C "$dir" --quiet || die "the build failed"
}

# ---- processes, ended only by the id and start time that we wrote down ----

start_time_of() { awk '{ sub(/.*\) /, ""); print $20 }' "/proc/$1/stat" 2>/dev/null; }

remember() { # STATE NAME PID
    echo "$3 $(start_time_of "$3")" >"$1/run/$2.pid"
}

is_running() { # STATE NAME
    local pid started
    [ -f "$1/run/$2.pid" ] && read -r pid started <"$1/run/$2.pid" &&
        [ -n "$started" ] && [ "$(start_time_of "$pid")" = "$started" ]
}

stop_process() { # STATE NAME SIGNAL
    local pid started waited=0
    if is_running "$1" "$2"; then
        read -r pid started <"$1/run/$2.pid"
        kill "-$3" "$pid" 2>/dev/null
        while is_running "$1" "$2" && [ $waited -lt 150 ]; do
            sleep 0.1
            waited=$((waited + 1))
        done
        is_running "$1" "$2" && kill -KILL "$pid" 2>/dev/null
    fi
    rm -f "$1/run/$2.pid"
}

# ---- private PostgreSQL and Redis ----

# Put before a command, runs it as the service user when we are root. It may enter folders that only root
# may (a state folder can lie anywhere), because PostgreSQL only insists on not being root.
AS_SERVICE=()
if [ "$(id -u)" = 0 ]; then
    AS_SERVICE=(setpriv --reuid "$SERVICE_USER" --regid "$SERVICE_USER" --clear-groups
        --inh-caps +dac_override --ambient-caps +dac_override --)
fi

service_owns() {
    if [ "$(id -u)" = 0 ]; then
        id "$SERVICE_USER" >/dev/null 2>&1 ||
            useradd --system --user-group --no-create-home --shell /usr/sbin/nologin "$SERVICE_USER"
        chown "$SERVICE_USER:$SERVICE_USER" "$@"
    fi
}

socket_folder() { # STATE
    echo "/tmp/gulou-$(printf %s "$1" | sha256sum | cut -c1-12)"
}

prepare_state() { # STATE
    local sockets
    sockets=$(socket_folder "$1")
    mkdir -p "$1/log" "$1/run" "$1/postgres" "$1/redis" "$sockets"
    touch "$1/log/postgres.log" "$1/log/redis.log"
    chmod 700 "$sockets"
    service_owns "$1/postgres" "$1/redis" "$sockets" "$1/log/postgres.log" "$1/log/redis.log"
}

start_postgres() { # STATE [OPTION OF POSTGRES…]
    local sockets
    sockets=$(socket_folder "$1")
    if [ ! -f "$1/postgres/PG_VERSION" ]; then
        "${AS_SERVICE[@]}" "$PG_BIN/initdb" -D "$1/postgres" -U gulou -A trust -E UTF8 --locale=C.UTF-8 \
            >"$1/log/initdb.log" 2>&1 || die "initdb failed, see $1/log/initdb.log"
        # Two servers may hold the same message keys in opposite order; a short wait resolves it.
        cat >>"$1/postgres/postgresql.conf" <<CONF
listen_addresses = ''
unix_socket_permissions = 0700
deadlock_timeout = 20ms
shared_buffers = 128MB
log_min_messages = warning
CONF
    fi
    # After a kill -9 some of its processes may still be finishing; PostgreSQL sees them and refuses to start
    # beside them. So its lock file stays, and the start is tried again. Only a number that has become another
    # program's, after a restart of the machine, would keep it away for ever.
    local pid
    if [ -f "$1/postgres/postmaster.pid" ] && read -r pid <"$1/postgres/postmaster.pid" && [ -e "/proc/$pid" ] &&
        [ "$(cat "/proc/$pid/comm")" != postgres ]; then
        rm -f "$1/postgres/postmaster.pid"
    fi
    local deadline=$((SECONDS + 30))
    while [ $SECONDS -lt $deadline ]; do
        is_running "$1" postgres || {
            setsid "${AS_SERVICE[@]}" "$PG_BIN/postgres" -D "$1/postgres" -k "$sockets" "${@:2}" </dev/null >>"$1/log/postgres.log" 2>&1 &
            remember "$1" postgres $!
        }
        wait_until 1 "$PG_BIN/pg_isready" -q -h "$sockets" -U gulou && return 0
    done
    die "PostgreSQL did not start, see $1/log/postgres.log"
}

create_database() { # STATE NAME
    local sockets
    sockets=$(socket_folder "$1")
    [ "$("$PG_BIN/psql" -h "$sockets" -U gulou -d postgres -Atc \
        "select count(*) from pg_database where datname = '$2'")" = 1 ] ||
        "$PG_BIN/createdb" -h "$sockets" -U gulou "$2"
}

postgres_url() { # STATE DATABASE
    echo "postgresql:///$2?host=$(socket_folder "$1")&user=gulou"
}

redis_url() { # STATE
    echo "unix://$(socket_folder "$1")/redis.sock"
}

start_redis() { # STATE
    local socket
    socket=$(socket_folder "$1")/redis.sock
    is_running "$1" redis && return 0
    # A cache: what it holds may vanish, so nothing is written to disk.
    setsid "${AS_SERVICE[@]}" redis-server --port 0 --unixsocket "$socket" --unixsocketperm 700 --dir "$1/redis" \
        --save "" --appendonly no --daemonize no </dev/null >>"$1/log/redis.log" 2>&1 &
    remember "$1" redis $!
    wait_until 10 redis-cli -s "$socket" ping || die "Redis did not start, see $1/log/redis.log"
}

stop_stores() { # STATE
    stop_process "$1" redis TERM
    stop_process "$1" postgres INT
    rm -rf "$(socket_folder "$1")"
}

wait_until() { # SECONDS COMMAND…
    local tries=$(($1 * 10))
    shift
    while [ $tries -gt 0 ]; do
        "$@" >/dev/null 2>&1 && return 0
        sleep 0.1
        tries=$((tries - 1))
    done
    return 1
}

# The first of 400 ports for systems of a test's own: below those that the kernel gives to outgoing connections, of
# which some tests open ten thousand.
some_ports() { echo $((20000 + 400 * (RANDOM % 30))); }
