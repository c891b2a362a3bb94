// Sends every kind of request the tools make to Prism, a mock server that judges requests by an OpenAPI document.
//
// Proves: each request is one that the API's own document allows, and none goes unseen: the create with the listing
// before it, the list with each filter and with counts, the get with its expansion, and the lookups behind `outcomes`.
// OPENAPI_DIR holds the documents; batches and their neighbours are judged by one Prism each, behind one address.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';

const { CLIENTS_DIR, OPENAPI_DIR, SERVER_BINARY } = process.env;
const constants = JSON.parse(readFileSync(join(CLIENTS_DIR, 'constants.json'), 'utf8'));
const PRISM = join(
  dirname(createRequire(import.meta.url).resolve('@stoplight/prism-cli/package.json')),
  'dist/index.js',
);
const UUID = '182bd5e5-6e1a-4fe4-a799-aa6d9a6ab26e';
const SCOPE = { project_id: UUID, organization_id: UUID };
const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
};
const BATCHES = '/api/v2/batches';

// A configuration and a directory of our own: the mock's example batch, which is running, is then no duplicate.
const CREATE = {
  source_directory_id: 'dir-aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee',
  config: { job: { type: 'parse_v2', configuration_id: 'cfg-aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee' } },
};
const FILTERS = [
  ...['PENDING', 'THROTTLED', 'RUNNING', 'COMPLETED', 'FAILED', 'CANCELLED'].map((status) => ({ status })),
  { source_directory_id: CREATE.source_directory_id },
  { created_at_on_or_after: '2026-11-01' },
  { created_at_on_or_after: '2026-11-01T08:30:00+05:30', created_at_on_or_before: '2026-11-02T00:00:00Z' },
  { page_size: 7 },
  { page_token: 'a b+c/d=&e' },
  SCOPE,
];
const COUNTS = ['list_batches', { expand: ['counts'] }];
const GETS = [{}, { expand: ['results'] }, SCOPE];
const CALLS = [
  ['create_batch', CREATE],
  ['create_batch', { ...CREATE, ...SCOPE, config: { job: { ...CREATE.config.job, type: 'extract_v2' } } }],
  ...[{}, ...FILTERS].map((filter) => ['list_batches', filter]),
  COUNTS,
  ...GETS.map((more) => ['get_batch', { batch_id: 'bat-1', ...more }]),
];
const DIRECTORY = 'dir-aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee';
const FOUND = [
  ...[{}, { name: 'no such name' }, ...['user', 'index', 'ephemeral'].map((type) => ({ type })), { page_size: 7 }, SCOPE].map(
    (filter) => ['list_directories', filter],
  ),
  ['list_directories', { directory_id: DIRECTORY, ...SCOPE }],
  ...[{}, { name: 'no such name' }, { job_type: 'extract_v2' }, { page_size: 7, page_token: 'a b+c/d=&e' }, SCOPE].map(
    (filter) => ['list_configurations', filter],
  ),
];
const FOUND_AT = [
  '/api/v1/beta/directories',
  `/api/v1/beta/directories/${DIRECTORY}`,
  `/api/v1/beta/directories/${DIRECTORY}/files`,
  '/api/v1/beta/configurations',
];
// The mock's example jobs have not ended, so the answers may be errors.
const READS = [
  { job_id: 'pjb-1' },
  { job_id: 'pjb-2', format: 'text', ...SCOPE },
  { job_id: 'ext-1' },
  { job_id: 'ext-2', citations: true, ...SCOPE },
].map((args) => ['read_result', args]);
const READ_AT = ['/api/v2/parse/pjb-1', '/api/v2/parse/pjb-2', '/api/v2/extract/ext-1', '/api/v2/extract/ext-2'];
const OUTCOMES = ['get_batch', { batch_id: 'bat-1', expand: ['outcomes'] }];
const LOOKUPS = ['/api/v1/beta/directories/string/files', '/api/v2/parse'];

const children = [];
after(() => children.forEach((child) => child.kill()));

test('every request is one that the API describes', { timeout: 120_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'requests-'));
  after(() => rmSync(folder, { recursive: true }));
  const batches = await judge(folder, 'batches.prism.json');
  const neighbours = await judge(folder, 'neighbours.json');
  const { seen, address } = await relay((path) => (path.startsWith(BATCHES) ? batches : neighbours));

  const { tools } = (await converse(address, [['tools/list', {}]])).results[0];
  const outcomes = JSON.stringify(tools[2].inputSchema).includes('"outcomes"');
  const calls = [...CALLS, ...FOUND, ...READS, ...(outcomes ? [OUTCOMES] : [])];
  const { results, outputs } = await converse(
    address,
    calls.map(([name, args]) => ['tools/call', { name, arguments: args }]),
  );
  for (const request of seen) {
    const { method, path, query, status, violations } = request;
    if (READ_AT.includes(path)) {
      // The mock breaks the API's own description of forms when it makes up a result; what counts is the request.
      const wrong = JSON.parse(violations ?? '[]').filter(({ location: [part] }) => part === 'request');
      assert.deepEqual(wrong, [], JSON.stringify(request));
    } else {
      assert.ok(status < 400 && violations === undefined, JSON.stringify(request));
    }
    const { document } = path.startsWith(BATCHES) ? batches : neighbours;
    const known = parametersOf(document, method, path);
    for (const [name] of query) assert.ok(known.includes(name), `${method} ${path} has no parameter ${name}`);
  }
  results.forEach((result, index) =>
    assert.ok(!result.isError || READS.includes(calls[index]), JSON.stringify([calls[index], result])),
  );
  assert.ok(!outputs.includes(constants.canary), 'the key is in an output');

  const requests = (method, path) => seen.filter((request) => request.method === method && request.path === path);
  const bodies = requests('POST', BATCHES).map(({ body }) => JSON.parse(body));
  assert.deepEqual(bodies.map((body) => body.config.job.type).sort(), ['extract_v2', 'parse_v2']);
  for (const body of bodies) assert.deepEqual(Object.keys(body).sort(), ['config', 'source_directory_id']);
  const listed = requests('GET', BATCHES).map(({ query }) => Object.fromEntries(query));
  const guards = listed.filter((query) => query.source_directory_id === CREATE.source_directory_id);
  assert.ok(guards.length >= 3, 'each create lists its directory first');
  for (const filter of FILTERS) {
    assert.ok(
      listed.some((query) => Object.entries(filter).every((pair) => carries(query, ...pair))),
      JSON.stringify(filter),
    );
  }
  const got = requests('GET', `${BATCHES}/bat-1`).map(({ query }) => query.filter(([name]) => name === 'expand'));
  assert.ok(got.some((expand) => expand.join() === 'expand,results'));
  for (const path of [...FOUND_AT, ...READ_AT, ...(outcomes ? LOOKUPS : [])]) assert.notDeepEqual(requests('GET', path), [], path);
});

/** Starts Prism on one of the documents, without the nulls that it cannot read from a query. */
async function judge(folder, name) {
  const document = JSON.parse(readFileSync(join(OPENAPI_DIR, name), 'utf8'));
  for (const operation of Object.values(document.paths).flatMap((path) => Object.values(path))) {
    for (const parameter of operation.parameters ?? []) {
      const options = parameter.schema.anyOf?.filter((option) => option.type !== 'null') ?? [];
      if (options.length === 1) [parameter.schema] = options;
    }
  }
  const file = join(folder, name);
  writeFileSync(file, JSON.stringify(document));
  const child = start(process.execPath, [PRISM, 'mock', '--port', '0', '--errors', file]);
  child.stderr.resume();
  let log = '';
  const address = await new Promise((resolve, reject) => {
    child.once('exit', () => reject(new Error(`Prism did not start on ${name}: ${log}`)));
    child.stdout.on('data', (text) => {
      log += text;
      const [, url] = /listening on (http:\S+)/.exec(log) ?? [];
      if (url) resolve(url);
    });
  });
  return { address, document };
}

/** Passes each request on and notes it with the answer it got. */
async function relay(addressFor) {
  const seen = [];
  const server = createServer(async (request, response) => {
    const { method, url } = request;
    const body = Buffer.concat(await request.toArray());
    const headers = { ...request.headers };
    for (const name of ['host', 'connection', 'content-length', 'accept-encoding']) delete headers[name];
    const target = addressFor(url).address + url;
    const answer = await fetch(target, { method, headers, body: body.length ? body : undefined });
    const { pathname, searchParams } = new URL(target);
    const violations = answer.headers.get('sl-violations') ?? undefined;
    seen.push({ method, path: pathname, query: [...searchParams], body: `${body}`, status: answer.status, violations });
    response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? 'text/plain' });
    const sent = method === 'POST' && answer.ok ? JSON.parse(body) : {};
    const [, id] = new RegExp(`^${BATCHES}/([^/]+)$`).exec(pathname) ?? [];
    response.end(fitting(await answer.text(), id ? { id } : sent));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  after(() => server.close());
  return { seen, address: `http://127.0.0.1:${server.address().port}` };
}

/**
 * Prism's example, as an answer to this request: it is about what was sent or asked for, and its page is the last one. The example
 * itself names one batch and one directory in every answer and a next page on every page.
 */
function fitting(text, sent) {
  try {
    return JSON.stringify({ ...JSON.parse(text), ...sent, next_page_token: undefined });
  } catch {
    return text;
  }
}

/** One server process, every request at once, then the end of its input. */
async function converse(address, requests) {
  const child = start(SERVER_BINARY, ['--base-url', address], {
    PATH: process.env.PATH,
    LLAMA_CLOUD_API_KEY: constants.canary,
  });
  const ended = once(child, 'close');
  const lines = requests.map(([method, params], id) =>
    JSON.stringify({ jsonrpc: '2.0', id, method, params: { ...params, _meta: META } }),
  );
  child.stdin.end(`${lines.join('\n')}\n`);
  const [stdout, stderr] = await Promise.all(
    [child.stdout, child.stderr].map(async (all) => (await all.toArray()).join('')),
  );
  assert.deepEqual(await ended, [0, null], stderr);
  const answers = stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
  const results = requests.map((request, index) => {
    const result = answers.find(({ id }) => id === index)?.result;
    assert.ok(result, `no result of ${JSON.stringify(request)}: ${stdout}`);
    return result;
  });
  return { results, outputs: stdout + stderr };
}

function start(command, args, env = process.env) {
  const child = spawn(command, args, { env });
  child.stdout.setEncoding('utf8');
  child.stderr.setEncoding('utf8');
  children.push(child);
  return child;
}

function parametersOf(document, method, path) {
  const matches = (template) => new RegExp(`^${template.replace(/\{[^}]+\}/g, '[^/]+')}$`).test(path);
  const template = Object.keys(document.paths).find((key) => key === path) ?? Object.keys(document.paths).find(matches);
  return (document.paths[template][method.toLowerCase()].parameters ?? []).map(({ name }) => name);
}

/** Whether a query carries a filter; a date may be written in another way that means the same. */
function carries(query, name, value) {
  if (name.startsWith('created_at')) return Date.parse(query[name]) === Date.parse(value);
  return query[name] === `${value}`;
}
