# Looks at a machine and changes nothing. Starts every script of the engine, before journal.sh.
# Needs ID, the cluster's id. R is empty on a machine and a directory in unit tests.
R=${ROOST_ROOT:-}
PATH=${ROOST_BIN:+$ROOST_BIN:}/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
LC_ALL=C
HOME=/root
export PATH LC_ALL HOME
STATE=$R/var/lib/roost/$ID
RUN=$R/run/roost/$ID
J=$STATE/journal
NL='
'

# field NAME VALUE: one line for the engine. What is not plain ASCII travels as hexadecimal digits.
field() {
  case $2 in
  *[!\ -~]*)
    printf '%s:hex\t' "$1"
    printf '%s' "$2" | od -An -v -tx1 | tr -d ' \n'
    echo
    ;;
  *) printf '%s\t%s\n' "$1" "$2" ;;
  esac
}

# hash TEXT: sets h, the name of a text in the journal and among the stamps.
hash() {
  h=$(printf '%s' "$1" | sha256sum)
  h=${h%% *}
}

# exists PATH: anything at all, also a dangling link.
exists() { [ -e "$1" ] || [ -L "$1" ]; }

# contains LINES LINE
contains() {
  case $NL$1$NL in
  *"$NL$2$NL"*) return 0 ;;
  esac
  return 1
}

# journaled KEY: whether the journal has a before-image of it. Sets h and entry.
journaled() {
  hash "$1"
  named
}

# named: the same for the name in h.
named() {
  for entry in "$J"/[0-9]*-"$h"; do
    [ -d "$entry" ] && return 0
  done
  return 1
}

# path_state PATH HASH, HASH being the journal's name of path:PATH. Fields: state (absent, file, link, directory, other), mode, owner, sha256, target, journaled.
path_state() {
  if [ -L "$R$1" ]; then
    target=$(readlink -n -- "$R$1" && echo .)
    field state link
    field target "${target%.}"
  elif [ -f "$R$1" ] || [ -d "$R$1" ]; then
    meta=$(stat -c '%a %U:%G' -- "$R$1")
    field mode "${meta%% *}"
    field owner "${meta#* }"
    if [ -d "$R$1" ]; then
      field state directory
    else
      sum=$(sha256sum <"$R$1")
      field state file
      field sha256 "${sum%% *}"
    fi
  elif [ -e "$R$1" ]; then
    field state other
  else
    field state absent
  fi
  journaled=no
  if [ -e "$J/written/$2" ]; then
    journaled=yes
  elif [ -d "$R$1" ]; then
    h=$2
    if named; then journaled=yes; fi
  fi
  field journaled "$journaled"
}

# sysctl_file NAME: sets f, its file below /proc/sys.
sysctl_file() {
  f=$R/proc/sys
  rest=$1
  while :; do
    case $rest in
    *.*)
      f=$f/${rest%%.*}
      rest=${rest#*.}
      ;;
    *)
      f=$f/$rest
      return
      ;;
    esac
  done
}

# sysctl_state NAME…: field sysctl:NAME for each that the kernel has.
sysctl_state() {
  for name in "$@"; do
    sysctl_file "$name"
    if [ -r "$f" ]; then field "sysctl:$name" "$(cat "$f" 2>/dev/null)"; fi
  done
}

# module_state NAME: field module is loaded, builtin, loadable or missing.
module_state() {
  module=$(printf '%s' "$1" | tr - _)
  if [ -e "$R/sys/module/$module/initstate" ]; then
    field module loaded
  elif [ -d "$R/sys/module/$module" ]; then
    field module builtin
  elif command -v modprobe >/dev/null && order=$(modprobe -n -v -- "$1" 2>/dev/null); then
    case $order in
    *insmod*) field module loadable ;;
    *) field module builtin ;;
    esac
  else
    field module missing
  fi
}

# unit_show UNIT: sets enabled, active and reload.
unit_show() {
  enabled='' active=unknown reload=no
  shown=$(systemctl show -p ActiveState -p UnitFileState -p NeedDaemonReload -- "$1" 2>/dev/null) || :
  while IFS= read -r property; do
    case $property in
    ActiveState=*) active=${property#*=} ;;
    UnitFileState=*) enabled=${property#*=} ;;
    NeedDaemonReload=*) reload=${property#*=} ;;
    esac
  done <<EOF
$shown
EOF
}

unit_state() {
  unit_show "$1"
  field enabled "$enabled"
  field active "$active"
  field reload "$reload"
  hash "unit:$1"
  field stamp "$(cat "$STATE/stamps/$h" 2>/dev/null)"
}

# A LISTING has a line SUM MODE HASH NAME for each member, HASH being the journal's name of its path.

# members_stat DESTINATION LISTING: changes when any member may have changed; not a byte of them is read.
members_stat() (
  cd "$R$1" 2>/dev/null || exit 0
  listing=$2
  printf '%s' "$listing" | sha256sum
  set --
  while read -r _ _ _ name; do
    set -- "$@" "$name"
  done <<EOF
${listing%"$NL"}
EOF
  stat -c '%n %f %s %y %z %i %U:%G' -- "$@" 2>/dev/null
)

# members_state DESTINATION KEY LISTING: state, and how many members are missing, wrong, or foreign (the first).
# A stamp in /run counts as long as the machine runs: see members_install.
members_state() {
  hash "$2"
  for stamp in "$STATE/stamps/$h" "$RUN/stamps/$h"; do
    if [ -e "$stamp" ] && [ "$(members_stat "$1" "$3")" = "$(cat "$stamp")" ]; then
      field state present
      field missing 0
      field wrong 0
      return
    fi
  done
  missing=0 wrong=0 total=0
  while read -r sum mode known name; do
    total=$((total + 1))
    if ! exists "$R$1/$name"; then
      missing=$((missing + 1))
      continue
    fi
    have=$(sha256sum <"$R$1/$name" 2>/dev/null) || :
    right=no
    if [ "${have%% *}" = "$sum" ] && [ ! -L "$R$1/$name" ]; then right=yes; fi
    if [ -e "$J/written/$known" ]; then
      [ "$(stat -c '%a %U:%G' -- "$R$1/$name")" = "$mode root:root" ] || right=no
    elif [ "$right" = no ]; then
      field foreign "$1/$name"
    fi
    [ "$right" = yes ] || wrong=$((wrong + 1))
  done <<EOF
${3%"$NL"}
EOF
  if [ "$missing" = "$total" ]; then field state absent; else field state present; fi
  field missing "$missing"
  field wrong "$wrong"
}

# image_state NAME ENDPOINT: asks the runtime once for all images of one look.
image_state() {
  if [ "${images_asked:-}" != "$2" ]; then
    images_asked=$2 images='' runtime=down
    # On a machine that is out of breath the first list may not come in time, with every image there.
    for seconds in 20 40; do
      [ -S "${2#unix://}" ] || break
      status=0
      images=$(timeout "$seconds" ctr -a "${2#unix://}" -n k8s.io images ls 2>/dev/null) || status=$?
      [ "$status" = 0 ] && runtime=up
      [ "$status" = 124 ] || break
    done
  fi
  digest=''
  while read -r name _ sum _; do
    if [ "$name" = "$1" ]; then digest=$sum; fi
  done <<EOF
$images
EOF
  field digest "$digest"
  field runtime "$runtime"
}

# residue_state NAME: digest of the declaration that the journal has.
residue_state() {
  hash "$1"
  field digest "$(cat "$J/residue/$h/digest" 2>/dev/null)"
}
