#!/usr/bin/env python3
"""Runs the sample playbook through a running system and shows what came of it. Only the standard library is needed.

demo.py wait URL PID   waits until the API at URL is healthy; fails when process PID ends or after two minutes
demo.py run URL        submits samples/hello.yml with the key in the environment variable KEY
"""
import base64
import hashlib
import hmac
import http.server
import json
import os
import queue
import shutil
import sys
import threading
import time
import urllib.error
import urllib.request


def request(url, key=None, body=None, timeout=30):
    headers = {"Content-Type": "application/json"}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    data = None if body is None else json.dumps(body).encode()
    return urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=timeout)


def wait(api, pid):
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            os.kill(int(pid), 0)
            with request(f"{api}/health"):
                return 0
        except ProcessLookupError:
            return 1
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.2)
    return 1


def signature_is_right(secret, headers, body):
    """Standard Webhooks 1.0.0: HMAC-SHA256 over id, timestamp and the body as it came."""
    message_id, timestamp = headers["webhook-id"], headers["webhook-timestamp"]
    if abs(time.time() - int(timestamp)) > 300:
        return False
    key = base64.b64decode(secret.removeprefix("whsec_"))
    expected = hmac.new(key, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    signatures = [part.removeprefix("v1,") for part in headers["webhook-signature"].split() if part.startswith("v1,")]
    return any(hmac.compare_digest(base64.b64decode(signature), expected) for signature in signatures)


def receive_callbacks():
    """A receiver on a free port; returns its URL and the queue of (headers, body)."""
    received = queue.Queue()

    class Receiver(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(204)
            self.end_headers()
            received.put((self.headers, body))

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}/hooks/demo", received


def headline(text):
    width = min(shutil.get_terminal_size().columns, 100)
    print(f"\n── {text} {'─' * max(0, width - len(text) - 4)}", flush=True)


def run(api):
    key = os.environ["KEY"]
    with request(f"{api}/api/v1/webhook-secret", key) as answer:
        secret = json.load(answer)["secret"]
    callback_url, received = receive_callbacks()

    job_request = {
        "source": {"type": "local"},
        "playbook": "hello.yml",
        "extra_vars": {"who": ["Ada", "Grace"]},
        "callback_url": callback_url,
        "labels": {"from": "demo"},
    }
    headline("POST /api/v1/jobs")
    with request(f"{api}/api/v1/jobs", key, job_request) as answer:
        job = json.load(answer)
    print(f"{answer.status} {job['id']} is {job['status']}")

    headline(f"GET /api/v1/jobs/{job['id']}/logs?follow=true")
    # Ten minutes of silence mean that no worker takes the job.
    with request(f"{api}/api/v1/jobs/{job['id']}/logs?follow=true", key, timeout=600) as log:
        for line in log:
            sys.stdout.write(line.decode(errors="replace"))
            sys.stdout.flush()

    headline("outcome")
    with request(f"{api}/api/v1/jobs/{job['id']}", key) as answer:
        job = json.load(answer)
    print(f"{job['status']} ({job['outcome']}) after {job.get('duration_seconds', 0):.1f} s on {job.get('worker_id')}")
    for host, recap in job.get("hosts", {}).items():
        print(f"  {host}: " + ", ".join(f"{name} {count}" for name, count in recap.items()))
    if "failure" in job:
        print(f"  {job['failure']['message']}")

    headline("webhook")
    try:
        headers, body = received.get(timeout=30)
    except queue.Empty:
        print("none came within 30 s")
        return 1
    verified = signature_is_right(secret, headers, body)
    print(f"{json.loads(body)['type']}, id {headers['webhook-id']}, signature {'verified' if verified else 'WRONG'}")

    headline("trace")
    same = headers.get("traceparent", "").split("-")[1:2] == [job["trace_id"]]
    print(f"{job['trace_id']}, {'also' if same else 'NOT'} in the webhook's traceparent")
    return 0 if job["status"] == "success" and verified and same else 1


if __name__ == "__main__":
    sys.exit({"wait": wait, "run": run}[sys.argv[1]](*sys.argv[2:]))
