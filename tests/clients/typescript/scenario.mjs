// What each TypeScript client does with the server, whatever the SDK and the protocol revision. The same steps as
// `python/scenario.py`; the two test files only say how their SDK connects, lists, calls, cancels and asks.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const CLIENTS = process.env.CLIENTS_DIR;
export const constants = JSON.parse(readFileSync(join(CLIENTS, 'constants.json'), 'utf8'));
export const LIMIT = { timeout: 120_000 };
export const CREATE = {
  source_directory_id: constants.directories.small,
  config: { job: { type: 'parse_v2', configuration_id: constants.configurations.parse_v2 } },
};
const INVALID_PARAMS = -32602;
const STEPS = 3; // The sandbox moves a batch one state on with each read.

/** The parameters of `StdioClientTransport`, which both SDKs spell alike: the server, recorded. */
export function server(args = constants.server_arguments) {
  const { CLIENTS_DIR, RECORD_DIR, SERVER_BINARY } = process.env;
  return {
    command: 'bash',
    args: [join(CLIENTS_DIR, 'record'), RECORD_DIR, SERVER_BINARY, ...args],
    env: { LLAMA_CLOUD_API_KEY: constants.canary },
  };
}

/** The whole scenario, in one session. A driver has `listTools()` and `call(tool, args, options)`. */
export async function run(driver) {
  const tools = await driver.listTools();
  checkTools(tools);
  const steps = [];
  const onprogress = ({ progress }) => steps.push(progress);
  const call = async (tool, args) => success(await driver.call(tool, args, { onprogress }));

  const batch = await call('create_batch', CREATE);
  assert.equal(batch.created, true);
  assert.equal(batch.source_directory_id, CREATE.source_directory_id);

  // The first read of a batch hangs: the server is started with that fault.
  const get = { batch_id: batch.id, expand: ['results'] };
  const stop = new AbortController();
  const waiting = assert.rejects(driver.call('get_batch', get, { signal: stop.signal }));
  const listed = await call('list_batches', { source_directory_id: CREATE.source_directory_id });
  assert.ok(
    listed.batches.some((other) => other.id === batch.id),
    JSON.stringify(listed),
  );
  stop.abort('no longer needed');
  await waiting;

  let got;
  for (let step = 0; step < STEPS; step += 1) got = await call('get_batch', get);
  // The mapping alone does not say whether every job has ended.
  assert.deepEqual([got.id, got.status, got.final], [batch.id, 'COMPLETED', undefined]);
  const ended = await call('get_batch', { batch_id: batch.id });
  assert.deepEqual([ended.status, ended.final], ['COMPLETED', true]);
  assert.ok(got.results.length > 0);
  const same = await call('create_batch', CREATE);
  assert.deepEqual([same.id, same.created], [batch.id, false]);
  assert.deepEqual(steps, [], 'only a call that waits reports progress');

  const found = await call('list_directories', { name: 'LEASE' });
  assert.deepEqual(
    found.directories.map((directory) => directory.id),
    [CREATE.source_directory_id],
  );
  const shown = await call('list_directories', { directory_id: CREATE.source_directory_id });
  assert.deepEqual([shown.files_total, shown.files.length], [4, 4]);
  const [first] = (await call('list_configurations', {})).configurations;
  assert.deepEqual([first.id, first.built_in], [CREATE.config.job.configuration_id, true]);

  const read = await call('read_result', { batch_id: batch.id, file: 'LEASE-oslo' });
  assert.deepEqual([read.file.name, read.pages.first], ['lease-oslo.docx', 1]);
  assert.match(read.text, /<table>/);
  const hits = await call('read_result', { job_id: read.job_id, find: 'roof tile' });
  assert.deepEqual([hits.hits_total, hits.hits[0].page], [1, 1]);

  failure(await driver.call('create_batch', { ...CREATE, source_directory_id: 'a b' }), 'source_directory_id');
  const failing = { batch_id: 'bat-sandbox-failing' };
  for (let step = 0; step < STEPS + 2; step += 1) await call('get_batch', failing);
  const retried = await call('retry_failed_files', failing);
  assert.deepEqual([retried.retry_of, retried.created], [failing.batch_id, true]);

  failure(await driver.call('retry_failed_files', { batch_id: batch.id }), 'nothing to retry');
  failure(await driver.call('read_result', { batch_id: batch.id, file: 'lease-olso.docx' }), 'lease-oslo.docx');
  failure(await driver.call('list_directories', { directory_id: 'Lease contracts' }), 'directory_id');
  failure(await driver.call('list_configurations', { job_type: 'parse' }), 'job_type');
  failure(await driver.call('list_batches', { page_size: 0 }), 'page_size');
  failure(await driver.call('get_batch', { batch_id: 7 }), 'batch_id');
  failure(await driver.call('get_batch', { batch_id: constants.unknown_batch }), constants.unknown_batch);
  await assert.rejects(driver.call(constants.unknown_tool, {}), { code: INVALID_PARAMS });

  // A server that can wait reports each poll to a client that asks for it.
  if ('wait_seconds' in tools[2].inputSchema.properties) {
    const again = await call('create_batch', { ...CREATE, allow_duplicate: true, wait_seconds: 60 });
    assert.equal(again.status, 'COMPLETED');
    assert.notEqual(again.id, batch.id);
    assert.ok(steps.length > 0 && steps.every((step, index) => index === 0 || steps[index - 1] < step), `${steps}`);
    const other = await call('create_batch', { ...CREATE, source_directory_id: constants.directories.throttled });
    const stopWaiting = new AbortController();
    const wait = { batch_id: other.id, wait_seconds: 60 };
    const rejected = assert.rejects(driver.call('get_batch', wait, { signal: stopWaiting.signal }));
    await call('list_batches', {});
    stopWaiting.abort('no longer needed');
    await rejected;
    // It was read once, before the wait, and not again: it goes from PENDING to THROTTLED to RUNNING.
    assert.equal((await call('get_batch', { batch_id: other.id })).status, 'RUNNING');
  }
  if (JSON.stringify(tools[2].inputSchema).includes('"outcomes"')) {
    const outcomes = await call('get_batch', { batch_id: batch.id, expand: ['outcomes'] });
    assert.equal(outcomes.id, batch.id);
    assert.ok(outcomes.files);
  }
}

/** Who sits before the host: what it says to each question, and which messages it read. */
export class Person {
  reply = { action: 'decline' };
  asked = [];

  answer(message) {
    this.asked.push(message);
    return this.reply;
  }
}

/** A server with `--confirm-create`, in a session of its own: a yes makes a batch, and nothing else does. */
export async function confirm(driver, person) {
  const no = [{ action: 'decline' }, { action: 'cancel' }, { action: 'accept', content: { confirm: false } }];
  for (const reply of no) {
    person.reply = reply;
    failure(await driver.call('create_batch', CREATE), 'No batch was created and nothing was sent');
  }
  assert.deepEqual(success(await driver.call('list_batches', {})).batches, []);
  person.reply = { action: 'accept', content: { confirm: true } };
  assert.equal(success(await driver.call('create_batch', CREATE)).created, true);
  assert.equal(person.asked.length, no.length + 1);
  const { source_directory_id: directory, config } = CREATE;
  for (const words of [directory, '4 files', config.job.configuration_id, 'credits']) {
    for (const message of person.asked) assert.ok(message.includes(words), message);
  }
}

function checkTools(tools) {
  assert.deepEqual(
    tools.map((tool) => tool.name),
    constants.tools,
  );
  for (const tool of tools) {
    assert.ok(tool.description, tool.name);
    assert.equal(tool.inputSchema.type, 'object');
  }
}

/** The data of a result that is no error: said twice, the text being the compact JSON of the structured content. */
function success(result) {
  const [block, ...more] = result.content;
  assert.ok(!result.isError, block.text);
  assert.deepEqual(more, []);
  assert.equal(block.text, JSON.stringify(result.structuredContent));
  assert.match(result.structuredContent.summary, /^\[sandbox\]/);
  return result.structuredContent;
}

/** A tool error: text only, naming what was wrong. */
function failure(result, names) {
  const [block, ...more] = result.content;
  assert.equal(result.isError, true, block.text);
  assert.deepEqual([more, result.structuredContent], [[], undefined]);
  assert.ok(block.text.includes(names), block.text);
}
