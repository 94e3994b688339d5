# Changes a machine, journal first. Follows lib.sh in every act; runs as root with umask 077.
#
# The journal, $J, holds one directory per before-image, NNNNNN-HASH (HASH of KIND:NAME), with
#   what    KIND NAME, KIND being path, unit, sysctl, module or temporary
#   before  its image (file, link or empty directory with the mode), or its value; missing: it was absent
#           (a temporary is a directory of roost's own that a killed act leaves)
# and written/HASH: the sums of everything that roost put at a path; before and residue: see residue.sh.
# An entry is complete and on disk before the change that it precedes; the first one of a name stays.
# The content of a file is on disk before it gets its name. The name itself may be lost with the power:
# then the next look finds the file missing and it is written again.

# fsync PATH…: those that exist. The whole machine's disks only where sync knows no files (before coreutils 8.24).
fsync() {
  count=$#
  for place in "$@"; do
    if [ -e "$place" ]; then set -- "$@" "$place"; fi
  done
  shift "$count"
  if [ $# -gt 0 ]; then sync -- "$@" 2>/dev/null || sync; fi
}

# fail TEXT: ends the step; the text is its evidence.
fail() {
  printf '%s\n' "$*" >&2
  exit 1
}

# journal_prepare UNDO: the journal and, in it, its own undo script, taken from the file UNDO.
journal_prepare() {
  mkdir -p "$J/written" "$J/residue" "$STATE/stamps"
  chmod 0700 "$R/var/lib/roost" "$STATE" "$J"
  rm -rf -- "$J"/open*
  cp -- "$1" "$J/undo.tmp"
  fsync "$J/undo.tmp"
  mv -f -T -- "$J/undo.tmp" "$J/undo.sh"
}

# last_number: sets number, 1NNNNNN of the newest entry.
last_number() {
  number=1000000
  for entry in "$J"/[0-9]*-*; do
    if [ -d "$entry" ]; then
      entry=${entry##*/}
      number=1${entry%%-*}
    fi
  done
}

# make_open HASH NAME …: their directories below $J/open. One program makes all of them, and
# another (journal_close) has them count: to start one for every entry takes longer than to wait for the disk.
make_open() {
  opens=''
  while [ $# -gt 0 ]; do
    number=$((number + 1))
    opens=$opens$J/open/${number#1}-$1$NL
    shift 2
  done
  set -- "$J/open"
  while IFS= read -r open; do set -- "$@" "$open"; done <<EOF
${opens%"$NL"}
EOF
  mkdir -- "$@"
}

# journal_open KIND HASH NAME …: begins entries, the last of which is $open. Only where `journaled` says there is none.
# (Never in a condition: sh would go on after an error, such as a full disk.)
journal_open() {
  kind=$1
  shift
  last_number
  last=$number
  make_open "$@"
  number=$last
  while [ $# -gt 0 ]; do
    number=$((number + 1))
    open=$J/open/${number#1}-$1
    printf '%s %s' "$kind" "$2" >"$open/what"
    if [ "$kind" = path ]; then keep_path "$2"; fi
    shift 2
  done
}

# journal_close: makes what is open count, in the order of its opening.
journal_close() {
  fsync "$J"/open/*/*
  mv -t "$J" -- "$J"/open/*
  rmdir -- "$J/open"
  fsync "$J"
}

# keep_path PATH: what is there now, for good and all, in $open.
keep_path() {
  if [ -d "$R$1" ] && [ ! -L "$R$1" ]; then
    mkdir -- "$open/before"
    chown --reference="$R$1" -- "$open/before"
    chmod --reference="$R$1" -- "$open/before"
  elif [ -L "$R$1" ] || [ -f "$R$1" ]; then
    cp -a -- "$R$1" "$open/before"
  elif [ -e "$R$1" ]; then
    fail "$1 is neither a file nor a link nor a directory; roost can't keep it"
  fi
}

# journal_path PATH
journal_path() {
  hash "path:$1"
  journal_paths "$h" "$1"
}

# journal_paths HASH PATH …: all of them in one go, each after the directories that have to be made for it.
journal_paths() {
  count=$# above='//' seen=''
  while [ "$count" -gt 0 ]; do
    place='' rest=${2#/}
    while [ "$rest" != "${rest#*/}" ]; do
      place=$place/${rest%%/*} rest=${rest#*/}
      case $above in
      *"//$place//"*) continue ;;
      esac
      if [ -d "$R$place" ]; then continue; fi
      above=$above$place//
      hash "path:$place"
      if fresh; then set -- "$@" "$h" "$place"; fi
    done
    h=$1
    if fresh; then set -- "$@" "$1" "$2"; fi
    shift 2
    count=$((count - 2))
  done
  if [ $# -gt 0 ]; then
    journal_open path "$@"
    journal_close
  fi
}

# fresh: no entry has the name in h, nor was it seen among those that are wanted.
fresh() {
  case $seen in
  *"$h "*) return 1 ;;
  esac
  seen="$seen$h "
  ! named
}

# journal_value KIND NAME VALUE; no VALUE: there was none.
journal_value() {
  if journaled "$1:$2"; then return 0; fi
  journal_open "$1" "$h" "$2"
  if [ $# -gt 2 ]; then printf '%s\n' "$3" >"$open/before"; fi
  journal_close
}

# journal_temporaries PATH …: directories of roost's own, of which none is there; all of them in one go.
journal_temporaries() {
  count=$#
  while [ "$count" -gt 0 ]; do
    if ! journaled "temporary:$1"; then set -- "$@" "$h" "$1"; fi
    shift
    count=$((count - 1))
  done
  if [ $# -gt 0 ]; then
    journal_open temporary "$@"
    journal_close
  fi
}

# parents PATH: makes the directories above it. Only after journal_path of the path, which knows them. A step that
# runs at the same time may have made one in between.
parents() {
  if [ -z "${1%/*}" ] || [ -d "$R${1%/*}" ]; then return 0; fi
  parents "${1%/*}"
  mkdir -m 0755 -- "$R${1%/*}" || [ -d "$R${1%/*}" ]
}

# put_begin PATH: journal and parents; sets tmp, beside the path on the same file system.
put_begin() {
  journal_path "$1"
  parents "$1"
  hash "path:$1"
  tmp=$R${1%/*}/.roost-$h.tmp
  if exists "$tmp"; then rm -rf -- "$tmp"; fi
}

# put_end PATH SUM: what stands at tmp takes the place of PATH in one step.
put_end() {
  printf '%s\n' "$2" >>"$J/written/$h"
  [ -L "$tmp" ] || fsync "$tmp"
  mv -f -T -- "$tmp" "$R$1"
}

# put_file PATH MODE OWNER SOURCE [SUM]
put_file() {
  put_begin "$1"
  install -m "$2" -o "${3%:*}" -g "${3#*:}" -- "$4" "$tmp"
  sum=${5:-$(sha256sum <"$tmp")}
  put_end "$1" "${sum%% *}"
}

# put_link PATH TARGET
put_link() {
  put_begin "$1"
  ln -s -- "$2" "$tmp"
  sum=$(printf '%s' "$2" | sha256sum)
  put_end "$1" "${sum%% *}"
}

# put_directory PATH MODE OWNER
put_directory() {
  journal_path "$1"
  parents "$1"
  [ -d "$R$1" ] || mkdir -m 0700 -- "$R$1"
  chown -- "$3" "$R$1"
  chmod -- "$2" "$R$1"
}

# same_value A B: but for white space.
# shellcheck disable=SC2086
same_value() (
  set -f
  set -- "$(printf '%s ' $1)" "$(printf '%s ' $2)"
  [ "$1" = "$2" ]
)

# put_sysctl NAME VALUE: now; the file in sysctl.d is a matter of put_file.
put_sysctl() {
  sysctl_file "$1"
  if [ ! -e "$f" ]; then return 0; fi
  before=$(cat "$f")
  if same_value "$before" "$2"; then return 0; fi
  journal_value sysctl "$1" "$before"
  printf '%s\n' "$2" >"$f" || fail "the kernel does not take $2 for $1 (it is $before)"
  after=$(cat "$f")
  same_value "$after" "$2" || fail "$1 stays $after; the kernel does not take $2"
}

# put_module NAME
put_module() {
  module=$(printf '%s' "$1" | tr - _)
  if [ -d "$R/sys/module/$module" ]; then return 0; fi
  journal_value module "$1" unloaded
  modprobe -- "$1"
}

journal_unit() {
  unit_show "$1"
  journal_value unit "$1" "${enabled:-none} $active"
}

unit_enable() { systemctl --quiet enable -- "$1"; }
unit_disable() { systemctl --quiet disable -- "$1" 2>/dev/null || :; }
unit_stop() { systemctl stop -- "$1"; }

# unit_start UNIT STAMP: starts it, or restarts it when it runs with something else than STAMP.
unit_start() {
  hash "unit:$1"
  unit_show "$1"
  if [ "$active" = active ] && [ "$(cat "$STATE/stamps/$h" 2>/dev/null)" = "$2" ]; then return 0; fi
  if [ "$active" = failed ]; then systemctl reset-failed -- "$1"; fi
  if ! systemctl restart -- "$1"; then
    journalctl -u "$1" -n 12 --no-pager -o cat >&2 2>/dev/null || :
    fail "$1 does not start"
  fi
  printf '%s\n' "$2" >"$STATE/stamps/$h.tmp"
  mv -T -- "$STATE/stamps/$h.tmp" "$STATE/stamps/$h"
}

# members_begin DESTINATION TEMPORARY: sets members_dir, an empty directory on the destination's file system. Both,
# and the members, are in the journal since before the first step: other archives are unpacked at the same time.
members_begin() {
  parents "$1/."
  members_dir=$R$2
  rm -rf -- "$members_dir"
  mkdir -- "$members_dir"
}

# members_check KEY LISTING: what was unpacked into members_dir is what the bundle says.
members_check() {
  while read -r sum _ _ name; do
    printf '%s  %s\n' "$sum" "$members_dir/$name"
  done <<EOF | sha256sum -c - >/dev/null || fail "what came for $1 is not what the bundle says"
${2%"$NL"}
EOF
}

# members_install DESTINATION KEY LISTING: from members_dir to their places. The stamp is in /run first, where a
# power failure, which may take content that is not on disk yet, takes it too.
members_install() {
  destination=$1 key=$2 listing=${3%"$NL"} whole=$3
  cd "$members_dir" || exit
  chown -R root:root -- .
  mkdir -p "$RUN/stamps"
  hash "$key"
  stamp=$RUN/stamps/$h
  rm -f -- "$STATE/stamps/$h"
  while read -r sum _ known name; do
    printf '%s\n' "$sum" >>"$J/written/$known"
    parents "$destination/$name"
    mv -f -T -- "$name" "$R$destination/$name"
    printf '%s\n' "$R$destination/$name"
  done <<EOF >"$stamp.members"
$listing
EOF
  cd /
  rm -rf -- "$members_dir"
  members_stat "$destination" "$whole" >"$stamp.tmp"
  mv -T -- "$stamp.tmp" "$stamp"
}

# keep_stamps: those of this boot become lasting, once what they vouch for is on disk. Hundreds of megabytes
# get there by themselves while the act goes on, so this comes last.
keep_stamps() {
  for list in "$RUN"/stamps/*.members; do
    [ -e "$list" ] || return 0
    set --
    while IFS= read -r place; do set -- "$@" "$place"; done <"$list"
    fsync "$@"
    stamp=${list%.members}
    if [ -e "$stamp" ]; then cp -- "$stamp" "$STATE/stamps/"; fi
    rm -f -- "$stamp" "$list"
  done
  # A stamp that a killed act had not finished has no list and vouches for nothing.
  rm -rf -- "$RUN/stamps"
}

# image_pull NAME ENDPOINT: through the CRI, so that hosts.toml decides from where.
image_pull() { crictl --runtime-endpoint "$2" --image-endpoint "$2" pull "$1" >/dev/null; }

# image_import NAME ENDPOINT ARCHIVE
image_import() { ctr -a "${2#unix://}" -n k8s.io images import "$3" >/dev/null; }
