/**
 * The shell program between this process and a server. It stands in the environment, so that a list of processes stays
 * readable: `GUARDIAN=… sh -c 'eval "$GUARDIAN"' guardian SOFT HARD TENTHS WIPE server…`.
 *
 * It starts the server, prints its pid, and holds a pipe from its owner as standard input. However the owner ends,
 * kill -9 included, the pipe closes: then the server gets the signal SOFT, after TENTHS tenths of a second HARD,
 * two seconds later KILL; and the folder WIPE, where one is named, is removed. It exits with the server's own code.
 *
 * - The watcher is started before the pid is printed: printing to an owner that has just died ends this shell.
 * - A terminal's hang-up and Ctrl-C are ignored: the owner drains first, and closes the pipe when it is done.
 * - Once the pipe is closed the watcher no longer listens to USR1, so that it never leaves a `sleep` behind.
 */
export const GUARDIAN = `
unset GUARDIAN
soft=$1 hard=$2 tenths=$3 wipe=$4
shift 4
trap '' HUP INT TERM
exec 3<&0 </dev/null
"$@" >&2 3<&- &
server=$!
(
  while read -r _ <&3; do :; done
  trap '' USR1
  left() {
    n=$1
    while [ "$n" -gt 0 ] && kill -0 "$server"; do sleep 0.1; n=$((n - 1)); done
    kill -0 "$server"
  }
  kill -s "$soft" "$server"
  left "$tenths" || exit 0
  kill -s "$hard" "$server"
  left 20 || exit 0
  kill -s KILL "$server"
  exit 0
) >/dev/null 2>&1 &
watcher=$!
exec 3<&-
echo "$server"
wait "$server"
code=$?
kill -s USR1 "$watcher" 2>/dev/null
wait "$watcher" 2>/dev/null && [ -n "$wipe" ] && rm -rf -- "$wipe"
exit "$code"
`;
