# Prints the state of the machine that it runs on, section by section, for lab/machines/snapshot.py to read.
# Given to `sh -s` on standard input, inside the machine's namespaces.
section() { printf '=== %s\n' "$1"; }

# manages_user PID: a user's own systemd and what it runs. It comes with a sign-in and goes ten seconds after the last
# one, under one name and another: what counts is where it runs. What somebody who signed in left running counts.
manages_user() {
    while IFS= read -r group; do
        case $group in
        */user@*.service* | */user-runtime-dir@*.service*) return 0 ;;
        esac
    done 2>/dev/null <"/proc/$1/cgroup"
    return 1
}

list_processes() {
    ps -eww -o pid=,ppid=,user:32=,args= | while read -r pid ppid rest; do
        [ "$pid" = $$ ] || [ "$ppid" = $$ ] || [ "$ppid" = 0 -a "$pid" != 1 ] || manages_user "$pid" ||
            printf '%s %s\n' "$pid" "$rest"
    done
}

# without_pids: of each line, what is left without the number before it.
without_pids() { sed 's/^[0-9]* //'; }

# list_lasting: processes that are there at two looks. What a node of a cluster starts for a moment (a probe, a look at
# rules of iptables) belongs to no state.
list_lasting() {
    first=$(list_processes | LC_ALL=C sort)
    sleep 0.3
    second=$(list_processes | LC_ALL=C sort)
    LC_ALL=C comm -12 /dev/fd/3 /dev/fd/4 3<<FIRST 4<<SECOND | without_pids
$first
FIRST
$second
SECOND
}

# A sign-in that begins or ends has processes and marks of its own for a moment (the message of the day, the user's
# run-time directory), which would count as the machine's. What systemd starts and stops is awaited; for the rest, two
# looks, half a second apart, see the same. Not for long, since what runs on a node of a cluster comes and goes all the
# time.
settle() {
    tries=0
    while [ $tries -lt 40 ] && systemctl list-jobs --no-legend --no-pager 2>/dev/null | grep -q '^ *[0-9]'; do
        tries=$((tries + 1))
        sleep 0.25
    done
    seen='' tries=0
    while [ $tries -lt 10 ]; do
        now=$(list_processes | without_pids)
        if [ "$now" = "$seen" ]; then break; fi
        seen=$now tries=$((tries + 1))
        sleep 0.5
    done
}

settle

section iptables
iptables-save 2>/dev/null
[ -s /proc/net/ip_tables_names ] && iptables-legacy-save 2>/dev/null
section ip6tables
ip6tables-save 2>/dev/null
[ -s /proc/net/ip6_tables_names ] && ip6tables-legacy-save 2>/dev/null
section nft
nft --stateless list ruleset 2>/dev/null
section link
ip -json -details link show
section addr
ip -json addr show
section route4
ip -json -4 route show table all
section route6
ip -json -6 route show table all
section rule
ip -4 rule show | sed 's/^/4 /'
ip -6 rule show | sed 's/^/6 /'
section mounts
cat /proc/self/mountinfo
section sysctls
find /proc/sys/net /proc/sys/vm /proc/sys/kernel /proc/sys/fs -type f -perm -0200 -exec grep -sH '' {} +
section units
systemctl list-units --all --full --plain --no-legend --no-pager
section unit-files
systemctl list-unit-files --full --no-legend --no-pager
section processes
list_lasting
section cgroups
find /sys/fs/cgroup -mindepth 1 -type d
section listening
ss -H -n -l -t -u -w -p
section modules
cat /proc/modules 2>/dev/null
section run
find /run -xdev \( -path /run/systemd -o -path /run/user -o -path /run/log -o -path /run/credentials \
    -o -path /run/lab-machine -o -path /run/host \) -prune -o -printf '%p %M %u:%g\n'
section transient
find /run/systemd/transient /run/systemd/system /run/systemd/network -mindepth 1 -printf '%p\n' 2>/dev/null
section host
hostname
cat /proc/swaps
section end
