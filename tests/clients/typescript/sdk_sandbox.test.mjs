// npm `@llamaindex/llama-cloud` takes the sandbox for LlamaCloud.
//
// Proves: LlamaCloud's own TypeScript SDK can create, list, page, filter, read and cancel batches, look up files and
// jobs, upload, read results and recognises each refusal. It is configured by its own environment variables.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import LlamaCloud, { toFile } from '@llamaindex/llama-cloud';
import { constants, LIMIT } from './scenario.mjs';

const { configurations, directories, sandbox_arguments, sandbox_key, unknown_batch } = constants;
const FINAL = ['COMPLETED', 'FAILED', 'CANCELLED'];
const OTHER_UUID = '182bd5e5-6e1a-4fe4-a799-aa6d9a6ab26e';
let sandbox;
let client;

before(async () => {
  sandbox = spawn(process.env.SERVER_BINARY, sandbox_arguments, { stdio: ['ignore', 'inherit', 'pipe'] });
  for await (const line of createInterface(sandbox.stderr)) {
    const [, address] = /listening on (http:\S+)/.exec(line) ?? [];
    if (!address) continue;
    process.env.LLAMA_CLOUD_BASE_URL = address;
    process.env.LLAMA_CLOUD_API_KEY = sandbox_key;
    client = new LlamaCloud({ maxRetries: 0 });
    return;
  }
  throw new Error('the sandbox did not start');
}, LIMIT);

after(async () => {
  sandbox.kill();
  assert.deepEqual(await once(sandbox, 'exit'), [0, null]);
});

function create(directory, type = 'parse_v2') {
  const config = { job: { type, configuration_id: configurations[type] } };
  return client.batches.create({ source_directory_id: directories[directory], config });
}

/** The batch with its results, once it is final. The test's own time-out is the limit. */
async function final(id) {
  for (;;) {
    const batch = await client.batches.get(id);
    assert.ok(!batch.results, 'results come only when asked for');
    if (FINAL.includes(batch.status)) return client.batches.get(id, { expand: ['results'] });
  }
}

async function ids(pages) {
  const all = [];
  for await (const item of pages) all.push(item.id);
  return all;
}

test('create answers with the batch', LIMIT, async () => {
  const batch = await create('small');
  assert.equal(batch.source_directory_id, directories.small);
  assert.deepEqual(batch.config.job, { type: 'parse_v2', configuration_id: configurations.parse_v2 });
  assert.ok(['PENDING', 'RUNNING'].includes(batch.status), batch.status);
  assert.ok(Date.parse(batch.created_at));
});

test('list pages through everything once', LIMIT, async () => {
  const made = [];
  for (let count = 0; count < 5; count += 1) made.push((await create('small')).id);
  const first = await client.batches.list({ page_size: 2 });
  assert.equal(first.items.length, 2);
  const second = await first.getNextPage();
  assert.ok(!second.items.some(({ id }) => first.items.some((other) => other.id === id)));
  const everything = await ids(client.batches.list({ page_size: 2 }));
  assert.equal(new Set(everything).size, everything.length);
  for (const id of made) assert.ok(everything.includes(id), id);
});

test('list filters', LIMIT, async () => {
  const batch = await final((await create('stragglers')).id);
  const listed = async (filter) => (await ids(client.batches.list(filter))).includes(batch.id);
  const shifted = (seconds) => new Date(Date.parse(batch.created_at) + seconds * 1000).toISOString();

  for (const status of ['PENDING', 'THROTTLED', 'RUNNING', 'COMPLETED', 'FAILED', 'CANCELLED']) {
    assert.equal(await listed({ status }), status === 'COMPLETED', status);
  }
  assert.ok(await listed({ source_directory_id: directories.stragglers }));
  assert.ok(!(await listed({ source_directory_id: directories.small })));
  const exactly = { created_at_on_or_after: batch.created_at, created_at_on_or_before: batch.created_at };
  assert.ok(await listed(exactly));
  assert.ok(!(await listed({ created_at_on_or_after: shifted(1) })));
  assert.ok(!(await listed({ created_at_on_or_before: shifted(-1) })));
  assert.ok(await listed({ project_id: batch.project_id }));
  await assert.rejects(listed({ project_id: OTHER_UUID }), LlamaCloud.PermissionDeniedError);
  await assert.rejects(listed({ organization_id: OTHER_UUID }), LlamaCloud.PermissionDeniedError);
});

test('results lead to files and jobs', LIMIT, async () => {
  for (const [type, jobs] of [
    ['parse_v2', client.parsing],
    ['extract_v2', client.extract],
  ]) {
    const batch = await final((await create('failing', type)).id);
    assert.equal(batch.status, 'COMPLETED');
    const files = await ids(client.beta.directories.files.list(directories.failing, { page_size: 5 }));
    assert.deepEqual(batch.results.map((result) => result.source_directory_file_id).sort(), files.sort());
    assert.ok(batch.results.some((result) => result.error_message));
    const wanted = batch.results.flatMap(({ job_reference }) => job_reference?.id ?? []).sort();
    const found = [];
    for await (const job of jobs.list({ job_ids: wanted, page_size: 5 })) found.push(job);
    assert.deepEqual(found.map(({ id }) => id).sort(), wanted);
    assert.ok(found.some(({ status }) => status === 'FAILED'));
    assert.deepEqual(await ids(jobs.list({ job_ids: wanted.slice(0, 1) })), wanted.slice(0, 1));
  }
});

test('a directory of a thousand files is listed whole', LIMIT, async () => {
  const files = await ids(client.beta.directories.files.list(directories.thousand, { page_size: 300 }));
  assert.equal(new Set(files).size, 1000);
});

test('a broken batch fails without results', LIMIT, async () => {
  const batch = await final((await create('broken')).id);
  assert.deepEqual([batch.status, batch.results ?? null], ['FAILED', null]);
});

test('cancel ends a batch once', LIMIT, async () => {
  const batch = await create('thousand');
  assert.equal((await client.batches.cancel(batch.id)).id, batch.id);
  assert.equal((await final(batch.id)).status, 'CANCELLED');
  await assert.rejects(client.batches.cancel(batch.id), ({ status }) => Math.floor(status / 100) === 4);
});

test('another key is refused', LIMIT, async () => {
  const stranger = new LlamaCloud({ apiKey: 'llx-other', maxRetries: 0 });
  await assert.rejects(ids(stranger.batches.list()), LlamaCloud.AuthenticationError);
});

test('what is not there is not found', LIMIT, async () => {
  await assert.rejects(client.batches.get(unknown_batch), LlamaCloud.NotFoundError);
  await assert.rejects(client.batches.cancel(unknown_batch), LlamaCloud.NotFoundError);
  await assert.rejects(ids(client.beta.directories.files.list('dir-none')), LlamaCloud.NotFoundError);
});

test('bad values are named', LIMIT, async () => {
  const named =
    (...loc) =>
    (error) => {
      assert.ok(error instanceof LlamaCloud.UnprocessableEntityError, `${error}`);
      assert.deepEqual(error.error.detail[0].loc, loc);
      return true;
    };
  const config = { job: { type: 'split_v1', configuration_id: configurations.parse_v2 } };
  const create = client.batches.create({ source_directory_id: directories.small, config });
  await assert.rejects(create, named('body', 'config', 'job', 'type'));
  for (const [name, value] of [
    ['page_size', 0],
    ['status', 'DONE'],
    ['created_at_on_or_after', 'x'],
    ['project_id', 'x'],
  ]) {
    await assert.rejects(ids(client.batches.list({ [name]: value })), named('query', name));
  }
});

test('a folder goes from upload to text', LIMIT, async () => {
  const { directories } = client.beta;
  const directory = await directories.create({ name: 'sdk-typescript', type: 'ephemeral' });
  assert.ok(directory.expires_at);
  await assert.rejects(directories.create({ name: 'sdk-typescript' }), LlamaCloud.ConflictError);
  assert.deepEqual(await ids(directories.list({ name: 'sdk-typescript' })), [directory.id]);
  for (const unique_id of ['a/heron.txt', 'b/heron.txt']) {
    const upload_file = await toFile(Buffer.from('The heron waits.'), 'heron.txt');
    const metadata = JSON.stringify({ sha256: 'ab' });
    const file = await directories.files.upload(directory.id, { upload_file, unique_id, metadata });
    assert.deepEqual([file.unique_id, file.display_name, file.metadata], [unique_id, 'heron.txt', { sha256: 'ab' }]);
  }
  const [found] = (await directories.files.list(directory.id, { unique_id: 'b/heron.txt' })).items;
  const added = await directories.files.add(directory.id, { file_id: found.file_id, unique_id: 'again' });
  await directories.files.delete(added.id, { directory_id: directory.id });
  const job = { type: 'parse_v2', configuration_id: configurations.parse_v2 };
  const made = await client.batches.create({ source_directory_id: directory.id, config: { job } });
  const { results } = await final(made.id);
  assert.equal(results.length, 2);
  for (const { job_reference } of results) {
    const parsed = await client.parsing.get(job_reference.id, { expand: ['text', 'markdown'] });
    assert.deepEqual(parsed.text.pages, [{ page_number: 1, text: 'The heron waits.' }]);
    assert.equal(parsed.markdown.pages[0].markdown, 'The heron waits.');
  }
  await directories.delete(directory.id);
  await assert.rejects(directories.get(directory.id), LlamaCloud.NotFoundError);
});

test('configurations are listed and saved', LIMIT, async () => {
  const everything = await ids(client.configurations.list({ product_type: ['parse_v2', 'extract_v2'], page_size: 2 }));
  const latest = await ids(client.configurations.list({ latest_only: true }));
  assert.ok(latest.length < everything.length && new Set(latest).size === latest.length);
  const parameters = { product_type: 'parse_v2', tier: 'fast', version: 'latest' };
  const saved = await client.configurations.create({ name: 'sdk-typescript', parameters });
  assert.deepEqual(await client.configurations.retrieve(saved.id), saved);
});

test('the tools report what the SDK reads', LIMIT, async () => {
  const tool = (name, input) => {
    const base = ['--json', '--base-url', process.env.LLAMA_CLOUD_BASE_URL];
    const { stdout, status } = spawnSync(process.env.SERVER_BINARY, ['call', name, JSON.stringify(input), ...base]);
    assert.equal(status, 0);
    return JSON.parse(stdout);
  };
  const named = await ids(client.beta.directories.list({ name: 'Lease contracts' }));
  const found = tool('list_directories', { name: 'lease contracts' }).directories;
  assert.deepEqual([found.map((one) => one.id), found[0].name], [named, 'Lease contracts']);
  const files = await ids(client.beta.directories.files.list(directories.failing));
  const shown = tool('list_directories', { directory_id: directories.failing });
  assert.deepEqual([shown.files_total, shown.files.map((file) => file.id)], [files.length, files]);
  const latest = await ids(client.configurations.list({ latest_only: true, product_type: ['extract_v2'] }));
  const extract = tool('list_configurations', { job_type: 'extract_v2' }).configurations;
  assert.deepEqual(extract.map((one) => one.id).sort(), latest.sort());
});

test('results of every kind are read', LIMIT, async () => {
  const jobs = async (type, configuration_id) => {
    const config = { job: { type, configuration_id } };
    const made = await client.batches.create({ source_directory_id: directories.documents, config });
    return (await final(made.id)).results.map(({ job_reference }) => job_reference.id);
  };
  const parses = await jobs('parse_v2', configurations.parse_v2);
  const damaged = await client.parsing.get(parses[1], { expand: ['markdown'] });
  const failed = damaged.markdown.pages.filter(({ success }) => !success);
  assert.deepEqual(failed.map(({ page_number }) => page_number), [3, 7]);
  await assert.rejects(client.parsing.get(parses[4], { expand: ['text'] }), LlamaCloud.NotFoundError);
  const rows = await jobs('extract_v2', 'cfg-extract-rows');
  const listed = [];
  for await (const job of client.extract.list({ job_ids: rows.slice(0, 2) })) listed.push(job.extract_result.length);
  assert.deepEqual(listed.sort(), [250, 300]);
});
