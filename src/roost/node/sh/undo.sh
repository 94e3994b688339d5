# Restores a machine from the journal: everything that an act changed and everything that the programs it
# installed have left. Follows lib.sh and residue.sh. Needs sh, coreutils and systemctl, and what there is of
# ip, iptables, nft, crictl; no platform. May be killed and run again; the journal goes last.
#
# Files that somebody changed after roost are not thrown away: they become NAME.roost-kept and are told.

problems=''

# tell KEY SUMMARY: progress; for the engine when an act's directory S is set, else for a person.
tell() {
  if [ -n "${S:-}" ]; then
    printf '@@step\t%s\t0\t%s\t%s\n' "$((steps = ${steps:-0} + 1))" "$1" "$2"
  else
    printf '%s\n' "$2"
  fi
}

kept() {
  if [ -n "${S:-}" ]; then printf '@@kept\t%s\n' "$1"; else printf 'kept: %s\n' "$1"; fi
}

# problem TEXT: told at the end; the journal stays, so that another try can finish.
problem() { problems="$problems$1$NL"; }

# declared KIND: the values of all residues, one per line.
declared() {
  for residue in "$J"/residue/*; do
    [ -e "$residue/declaration" ] || continue
    while read -r kind value; do
      if [ "$kind" = "$1" ]; then printf '%s\n' "$value"; fi
    done <"$residue/declaration"
  done
}

# recorded LIST: what existed before roost (links, mounts, …).
recorded() { cat "$J/before/$1" 2>/dev/null; }

# matches NAME PATTERNS
matches() {
  while read -r pattern; do
    # shellcheck disable=SC2254
    case $1 in
    '') ;;
    $pattern) return 0 ;;
    esac
  done <<EOF
$2
EOF
  return 1
}

# each LIST COMMAND…: the command once for each line.
each() {
  list=$1
  shift
  while IFS= read -r item; do
    if [ -n "$item" ]; then "$@" "$item" </dev/null; fi
  done <<EOF
$list
EOF
}

# --- what runs ---------------------------------------------------------------

stop_unit() {
  systemctl stop -- "$1" 2>/dev/null || :
  unit_show "$1"
  case $active in
  active | deactivating) problem "$1 does not stop" ;;
  esac
}

remove_pods() {
  [ -S "${1#unix://}" ] && command -v crictl >/dev/null || return 0
  tell pods "remove all pods through $1"
  timeout 300 crictl --runtime-endpoint "$1" rmp -f -a >/dev/null 2>&1 || :
}

stop_runtime() {
  group=$(systemctl show -p ControlGroup --value -- "$1" 2>/dev/null)
  stop_unit "$1"
  # Shims outlive their runtime.
  for tree in "$R/sys/fs/cgroup" "$R/sys/fs/cgroup/systemd" "$R/sys/fs/cgroup/unified"; do
    if [ -n "$group" ] && [ -d "$tree$group" ]; then kill_group "$tree$group"; fi
  done
}

# end_unit ENTRY UNIT: a unit that roost started or enabled, while its file is still there.
end_unit() {
  read -r was_enabled was_active <"$1/before"
  name=$2
  case $was_active in
  active | activating | reloading) ;;
  *) stop_unit "$name" ;;
  esac
  unit_show "$name"
  case $enabled:$was_enabled in
  enabled:enabled) ;;
  enabled:*) systemctl --quiet disable -- "$name" 2>/dev/null || problem "$name can't be disabled" ;;
  esac
}

# resume_unit ENTRY UNIT: a unit that ran or was enabled before, with its old file in place.
resume_unit() {
  read -r was_enabled was_active <"$1/before"
  name=$2
  systemctl reset-failed -- "$name" 2>/dev/null || :
  unit_show "$name"
  if [ "$was_enabled" = enabled ] && [ "$enabled" != enabled ]; then
    systemctl --quiet enable -- "$name" || problem "$name can't be enabled"
  fi
  if [ "$was_active" = active ]; then
    systemctl restart -- "$name" || problem "$name, which ran before, does not start"
  fi
}

# kill_group DIRECTORY: everything in a control group and below.
kill_group() {
  tries=0
  while :; do
    processes=$(group_processes "$1")
    [ -n "$processes" ] || return 0
    # shellcheck disable=SC2086
    kill -s KILL $processes 2>/dev/null
    tries=$((tries + 1))
    if [ "$tries" -gt 100 ]; then
      problem "processes in $1 can't be killed: $processes"
      return
    fi
    sleep 0.1
  done
}

group_processes() {
  if [ -r "$1/cgroup.procs" ]; then
    while read -r process; do printf '%s ' "$process"; done <"$1/cgroup.procs"
  fi
  for below in "$1"/*/; do
    if [ -d "$below" ]; then (group_processes "${below%/}"); fi
  done
}

remove_group() {
  for below in "$1"/*/; do
    if [ -d "$below" ]; then (remove_group "${below%/}"); fi
  done
  rmdir -- "$1" 2>/dev/null || [ ! -d "$1" ]
}

undo_group() {
  if ! matches "${1##*/}" "$patterns" || contains "$before" "$1"; then return 0; fi
  case $1 in
  *.slice) systemctl stop -- "${1##*/}" 2>/dev/null || : ;;
  esac
  if [ ! -d "$R$1" ]; then return 0; fi
  kill_group "$R$1"
  tries=0
  until remove_group "$R$1"; do
    tries=$((tries + 1))
    if [ "$tries" -gt 20 ]; then
      problem "the control group $1 can't be removed"
      return
    fi
    sleep 0.1
  done
}

# --- what the kernel holds ---------------------------------------------------

undo_mount() {
  if contains "$before" "$1"; then return 0; fi
  while IFS= read -r prefix; do
    case $1 in
    "$prefix"*)
      if [ -z "$prefix" ]; then continue; fi
      point=$1
      # shellcheck disable=SC2059 # The kernel writes a blank as \040.
      case $1 in *%*) ;; *\\*) point=$(printf "$1") ;; esac
      umount -- "$R$point" 2>/dev/null || umount -l -- "$R$point" 2>/dev/null ||
        ! contains "$(mounts_list)" "$1" || problem "$point can't be unmounted"
      return
      ;;
    esac
  done <<EOF
$patterns
EOF
}

undo_netns() {
  if ! matches "$1" "$patterns" || contains "$before" "$1"; then return 0; fi
  umount -l -- "$R/run/netns/$1" 2>/dev/null || :
  rm -f -- "$R/run/netns/$1" || problem "the network namespace $1 can't be removed"
}

undo_link() {
  if ! matches "$1" "$patterns" || contains "$before" "$1"; then return 0; fi
  # One end of a pair takes the other with it.
  ip link delete "$1" 2>/dev/null || ! exists "$R/sys/class/net/$1" || problem "the interface $1 can't be removed"
}

# undo_address ADDRESS: from whatever interface has it.
undo_address() {
  command -v ip >/dev/null || return 0
  ip -o address show 2>/dev/null | while read -r _ device _ prefix _; do
    case $prefix in "$1"/*) ip address delete "$prefix" dev "$device" 2>/dev/null || : ;; esac
  done
}

undo_route() {
  case " $1" in
  *" $prefix "*) contains "$before" "$1" || eval "ip $family route delete $(quoted "$1")" 2>/dev/null || : ;;
  esac
}

# quoted LINE: each word of it in single quotes.
quoted() (
  set -f
  # shellcheck disable=SC2086
  set -- $1
  for word in "$@"; do printf "'%s' " "$word"; done
)

undo_routes() {
  prefix=$1
  command -v ip >/dev/null || return 0
  for family in -4 -6; do
    each "$(ip "$family" route show 2>/dev/null)" undo_route
  done
}

# chain_is_ours PROGRAM TABLE CHAIN
chain_is_ours() { matches "$3" "$patterns" && ! contains "$before" "$1 $2 $3"; }

# chains_script PROGRAM: what iptables-restore --noflush has to do. Rules go before the chains they jump to.
chains_script() {
  "$1-save" 2>/dev/null | {
    flush='' delete='' changed=''
    while IFS= read -r line; do
      case $line in
      \**)
        table=${line#\*} flush='' delete='' changed=''
        ;;
      :*)
        chain=${line#:}
        chain=${chain%% *}
        if chain_is_ours "$1" "$table" "$chain"; then
          flush="$flush-F $chain$NL" delete="$delete-X $chain$NL"
        fi
        ;;
      "-A "*)
        chain=${line#-A }
        chain=${chain%% *}
        target=${line##* -[jg] }
        target=${target%% *}
        if ! contains "$delete" "-X $chain" && contains "$delete" "-X $target"; then
          changed="$changed-D ${line#-A }$NL"
        fi
        ;;
      COMMIT)
        if [ -n "$flush" ]; then printf '*%s\n%s%s%sCOMMIT\n' "$table" "$changed" "$flush" "$delete"; fi
        ;;
      esac
    done
  }
}

undo_chains() {
  for program in $(rules_programs); do
    script=$(chains_script "$program")
    if [ -n "$script" ]; then
      printf '%s\n' "$script" | "$program-restore" --noflush ||
        problem "$program-restore can't remove the chains of Kubernetes"
    fi
  done
  if [ -n "$patterns" ] && [ -z "$(rules_programs)" ] && ! command -v nft >/dev/null; then
    kept "the rules that kube-proxy left in the kernel (neither iptables nor nft is installed); a reboot removes them"
  fi
}

# undo_tables: iptables on nft makes tables and base chains when first used; those that are new and empty go.
undo_tables() {
  command -v nft >/dev/null || return 0
  for name in $(declared table); do
    contains "$before" "table ip $name" || nft delete table ip "$name" 2>/dev/null || :
    contains "$before" "table ip6 $name" || nft delete table ip6 "$name" 2>/dev/null || :
  done
  now=$(nft_list)
  each "$now" undo_nft
}

undo_nft() {
  # shellcheck disable=SC2086
  set -- $1
  case $1:$3 in
  table:filter | table:nat | table:mangle | table:raw | table:security)
    contains "$before" "table $2 $3" || rules_in "$2 $3" || nft delete table "$2" "$3" 2>/dev/null || :
    ;;
  chain:filter | chain:nat | chain:mangle | chain:raw | chain:security)
    if contains "$before" "table $2 $3" && ! contains "$before" "chain $2 $3 $4" && ! rules_in "$2 $3 $4"; then
      nft delete chain "$2" "$3" "$4" 2>/dev/null || :
    fi
    ;;
  esac
}

# rules_in «FAMILY TABLE» or «FAMILY TABLE CHAIN»
rules_in() {
  case "$NL$now$NL" in
  *"${NL}rule $1$NL"* | *"${NL}rule $1 "*) return 0 ;;
  esac
  return 1
}

undo_sysctl() {
  sysctl_file "$1"
  for value in "$J"/residue/*/sysctls/"$1"; do
    if [ -e "$value" ] && [ -e "$f" ] && [ "$(cat "$f")" != "$(cat "$value")" ]; then
      cat "$value" >"$f" 2>/dev/null || problem "$1 can't be set back to $(cat "$value")"
    fi
  done
}

# --- files -------------------------------------------------------------------

# undo_directory RECORD: of residue.
undo_directory() {
  name=$(cat "$1/name")
  if [ ! -d "$1/before" ]; then
    rm -rf --one-file-system -- "$R$name" || problem "$name can't be removed"
    # Parents that were missing too, the deepest first.
    if [ -e "$1/above" ]; then
      while IFS= read -r name; do rmdir -- "$R$name" 2>/dev/null || :; done <"$1/above"
    fi
    return
  fi
  [ -d "$R$name" ] || mkdir -p -- "$R$name"
  for path in "$R$name"/* "$R$name"/.[!.]* "$R$name"/..?*; do
    if exists "$path" && ! contains "$(cat "$1/entries")" "${path##*/}"; then
      rm -rf --one-file-system -- "$path" || problem "${path#"$R"} can't be removed"
    fi
  done
  chown --reference="$1/before" -- "$R$name"
  chmod --reference="$1/before" -- "$R$name"
}

# path_sum PATH: of a file's content or a link's target, as `written` has it.
path_sum() {
  if [ -L "$1" ]; then
    target=$(readlink -n -- "$1" && echo .)
    sum=$(printf '%s' "${target%.}" | sha256sum)
  else
    sum=$(sha256sum <"$1")
  fi
  printf '%s\n' "${sum%% *}"
}

# keep_foreign PATH HASH: moves a file away that is none of those that roost wrote there.
keep_foreign() {
  if [ ! -e "$J/written/$2" ] || contains "$(cat "$J/written/$2")" "$(path_sum "$R$1")"; then return 0; fi
  place=$1.roost-kept number=0
  while exists "$R$place"; do
    number=$((number + 1))
    place=$1.roost-kept.$number
  done
  mv -T -- "$R$1" "$R$place" && kept "$1, which somebody changed after roost, is now $place"
}

# same_image A B: kind, mode, owner and content.
same_image() {
  [ "$(stat -c '%f %U:%G' -- "$1")" = "$(stat -c '%f %U:%G' -- "$2" 2>/dev/null)" ] &&
    [ "$(path_sum "$1")" = "$(path_sum "$2")" ]
}

undo_path() {
  entry=$1
  name=$(cat "$entry/what" && echo .)
  name=${name#* }
  name=${name%.}
  sum_name=${entry##*-}
  rm -rf -- "$R${name%/*}/.roost-$sum_name.tmp"
  if [ -d "$entry/before" ] && [ ! -L "$entry/before" ]; then
    [ -d "$R$name" ] || mkdir -p -- "$R$name"
    chown --reference="$entry/before" -- "$R$name"
    chmod --reference="$entry/before" -- "$R$name"
  elif exists "$entry/before"; then
    if exists "$R$name"; then
      if same_image "$entry/before" "$R$name"; then return 0; fi
      [ -d "$R$name" ] || keep_foreign "$name" "$sum_name"
    fi
    mkdir -p -- "$R${name%/*}/"
    cp -a -- "$entry/before" "$R${name%/*}/.roost-$sum_name.tmp" &&
      mv -f -T -- "$R${name%/*}/.roost-$sum_name.tmp" "$R$name" || problem "$name can't be restored"
  elif [ -L "$R$name" ] || [ -f "$R$name" ]; then
    keep_foreign "$name" "$sum_name"
    rm -f -- "$R$name" || problem "$name can't be removed"
  elif [ -d "$R$name" ]; then
    rmdir -- "$R$name" 2>/dev/null || kept "$name, which is not empty"
  fi
}

undo_entry() {
  entry=$1
  what=$(cat "$entry/what")
  case $what in
  'path '*) undo_path "$entry" ;;
  'temporary '*) rm -rf -- "$R${what#* }" ;;
  'sysctl '*)
    sysctl_file "${what#* }"
    if [ -e "$f" ] && [ "$(cat "$f")" != "$(cat "$entry/before")" ]; then
      cat "$entry/before" >"$f" 2>/dev/null || problem "${what#* } can't be set back"
    fi
    ;;
  'module '*) modprobe -r -- "${what#* }" 2>/dev/null || : ;;
  esac
}

# units COMMAND ENTRY…
units() {
  command=$1
  shift
  for unit in "$@"; do
    what=$(cat "$unit/what")
    case $what in 'unit '*) "$command" "$unit" "${what#* }" ;; esac
  done
}

# --- all of it, in order -----------------------------------------------------

undo_residue() {
  tell processes 'stop what is left of containers'
  patterns=$(declared cgroup) before=$(recorded cgroups)
  each "$(cgroups_list)" undo_group
  tell kernel 'remove mounts, namespaces, interfaces, routes and rules'
  patterns=$(declared mount) before=$(recorded mounts)
  reversed=''
  while IFS= read -r point; do reversed=$point$NL$reversed; done <<EOF
$(mounts_list)
EOF
  each "$reversed" undo_mount
  patterns=$(declared netns) before=$(recorded netns)
  each "$(netns_list)" undo_netns
  # The directory itself comes with the first of them.
  [ -n "$before" ] || rmdir -- "$R/run/netns" 2>/dev/null || :
  each "$(declared address)" undo_address
  before=$(recorded routes)
  each "$(declared route)" undo_routes
  patterns=$(declared link) before=$(recorded links)
  each "$(links_list)" undo_link
  patterns=$(declared chain) before=$(recorded chains)
  undo_chains
  before=$(recorded nft)
  undo_tables
  each "$(declared sysctl)" undo_sysctl
  tell directories 'remove what programs wrote'
  for record in "$J"/residue/*/directories/*; do
    if [ -e "$record/name" ]; then undo_directory "$record"; fi
  done
}

undo() {
  umask 077
  cd /
  if [ -d "$J" ]; then
    set --
    for entry in "$J"/[0-9]*-*; do
      if [ -d "$entry" ]; then set -- "$entry" "$@"; fi
    done
    tell units 'stop Kubernetes'
    each "$(declared stop)" stop_unit
    each "$(declared endpoint)" remove_pods
    each "$(declared runtime)" stop_runtime
    units end_unit "$@"
    undo_residue
    tell files 'restore files and settings'
    for entry in "$@"; do undo_entry "$entry"; done
    if [ $# -gt 0 ]; then
      systemctl daemon-reload || :
      units resume_unit "$@"
    fi
    sync
    if [ -n "$problems" ]; then
      printf '%s' "$problems"
      return 1
    fi
    # From here on there is nothing to go back to.
    mv -T -- "$J" "$J.done"
  fi
  rm -rf -- "$STATE"
  rmdir -- "$R/var/lib/roost" 2>/dev/null || :
}

if [ -z "${S:-}" ]; then
  unit_show "$UNIT"
  if [ "$active" = active ]; then
    printf '%s is at work on this machine (systemctl status %s); stop it first\n' "$UNIT" "$UNIT" >&2
    exit 75
  fi
fi
status=0
undo || status=1
if [ -n "${S:-}" ]; then
  rm -rf -- "$S/payload" "$S/act"
  printf '@@result\t%s\t%s\n' "$status" "$([ "$status" = 0 ] || echo undo)"
  exit 0
fi
exit "$status"
