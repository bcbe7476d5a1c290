"""Ansible callback plugin: reports the run as JSON lines, one event each, numbered without gaps."""

import functools
import json
import math
import os
import stat
import time

from ansible.plugins.action import ActionBase
from ansible.plugins.callback import CallbackBase
from ansible.utils import display

DOCUMENTATION = '''
name: aspirejobs_events
type: notification
short_description: reports a playbook's run as numbered JSON lines
description:
  - Writes to the pipe whose descriptor is in the environment variable ASPIREJOBS_EVENTS_FD, and is silent without it.
  - Runs beside whichever stdout callback is in use, and keeps the lines of that one whole.
  - Makes "~" on local connections HOME for action plugins too.
'''

# Characters of a result that an event carries, and of one text in it.
RESULT_LIMIT = 32 * 1024
TEXT_LIMIT = 16 * 1024
DEPTH_LIMIT = 16
# A text that ends in this was longer. The worker knows the mark: a secret may be cut in two there.
CUT = '\u2026[cut]'
# What a reader wants first survives the limit.
FIRST_KEYS = ('msg', 'rc', 'stderr', 'exception', 'stdout', 'cmd')
# Bodies of facts, module arguments, and what is said again elsewhere in the same events.
DROPPED_KEYS = frozenset(('ansible_facts', 'invocation', 'stdout_lines', 'stderr_lines', 'diff'))


class Shortener:
    """Copies a value into plain JSON types of limited size."""

    def __init__(self, limit=RESULT_LIMIT):
        self.left = limit
        self.cut = False

    def copy(self, value, depth=0):
        if value is None or isinstance(value, (bool, int)):
            self.left -= 8
            return value
        if isinstance(value, float):
            self.left -= 16
            return value if math.isfinite(value) else str(value)
        if isinstance(value, bytes):
            return self._text(value.decode('utf-8', 'replace'))
        if isinstance(value, str):
            return self._text(value)
        if getattr(value, '__ENCRYPTED__', False):
            return '(vault encrypted)'
        if depth >= DEPTH_LIMIT:
            self.cut = True
            return CUT
        if isinstance(value, dict):
            return self._mapping(value, depth)
        if isinstance(value, (list, tuple, set, frozenset)):
            return self._sequence(value, depth)
        return self._text(str(value))

    def _text(self, value):
        limit = max(0, min(TEXT_LIMIT, self.left))
        self.left -= min(len(value), limit) + 2
        if len(value) <= limit:
            # a plain str: Ansible's own kinds of text have their own ideas of slicing and encoding
            return ''.join(value)
        self.cut = True
        return ''.join(value[:limit]) + CUT

    def _mapping(self, value, depth):
        first = [key for key in FIRST_KEYS if key in value]
        copied = {}
        for key in first + [key for key in value if key not in first]:
            if self.left <= 0:
                self.cut = True
                break
            copied[self._text(str(key))] = self.copy(value[key], depth + 1)
        return copied

    def _sequence(self, value, depth):
        copied = []
        for entry in value:
            if self.left <= 0:
                self.cut = True
                break
            copied.append(self.copy(entry, depth + 1))
        return copied


class Unwrapped:
    """Stands in for the module textwrap: a secret that is broken into lines would not be found in the log."""

    @staticmethod
    def wrap(text, *args, **kwargs):
        return [text]


def expand_by_home(expand_user):
    """Takes "~" on local connections for HOME, as modules do. Action plugins ask the user database, which names another directory."""
    # Not by the connection's _remote_is_local: that also overrides ansible_python_interpreter.
    @functools.wraps(expand_user)
    def expand(self, path, sudoable=True, pathsep=None):
        # Who would become the user that it is already does not, and keeps its HOME.
        becomes = sudoable and self._connection.become and self.get_become_option('become_user') != self._get_remote_user()
        if self._connection.transport == 'local' and not becomes and path.split('/', 1)[0] == '~':
            return os.path.expanduser(path)
        return expand_user(self, path, sudoable=sudoable, pathsep=pathsep)
    return expand


def is_rescued(task):
    """Whether a failure of the task leads into the rescue section of a block around it."""
    below = {task._uuid}
    around = task._parent
    while around is not None:
        if getattr(around, 'rescue', None) and any(entry._uuid in below for entry in around.block):
            return True
        below.add(around._uuid)
        around = around._parent
    return False


def event(name):
    """Makes an event of the fields that a method returns. Whatever goes wrong, an event with the next number is written."""
    def decorate(fields_of):
        @functools.wraps(fields_of)
        def report(self, *args, **kwargs):
            self._seq += 1
            head = {'seq': self._seq, 'ts': time.time_ns(), 'event': name}
            try:
                line = json.dumps(dict(head, **fields_of(self, *args, **kwargs)), ensure_ascii=False, allow_nan=False)
            except Exception as error:
                line = json.dumps(dict(head, plugin_error='%s: %s' % (type(error).__name__, error)))
            self._write(line)
        return report
    return decorate


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = 'notification'
    CALLBACK_NAME = 'aspirejobs_events'
    CALLBACK_NEEDS_ENABLED = False

    def __init__(self, *args, **kwargs):
        super(CallbackModule, self).__init__(*args, **kwargs)
        self._seq = 0
        self._play = {}
        self._started = {}
        # Taken out of the environment: an ansible-playbook started by a task must not write into this run's events.
        number = os.environ.pop('ASPIREJOBS_EVENTS_FD', None)
        self.disabled = number is None or not stat.S_ISFIFO(os.fstat(int(number)).st_mode)
        if not self.disabled:
            display.textwrap = Unwrapped
            ActionBase._remote_expand_user = expand_by_home(ActionBase._remote_expand_user)
            self._descriptor = int(number)
            os.set_inheritable(self._descriptor, False)

    def _write(self, line):
        data = line.encode('utf-8', 'replace') + b'\n'
        while data:
            data = data[os.write(self._descriptor, data):]

    def _task(self, task):
        fields = dict(self._play, task=task.get_name().strip(), task_uuid=task._uuid, action=task.action)
        path = task.get_path()
        if path:
            below = os.path.relpath(path)
            fields['path'] = path if below.startswith('..') else below
        if task._role:
            fields['role'] = task._role.get_name()
        return fields

    def _result(self, result, **more):
        body = {key: value for key, value in result._result.items()
                if key not in DROPPED_KEYS and not (isinstance(key, str) and key.startswith('_ansible'))}
        if result._task.loop is not None or result._task.loop_with:
            body.pop('results', None)  # each item has its own event
        shortener = Shortener()
        fields = dict(self._task(result._task), host=result._host.get_name(), res=shortener.copy(body))
        fields['task'] = str(result.task_name).strip()
        if shortener.cut:
            fields['res_cut'] = True
        fields['changed'] = bool(result.is_changed())
        delegated = result._result.get('_ansible_delegated_vars', {}).get('ansible_host')
        if delegated:
            fields['delegated_to'] = str(delegated)
        return dict(fields, **more)

    def _end(self, result, **more):
        started = self._started.pop((result._host.get_name(), result._task._uuid), None)
        if started is not None:
            more['duration'] = round(time.monotonic() - started, 6)
        return self._result(result, **more)

    def _item(self, result):
        label = result._result.get('_ansible_item_label', result._result.get('item'))
        return self._result(result, item=Shortener(1024).copy(label))

    @event('playbook_on_start')
    def v2_playbook_on_start(self, playbook):
        return {'playbook': os.path.relpath(playbook._file_name)}

    @event('playbook_on_play_start')
    def v2_playbook_on_play_start(self, play):
        self._play = {'play': play.get_name().strip(), 'play_uuid': play._uuid}
        hosts = play.hosts
        return dict(self._play, pattern=hosts if isinstance(hosts, str) else ','.join(str(host) for host in hosts))

    @event('playbook_on_task_start')
    def v2_playbook_on_task_start(self, task, is_conditional):
        return dict(self._task(task), handler=False)

    @event('playbook_on_task_start')
    def v2_playbook_on_handler_task_start(self, task):
        return dict(self._task(task), handler=True)

    @event('playbook_on_task_start')
    def v2_playbook_on_cleanup_task_start(self, task):
        return dict(self._task(task), handler=False)

    @event('playbook_on_include')
    def v2_playbook_on_include(self, included_file):
        return dict(self._play, file=os.path.relpath(included_file._filename),
                    hosts=[host.get_name() for host in included_file._hosts])

    @event('playbook_on_notify')
    def v2_playbook_on_notify(self, handler, host):
        return dict(self._play, handler=handler.get_name().strip(), host=host.get_name())

    @event('playbook_on_no_hosts_matched')
    def v2_playbook_on_no_hosts_matched(self):
        return dict(self._play)

    @event('playbook_on_no_hosts_remaining')
    def v2_playbook_on_no_hosts_remaining(self):
        return dict(self._play)

    @event('playbook_on_stats')
    def v2_playbook_on_stats(self, stats):
        hosts = {}
        for host in sorted(stats.processed):
            counts = stats.summarize(host)
            counts['failed'] = counts.pop('failures')
            hosts[str(host)] = counts
        artifacts = Shortener().copy(stats.custom)
        return {'hosts': hosts, 'artifacts': artifacts.pop('_run', {}), 'host_artifacts': artifacts}

    @event('runner_on_start')
    def v2_runner_on_start(self, host, task):
        self._started[host.get_name(), task._uuid] = time.monotonic()
        return dict(self._task(task), host=host.get_name())

    @event('runner_on_ok')
    def v2_runner_on_ok(self, result):
        return self._end(result)

    @event('runner_on_failed')
    def v2_runner_on_failed(self, result, ignore_errors=False):
        return self._end(result, ignore_errors=bool(ignore_errors), rescued=is_rescued(result._task))

    @event('runner_on_skipped')
    def v2_runner_on_skipped(self, result):
        return self._end(result)

    @event('runner_on_unreachable')
    def v2_runner_on_unreachable(self, result):
        return self._end(result, ignore_errors=bool(result._task_fields.get('ignore_unreachable')))

    @event('runner_item_on_ok')
    def v2_runner_item_on_ok(self, result):
        return self._item(result)

    @event('runner_item_on_failed')
    def v2_runner_item_on_failed(self, result):
        return self._item(result)

    @event('runner_item_on_skipped')
    def v2_runner_item_on_skipped(self, result):
        return self._item(result)

    @event('runner_retry')
    def v2_runner_retry(self, result):
        return self._result(result, attempts=result._result.get('attempts'), retries=result._result.get('retries'))

    @event('runner_on_async_poll')
    def v2_runner_on_async_poll(self, result):
        return self._result(result)

    @event('runner_on_async_ok')
    def v2_runner_on_async_ok(self, result):
        return self._result(result)

    @event('runner_on_async_failed')
    def v2_runner_on_async_failed(self, result):
        return self._result(result)

    @event('runner_on_file_diff')
    def v2_on_file_diff(self, result):
        shortener = Shortener()
        diff = shortener.copy(result._result.get('diff'))
        fields = dict(self._task(result._task), host=result._host.get_name(), diff=diff)
        return dict(fields, diff_cut=True) if shortener.cut else fields
