# Drives the steps of an act inside its unit. Follows lib.sh, journal.sh and residue.sh; before it stand S,
# the act's directory below /run, and the functions step_N (the change) and look_N (its thing's observe).
# The log, which a follower reads from its beginning, is the only output; lines for the engine begin with @@.

# say WORD FIELD…: a line for the engine.
say() {
  printf '@@%s' "$1"
  shift
  printf '\t%s' "$@"
  echo
}

# begin: the lock is ours now; what an earlier act left is swept away.
begin() {
  cd /
  umask 077
  exec </dev/null
  for old in "${S%/*}"/act-*; do
    [ "$old" = "$S" ] || rm -rf -- "$old"
  done
  ln -s -- "${S##*/}" "${S%/*}/current.tmp"
  mv -f -T -- "${S%/*}/current.tmp" "${S%/*}/current"
  total=$1
}

# finish STATUS KEY: secrets go before anybody is told. Staged blobs stay for another try after a failure.
finish() {
  rm -rf -- "$S/payload" "$S/act" "$S"/out.*
  if [ "$1" = 0 ]; then
    keep_stamps
    rm -rf -- "$STATE/stage"
  fi
  say result "$1" "$2"
  exit 0
}

# look N KEY: the thing after its change, for the engine to compare with the wish.
look() {
  say thing "$2"
  (
    set +eu
    "look_$1"
  ) 2>/dev/null
  say end
}

# step N KEY SUMMARY
step() {
  say step "$1" "$total" "$2" "$3"
  set +e
  (
    set -eu
    P=$S/payload/$1
    "step_$1"
  )
  status=$?
  set -e
  [ "$status" = 0 ] || finish "$status" "$2"
  look "$1" "$2"
  say 'done' "$1"
}

# together N KEY SUMMARY …: steps that don't mind each other, all at once.
together() {
  steps=''
  while [ $# -gt 0 ]; do
    say step "$1" "$total" "$2" "$3"
    (
      set -eu
      P=$S/payload/$1
      "step_$1"
    ) >"$S/out.$1" 2>&1 &
    steps="$steps$1 $! $2$NL"
    shift 3
  done
  failed='' failed_status=0
  while read -r number process key; do
    [ -n "$number" ] || continue
    status=0
    wait "$process" || status=$?
    if [ "$status" = 0 ]; then
      look "$number" "$key"
      say 'done' "$number"
    elif [ -z "$failed" ]; then
      failed=$number failed_key=$key failed_status=$status
    fi
  done <<EOF
$steps
EOF
  [ -n "$failed" ] || return 0
  say step "$failed" "$total" "$failed_key" again
  cat "$S/out.$failed"
  finish "$failed_status" "$failed_key"
}

# fetch: the blobs in $S/fetch that are not staged yet, from roost's registry, beside the steps that need none.
fetch() {
  say step 0 "$total" fetch 'fetch what is needed from the registry'
  mkdir -p "$STATE/stage"
  while IFS='	' read -r url sum; do
    [ -e "$STATE/stage/$sum" ] || printf '%s\t%s\t%s.part\n' "$url" "$sum" "$STATE/stage/$sum"
  done <"$S/fetch" >"$S/fetch.list"
  fetching=''
  if [ -s "$S/fetch.list" ]; then
    "$R/run/roost/bin/roost-probe" fetch --ca "$S/ca.pem" --list "$S/fetch.list" >"$S/out.0" 2>&1 &
    fetching=$!
  fi
}

# fetched: they are all there.
fetched() {
  if [ -n "$fetching" ]; then
    status=0
    wait "$fetching" || status=$?
    if [ "$status" != 0 ]; then
      say step 0 "$total" fetch again
      cat "$S/out.0"
      finish "$status" fetch
    fi
    while IFS='	' read -r _ _ part; do
      mv -f -T -- "$part" "${part%.part}"
    done <"$S/fetch.list"
  fi
  say 'done' 0
}
