#!/usr/bin/env bash
# A cluster of 1+N by hand: what an expert would type, in parallel over SSH, and nothing more than is necessary.
# Programs and images lie ready in DIR (bench/payload.py). No preflight, no journal, no checks, no undo.
# usage: expert.sh DIR KEY CONTROL_PLANE WORKER...
set -euo pipefail
dir=$1 key=$2 head=$3
shift 3
workers=("$@")
version=$(cat "$dir/version")
ssh_options=(-i "$key" -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR
  -o ControlMaster=auto -o ControlPersist=60 -o "ControlPath=$dir/%C")

on() { local address=$1; shift; ssh "${ssh_options[@]}" "root@$address" "$@"; }

prepare() {
  local address=$1
  on "$address" 'tar -xf - -C / && systemctl daemon-reload && sysctl -qw net.ipv4.ip_forward=1 &&
    systemctl enable -q --now containerd' <"$dir/programs.tar"
  on "$address" 'ctr -n k8s.io images import --all-platforms - >/dev/null' <"$dir/images-$2.tar"
}

for worker in "${workers[@]}"; do prepare "$worker" worker & done
prepare "$head" control-plane
on "$head" "sed -i 's/@ADDRESS@/$head/' /etc/kubeadm.yaml && systemctl enable -q kubelet &&
  kubeadm init --config /etc/kubeadm.yaml --ignore-preflight-errors=all --skip-token-print >/dev/null 2>&1 &&
  kubeadm token create --print-join-command" >"$dir/join"
on "$head" 'kubectl --kubeconfig /etc/kubernetes/admin.conf apply -f - >/dev/null' <"$dir/flannel.yaml" &
wait
join=$(tail -1 "$dir/join")
for worker in "${workers[@]}"; do
  on "$worker" "systemctl enable -q kubelet && $join --ignore-preflight-errors=all >/dev/null 2>&1" &
done
wait
on "$head" "kubectl --kubeconfig /etc/kubernetes/admin.conf wait node --all --for=condition=Ready --timeout=120s &&
  kubectl --kubeconfig /etc/kubernetes/admin.conf -n kube-system rollout status deployment/coredns --timeout=120s" >/dev/null
echo "v$version on $((1 + ${#workers[@]})) nodes"
