# Runs a container, shows its output and ends with its exit code. It is started by supervise.sh, which says by URG that it is time to
# end: that goes to the whole group, and the programs of the engine ignore it.
#
# Usage: container.sh ENGINE NAME GRACE NETWORK LASTING CREATE-ARGUMENT...
#   GRACE    seconds until the engine kills what it has asked to end
#   NETWORK  removed with the last container in it
#   LASTING  nothing for a container that ends with the AppHost; else what tells whether the one that is there is the one that is wanted
engine=$1 name=$2 grace=$3 network=$4 lasting=$5
shift 5

asked= id=
trap 'asked=1; [ "$lasting" ] || stop' URG
stop() { [ -z "$id" ] || "$engine" stop -t "$grace" "$id" >/dev/null 2>&1; }
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
