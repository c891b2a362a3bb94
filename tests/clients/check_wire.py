"""Checks what `record` kept of one client's run, byte by byte, where an SDK would hide it.

Proves: every process ended by itself with code 0; standard output held nothing but JSON-RPC; every request got exactly
one answer, a cancelled one none; progress only grows, and ends before its answer; results have the shape of their revision; the text of a result is its structured
content, to the byte; every tool succeeded and failed at least once; the key is in no output.
"""

import json
import sys
from pathlib import Path

CONSTANTS = json.loads((Path(__file__).parent / "constants.json").read_text())
META = "io.modelcontextprotocol/"
ELICITATION_SINCE = "2025-06-18"
PROGRESS_MESSAGES_SINCE = "2025-03-26"


def main(folder: Path) -> None:
    inputs = sorted(folder.glob("*.in"))
    assert inputs, f"no server process was recorded in {folder}"
    seen: set[str] = set()
    for path in inputs:
        check_process(path.with_suffix(""), seen)
    wanted = {"unknown tool", "cancelled", "progress"}
    if any(word >= ELICITATION_SINCE for word in seen if word[:2] == "20"):
        wanted |= {"asked"}
    wanted |= {f"{tool} {end}" for tool in CONSTANTS["tools"] for end in ("succeeded", "failed")}
    assert wanted <= seen, f"never seen: {sorted(wanted - seen)}"


def check_process(base: Path, seen: set[str]) -> None:
    received = [json.loads(line) for line in read(base, "in").splitlines()]
    output, errors = read(base, "out"), read(base, "err")
    for name, text in (("standard output", output), ("standard error", errors)):
        assert CONSTANTS["canary"] not in text, f"the key is in {name}"
    assert "panicked" not in errors, errors
    assert not output or output.endswith("\n"), "the last line is not finished"
    lines = output.splitlines()
    sent = [json.loads(line) for line in lines]
    check_exit(base, received)

    answers: dict[object, list[tuple[dict, str]]] = {}
    for message, line in zip(sent, lines, strict=True):
        assert message.get("jsonrpc") == "2.0", line
        if message.get("method") == "elicitation/create":
            check_question(message, received)
            seen.add("asked")
        elif "method" in message:
            assert "id" not in message and message["method"] == "notifications/progress", f"unexpected: {line}"
        else:
            answers.setdefault(message["id"], []).append((message, line))

    cancelled = {m["params"]["requestId"] for m in received if m.get("method") == "notifications/cancelled"}
    revision = None
    for request in (m for m in received if "id" in m and "method" in m):
        got = answers.pop(request["id"], [])
        if request["id"] in cancelled:
            assert not got, f"a cancelled request was answered: {got}"
            seen.add("cancelled")
            continue
        assert len(got) == 1, f"{len(got)} answers to {request}"
        answer, line = got[0]
        if request["method"] == "initialize":
            revision = answer["result"]["protocolVersion"]
            assert revision == request["params"]["protocolVersion"], line
        meta = request.get("params", {}).get("_meta", {})
        settled = meta.get(META + "protocolVersion", revision)
        seen.add(settled)
        check_answer(request, answer, line, settled, seen)
        check_progress(meta.get("progressToken"), answer, sent, settled, seen)
    assert not answers, f"answers to nothing: {answers}"


def check_exit(base: Path, received: list[dict]) -> None:
    """A process that was only probed may be told to go; any other goes by itself when its input ends."""
    probed_only = [m.get("method") for m in received] == ["server/discover"]
    assert probed_only or not base.with_suffix(".signal").exists(), "the process had to be terminated"
    code = read(base, "exit").strip()
    assert code == "0", f"exit code {code}, standard error: {read(base, 'err')}"


def check_question(message: dict, received: list[dict]) -> None:
    """A question to a legacy client, in an id space of its own, is answered once."""
    assert {"message", "requestedSchema"} == set(message["params"]), message
    ours = [m for m in received if m.get("id") == message["id"]]
    assert len(ours) == 1 and "method" not in ours[0], f"{message} was answered with {ours}"


def check_progress(token: object, answer: dict, sent: list[dict], revision: str, seen: set[str]) -> None:
    reports = [m for m in sent if m.get("method") == "notifications/progress"]
    reports = [m for m in reports if token is not None and m["params"]["progressToken"] == token]
    for report in reports:
        assert sent.index(report) < sent.index(answer), f"progress after the answer: {report}"
        assert ("message" in report["params"]) is (revision >= PROGRESS_MESSAGES_SINCE), report
        seen.add("progress")
    numbers = [m["params"]["progress"] for m in reports]
    assert numbers == sorted(set(numbers)), f"progress does not grow: {numbers}"


def check_answer(request: dict, answer: dict, line: str, revision: str | None, seen: set[str]) -> None:
    assert revision is not None, f"no revision is known for {request}"
    if "error" in answer:
        assert answer["error"]["code"] == -32602, line
        seen.add("unknown tool")
        return
    result, method = answer["result"], request["method"]
    modern = revision >= "2026-07-28"
    if result.get("resultType") == "input_required":
        assert modern and method == "tools/call" and result["requestState"], line
        assert result["inputRequests"]["confirm"]["method"] == "elicitation/create", line
        seen.add("asked")
        return
    assert (result.get("resultType") == "complete") is modern, line
    listing = modern and method in ("tools/list", "server/discover")
    assert ("ttlMs" in result) is listing and ("cacheScope" in result) is listing, line
    assert (META + "serverInfo" in result.get("_meta", {})) is modern, line
    if method == "tools/call":
        check_result(result, line, revision)
        end = "failed" if result.get("isError") else "succeeded"
        seen.add(f"{request['params']['name']} {end}")


def check_result(result: dict, line: str, revision: str) -> None:
    (block,) = result["content"]
    assert block["type"] == "text", line
    if result.get("isError"):
        assert "structuredContent" not in result, line
        return
    json.loads(block["text"])
    if revision >= "2025-06-18":
        assert '"structuredContent":' + block["text"] in line, f"text and structured content differ: {line}"
    else:
        assert "structuredContent" not in result, line


def read(base: Path, suffix: str) -> str:
    path = base.with_suffix("." + suffix)
    assert path.exists(), f"{path.name} is missing: the process was killed"
    return path.read_text(encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
