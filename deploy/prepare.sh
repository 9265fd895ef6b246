# Sourced by deploy/up and tests/run: installs what a fresh machine lacks and chooses where builds go.
# shellcheck shell=bash

# Debian keeps servers where an ordinary user's PATH does not look; rustup's folder may be new to this shell.
PATH=$PATH:/usr/sbin:/sbin:${CARGO_HOME:-${HOME:-/root}/.cargo}/bin
export PATH

say() { printf '== %s\n' "$*"; }

fail() {
    printf 'failed: %s\n' "$*" >&2
    exit 1
}

# install_missing COMMAND:PACKAGE[,PACKAGE...] ...  installs the packages of the commands that are not there. A word that
# begins with / is no command but a file (or a pattern of files) that has to be there.
install_missing() {
    local wanted packages=() lacking=()
    for wanted in "$@"; do
        if ! is_there "${wanted%%:*}"; then
            local named=()
            IFS=, read -ra named <<<"${wanted#*:}"
            packages+=("${named[@]}")
            lacking+=("${wanted%%:*}")
        fi
    done
    ((${#packages[@]})) || return 0

    local by_hand="install ${packages[*]} yourself (they provide: ${lacking[*]}), then run this again"
    command -v apt-get >/dev/null || fail "there is no apt-get here: $by_hand"
    local as_root=()
    if [[ $(id -u) != 0 ]]; then
        command -v sudo >/dev/null || fail "this needs root or sudo: $by_hand"
        as_root=(sudo)
    fi
    say "installing ${packages[*]} with apt-get"
    "${as_root[@]}" apt-get update -qq </dev/null || fail "apt-get update did not work: $by_hand"
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends \
        "${packages[@]}" </dev/null || fail "apt-get install did not work: $by_hand"
    # The package starts a server of its own; Terrarium runs its own child instead.
    if [[ " ${packages[*]} " == *' nats-server '* && -d /run/systemd/system ]]; then
        "${as_root[@]}" systemctl disable --now --quiet nats-server.service || true
    fi
}

is_there() {
    if [[ $1 == /* ]]; then
        compgen -G "$1" >/dev/null
    else
        command -v "$1" >/dev/null
    fi
}

# What the viewer draws with where there is no graphics card, and what a window needs.
install_graphics() {
    install_missing '/usr/lib/*/libvulkan.so.1:libvulkan1' '/usr/share/vulkan/icd.d/lvp_icd*.json:mesa-vulkan-drivers' \
        '/usr/lib/*/libxkbcommon-x11.so.0:libxkbcommon-x11-0' '/usr/lib/*/libXcursor.so.1:libxcursor1' \
        '/usr/lib/*/libXi.so.6:libxi6' '/usr/lib/*/libX11-xcb.so.1:libx11-xcb1'
}

require_rust() {
    command -v cargo >/dev/null || fail "there is no Rust here: install it from https://rustup.rs, then run this again"
}

# Python with tomllib; the oracle and the data generator need nothing else.
require_python() {
    install_missing python3:python3
    python3 -c 'import tomllib' 2>/dev/null ||
        fail "$(python3 --version) is too old: make python3 3.11 or newer the first in PATH"
}

BUILD_CACHE_MAX_GB=15

# use_build_cache REPOSITORY  sets build_cache (tools, may outlive a clone) and CARGO_TARGET_DIR. A target folder in the
# cache is locked against other clones, on file descriptor 9, until release_build_cache. A CARGO_TARGET_DIR that is set
# already is the caller's and stays as it is.
use_build_cache() {
    local repository=$1
    build_cache=${TERRARIUM_BUILD_CACHE:-${HOME:-/nonexistent}/.cache/terrarium}
    if ! mkdir -p "$build_cache" 2>/dev/null || [[ ! -w $build_cache ]]; then
        say "no build cache: $build_cache cannot be made; building in the clone"
        build_cache=$repository/target/cache
        mkdir -p "$build_cache"
    fi
    if [[ -n ${CARGO_TARGET_DIR:-} ]]; then
        return
    fi
    if [[ $build_cache == "$repository"/* ]]; then
        export CARGO_TARGET_DIR=$repository/target
        return
    fi
    export CARGO_TARGET_DIR=$build_cache/target
    exec 9>"$build_cache/lock"
    if ! flock -n 9; then
        say "waiting for another build that uses $build_cache"
        flock 9
    fi
    if [[ -d $CARGO_TARGET_DIR ]] &&
        (($(du -s --block-size=1G "$CARGO_TARGET_DIR" | cut -f1) > BUILD_CACHE_MAX_GB)); then
        say "build cache is over $BUILD_CACHE_MAX_GB GB: emptying $CARGO_TARGET_DIR"
        rm -rf "$CARGO_TARGET_DIR"
    fi
    date_changed_sources "$repository"
    say "build cache: $build_cache"
}

# Cargo takes a source for unchanged when it is older than what was built from it, and does not see that another clone
# built that. So every source whose content is not that of the last build in this cache gets the present time.
date_changed_sources() {
    local repository=$1 manifest=$build_cache/built-sources
    (
        cd "$repository" || exit
        export LC_ALL=C
        {
            printf 'clone %s\n' "$repository"
            git ls-files -z --cached --others --exclude-standard | xargs -0 -r sha256sum 2>/dev/null || true
        } | sort >"$manifest.new"
        local built_last=/dev/null
        if grep -qsxF "clone $repository" "$manifest"; then
            built_last=$manifest
        fi
        if [[ -d $CARGO_TARGET_DIR ]]; then
            comm -13 "$built_last" "$manifest.new" | { grep -v '^clone ' || true; } | cut -c67- | tr '\n' '\0' |
                xargs -0 -r touch -c --
        fi
        mv "$manifest.new" "$manifest"
    )
}

release_build_cache() { exec 9>&-; }
