# Names of what no file of roost's makes: links, mounts, chains, …. Follows lib.sh; used by acts, which
# record what exists before, and by undo.sh, which compares with it. Looking creates nothing:
# iptables-save shows only tables that exist, nft list only reads.

# rules_programs: the variants of iptables on this machine, one word each.
rules_programs() {
  for program in iptables ip6tables iptables-nft ip6tables-nft iptables-legacy ip6tables-legacy; do
    if command -v "$program-save" >/dev/null; then printf '%s\n' "$program"; fi
  done
}

# chains_list: PROGRAM TABLE CHAIN per line.
chains_list() {
  for program in $(rules_programs); do
    "$program-save" 2>/dev/null | while read -r word _; do
      case $word in
      \**) table=${word#\*} ;;
      :*) printf '%s %s %s\n' "$program" "$table" "${word#:}" ;;
      esac
    done
  done
}

# nft_list: «table FAMILY TABLE», «chain FAMILY TABLE CHAIN», and «rule …» where a chain or table holds something.
nft_list() {
  command -v nft >/dev/null || return 0
  nft list ruleset 2>/dev/null | while read -r first second third _; do
    case $first in
    '#' | '}' | '' | type | policy) ;;
    table)
      family=$second table=$third chain=''
      printf 'table %s %s\n' "$family" "$table"
      ;;
    chain)
      chain=$second
      printf 'chain %s %s %s\n' "$family" "$table" "$chain"
      ;;
    set | map | flowtable) printf 'rule %s %s\n' "$family" "$table" ;;
    *) printf 'rule %s %s %s\n' "$family" "$table" "$chain" ;;
    esac
  done
}

links_list() {
  for link in "$R"/sys/class/net/*; do
    if exists "$link"; then printf '%s\n' "${link##*/}"; fi
  done
}

# netns_list: with a line «.» where the directory itself exists.
netns_list() {
  if [ -d "$R/run/netns" ]; then echo .; fi
  for space in "$R"/run/netns/*; do
    if exists "$space"; then printf '%s\n' "${space##*/}"; fi
  done
}

# mounts_list: mount points as the kernel writes them (a blank is \040), in the order of mounting.
mounts_list() {
  while read -r _ _ _ _ point _; do printf '%s\n' "$point"; done <"$R/proc/self/mountinfo"
}

# cgroups_list: directories at the top of each hierarchy.
cgroups_list() {
  for group in "$R"/sys/fs/cgroup/*/ "$R"/sys/fs/cgroup/*/*/; do
    if [ -d "$group" ]; then
      group=${group%/}
      printf '%s\n' "${group#"$R"}"
    fi
  done
}

routes_list() {
  command -v ip >/dev/null || return 0
  ip -4 route show 2>/dev/null
  ip -6 route show 2>/dev/null
}

entries_list() {
  if [ -d "$R$1" ]; then ls -A -- "$R$1"; fi
}

# residue_record NAME DIGEST DECLARATION. What exists when the first residue is recorded is not residue of
# any; a declaration that comes later (a new version of roost) is compared with the same names.
residue_record() {
  hash "$1"
  residue=$J/residue/$h digest=$2 declaration=$3
  mkdir -p "$J/before" "$residue/directories" "$residue/sysctls"
  for kind in chains nft links netns mounts cgroups routes; do
    if [ ! -e "$J/before/$kind" ]; then
      "${kind}_list" >"$J/before/$kind.tmp"
      mv -T -- "$J/before/$kind.tmp" "$J/before/$kind"
    fi
  done
  while read -r kind value; do
    case $kind in
    directory) residue_directory "$value" ;;
    sysctl) residue_sysctl "$value" ;;
    esac
  done <<EOF
$declaration
EOF
  printf '%s' "$declaration" >"$residue/declaration.tmp"
  mv -T -- "$residue/declaration.tmp" "$residue/declaration"
  printf '%s' "$digest" >"$residue/digest.tmp"
  fsync "$J/before"/* "$residue"/* "$residue/sysctls"/* "$residue/directories"/*/* "$J/before" "$residue/directories"
  mv -T -- "$residue/digest.tmp" "$residue/digest"
  fsync "$residue"
}

residue_directory() {
  hash "$1"
  kept=$residue/directories/$h
  if [ -d "$kept" ]; then return 0; fi
  rm -rf -- "$kept.tmp"
  mkdir -- "$kept.tmp"
  printf '%s' "$1" >"$kept.tmp/name"
  if [ -d "$R$1" ]; then
    entries_list "$1" >"$kept.tmp/entries"
    mkdir -- "$kept.tmp/before"
    chown --reference="$R$1" -- "$kept.tmp/before"
    chmod --reference="$R$1" -- "$kept.tmp/before"
  fi
  parent=${1%/*}
  while [ -n "$parent" ] && [ ! -d "$R$parent" ]; do
    printf '%s\n' "$parent" >>"$kept.tmp/above"
    parent=${parent%/*}
  done
  mv -T -- "$kept.tmp" "$kept"
}

residue_sysctl() {
  sysctl_file "$1"
  if [ ! -r "$f" ] || [ -e "$residue/sysctls/$1" ]; then return 0; fi
  cat "$f" >"$residue/sysctls/$1.tmp"
  mv -T -- "$residue/sysctls/$1.tmp" "$residue/sysctls/$1"
}
