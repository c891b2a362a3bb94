// A model that does one thing: asked with tools at hand, it calls `create_batch`; shown the result, it says the batch's id.
//
//   node model.mjs FOLDER
//
// Speaks what the hosts speak: Anthropic messages, OpenAI chat completions and responses, Gemini. Listens on loopback and prints its
// port; keeps each request in FOLDER/requests, and in FOLDER/batches the ids of batches that came back as results of the call.
import { appendFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";

const folder = process.argv[2];
const ARGUMENTS = {
  source_directory_id: "dir-small",
  config: { job: { type: "parse_v2", configuration_id: "cfg-PARSE_AGENTIC" } },
};
const CALL_ID = "call_1";

// The tool as a host calls it, wherever it stands in the request: with a prefix, in a namespace, or as it is.
function findTool(tools, namespace) {
  for (const tool of tools ?? []) {
    const found = findTool(tool.tools ?? tool.functionDeclarations, tool.name);
    if (found) return found;
    const name = tool.function?.name ?? tool.name;
    if (name?.endsWith("create_batch")) return { name, namespace };
  }
}

const batchIn = (body) => /\bbat-[0-9a-f]{8}-[0-9a-f-]{27}\b/.exec(JSON.stringify(body))?.[0];

const usage = { input_tokens: 1, output_tokens: 1, total_tokens: 2, prompt_tokens: 1, completion_tokens: 1 };

// Each protocol: the answer whole, and as events of a stream.
const protocols = {
  anthropic: (answer) => {
    const block = answer.tool
      ? { type: "tool_use", id: "toolu_1", name: answer.tool.name, input: ARGUMENTS }
      : { type: "text", text: answer.text };
    const stop = answer.tool ? "tool_use" : "end_turn";
    const message = { id: "msg_1", type: "message", role: "assistant", model: "fake", content: [], stop_reason: null, usage };
    const delta = answer.tool
      ? { type: "input_json_delta", partial_json: JSON.stringify(ARGUMENTS) }
      : { type: "text_delta", text: answer.text };
    const start = answer.tool ? { ...block, input: {} } : { ...block, text: "" };
    const events = [
      { type: "message_start", message },
      { type: "content_block_start", index: 0, content_block: start },
      { type: "content_block_delta", index: 0, delta },
      { type: "content_block_stop", index: 0 },
      { type: "message_delta", delta: { stop_reason: stop, stop_sequence: null }, usage },
      { type: "message_stop" },
    ];
    return { whole: { ...message, content: [block], stop_reason: stop }, events };
  },
  chat: (answer) => {
    const call = answer.tool && {
      index: 0,
      id: CALL_ID,
      type: "function",
      function: { name: answer.tool.name, arguments: JSON.stringify(ARGUMENTS) },
    };
    const message = { role: "assistant", content: answer.text ?? null, ...(call && { tool_calls: [call] }) };
    const finish_reason = call ? "tool_calls" : "stop";
    const chunk = (delta, finish) => ({
      id: "chat_1",
      object: "chat.completion.chunk",
      created: 1,
      model: "fake",
      choices: [{ index: 0, delta, finish_reason: finish }],
    });
    const whole = { ...chunk(), object: "chat.completion", usage, choices: [{ index: 0, message, finish_reason }] };
    return { whole, events: [chunk(message, null), { ...chunk({}, finish_reason), usage }, "[DONE]"] };
  },
  responses: (answer) => {
    const item = answer.tool
      ? {
          type: "function_call",
          id: "fc_1",
          call_id: CALL_ID,
          status: "completed",
          name: answer.tool.name,
          ...(answer.tool.namespace && { namespace: answer.tool.namespace }),
          arguments: JSON.stringify(ARGUMENTS),
        }
      : {
          type: "message",
          id: "msg_1",
          status: "completed",
          role: "assistant",
          content: [{ type: "output_text", text: answer.text, annotations: [] }],
        };
    const response = { id: "resp_1", object: "response", model: "fake", created_at: 1, status: "completed", output: [item], usage };
    const events = [
      { type: "response.created", response: { ...response, status: "in_progress", output: [] } },
      { type: "response.output_item.added", output_index: 0, item },
      { type: "response.output_item.done", output_index: 0, item },
      { type: "response.completed", response },
    ];
    return { whole: response, events };
  },
  gemini: (answer) => {
    const part = answer.tool ? { functionCall: { name: answer.tool.name, args: ARGUMENTS } } : { text: answer.text };
    const whole = {
      candidates: [{ index: 0, content: { role: "model", parts: [part] }, finishReason: "STOP" }],
      usageMetadata: { promptTokenCount: 1, candidatesTokenCount: 1, totalTokenCount: 2 },
      modelVersion: "fake",
    };
    return { whole, events: [whole] };
  },
};

function protocolOf(path) {
  if (path.endsWith("/messages")) return "anthropic";
  if (path.endsWith("/chat/completions")) return "chat";
  if (path.endsWith("/responses")) return "responses";
  if (/:(streamG|g)enerateContent$/.test(path)) return "gemini";
}

function answer(path, body, response) {
  const protocol = protocolOf(path);
  if (!protocol) {
    const models = [{ id: "fake", object: "model", name: "models/fake", display_name: "fake" }];
    response.writeHead(path.includes("models") ? 200 : 404, { "content-type": "application/json" });
    return response.end(JSON.stringify({ object: "list", data: models, models, totalTokens: 1, input_tokens: 1 }));
  }
  const batch = batchIn(body);
  if (batch) appendFileSync(join(folder, "batches"), `${batch}\n`);
  const tool = batch ? undefined : findTool(body.tools);
  const { whole, events } = protocols[protocol](tool ? { tool } : { text: batch ? `The batch is ${batch}.` : "ok" });
  if (!body.stream && !path.includes("streamGenerateContent")) {
    response.writeHead(200, { "content-type": "application/json" });
    return response.end(JSON.stringify(whole));
  }
  response.writeHead(200, { "content-type": "text/event-stream" });
  for (const event of events) {
    if (event.type) response.write(`event: ${event.type}\n`);
    response.write(`data: ${typeof event === "string" ? event : JSON.stringify(event)}\n\n`);
  }
  response.end();
}

const server = createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString("utf8");
  const { pathname } = new URL(request.url, "http://127.0.0.1");
  appendFileSync(join(folder, "requests"), `${request.method} ${request.url} ${text}\n`);
  let body = {};
  try {
    body = JSON.parse(text);
  } catch {
    // Asked for nothing in particular.
  }
  answer(pathname, body, response);
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
