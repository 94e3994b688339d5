#!/usr/bin/env bash
# A cluster of 1+N by hand: what an expert would type, in parallel over SSH, and nothing more than is necessary.
# Programs and images lie ready in DIR (bench/payload.py). No preflight, no journal, no checks, no undo.
# usage: [SOCKETS=DIR] expert.sh DIR KEY CONTROL_PLANE WORKER...
#
# Its steps stand in by_hand.sh, with why they have this form. Beyond that:
# - Each machine goes on as soon as what it needs is there, with no barrier: a worker joins when it is prepared and
#   the control plane has a token, flannel is applied meanwhile.
# - CoreDNS last: placed before flannel works on a node it fails, and kubelet tries again only 10 to 15 s later;
#   placed before kube-proxy works there it waits 30 s for its first request.
set -euo pipefail
dir=$1 key=$2 head=$3
shift 3
sockets=${SOCKETS:-$(mktemp -d)}
version=$(cat "$dir/version")
. "$(dirname "$0")/by_hand.sh"

trap 'kill $(jobs -p) 2>/dev/null || :' EXIT
pids=()
for worker in "$@"; do
  mkfifo "$sockets/join-$worker"
  join "$worker" "$sockets/join-$worker" & pids+=($!)
done
prepare "$head" control-plane
token=$(on "$head" "sed -i 's/@ADDRESS@/$head/' /etc/kubeadm.yaml && systemctl enable -q kubelet &&
  kubeadm init --config /etc/kubeadm.yaml --ignore-preflight-errors=all --skip-phases=addon/coredns \
    --skip-token-print >/dev/null 2>&1 && kubeadm token create --print-join-command" | tail -1)
for worker in "$@"; do echo "$token" >"$sockets/join-$worker" & done
on "$head" 'kubectl --kubeconfig /etc/kubernetes/admin.conf apply -f - >/dev/null' <"$dir/flannel.yaml"
for pid in "${pids[@]}"; do wait "$pid"; done
on "$head" 'export KUBECONFIG=/etc/kubernetes/admin.conf; kubectl wait node --all --for=condition=Ready --timeout=120s &&
  kubectl -n kube-system rollout status daemonset/kube-proxy --timeout=120s &&
  kubectl -n kube-flannel rollout status daemonset/kube-flannel-ds --timeout=120s &&
  kubeadm init phase addon coredns --config /etc/kubeadm.yaml &&
  kubectl -n kube-system rollout status deployment/coredns --timeout=120s' >/dev/null
echo "v$version on $((1 + $#)) nodes"
