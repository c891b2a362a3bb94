// The built server as a child process: one JSON-RPC line out, one answer back.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

const META = {
  "io.modelcontextprotocol/protocolVersion": "2026-07-28",
  "io.modelcontextprotocol/clientInfo": { name: "view-test", version: "1.0.0" },
  "io.modelcontextprotocol/clientCapabilities": {
    extensions: { "io.modelcontextprotocol/ui": { mimeTypes: ["text/html;profile=mcp-app"] } },
  },
};

export class Server {
  #child;
  #lines;
  #nextId = 1;

  constructor(...flags) {
    this.#child = spawn(process.env.SERVER_BINARY, flags, { stdio: ["pipe", "pipe", "inherit"] });
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  async request(method, params = {}) {
    const id = this.#nextId++;
    this.#child.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", id, method, params: { ...params, _meta: META } })}\n`);
    for (;;) {
      const { value, done } = await this.#lines.next();
      if (done) throw new Error(`the server ended before it answered ${method}`);
      const message = JSON.parse(value);
      if (message.id !== id) continue;
      if (message.error) throw new Error(message.error.message);
      return message.result;
    }
  }

  close() {
    this.#child.stdin.end();
  }
}

/** The view as the server serves it. */
export async function html(...flags) {
  const server = new Server("--sandbox", ...flags);
  const { tools } = await server.request("tools/list");
  const uri = tools.find((tool) => tool.name === "create_batch")._meta.ui.resourceUri;
  const { contents } = await server.request("resources/read", { uri });
  server.close();
  return contents[0].text;
}
