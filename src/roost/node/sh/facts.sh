# What the machine is. Follows lib.sh; read by node/facts.py. Lists repeat their field.
facts() {
  field hostname "$(uname -n)"
  field kernel "$(uname -r)"
  field machine "$(uname -m)"
  field cpus "$(nproc --all 2>/dev/null || echo 0)"
  field clock "$(date +%s.%N)"
  field boot_id "$(cat "$R/proc/sys/kernel/random/boot_id" 2>/dev/null)"
  field machine_id "$(cat "$R/etc/machine-id" 2>/dev/null)"
  (
    # shellcheck disable=SC1091
    . "$R/etc/os-release" 2>/dev/null || . "$R/usr/lib/os-release" 2>/dev/null
    field os_id "${ID:-}"
    field os_version "${VERSION_ID:-}"
    field os_name "${PRETTY_NAME:-}"
  )
  while read -r name value _; do
    if [ "$name" = MemTotal: ]; then field memory_kib "$value"; fi
  done <"$R/proc/meminfo"
  facts_network
  facts_systemd
  facts_programs
  facts_roost
}

facts_network() {
  if command -v ip >/dev/null; then
    ip -o addr show 2>/dev/null | while read -r _ name _ address _; do
      field address "$name $address"
    done
    field default_route "$(ip -4 route show default 2>/dev/null | head -n 1)"
  fi
  if command -v ss >/dev/null; then
    ss -Hlntup 2>/dev/null | while IFS= read -r line; do field listener "$line"; done
  fi
  while read -r word value _; do
    if [ "$word" = nameserver ]; then field nameserver "$value"; fi
  done <"$R/etc/resolv.conf"
}

facts_systemd() {
  if [ -d "$R/run/systemd/system" ]; then
    field systemd_state "$(systemctl is-system-running 2>/dev/null)"
    field systemd_version "$(systemctl --version 2>/dev/null | head -n 1)"
    field firewalls "$(systemctl is-active firewalld ufw nftables 2>/dev/null | tr '\n' ' ')"
  fi
  if [ -e "$R/sys/fs/cgroup/cgroup.controllers" ]; then
    field cgroup_version 2
    control=" $(cat "$R/sys/fs/cgroup/cgroup.subtree_control" 2>/dev/null) "
    case $control in
    *" cpu "*) case $control in *" memory "*) [ -d "$R/sys/fs/cgroup/system.slice" ] && field systemd_cgroups yes ;; esac ;;
    esac
  else
    field cgroup_version 1
    # systemd puts every service below system.slice in the hierarchies that it manages.
    if [ -d "$R/sys/fs/cgroup/memory/system.slice" ]; then field systemd_cgroups yes; fi
  fi
}

facts_programs() {
  for name in $PROGRAMS; do
    place=$(command -v "$name" 2>/dev/null) && field program "$name $place"
  done
  while read -r name _; do
    if [ "$name" != Filename ]; then field swap "$name"; fi
  done <"$R/proc/swaps"
  if command -v getenforce >/dev/null; then field selinux "$(getenforce)"; fi
  for name in $FREE_PATHS; do
    place=$name
    while [ ! -d "$R$place" ] && [ -n "$place" ]; do place=${place%/*}; done
    field free "$name $(stat -f -c '%a %b %S' -- "$R${place:-/}" 2>/dev/null)"
  done
}

facts_roost() {
  for name in "$R"/var/lib/roost/*/journal; do
    [ -d "$name" ] || continue
    name=${name%/journal}
    field journal "${name##*/}"
  done
  unit_show "$UNIT"
  case $active in
  active | activating | deactivating | reloading)
    field running_unit "$UNIT"
    field running "$(systemctl show -p Description --value -- "$UNIT")"
    field running_since "$(systemctl show -p ActiveEnterTimestamp --value -- "$UNIT")"
    ;;
  esac
  if [ -f "$R/run/roost/bin/roost-probe" ]; then
    sum=$(sha256sum <"$R/run/roost/bin/roost-probe")
    field probe "sha256:${sum%% *}"
  fi
}
