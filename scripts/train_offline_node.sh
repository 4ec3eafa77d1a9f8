#!/bin/sh
# Trains on a machine that has PyTorch with CUDA, a C++ compiler, CMake and Ninja, but no network and no Debian packages.
#
#   scripts/train_offline_node.sh pack     # here, with a network: in offline/, what that machine lacks
#   scripts/train_offline_node.sh all      # there, in a copy of this tree with offline/
#
# `pack` takes along smaller copies of the sounds that FONTS and KITS name, the LV2 plugins with PLUGINS=1, and POP909, so
# that songs are made there of the sounds that are here; offline/ may be brought there in pieces, one after the other.
#
# `all` is unpack, configure, build, render, train, export; each is a command too, goes on where it was stopped, and may
# be killed at any time. To be set in the environment:
#   OUT      where results are put (out/), in pieces of 15 MiB: packed models (cat PART.tar.gz.* | tar -xz), and checkpoints
#            that fit
#   BUDGET   seconds that this call may take; training and export end before (540)
#   PARTS    what is trained, in this order: mask, editor, vae, chords, beats, keys, tagger, mulan (mask)
#   TOGETHER=1  all of them at the same time
#   STEPS    steps of each part (the recipe's); auto: as many as there is time for, with LATER seconds of calls to come,
#            by the speed of the rounds before; the recipe's in the first
#   RECIPE, EARS_RECIPE  recipes (configs/train/{gpu,ears}.json; on a CPU, default)
#   MODEL    weights to begin with (models/default)  FRESH=1  random weights instead, for the VAE and the ears
#   SONGS    songs to make (300), of LENGTH seconds each (24), and VALIDATION others to judge by (12)
#   FIRST    songs to begin with (all); the others are made beside the training, which takes them up in rounds
#   FONTS    SoundFonts, or folders with them; KITS, drum kits of Hydrogen; beside those that are packed
#   POP909   folder or archive of that collection (the packed one)      PLUGINS=1  LV2 plugins
#   DEVICE   cuda or cpu (cuda where there is an NVIDIA driver)      JOBS  processes (all processors)
#   WORK     folder of everything in between (build-offline/)       INSTRUCTME  a program that is built already
set -eu
. "$(dirname "$0")/common.sh"
began=$(date +%s)
cd "$root"

: "${WORK:=$root/build-offline}" "${OUT:=$root/out}" "${BUDGET:=540}" "${PARTS:=mask}" "${MODEL:=models/default}"
: "${EARS_RECIPE:=configs/train/ears.json}" "${FRESH:=}" "${STEPS:=}" "${FONTS:=}" "${POP909:=}"
: "${KITS:=}" "${PLUGINS:=}" "${TOGETHER:=}"
: "${SONGS:=300}" "${LENGTH:=24}" "${VALIDATION:=12}" "${JOBS:=$(nproc)}" "${LATER:=0}"
: "${FIRST:=$SONGS}"
[ -n "${DEVICE:-}" ] || { [ -e /dev/nvidia0 ] && DEVICE=cuda || DEVICE=cpu; }
[ -n "${RECIPE:-}" ] || { [ "$DEVICE" = cuda ] && RECIPE=configs/train/gpu.json || RECIPE=configs/train/default.json; }
prefix=$WORK/prefix
libraries=$prefix/usr/lib/x86_64-linux-gnu
program=${INSTRUCTME:-$WORK/build/bin/instructme}
archive=offline/prefix.tar.xz
most_bytes=$((60 * 1024 * 1024)) # of an archive
most_file=$((15 * 1024 * 1024))  # of a file in OUT

# What a training-only build and `data render` need: libraries with all that they load, MMA and a small General MIDI font…
runtime="libfluidsynth3 libsndfile1 libsoxr0 libebur128-1 libpugixml1v5 liblilv-0-0 pkgconf-bin mma timgm6mb-soundfont"
# …and headers, without those of what the libraries use themselves.
headers="libfluidsynth-dev libsndfile1-dev libsoxr-dev libebur128-dev libpugixml-dev liblilv-dev libserd-dev libsord-dev
  libsratom-dev lv2-dev nlohmann-json3-dev libcli11-dev"
# What every machine with a compiler and Python has.
of_every_machine='libc|libm|libmvec|libdl|libpthread|librt|libresolv|libnss_[a-z]*|libstdc\+\+|libgcc_s|libgomp|ld-linux-x86-64'
not_packed='libc6|libc-bin|libcrypt1|libgcc-s1|gcc-.*-base|libstdc\+\+6|libgomp1|debconf|cdebconf|dpkg|tar|perl.*|libperl.*|python3.*|libpython3.*|media-types|tzdata'

left() { echo $((BUDGET - $(date +%s) + began)); }

pack() {
  command -v apt-get >/dev/null || die "packing needs apt-get"
  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' EXIT
  mkdir "$folder/deb" "$folder/root" "$folder/plugins"
  # As if nothing were installed, so that all that is needed is named.
  # shellcheck disable=SC2086
  apt-get -o Dir::State::status=/dev/null -s --no-install-recommends install $runtime 2>/dev/null |
    sed -n 's/^Inst \([^ ]*\) .*/\1/p' | grep -Ev "^($not_packed)(:.*)?\$" >"$folder/wanted"
  [ -s "$folder/wanted" ] || die "apt-get does not know all of: $runtime"
  for name in $headers; do echo "$name"; done >>"$folder/wanted"
  # shellcheck disable=SC2046
  (cd "$folder/deb" && apt-get download $(sort -u ../wanted) >/dev/null 2>"$folder/log") || die "$(tail -n 3 "$folder/log")"
  for deb in "$folder"/deb/*.deb; do dpkg -x "$deb" "$folder/root"; done
  (cd "$folder/root" && rm -rf usr/share/doc usr/share/man usr/share/locale usr/share/info usr/share/bug usr/share/icons \
    usr/lib/systemd lib/systemd etc var usr/share/alsa usr/share/X11 usr/share/fonts \
    usr/share/tcltk usr/share/lintian usr/lib/x86_64-linux-gnu/dri \
    usr/lib/x86_64-linux-gnu/*.a)
  mkdir -p offline
  # A font that was packed smaller takes the place of the one of the package.
  [ -z "$FONTS" ] || rm -f "$folder"/root/usr/share/sounds/sf2/*
  archived "$folder/root" "$archive"
  [ -z "$PLUGINS" ] || pack_plugins "$folder"
  need_only_what_is_packed "$folder"
  [ -z "$FONTS$KITS" ] || pack_sounds "$folder"
  [ -z "$POP909" ] || tar -C "$(dirname "$POP909")" -cJf offline/pop909.tar.xz "$(basename "$POP909")"
  ls -l offline >&2
}

# archived FOLDER ARCHIVE
archived() {
  tar -C "$1" -cJf "$2.part" . && mv "$2.part" "$2"
  bytes=$(stat -c %s "$2")
  say "$2: $((bytes / 1024 / 1024)) MiB"
  [ "$bytes" -le "$most_bytes" ] || die "that is more than $((most_bytes / 1024 / 1024)) MiB"
}

# The bundles that data/effects.json and data/sounds.json know, with the libraries that their plugins load.
pack_plugins() {
  mkdir -p "$1/plugins/lv2" "$1/plugins/lib"
  python3 - data/effects.json data/sounds.json >"$1/bundles" <<'END'
import json, re, sys
print("\n".join(sorted({name for file in sys.argv[1:] for name in re.findall(r'"([^"/]+\.lv2)"', open(file).read())})))
END
  for specification in /usr/lib/lv2/*.lv2; do
    # The standard's own bundles have no plugins.
    [ -z "$(find "$specification/" -name '*.so')" ] && basename "$specification"
  done | cat - "$1/bundles" | sort -u | while read -r bundle; do
    [ ! -d "/usr/lib/lv2/$bundle" ] || cp -rL "/usr/lib/lv2/$bundle" "$1/plugins/lv2/"
    [ ! -d "/usr/lib/lv2/${bundle}presets" ] || cp -rL "/usr/lib/lv2/${bundle}presets" "$1/plugins/lv2/"
  done
  find "$1/plugins/lv2" \( -name '*_ui.so' -o -name '*gui.so' \) -delete
  # One that cannot be without a graphical toolkit is too large to be carried.
  find "$1/plugins/lv2" -name '*.so' | while read -r plugin; do
    ! ldd "$plugin" | grep -q libQt || rm -rf "$(dirname "$plugin")"
  done
  find "$1/plugins/lv2" -name '*.so' -exec ldd {} + | sed -n 's#.*=> \(/[^ ]*\).*#\1#p' | sort -u |
    grep -Ev "/($of_every_machine)\.so" | while read -r library; do
    [ -n "$(find "$1/root" -name "$(basename "$library")")" ] || cp -L "$library" "$1/plugins/lib/"
  done
  archived "$1/plugins" offline/plugins.tar.xz
}

# Everything that was packed must find its libraries among what was packed: a machine like this one has others.
need_only_what_is_packed() {
  places=$(find "$1/root" "$1/plugins" -name '*.so*' -exec dirname {} + 2>/dev/null | sort -u | tr '\n' ':')
  find "$1/root" "$1/plugins" -name '*.so*' -type f 2>/dev/null >"$1/binaries"
  missing=$(while read -r binary; do LD_LIBRARY_PATH=$places ldd "$binary" 2>/dev/null; done <"$1/binaries" |
    sed -n -e 's#^\t\([^ ]*\) => not found#\1#p' -e 's#.*=> \(/[^ ]*\).*#\1#p' | grep -v "^$1/" |
    grep -Ev "(^|/)($of_every_machine)\.so" | sort -u)
  [ -z "$missing" ] || die "these libraries are needed there and were not packed: $missing"
}

# Smaller copies: of 24 kHz, as songs are, and of four seconds where there is no loop.
pack_sounds() {
  shrink=${INSTRUCTME:-$(command -v instructme || true)}
  [ -n "$shrink" ] || die "packing sounds needs the program: INSTRUCTME=build/bin/instructme"
  # shellcheck disable=SC2086
  [ -z "$FONTS" ] || "$shrink" data shrink $FONTS -o "$1/sounds/fonts" >&2
  # shellcheck disable=SC2086
  [ -z "$KITS" ] || "$shrink" data shrink $KITS -o "$1/sounds/kits" --quality 0.4 >&2
  archived "$1/sounds" offline/sounds.tar.xz
}

unpack() {
  for name in sounds plugins pop909; do
    if [ ! -e "offline/$name.tar.xz" ] || [ -e "$WORK/$name" ]; then continue; fi
    mkdir -p "$WORK/$name.part"
    tar -C "$WORK/$name.part" -xJf "offline/$name.tar.xz" && mv "$WORK/$name.part" "$WORK/$name"
  done
  [ -e "$prefix/.complete" ] && return 0
  [ -e "$archive" ] || die "$archive is missing; make it with '$0 pack' where there is a network"
  rm -rf "$prefix"
  mkdir -p "$prefix/bin"
  tar -C "$prefix" -xJf "$archive"
  # Libraries are found where they are now, and without the headers of what they use themselves.
  find "$prefix/usr" -name '*.pc' -exec sed -i -e "s#^prefix=/usr#prefix=$prefix/usr#" -e '/^Requires.private/d' {} +
  printf '#!/bin/sh\nMMA_HOME=%s exec python3 %s "$@"\n' "$prefix/usr/share/mma" "$prefix/usr/bin/mma" >"$prefix/bin/mma"
  printf '#!/bin/sh\nexec env PKG_CONFIG_LIBDIR=%s:%s %s "$@"\n' "$libraries/pkgconfig" "$prefix/usr/share/pkgconfig" \
    "$prefix/usr/bin/pkgconf" >"$prefix/bin/pkg-config"
  chmod +x "$prefix/bin/mma" "$prefix/bin/pkg-config"
  touch "$prefix/.complete"
}

# What was unpacked goes before nothing that the machine has itself, except the programs.
use_prefix() {
  PATH=$prefix/bin:$PATH
  LD_LIBRARY_PATH=${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$libraries:$libraries/pulseaudio:$prefix/lib/x86_64-linux-gnu:$WORK/plugins/lib
  [ ! -d "$WORK/plugins/lv2" ] || LV2_PATH=$WORK/plugins/lv2
  export PATH LD_LIBRARY_PATH
  [ -z "${LV2_PATH:-}" ] || export LV2_PATH
}

configure() {
  [ -n "${INSTRUCTME:-}" ] && return 0
  use_prefix
  torch=${TORCH_PREFIX:-$(python3 -c 'import torch; print(torch.utils.cmake_prefix_path)' 2>/dev/null || true)}
  # The architecture of the machine's own GPU; nothing is compiled for it, but torch's configuration asks.
  gpu=$(python3 -c 'import torch; print("%d.%d" % torch.cuda.get_device_capability())' 2>/dev/null || echo 9.0)
  set -- --preset training -S "$root" -B "$WORK/build" -DINSTRUCTME_WERROR=OFF \
    -DINSTRUCTME_WITH_LILV=ON -DINSTRUCTME_WITH_PUGIXML=ON "-DCMAKE_PREFIX_PATH=$torch;$prefix/usr" "-DPKG_CONFIG_EXECUTABLE=$prefix/bin/pkg-config" \
    "-DCMAKE_EXE_LINKER_FLAGS=-Wl,-rpath-link,$libraries -Wl,--allow-shlib-undefined"
  TORCH_CUDA_ARCH_LIST=$gpu cmake "$@" && return 0
  say "torch's own configuration file is of no use here; taking its headers and libraries"
  rm -rf "$WORK/build"
  cmake "$@" "-DTorch_DIR=$root/cmake/libtorch" "-DINSTRUCTME_LIBTORCH=${torch%/share/cmake}"
}

build_program() {
  [ -n "${INSTRUCTME:-}" ] && return 0
  use_prefix
  [ -e "$WORK/build/build.ninja" ] || configure
  ninja -C "$WORK/build" -j "$JOBS" instructme instructme-lv2-host
}

render() {
  use_prefix
  fonts=$prefix/usr/share/sounds/sf2
  [ ! -d "$WORK/sounds/fonts" ] || fonts=$WORK/sounds/fonts
  kits=$KITS
  [ ! -d "$WORK/sounds/kits" ] || kits="$kits $WORK/sounds/kits"
  [ -n "$POP909" ] || [ ! -d "$WORK/pop909" ] || POP909=$(find "$WORK/pop909" -mindepth 1 -maxdepth 1)
  [ ! -d "$WORK/plugins" ] || PLUGINS=1
  no_mma=""
  mma -v >/dev/null 2>&1 || { say "MMA does not run here; songs are made of this project's own patterns"; no_mma=--no-mma; }
  # Seeds apart: no song to judge by is trained on.
  make_songs validation 800000 "$VALIDATION"
  # Redirected by exec, so that whoever waits for the end of this call's output does not wait for the songs.
  (
    exec >"$WORK/render.log" 2>&1
    make_songs train 100000 "$SONGS"
  ) &
  echo $! >"$WORK/rendering"
  while rendering && [ "$(songs)" -lt "$FIRST" ]; do sleep 1; done
  [ "$(songs)" -gt 0 ] || die "no song was made: $(tail -n 3 "$WORK/render.log")"
}

# make_songs SET FIRST_SEED COUNT, behind all else that runs
make_songs() {
  # shellcheck disable=SC2086
  OMP_NUM_THREADS=1 nice "$program" data render -o "$WORK/songs/$1" -n "$3" --first-seed "$2" --seconds "$LENGTH" --fonts "$fonts" $FONTS \
    ${kits:+--kits $kits} ${PLUGINS:+--plugins} ${POP909:+--pop909 "$POP909"} --voices -j "$JOBS" $no_mma
}

songs() { find "$WORK/songs/train" -maxdepth 1 -name 'song-*' 2>/dev/null | wc -l; }
rendering() { kill -0 "$(cat "$WORK/rendering" 2>/dev/null || echo none)" 2>/dev/null; }

# The recipe with a checkpoint every minute and a loader for every other processor, or on a CPU for every fourth.
recipe_for_here() {
  [ "$DEVICE" = cuda ] && loaders=$(((JOBS + 1) / 2)) || loaders=$(((JOBS + 3) / 4))
  sed -E "s/, *\"loader_threads\": *[0-9]+//; s/(\"checkpoint_every_s\": *)[0-9]+/\160, \"loader_threads\": $loaders/" "$1" >"$2"
}

# keep PART: what came of it so far, in OUT: the model, packed, and the checkpoint where that is not much.
keep() {
  run=$WORK/runs/$1
  mkdir -p "$OUT"
  if [ -d "$run/export" ] && [ ! "$OUT/$1.tar.gz.aa" -nt "$run/export" ]; then
    rm -rf "$WORK/packed-$1"
    case $1 in
      mask | editor) "$program" train pack "$run/export" -o "$WORK/packed-$1" >/dev/null || return 0 ;;
      *) cp -r "$run/export" "$WORK/packed-$1" ;;
    esac
    tar -C "$WORK/packed-$1" -czf "$WORK/$1.tar.gz" . && rm -f "$OUT/$1".tar.gz.* &&
      split -b "$most_file" "$WORK/$1.tar.gz" "$OUT/$1.tar.gz."
  fi
  [ -e "$run/log.jsonl" ] && cp "$run/log.jsonl" "$OUT/$1.log.jsonl"
  if [ -e "$run/checkpoint.safetensors" ] && [ "$(stat -c %s "$run/checkpoint.safetensors")" -le $((2 * most_file)) ]; then
    split -b "$most_file" "$run/checkpoint.safetensors" "$OUT/$1.checkpoint."
  fi
  return 0
}

# restore FOLDER: puts checkpoints that came back by `keep` into the runs, to go on from them on another machine.
restore() {
  for first in "$1"/*.checkpoint.aa; do
    [ -e "$first" ] || continue
    part=$(basename "$first" .checkpoint.aa)
    mkdir -p "$WORK/runs/$part"
    cat "$1/$part".checkpoint.?? >"$WORK/runs/$part/checkpoint.safetensors"
    say "$part goes on from its checkpoint"
  done
}

# steps_for RUN SECONDS: the steps of a whole run that ends with these seconds and those of later calls, so that its
# learning rate has fallen by then.
steps_for() {
  python3 - "$1/log.jsonl" "$(($2 + LATER))" <<'END'
import json, os, sys
if os.path.exists(sys.argv[1]):
    lines = [json.loads(line) for line in open(sys.argv[1])]
    speeds = sorted(line["steps_per_s"] for line in lines[-12:])
    if speeds:
        print(int(lines[-1]["step"] + speeds[len(speeds) // 2] * float(sys.argv[2])))
END
}

# train_part PART SECONDS OF_ALL: for SECONDS, of a run that ends in OF_ALL
train_part() {
  run=$WORK/runs/$1
  mkdir -p "$run"
  case $1 in chords | beats | keys | tagger | mulan) base=$EARS_RECIPE from=$MODEL/ears ;; *) base=$RECIPE from=$MODEL ;; esac
  recipe_for_here "$base" "$WORK/$1.json"
  of_all=$3
  set -- "$1" -c "$WORK/$1.json" -s "$WORK/songs/train" --validation "$WORK/songs/validation" -o "$run" --device "$DEVICE" \
    --limit "$2"
  steps=$STEPS
  [ "$steps" != auto ] || steps=$(steps_for "$run" "$of_all")
  [ -z "$steps" ] || set -- "$@" --steps "$steps"
  [ "$1" != keys ] || set -- "$@" --chords "$MODEL/ears"
  [ "$1" != mulan ] || set -- "$@" -m "$MODEL" --tagger "$MODEL/ears"
  # Beside a GPU every thread of the CPU has its own work.
  [ "$DEVICE" != cuda ] || { set -- "$@" --threads 1 && export OMP_NUM_THREADS=1; }
  if [ -z "$FRESH" ] && { [ "$base" = "$RECIPE" ] || [ -e "$from/$1.safetensors" ]; }; then set -- "$@" --from "$from"; fi
  "$program" train "$@"
}

train() {
  use_prefix
  if [ -n "$TOGETHER" ]; then
    trainings=""
    for part in $PARTS; do
      train_rounds "$part" &
      trainings="$trainings $!"
    done
    for training in $trainings; do wait "$training" || die "a part could not be trained"; done
  else
    for part in $PARTS; do train_rounds "$part"; done
  fi
}

# train_rounds PART: until the time is over, with the songs that there are when a round begins
train_rounds() {
  part=$1
  (while sleep 60; do keep "$part"; done) &
  keeper=$!
  while :; do
    seconds=$(($(left) - 45)) # for the last checkpoint and for export
    [ "$seconds" -gt 15 ] || { say "no time is left to train '$part'; call again"; break; }
    round=$seconds
    # Songs that were made since the last round began are heard in the next.
    ! rendering || [ "$seconds" -lt 120 ] || round=$((seconds / 3))
    say "'$part' for $round s, with $(songs) songs"
    started=$(date +%s)
    train_part "$part" "$round" "$seconds" || { kill "$keeper"; die "training '$part' failed"; }
    # A round that ends before its time has done all steps.
    if [ "$round" -eq "$seconds" ] || [ $(($(date +%s) - started)) -lt "$round" ]; then break; fi
  done
  kill "$keeper" 2>/dev/null || true
  wait "$keeper" 2>/dev/null || true
  keep "$part"
}

export_models() {
  use_prefix
  for part in $PARTS; do keep "$part"; done
  ls -l "$OUT" >&2
}

phase() {
  say "$1, $(left) s left"
  case $1 in
    build) build_program ;;
    export) export_models ;;
    *) "$1" ;;
  esac
}

case ${1:-} in
  pack | unpack | configure | build | render | train | export) phase "$1" ;;
  restore) restore "${2:?a folder with what came back}" ;;
  all) for name in unpack configure build render train export; do phase "$name"; done ;;
  *) sed -n '2,/^set -eu/{/^set -eu/d;s/^# \{0,1\}//;p}' "$0" >&2; exit 2 ;;
esac
