# Waits until this machine's kube-apiserver says that it is ready, instead of kubeadm's wait-control-plane, which
# can neither be resumed nor explain itself. Ends early when a component keeps dying. On trouble the last lines say
# which component, in which state, and its last log line. Called as: ready SECONDS [URL], the URL being that of this
# machine's own kube-apiserver where the one in admin.conf leads to another or to none yet.
ready() {
  deadline=$(($(date +%s) + $1))
  # What died before may have had another configuration.
  earlier=" $(crictl ps --all --quiet 2>/dev/null | tr '\n' ' ')"
  checks=0
  until kubectl --kubeconfig /etc/kubernetes/admin.conf ${2:+--server "$2"} --request-timeout=3s get --raw /readyz \
    >/dev/null 2>&1; do
    checks=$((checks + 1))
    if [ "$(date +%s)" -ge "$deadline" ]; then
      explain "kube-apiserver is not ready after $1 s" kube-apiserver etcd
      return 1
    fi
    # Looking at containers costs time that the start needs: each five seconds is enough.
    if [ $((checks % 20)) -eq 0 ] && dying=$(dying); then
      explain "$dying keeps stopping" "$dying"
      return 1
    fi
    sleep 0.2
  done
}

# endpoint SECONDS HOST:PORT: whether the API answers by the cluster's endpoint too, which is not this machine's.
endpoint() {
  deadline=$(($(date +%s) + $1))
  until said=$(kubectl --kubeconfig /etc/kubernetes/admin.conf --request-timeout=3s get --raw /readyz 2>&1); do
    if [ "$(date +%s)" -ge "$deadline" ]; then
      echo "kube-apiserver is ready on this machine, but https://$2 does not lead to it after $1 s: $(
        printf '%s\n' "$said" | tail -n 1 | cut -c 1-400)"
      return 1
    fi
    sleep 0.3
  done
}

container() { crictl ps --all --quiet --name "^$1\$" 2>/dev/null | head -n 1; }

shown() { crictl inspect --output go-template --template "$2" "$1" 2>/dev/null; }

# Prints the component that was started again twice or more (some 30 s, with kubelet's back-off) and has stopped.
dying() {
  for component in etcd kube-apiserver; do
    id=$(container "$component")
    [ -n "$id" ] || continue
    case "$earlier" in *" $id "*) continue ;; esac
    [ "$(shown "$id" '{{.status.state}}')" = CONTAINER_EXITED ] || continue
    if [ "$(shown "$id" '{{.status.metadata.attempt}}')" -ge 2 ] 2>/dev/null; then
      echo "$component"
      return 0
    fi
  done
  return 1
}

# explain WHAT COMPONENT…
explain() {
  echo "$1"
  shift
  state=$(systemctl is-active kubelet.service || :)
  if [ "$state" != active ]; then
    echo "kubelet is $state; its last line: $(journalctl --unit kubelet.service --lines 1 --output cat 2>/dev/null)"
  fi
  for component in "$@"; do
    id=$(container "$component")
    if [ -z "$id" ]; then
      echo "$component: no container; kubelet's last error: $(
        journalctl --unit kubelet.service --lines 200 --output cat 2>/dev/null | grep '^E' | tail -n 1)"
      continue
    fi
    echo "$component: $(shown "$id" '{{.status.state}}, exit code {{.status.exitCode}}'); its last line: $(
      crictl logs --tail 1 "$id" 2>&1 | tail -n 1 | cut -c 1-600)"
  done
}
