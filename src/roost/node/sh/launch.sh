# Runs over the connection: stages an act, starts its unit, follows its log. Follows lib.sh.
# Lines for the engine begin with @@.

unit_active() {
  unit_show "$UNIT"
  case $active in
  active | activating | deactivating | reloading) return 0 ;;
  esac
  return 1
}

# refuse_busy: ends with 75 when an act of the cluster runs.
refuse_busy() {
  unit_active || return 0
  printf '@@busy\t%s\t%s\n' \
    "$(systemctl show -p Description --value -- "$UNIT")" \
    "$(systemctl show -p ActiveEnterTimestamp --value -- "$UNIT")"
  exit 75
}

# end_by_signals: what is given up is ended by a signal, of which a trap on EXIT alone does not hear.
end_by_signals() {
  trap 'exit 129' HUP
  trap 'exit 143' TERM
}

# stage_begin TOKEN SIZE: sets S and unpacks the tar of SIZE bytes that follows on standard input.
stage_begin() {
  umask 077
  mkdir -p "$RUN"
  chmod 0700 "$RUN"
  chmod 0755 "$R/run/roost"
  S=$RUN/act-$1
  mkdir "$S"
  trap 'rm -rf -- "$S"' EXIT
  end_by_signals
  head -c "$2" | tar -xf - -C "$S"
  [ -f "$S/act" ] || exit 74
}

# want INDEX FILE SUM: a blob over the connection, in chunks LENGTH LF BYTES up to a length of 0.
# SUM is empty where only its use can tell whether it is right.
want() {
  if [ -e "$2" ]; then return 0; fi
  mkdir -p "${2%/*}"
  chmod 0700 "${2%/*}"
  printf '@@want\t%s\n' "$1"
  length='' part=$2.${S##*/}
  while IFS= read -r length && [ "$length" -gt 0 ]; do head -c "$length"; done >"$part"
  [ "$length" = 0 ] || exit 74
  if [ -n "$3" ]; then
    sum=$(sha256sum <"$part")
    if [ "${sum%% *}" != "$3" ]; then
      rm -f -- "$part"
      printf 'the bytes for sha256:%s have the sum %s\n' "$3" "${sum%% *}" >&2
      exit 74
    fi
  fi
  mv -f -T -- "$part" "$2"
}

# want_probe INDEX SUM: roost-probe, once per boot.
want_probe() {
  probe=$R/run/roost/bin/roost-probe
  if [ -f "$probe" ]; then
    sum=$(sha256sum <"$probe")
    if [ "${sum%% *}" = "$2" ]; then return 0; fi
    rm -f -- "$probe"
  fi
  want "$1" "$probe" "$2"
  chmod 0700 "$probe"
}

# ask_begin TOKEN SIZE THEN: sets S and unpacks the CAs of the questions; THEN says whether the helper stays.
ask_begin() {
  umask 077
  mkdir -p "$R/run/roost"
  chmod 0755 "$R/run/roost"
  S=$R/run/roost/ask-$1
  mkdir "$S"
  end_by_signals
  if [ "$3" = keep ]; then
    trap 'rm -rf -- "$S"' EXIT
  else
    trap 'rm -rf -- "$S"; tidy' EXIT
  fi
  head -c "$2" | tar -xf - -C "$S"
}

# ask NUMBER URL SECONDS: the helper's exit status says no more than its line.
ask() {
  "$R/run/roost/bin/roost-probe" http-check "$2" --ca "$S/$1.pem" --timeout "$3s" >"$S/$1.said" 2>&1 || :
}

# answers COUNT: one line each, in the order of the questions.
answers() {
  number=0
  while [ "$number" -lt "$1" ]; do
    printf '%s\n' "$(head -n 1 "$S/$number.said")"
    number=$((number + 1))
  done
}

# call WORDS…: the helper prints a line of JSON for each item; its exit status says no more than these.
call() {
  "$R/run/roost/bin/roost-probe" "$@" || :
}

# hold WORDS…: the same while standard input is open, which ends with the caller's connection too.
hold() {
  "$R/run/roost/bin/roost-probe" "$@" </dev/null &
  held=$!
  cat >/dev/null
  kill "$held" 2>/dev/null || :
  wait "$held" || :
}

# tidy: the helper goes where no act of any cluster has been.
tidy() {
  if [ ! -d "$R/var/lib/roost" ]; then rm -rf -- "$R/run/roost/bin"; fi
  rmdir -- "$R/run/roost" 2>/dev/null || :
}

# start DESCRIPTION SECONDS: the unit's name is the lock.
start() {
  printf '@@staged\n'
  : >"$S/log"
  systemctl reset-failed -- "$UNIT" 2>/dev/null || :
  # A caller who is gone while systemd-run still answers must not take the directory from the act that has begun.
  trap 'unit_active || rm -rf -- "$S"' EXIT
  if ! systemd-run --quiet --unit="$UNIT" --collect --description="$1" --property=TimeoutStopSec=10 \
    --property=RuntimeMaxSec="$2" /bin/sh -c 'exec /bin/sh "$1/act" >>"$1/log" 2>&1' roost "$S"; then
    trap 'rm -rf -- "$S"' EXIT
    refuse_busy
    exit 71
  fi
  trap - EXIT
  printf '@@started\n'
}

# follow DIRECTORY: prints the log of an act from its beginning to its result, then takes it away.
# Something is printed every few seconds, so that a follower whose connection is gone ends.
follow() {
  exec 3<"$1/log"
  line='' idle=0 gone=no
  while :; do
    if IFS= read -r part <&3; then
      line=$line$part idle=0
      case $line in '@@result	'*) settle ;; esac
      printf '%s\n' "$line"
      case $line in '@@result	'*) break ;; esac
      line=''
      continue
    fi
    line=$line$part idle=$((idle + 1))
    if [ "$gone" = yes ]; then
      if [ -n "$line" ]; then printf '%s\n' "$line"; fi
      printf '@@result\t137\t\n'
      break
    fi
    if [ $((idle % 20)) = 0 ]; then
      printf '@@alive\n'
      unit_active || gone=yes
    fi
    if [ "$idle" -lt 10 ]; then sleep 0.05; else sleep 0.1; fi
  done
  collect "$1"
}

# settle: waits for the unit to go after its last word, so that the next act finds the lock free.
settle() {
  tries=0
  while [ "$tries" -lt 100 ] && unit_active; do
    tries=$((tries + 1))
    sleep 0.03
  done
}

# collect DIRECTORY: nothing of a finished act stays in /run; nor do roost's own directories when empty.
collect() {
  rm -rf -- "$1"
  rm -f -- "$RUN/current"
  if [ ! -d "$STATE" ]; then rm -rf -- "$RUN"; fi
  # With the last cluster go the helper, and what a question left whose shell was killed.
  if [ ! -d "$R/var/lib/roost" ]; then rm -rf -- "$R/run/roost/bin" "$R"/run/roost/ask-*; fi
  rmdir -- "$RUN" "$R/run/roost" 2>/dev/null || :
}

# running_act: prints the directory of the act that runs or whose result waits.
running_act() {
  tries=0
  while unit_active && [ ! -d "$RUN/current" ] && [ "$tries" -lt 20 ]; do
    tries=$((tries + 1))
    sleep 0.1
  done
  if [ -d "$RUN/current" ]; then printf '%s\n' "$RUN/$(readlink "$RUN/current")"; fi
}

# join: follows the running act, if any.
join() {
  S=$(running_act)
  if [ -z "$S" ]; then return 0; fi
  printf '@@title\t%s\n' "$(cat "$S/title")"
  follow "$S"
}

# stop: ends the running act with everything that it started.
stop() {
  unit_active || return 0
  systemctl stop -- "$UNIT"
  printf '@@stopped\n'
  rm -rf -- "$RUN"/act-*
  rm -f -- "$RUN/current"
}

# undo_alone: returns when nothing else of the cluster runs and there is something to undo; else it ends.
undo_alone() {
  if unit_active; then
    S=$(running_act)
    case $(cat "$S/title" 2>/dev/null) in
    'undo	'*)
      printf '@@staged\n'
      follow "$S"
      exit 0
      ;;
    esac
    stop
  fi
  rm -rf -- "$RUN"/act-*
  if [ ! -d "$STATE" ]; then
    collect "$RUN/current"
    printf '@@result\t0\t\n'
    exit 0
  fi
}
