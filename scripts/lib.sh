# Shared by the scripts of this folder (sourced, not run): finds the checkout, installs missing Debian
# packages, configures and builds. Says what it is about to change on the machine before it does.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

say() { printf '\n== %s\n' "$*"; }
die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

# What a build needs; all of it is in Debian 12 and 13.
build_packages=(
  g++ cmake ninja-build ccache
  libcaf-dev libboost-dev libyaml-cpp-dev prometheus-cpp-dev libmsgpack-cxx-dev
  nlohmann-json3-dev libcli11-dev libspdlog-dev libfmt-dev libexpected-dev libsqlite3-dev libssl-dev
  catch2 python3
)

installed() {
  [ "$(dpkg-query -W -f='${db:Status-Status}\n' "$1" 2>/dev/null | sort -u)" = installed ]
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"
  elif command -v sudo >/dev/null; then sudo "$@"
  else die "this needs root (or sudo): $*"
  fi
}

# need_packages NAME...: installs those that are missing.
need_packages() {
  command -v dpkg-query >/dev/null ||
    die "this is not a Debian; install these by hand, then run cmake --preset release: $*"
  local missing=() p
  for p in "$@"; do installed "$p" || missing+=("$p"); done
  if [ ${#missing[@]} = 0 ]; then
    say "All ${#} Debian packages needed are installed"
    return
  fi
  say "Installing with apt-get: ${missing[*]}"
  local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300)
  as_root "${apt[@]}" update
  as_root "${apt[@]}" install -y --no-install-recommends "${missing[@]}"
}

# How many compilers at once: one a core, and about 1.2 GiB of memory for each.
compile_jobs() {
  local cores memory
  cores=$(nproc)
  memory=$(awk '/^MemAvailable:/ {print int($2 / 1200000)}' /proc/meminfo)
  [ "$memory" -ge 1 ] || memory=1
  echo $((cores < memory ? cores : memory))
}

# configure PRESET [OPTION...]
configure() {
  local preset=$1
  shift
  say "Configuring: cmake --preset $preset${*:+ $*}"
  cmake --preset "$preset" "$@" --log-level=WARNING
}

# build PRESET [TARGET...]: everything, or only those targets.
build() {
  local preset=$1 jobs
  shift
  jobs=$(compile_jobs)
  say "Building build/$preset${*:+: $*} (with $jobs compilers at once)"
  cmake --build "build/$preset" -j "$jobs" ${*:+--target "$@"}
}

# Whether something listens on this port of 127.0.0.1.
port_taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
