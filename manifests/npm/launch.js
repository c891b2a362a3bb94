#!/usr/bin/env node
// Starts the program of this system's package, with the same arguments, streams and environment.
//
// Where Node can (22.15 and newer, not on Windows), the program takes this process's place. Elsewhere it is a child on the same streams:
// no byte goes through Node, signals are handed on, and the child's exit code or signal becomes this process's. On Windows the console
// itself tells the child of Ctrl-C, and a signal from here would end it before it could end its work.
"use strict";

const { accessSync, constants } = require("node:fs");
const { spawn } = require("node:child_process");

const isWindows = process.platform === "win32";
const platform = `${process.platform}-${process.arch}`;
const args = process.argv.slice(2);

function fail(reason) {
  process.stderr.write(`llamacloud-batches-mcp: ${reason}\n`);
  process.exitCode = 1;
}

function find() {
  const program = require.resolve(
    `@llamacloud-batches-mcp/${platform}/llamacloud-batches-mcp${isWindows ? ".exe" : ""}`,
  );
  // A failing execve would end Node with a stack trace.
  accessSync(program, constants.X_OK);
  return program;
}

function start(program) {
  if (!isWindows && typeof process.execve === "function") {
    process.execve(program, [program, ...args], process.env);
  }
  const child = spawn(program, args, { stdio: "inherit", windowsHide: true });
  const signals = ["SIGINT", "SIGHUP", isWindows ? "SIGBREAK" : "SIGTERM"];
  for (const signal of signals) process.on(signal, () => isWindows || child.kill(signal));
  child.on("error", (error) => fail(`the program cannot be started: ${error.message}`));
  child.on("exit", (code, signal) => {
    if (signal === null) process.exit(code);
    for (const handled of signals) process.removeAllListeners(handled);
    process.kill(process.pid, signal);
  });
}

let program;
try {
  program = find();
} catch {
  fail(
    `the package @llamacloud-batches-mcp/${platform} is missing. Install llamacloud-batches-mcp again on this machine, ` +
      "without --omit=optional; a lock file or folder from another system lacks it.",
  );
}
if (program) start(program);
