# Sourced by bin/run, bin/test and bin/check: finds Python, makes .venv, installs a locked set when its lock changed.
# Plain sh: nothing but Python 3.11 is expected on the machine.

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
cd "$root"

# pyc files make every later start about twice as fast.
unset PYTHONDONTWRITEBYTECODE PYTHONHOME
export UV_PYTHON_DOWNLOADS=never UV_NO_PROGRESS=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
# A company's own certificate authority is in the machine's store, not in uv's.
[ ! -r /etc/ssl/certs/ca-certificates.crt ] || export UV_SYSTEM_CERTS="${UV_SYSTEM_CERTS:-true}"
venv="$root/.venv"

note() { printf '%s\n' "$*" >&2; }

die() {
    printf 'KasperPay cannot start: %s\n' "$1" >&2
    shift
    for line in "$@"; do printf '  %s\n' "$line" >&2; done
    exit 1
}

is_new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

# Every Python on the PATH, the named one first: an old one may stand before a new one.
python_candidates() {
    [ -z "${PYTHON:-}" ] || command -v "$PYTHON" || true
    for name in python3 python3.11 python3.12 python3.13 python3.14; do
        printf '%s\n' "$PATH" | tr ':' '\n' | while read -r folder; do
            [ ! -x "$folder/$name" ] || printf '%s\n' "$folder/$name"
        done
    done
}

# Prints the first Python of at least 3.11; names what was found instead when there is none.
find_python() {
    found=""
    for path in $(python_candidates); do
        if is_new_enough "$path"; then
            printf '%s\n' "$path"
            return 0
        fi
        version=$("$path" -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])' 2>/dev/null) || continue
        found="$found $path is Python $version;"
    done
    if [ -n "$found" ]; then
        die "it needs Python 3.11 or newer.$found" "Install a newer one, or name it: PYTHON=/path/to/python3.11 bin/run"
    fi
    die "no Python was found; it needs Python 3.11 or newer." "On Debian 12: apt-get install -y python3 python3-venv"
}

# Debian packs ensurepip apart from Python; root gets it, everybody else gets the command to type.
need_ensurepip() {
    "$1" -c 'import ensurepip, venv' >/dev/null 2>&1 && return 0
    package="python$("$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv"
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        note "Installing $package (Python's venv module is missing) ..."
        { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$package"; } \
            >/dev/null 2>&1 </dev/null || true
        "$1" -c 'import ensurepip, venv' >/dev/null 2>&1 && return 0
    fi
    die "Python's venv module is missing." "Type this, then start again:" "sudo apt-get install -y $package"
}

# A hash-checked uv: from the machine when it is there, else by pip from the lock's own lines.
make_venv() {
    python=$(find_python) || exit 1
    rm -rf "$venv"
    if command -v uv >/dev/null 2>&1; then
        "$python" -m venv --without-pip "$venv" || die "$python could not make $venv."
        return 0
    fi
    need_ensurepip "$python"
    "$python" -m venv "$venv" || die "$python could not make $venv."
    awk '/^uv==/ {take = 1} take {print} take && !/\\$/ {exit}' requirements/embedded.txt >"$venv/uv.txt"
    "$venv/bin/python" -m pip install -q --require-hashes -r "$venv/uv.txt" ||
        note "uv could not be installed; pip takes over (slower)."
}

install_with_uv() {
    uv=$venv/bin/uv
    [ -x "$uv" ] || uv=$(command -v uv 2>/dev/null) || return 1
    "$uv" pip install -q --python "$venv/bin/python" --require-hashes -r "$1"
}

install_with_pip() {
    "$venv/bin/python" -m pip --version >/dev/null 2>&1 || "$venv/bin/python" -m ensurepip >/dev/null 2>&1 || return 1
    "$venv/bin/python" -m pip install -q --require-hashes -r "$1"
}

# setup NAME: requirements/NAME.txt is in .venv afterwards. Silent and without network when nothing changed.
# One at a time: two commands started together on a fresh clone would make the same .venv.
setup() {
    (
        if command -v flock >/dev/null 2>&1; then flock 9; fi
        bring_up_to_date "$1"
    ) 9<requirements/embedded.txt
}

bring_up_to_date() {
    lock=requirements/$1.txt
    hash=$(sha256sum "$lock" | cut -d ' ' -f 1)
    stamp=$venv/installed-$1
    if "$venv/bin/python" -c '' >/dev/null 2>&1 && [ "$(cat "$stamp" 2>/dev/null)" = "$hash" ]; then return 0; fi
    "$venv/bin/python" -c '' >/dev/null 2>&1 || make_venv
    note "Installing the packages of $lock ..."
    install_with_uv "$lock" || install_with_pip "$lock" ||
        die "the packages of $lock could not be installed." "The lines above say why; a network is needed the first time."
    printf '%s\n' "$hash" >"$stamp"
}
