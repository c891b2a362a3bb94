// A model that does one job: asked with tools at hand, it uploads the folder, creates a batch over it and reads a
// result; shown that, it says the batch's id.
//
//   node model.mjs FOLDER
//
// Speaks what the hosts speak: Anthropic messages, OpenAI chat completions and responses, Gemini. Listens on loopback and prints its
// port; keeps each request in FOLDER/requests, and in FOLDER/results what came back of each tool, a line `TOOL WORDS`.
import { appendFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";

const folder = process.argv[2];
// The job, step by step: the tool, its arguments, made from the results before it, and what is found in its result.
const STEPS = [
  { tool: "upload_files", given: () => ({ path: "." }), result: /\bdir-[0-9a-f]{8}-[0-9a-f-]{27}\b/ },
  {
    tool: "create_batch",
    given: ([directory]) => ({
      source_directory_id: directory,
      config: { job: { type: "parse_v2", configuration_id: "cfg-PARSE_AGENTIC" } },
    }),
    result: /\bbat-[0-9a-f]{8}-[0-9a-f-]{27}\b/,
  },
  {
    tool: "read_result",
    given: ([, batch]) => ({ batch_id: batch, file: "meeting-notes.md" }),
    result: /The new warehouse opens on 2 June/,
  },
];

// The tool as a host calls it, wherever it stands in the request: with a prefix, in a namespace, or as it is.
function findTool(tools, wanted, namespace) {
  for (const tool of tools ?? []) {
    const found = findTool(tool.tools ?? tool.functionDeclarations, wanted, tool.name);
    if (found) return found;
    const name = tool.function?.name ?? tool.name;
    if (name?.endsWith(wanted)) return { name, namespace };
  }
}

// What the conversation already holds, as far as the steps follow each other.
function resultsIn(text) {
  const results = STEPS.map(({ result }) => result.exec(text)?.[0]);
  const missing = results.indexOf(undefined);
  return missing < 0 ? results : results.slice(0, missing);
}

// The next call, or what there is to say.
function nextOf(body, results) {
  const step = STEPS[results.length];
  if (!step) return { text: `The batch is ${results[1]}.` };
  const tool = findTool(body.tools, step.tool);
  return tool ? { tool, given: step.given(results), id: results.length + 1 } : { text: "ok" };
}

const usage = { input_tokens: 1, output_tokens: 1, total_tokens: 2, prompt_tokens: 1, completion_tokens: 1 };

// Each protocol: the answer whole, and as events of a stream.
const protocols = {
  anthropic: (answer) => {
    const block = answer.tool
      ? { type: "tool_use", id: `toolu_${answer.id}`, name: answer.tool.name, input: answer.given }
      : { type: "text", text: answer.text };
    const stop = answer.tool ? "tool_use" : "end_turn";
    const message = { id: "msg_1", type: "message", role: "assistant", model: "fake", content: [], stop_reason: null, usage };
    const delta = answer.tool
      ? { type: "input_json_delta", partial_json: JSON.stringify(answer.given) }
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
      id: `call_${answer.id}`,
      type: "function",
      function: { name: answer.tool.name, arguments: JSON.stringify(answer.given) },
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
          id: `fc_${answer.id}`,
          call_id: `call_${answer.id}`,
          status: "completed",
          name: answer.tool.name,
          ...(answer.tool.namespace && { namespace: answer.tool.namespace }),
          arguments: JSON.stringify(answer.given),
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
    const part = answer.tool ? { functionCall: { name: answer.tool.name, args: answer.given } } : { text: answer.text };
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
  const results = resultsIn(JSON.stringify(body));
  results.forEach((words, step) => appendFileSync(join(folder, "results"), `${STEPS[step].tool} ${words}\n`));
  const { whole, events } = protocols[protocol](nextOf(body, results));
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
