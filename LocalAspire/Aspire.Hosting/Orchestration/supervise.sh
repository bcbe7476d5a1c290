# Runs a program in a session of its own and ends it when standard input ends: the AppHost holds the other end of that pipe,
# and the kernel closes it however the AppHost dies.
#
# Usage: supervise.sh SIGNAL GRACE CLEANUP PROGRAM [ARGUMENT...]
#   SIGNAL   asks the program to end: TERM, INT
#   GRACE    seconds until it is killed
#   CLEANUP  a directory to remove after the program has ended, or nothing
signal=$1 grace=$2 cleanup=$3
shift 3

exec 3<&0
# What is ignored is inherited: PIPE from .NET, INT and QUIT because a shell without job control starts background programs so.
env --default-signal=INT,QUIT,PIPE setsid "$@" </dev/null 3<&- &
program=$!

# The session of the program has the number of the program, once setsid has run.
(
    while read -r _ <&3; do :; done
    kill -s "$signal" -- "-$program" || kill -s "$signal" "$program"
    sleep "$grace" &
    timer=$!
    trap 'kill "$timer"; exit' TERM
    wait "$timer"
    kill -s KILL -- "-$program"
) >/dev/null 2>&1 &
watcher=$!

wait "$program"
status=$?
kill "$watcher" 2>/dev/null
# What the program left behind in its group.
kill -s KILL -- "-$program" 2>/dev/null
[ -z "$cleanup" ] || rm -rf -- "$cleanup"
exit "$status"
