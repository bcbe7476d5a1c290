# Runs a container, shows its output and ends with its exit code. It is started by supervise.sh, which says by URG that it is time to
# end: that goes to the whole group, and the programs of the engine ignore it.
#
# Usage: container.sh ENGINE NAME GRACE QUIT NETWORK LASTING CREATE-ARGUMENT...
#   GRACE    seconds until the engine kills what it has asked to end
#   QUIT     what a shell in the container does to end the program, for one that does not get the signal; or nothing
#   NETWORK  removed with the last container in it
#   LASTING  nothing for a container that ends with the AppHost; else what tells whether the one that is there is the one that is wanted
engine=$1 name=$2 grace=$3 quit=$4 network=$5 lasting=$6
shift 6

asked= id=
trap 'asked=1; [ "$lasting" ] || stop' URG
stop() {
    [ -n "$id" ] || return
    # Before the other: in a container that is about to stop Podman executes nothing.
    [ -z "$quit" ] || timeout 5 "$engine" exec "$id" /bin/sh -c "$quit" >/dev/null 2>&1
    "$engine" stop -t "$grace" "$id" >/dev/null 2>&1
}
# By its id, because the name may be that of a container of somebody else.
remove() {
    [ -z "$id" ] || "$engine" rm --force --volumes "$id" >/dev/null 2>&1
    "$engine" network rm "$network" >/dev/null 2>&1
}
known() { "$engine" inspect --format '{{index .Config.Labels "local-aspire.lasting"}}' "$name" 2>/dev/null; }

[ -z "$lasting" ] || known=$(known)
if [ "$lasting" ] && [ "$known" = "$lasting" ]; then
    "$engine" start "$name" >/dev/null || exit
    id=$name
else
    [ -z "$known" ] || "$engine" rm --force "$name" >/dev/null 2>&1
    id=$("$engine" create --name "$name" "$@") && "$engine" start "$id" >/dev/null || { status=$?; remove; exit "$status"; }
fi
[ -z "$asked" ] || [ "$lasting" ] || stop

# LaunchSpec.ReadyText
echo "The container '$name' is running."
"$engine" logs --follow "$id" &
logs=$!
"$engine" wait "$id" >/dev/null 2>&1 &
waiter=$!
while kill -0 "$waiter" 2>/dev/null; do
    [ -z "$asked" ] || [ -z "$lasting" ] || { kill "$waiter" "$logs"; exit 0; }
    wait "$waiter"
done

# 137, killed, is what is left to say of a container that somebody removed.
status=$("$engine" inspect --format '{{.State.ExitCode}}' "$id" 2>/dev/null) || status=137
# What has been written comes at once; a program that goes on waiting for more does not matter.
( sleep 2; kill "$logs" ) >/dev/null 2>&1 &
limit=$!
wait "$logs"
kill "$limit" 2>/dev/null
[ "$lasting" ] || remove
exit "$status"
