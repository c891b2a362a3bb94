"""The server through a launcher against the binary itself: `check.py ROOT BINARY LABEL COMMAND…`.

Nothing here waits for a time: what has ended is known from the end of a pipe that only it held open.
"""

import json
import os
import signal
import subprocess
import sys
import threading

root, binary, label, *launcher = sys.argv[1:]
PATIENCE = 60
environment = {name: value for name, value in os.environ.items() if not name.startswith("LLAMA_")}
with open(f"{root}/manifests/examples/first-batch.jsonl", "rb") as file:
    EXAMPLE = file.read()
HELLO = EXAMPLE.splitlines(keepends=True)[0]
IS_RUNNER = label in ("npx", "uvx")


def run(command, arguments, given=b""):
    done = subprocess.run([*command, *arguments], input=given, capture_output=True, env=environment, timeout=PATIENCE)
    return done.returncode, done.stdout, done.stderr


def same(what, arguments, given=b""):
    expected, got = run([binary], arguments, given), run(launcher, arguments, given)
    if expected != got:
        sys.exit(f"{label}, {what}: {got} instead of {expected}")


def first_batch():
    code, out, _ = run(launcher, ["--sandbox"], EXAMPLE)
    answers = {message["id"]: message for message in map(json.loads, out.splitlines())}
    asked = {message["id"] for message in map(json.loads, EXAMPLE.splitlines()) if "id" in message}
    created = answers.get(3, {}).get("result", {}).get("structuredContent", {}).get("created")
    if code != 0 or answers.keys() != asked or created is not True:
        sys.exit(f"{label}, first-batch.jsonl: exit code {code}, {out!r}")


class Server:
    """The server, once it has answered."""

    def __init__(self, command):
        self.process = subprocess.Popen(
            [*command, "--sandbox"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
        )
        self.process.stdin.write(HELLO)
        self.process.stdin.flush()
        self.process.stdout.readline()

    def end(self):
        """How the launcher ended. Reads to the end of stdout, which comes when the last process has closed it."""
        rest = []
        reader = threading.Thread(target=lambda: rest.append(self.process.stdout.read()), daemon=True)
        reader.start()
        reader.join(PATIENCE)
        if not rest:
            sys.exit(f"{label}: a process goes on")
        self.process.stdin.close()
        return self.process.wait(PATIENCE), rest[0]


def signals():
    for name in ("SIGTERM", "SIGINT", "SIGHUP"):
        ends = []
        for command in ([binary], launcher):
            server = Server(command)
            server.process.send_signal(getattr(signal, name))
            ends.append(server.end())
        if ends[0] != ends[1]:
            sys.exit(f"{label}, {name}: {ends[1]} instead of {ends[0]}")


def killed():
    # A launcher that is killed cannot tell anybody. What it has started ends when the host closes the pipe.
    server = Server(launcher)
    server.process.kill()
    server.process.stdin.close()
    server.end()


def registers_runner():
    expected = {"npx": ["npx", "-y", "llamacloud-batches-mcp"], "uvx": ["uvx", "llamacloud-batches-mcp"]}[label]
    _, out, _ = run(launcher, ["host-config", "cursor", "--sandbox"])
    entry = json.loads(out)["mcpServers"]["llamacloud-batches"]
    if [entry["command"], *entry["args"]] != [*expected, "--sandbox"]:
        sys.exit(f"{label}: host-config registers {entry}")


first_batch()
same("a handshake and the tools, byte for byte", ["--sandbox"], b"".join(EXAMPLE.splitlines(keepends=True)[:3]))
same("no input", [])
same("the version", ["--version"])
same("wrong usage", ["--no-such-flag"])
same("a call that fails", ["call", "get_batch", '{"batch_id":"bat-none"}', "--sandbox"])
same("arguments as they are", ["call", "get_batch", '{"batch_id": "ü \'\\" $HOME"}', "--sandbox"])
killed()
if IS_RUNNER:
    # npx itself does not hand signals on.
    registers_runner()
else:
    signals()
print(f"ok      {label}")
