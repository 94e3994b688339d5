# Prints what this provider must know beyond the engine's facts, with `field NAME VALUE` (values of one line).
# Reads only; is sent within the engine's one observation. Every part is optional: where a program is missing
# its field is left out, and the checks say what that means.
first() { head -n 1 "$R$1" 2>/dev/null; }
row() { tr '\n\t' '  ' | sed 's/  *$//'; }

# reach NAME HOST PORT: whether a TCP connection can be made. Needs bash, which can open one by itself.
reach() {
  command -v bash >/dev/null 2>&1 || return 0
  if said=$(LC_ALL=C timeout 3 bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$2" "$3" 2>&1); then field "reach $1" open; return; fi
  case "$said" in
    *refused*) field "reach $1" refused ;;
    *"not known"* | *resolution* | *"No address"*) field "reach $1" unresolved ;;
    *) field "reach $1" unreachable ;;
  esac
}

# resolve NAME HOST: the addresses of a host's name, hosts file and DNS together; an address has none.
resolve() {
  case $2 in *[!0-9.]*) ;; *) return 0 ;; esac
  case $2 in *:*) return 0 ;; esac
  field "resolved $1" "$(timeout 5 getent ahosts "$2" 2>/dev/null | awk '{ print $1 }' | sort -u | row)"
}

# data DIRECTORY: free bytes, all bytes and mount point of the file system where it is or will be.
data() {
  place=$1
  while [ ! -d "$R$place" ] && [ -n "$place" ]; do place=${place%/*}; done
  field data "$(df -P -B1 -- "$R${place:-/}" 2>/dev/null | awk 'NR == 2 { print $4 " " $2 " " $6 }')"
}

field hostname "$(first /proc/sys/kernel/hostname)"
# How far a control plane of this cluster came (planes.py); STATE is the engine's.
made=$STATE/made
if [ -e "$made/upload" ] || [ -e "$made/plane" ]; then
  if [ ! -d "$R/var/lib/etcd/member" ]; then field plane lost
  elif [ -e "$made/plane" ]; then field plane joined
  else field plane founded
  fi
elif [ -e "$made/certificates" ]; then field plane begun
fi
# What other Kubernetes or container software left: only names; nothing in them is read.
for directory in /etc/kubernetes /etc/kubernetes/manifests /var/lib/etcd /var/lib/kubelet /etc/cni/net.d; do
  [ -n "$(ls -A "$R$directory" 2>/dev/null)" ] || continue
  field "content $directory" "$(ls -A "$R$directory" | head -n 5 | row)"
done
units="kubelet containerd docker crio cri-docker k3s k3s-agent rke2-server rke2-agent"
for unit in $units; do
  shown=$(systemctl show --property=LoadState,ActiveState,FragmentPath "$unit.service" 2>/dev/null) || continue
  case "$shown" in *LoadState=loaded*) ;; *) continue ;; esac
  field "unit $unit" "$(printf '%s\n' "$shown" | sed -n 's/^ActiveState=//p') $(
    printf '%s\n' "$shown" | sed -n 's/^FragmentPath=//p')"
done
field links "$(ls "$R/sys/class/net" 2>/dev/null | row)"
if command -v ip >/dev/null 2>&1; then
  field routes "$(ip -4 route show 2>/dev/null | awk '{ dev = ""
    for (i = 2; i < NF; i++) if ($i == "dev") dev = $(i + 1)
    print $1 "=" dev }' | row)"
  field routes6 "$(ip -6 route show 2>/dev/null | awk '$1 == "default" || $1 ~ /\// { dev = ""
    for (i = 2; i < NF; i++) if ($i == "dev") dev = $(i + 1)
    if ($1 !~ /^fe80:|^ff/) print $1 "=" dev }' | row)"
  field advertised "$(ip -6 route show default proto ra 2>/dev/null | awk 'NR == 1 {
    for (i = 2; i < NF; i++) if ($i == "dev") print $(i + 1) }')"
fi
field controllers "$(
  { cat "$R/sys/fs/cgroup/cgroup.controllers" 2>/dev/null || awk 'NR > 1 && $4 == 1 { print $1 }' "$R/proc/cgroups"; } |
    row)"
# Whether this root may lower an OOM score at all (not in every container); the shell that tries it ends at once.
if sh -c 'echo -998 > /proc/self/oom_score_adj' 2>/dev/null; then field oom-lowering yes; else field oom-lowering no; fi
for module in overlay br_netfilter; do
  if [ -d "$R/sys/module/$module" ]; then field "module $module" loaded
  elif grep -qs "/$module\.ko" "$R/lib/modules/$(uname -r)/modules.builtin"; then field "module $module" built-in
  elif grep -qs "/$module\.ko" "$R/lib/modules/$(uname -r)/modules.dep"; then field "module $module" available
  fi
done
grep -qs 'overlay$' "$R/proc/filesystems" && field filesystem-overlay yes
for key in net/bridge/bridge-nf-call-iptables net/bridge/bridge-nf-call-ip6tables net/ipv4/ip_forward \
  fs/inotify/max_user_instances fs/inotify/max_user_watches kernel/keys/root_maxkeys kernel/keys/root_maxbytes; do
  [ -r "$R/proc/sys/$key" ] && field "sysctl $key" "$(first "/proc/sys/$key")"
done
:
