#!/usr/bin/env bash
# One more worker by hand, with the token made beforehand; until the cluster calls the node Ready.
# usage: [SOCKETS=DIR] join.sh DIR KEY CONTROL_PLANE WORKER NODE_NAME COMMAND_FILE
set -euo pipefail
dir=$1 key=$2 head=$3 worker=$4 name=$5 command=$6
sockets=${SOCKETS:-$(mktemp -d)}
. "$(dirname "$0")/by_hand.sh"

join "$worker" "$command"
on "$head" "kubectl --kubeconfig /etc/kubernetes/admin.conf wait node/$name --for=condition=Ready --timeout=120s" >/dev/null
