"""Runs one command, stops it when told to, and lets nothing of it survive.

    python3 -I -S supervise.py COMMAND [ARGUMENT...]

Standard input is the control pipe. A line "stop" stops the command with patience; the end of the pipe, which comes
when the worker dies in whatever way, stops it quickly. Standard output is the command's output and error output.
Standard error is the event stream: the command gets it as the descriptor whose number is in ASPIREJOBS_EVENTS_FD.
The last line of that stream tells how the command ended:

    {"supervisor": {"pid": 4711, "exit": 2, "signal": null, "survivors": []}}
"""

import ctypes
import os
import select
import signal
import sys
import time

# Seconds of grace after each signal to the command's process group; SIGKILL comes last.
PATIENT = ((signal.SIGINT, 4.5), (signal.SIGTERM, 1.5))
QUICK = ((signal.SIGINT, 1.5), (signal.SIGTERM, 0.5))
# Seconds to try to kill what is left. Only what belongs to another user, or hangs in the kernel, outlives it.
GIVE_UP = 5.0

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
LIBC = ctypes.CDLL(None, use_errno=True)


def prctl(option, value):
    if LIBC.prctl(option, ctypes.c_ulong(value), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), 'prctl')


def start(command):
    """Starts the command in its own session and process group, with the signals as a shell would leave them.

    Returns when a signal to the group reaches the command: before, it would get lost.
    """
    ready, begun = os.pipe()
    child = os.fork()
    if child == 0:
        # Not by the module subprocess, as importing that takes longer than all of this.
        try:
            become(command)
        except OSError as fault:
            os.write(1, ('%s: %s\n' % (command[0], fault.strerror)).encode())
        finally:
            os._exit(127)
    os.close(begun)
    os.read(ready, 1)  # ends when the child closes its side, with all else that the command is not to have
    os.close(ready)
    return child


def become(command):
    os.setsid()
    # A worker started in the background has SIGINT ignored, and that is inherited: the first stage would do nothing.
    # Python itself ignores the last two.
    for number in STOP_SIGNALS + (signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2, signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    # Comes when the thread that forked ends, and this program has only one.
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    events = os.dup(2)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(1, 2)
    os.set_inheritable(events, True)
    for name in os.listdir('/proc/self/fd'):
        if int(name) not in (0, 1, 2, events):
            try:
                os.close(int(name))
            except OSError:
                pass  # the one that listed them
    os.execvpe(command[0], command, dict(os.environ, ASPIREJOBS_EVENTS_FD=str(events)))


def listen_to_signals():
    """Returns a descriptor from which the numbers of arriving signals can be read."""
    read_end, write_end = os.pipe()
    os.set_blocking(read_end, False)
    os.set_blocking(write_end, False)
    signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)
    for number in STOP_SIGNALS + (signal.SIGCHLD,):
        signal.signal(number, lambda *_: None)
    return read_end


def signals_from(wakeups):
    try:
        return os.read(wakeups, 4096)
    except BlockingIOError:
        return b''


def reap(wanted=None):
    """Collects ended children. Returns (whether any child is left, the status of the wanted one if it ended)."""
    status = None
    while True:
        try:
            pid, ended = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return False, status
        if pid == 0:
            return True, status
        if pid == wanted:
            status = ended


def wait_for(child, wakeups):
    """Waits until the child has ended and returns its status; meanwhile obeys the control pipe."""
    poller = select.poll()
    poller.register(0, select.POLLIN)
    poller.register(wakeups, select.POLLIN)
    listening, stopping, stages, deadline = True, False, None, None
    while True:
        left = None if deadline is None else max(0.0, deadline - time.monotonic())
        ready = {descriptor for descriptor, _ in poller.poll(None if left is None else left * 1000 + 1)}
        hurry = wakeups in ready and any(number in STOP_SIGNALS for number in signals_from(wakeups))
        ask = False
        if listening and 0 in ready:
            text = os.read(0, 4096)
            ask, hurry = b'stop' in text, hurry or not text

        status = reap(child)[1]
        if status is not None:
            return status

        if hurry:
            if listening:
                poller.unregister(0)
            listening, stopping, stages, deadline = False, True, iter(QUICK), 0.0
        elif ask and not stopping:
            stopping, stages, deadline = True, iter(PATIENT), 0.0
        if deadline is not None and time.monotonic() >= deadline:
            number, grace = next(stages, (signal.SIGKILL, None))
            signal_group(child, number)
            deadline = None if grace is None else time.monotonic() + grace


def signal_group(group, number):
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        pass  # gone, or all that is left of it belongs to another user: kill_rest reports that


def kill_rest(wakeups):
    """Kills everything below this process and returns descriptions of what would not die.

    This process is the reaper of all its descendants: when a child dies, its children become ours. So it is enough to
    kill direct children until there are none, and no pid can be taken over by a stranger before we have collected it.
    """
    deadline = time.monotonic() + GIVE_UP
    while reap()[0]:
        children = list(direct_children())
        if time.monotonic() > deadline:
            return children
        for pid, _ in children:
            try:
                os.kill(pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                pass
        if select.select([wakeups], [], [], 0.05)[0]:
            signals_from(wakeups)
    return []


def direct_children():
    own = str(os.getpid())
    for name in os.listdir('/proc'):
        if not name.isdigit():
            continue
        try:
            with open('/proc/%s/stat' % name, errors='replace') as file:
                # "12 (any ) name) S 1 ...": the name ends at the last parenthesis
                before, _, after = file.read().rpartition(')')
        except OSError:
            continue
        if after.split()[1] == own:
            yield int(name), before.partition('(')[2]


def report(child, status, survivors):
    exited = os.WIFEXITED(status)
    # The command may have been killed in the middle of a line, so begin a new one.
    line = '\n{"supervisor": {"pid": %d, "exit": %s, "signal": %s, "survivors": %s}}\n' % (
        child, os.WEXITSTATUS(status) if exited else 'null', 'null' if exited else os.WTERMSIG(status), strings(survivors))
    try:
        os.write(2, line.encode())
    except BrokenPipeError:
        pass  # the worker is gone


def strings(texts):
    if not texts:
        return '[]'
    # Only here, as importing it takes a while.
    import json
    return json.dumps(texts)


def supervise(command):
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    wakeups = listen_to_signals()
    child = start(command)
    status = wait_for(child, wakeups)
    report(child, status, ['%d %s' % survivor for survivor in kill_rest(wakeups)])


def main(command):
    """Supervises in a child process, so that a supervisor that is killed itself leaves nothing behind either."""
    if os.getpgrp() != os.getpid():
        os.setsid()  # a Ctrl-C at the worker's terminal is the worker's business
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    keeper = os.getpid()
    supervisor = os.fork()
    if supervisor == 0:
        prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() == keeper:
            supervise(command)
    else:
        os.waitpid(supervisor, 0)
        kill_rest(listen_to_signals())


main(sys.argv[1:])
# Without the interpreter's own end, which takes as long as its start.
os._exit(0)
