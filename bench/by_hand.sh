# Steps that the expert's scripts share; sourced by expert.sh and join.sh, which set dir, key and sockets.
#
# The best form that was found for machines on one computer; the peer must not be a straw man:
# - Uncompressed tars: unpacking 350 MB of gzip costs each machine more than the 0.3 s that sending the rest takes.
# - aes128-gcm, the cheapest cipher that sshd offers, and no compression; one connection per machine for all steps.
# - Programs and images of the role only.
# - `ctr images import` from standard input: no registry, no copy of the archive on the machine's disk.
# shellcheck shell=bash disable=SC2154
ssh_options=(-F none -i "$key" -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR
  -o Ciphers=aes128-gcm@openssh.com -o Compression=no
  -o ControlMaster=auto -o ControlPersist=60 -o "ControlPath=$sockets/%C")

on() { local address=$1; shift; ssh "${ssh_options[@]}" "root@$address" "$@"; }

prepare() { # ADDRESS ROLE
  on "$1" 'tar -xf - -C / && systemctl daemon-reload && sysctl -qw net.ipv4.ip_forward=1 &&
    systemctl enable -q --now containerd' <"$dir/programs-$2.tar"
  on "$1" 'ctr -n k8s.io images import --all-platforms - >/dev/null' <"$dir/images-$2.tar"
}

join() { # ADDRESS FILE: the file holds the command that `kubeadm token create --print-join-command` gave
  prepare "$1" worker
  local command=''
  # Where the file is a pipe, reading it waits for the token without a poll, and ends with this shell.
  read -r command <"$2" || [ -n "$command" ]
  on "$1" "systemctl enable -q kubelet && $command --ignore-preflight-errors=all >/dev/null"
}
