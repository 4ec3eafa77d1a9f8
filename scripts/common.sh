# Shared by the scripts beside it: finding what is missing, installing it, building.
# Needs nothing but a POSIX shell.

root=$(cd "$(dirname "$0")/.." && pwd)

say() { printf '%s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# What a build needs, then what training music needs (MMA, a small SoundFont), then tests (with small LV2 plugins).
build_packages="g++ cmake ninja-build pkg-config libtorch-dev libopenblas0-openmp libsndfile1-dev libsoxr-dev
  libebur128-dev libfluidsynth-dev libpugixml-dev liblilv-dev lv2-dev libyaml-cpp-dev libcli11-dev nlohmann-json3-dev
  libpng-dev libtag1-dev"
test_packages="libgtest-dev libgmock-dev mma timgm6mb-soundfont sentencepiece mda-lv2"
sound_packages="musescore-general-soundfont-small"  # what new parts are played on: 34 MB, MIT
bench_packages="libbenchmark-dev"

# ensure_packages NAME…: installs those that are missing, saying which; explains itself when it cannot.
ensure_packages() {
  missing=""
  for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
  done
  [ -z "$missing" ] && return 0
  command -v apt-get >/dev/null || die "These Debian packages are needed, and there is no apt-get here:$missing"
  as_root=""
  if [ "$(id -u)" -ne 0 ]; then
    if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
      as_root="sudo -n"
    else
      die "These packages are missing and installing them needs root. Please run:
  sudo apt-get install --no-install-recommends$missing
and then this script again."
    fi
  fi
  say "installing:$missing"
  export DEBIAN_FRONTEND=noninteractive
  $as_root apt-get update -qq >/dev/null 2>&1 || say "(the package lists could not be refreshed; trying with the present ones)"
  # shellcheck disable=SC2086
  $as_root apt-get install -y -qq --no-install-recommends $missing >/tmp/instructme-apt.$$ 2>&1 || {
    tail -n 5 /tmp/instructme-apt.$$ >&2
    rm -f /tmp/instructme-apt.$$
    die "The packages could not be installed (is there a network?). Missing:$missing"
  }
  rm -f /tmp/instructme-apt.$$
}

# build FOLDER TARGETS… [-- CMAKE OPTIONS…]: configures and builds in $root/FOLDER.
build() {
  folder=$1
  shift
  targets=""
  while [ $# -gt 0 ] && [ "$1" != "--" ]; do targets="$targets $1"; shift; done
  [ $# -gt 0 ] && shift
  say "building in $folder"
  cmake -S "$root" -B "$root/$folder" -G Ninja -DCMAKE_BUILD_TYPE=Release "$@" >"$root/$folder.log" 2>&1 || {
    tail -n 20 "$root/$folder.log" >&2
    die "configuring failed; the whole log is in $folder.log"
  }
  # shellcheck disable=SC2086
  ninja -C "$root/$folder" $targets >"$root/$folder.log" 2>&1 || {
    grep -E 'error|FAILED' "$root/$folder.log" | head -n 20 >&2
    die "building failed; the whole log is in $folder.log"
  }
  rm -f "$root/$folder.log"
}
