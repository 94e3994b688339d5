#!/usr/bin/env bash
# A cluster by hand: what an expert would type, in parallel over SSH, and nothing more than is necessary.
# Programs and images lie ready in DIR (bench/payload.py). No preflight, no journal, no checks, no undo.
# usage: [SOCKETS=DIR] [ENDPOINT=HOST PLANES=N] expert.sh DIR KEY CONTROL_PLANE... WORKER...
# PLANES (1 unless set) of the addresses are control planes; with more than one, ENDPOINT is their load balancer.
#
# Its steps stand in by_hand.sh, with why they have this form. Beyond that:
# - Each machine goes on as soon as what it needs is there, with no barrier: a worker joins when it is prepared and
#   the control plane has a token, flannel is applied meanwhile.
# - CoreDNS last: placed before flannel works on a node it fails, and kubelet tries again only 10 to 15 s later;
#   placed before kube-proxy works there it waits 30 s for its first request.
# - Further control planes join one after another, as etcd takes one member at a time; prepared they are long before.
set -euo pipefail
dir=$1 key=$2 head=$3
shift 3
planes=("${@:1:${PLANES:-1}-1}")
shift "${#planes[@]}"
endpoint=${ENDPOINT:-$head}
sockets=${SOCKETS:-$(mktemp -d)}
version=$(cat "$dir/version")
certificates=$(od -An -tx1 -N32 /dev/urandom | tr -d ' \n')
# kubeadm takes no --certificate-key beside --config.
keyed=${planes:+"s/^kind: InitConfiguration/&\ncertificateKey: $certificates/"}
upload=${planes:+--upload-certs --skip-certificate-key-print}
. "$(dirname "$0")/by_hand.sh"

trap 'kill $(jobs -p) 2>/dev/null || :' EXIT
pids=()
for worker in "$@"; do
  mkfifo "$sockets/join-$worker"
  join "$worker" "$sockets/join-$worker" & pids+=($!)
done
preparing=()
for plane in "${planes[@]}"; do prepare "$plane" control-plane & preparing+=($!); done
prepare "$head" control-plane
command=$(on "$head" "sed -i 's/@ADDRESS@/$head/; s/@ENDPOINT@/$endpoint/; $keyed' /etc/kubeadm.yaml &&
  systemctl enable -q kubelet &&
  kubeadm init --config /etc/kubeadm.yaml --ignore-preflight-errors=all --skip-phases=addon/coredns \
    --skip-token-print $upload >/dev/null &&
  kubeadm token create --print-join-command" | tail -1)
for worker in "$@"; do echo "$command" >"$sockets/join-$worker" & done
on "$head" 'kubectl --kubeconfig /etc/kubernetes/admin.conf apply -f - >/dev/null' <"$dir/flannel.yaml"
for pid in "${preparing[@]}"; do wait "$pid"; done
for plane in "${planes[@]}"; do
  on "$plane" "systemctl enable -q kubelet && $command --ignore-preflight-errors=all --control-plane \
    --certificate-key $certificates --apiserver-advertise-address $plane >/dev/null"
done
for pid in "${pids[@]}"; do wait "$pid"; done
on "$head" 'export KUBECONFIG=/etc/kubernetes/admin.conf; kubectl wait node --all --for=condition=Ready --timeout=120s &&
  kubectl -n kube-system rollout status daemonset/kube-proxy --timeout=120s &&
  kubectl -n kube-flannel rollout status daemonset/kube-flannel-ds --timeout=120s &&
  kubeadm init phase addon coredns --config /etc/kubeadm.yaml &&
  kubectl -n kube-system rollout status deployment/coredns --timeout=120s' >/dev/null
echo "v$version on $((1 + ${#planes[@]} + $#)) nodes"
