// Runs the official conformance suite against one server and judges it more strictly than its exit code: a warning fails too.
//
//   check.mjs FOLDER required REVISION COUNT URL   all that the revision requires of a server; as many as COUNT says
//   check.mjs FOLDER any NAME URL                  what every server can pass, by the capabilities that it declares
//
// FOLDER has the suite in node_modules and gets the results. Called by .ci/suites/conformance.sh.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const [folder, kind, ...rest] = process.argv.slice(2);
const suite = join(folder, 'node_modules/@modelcontextprotocol/conformance/dist/index.js');

// Scenarios that need nothing but the protocol; `pages` for servers that declare prompts and resources.
const ANY = {
  '2025-11-25': {
    all: ['server-initialize', 'ping', 'tools-list', 'dns-rebinding-protection'],
    pages: ['prompts-list', 'resources-list'],
  },
  '2026-07-28': {
    all: [
      'server-stateless',
      'tools-list',
      'server-sse-multiple-streams',
      'dns-rebinding-protection',
      'http-header-validation',
      'input-required-result-unsupported-methods',
    ],
    pages: ['prompts-list', 'resources-list', 'caching', 'sep-2164-resource-not-found'],
  },
};

// Checks of `server-stateless` that call a tool of the fixture.
const NEED_THE_FIXTURE = [
  'sep-2575-server-rejects-undeclared-capability',
  'sep-2575-missing-capability-http-400',
  'sep-2575-http-server-no-independent-requests-on-stream',
  'sep-2575-server-no-log-without-loglevel',
];

function run(...words) {
  const done = spawnSync(process.execPath, [suite, ...words], { encoding: 'utf8', timeout: 300_000 });
  if (done.error) throw done.error;
  return done.stdout + done.stderr;
}

// What a run left in `out`: scenario -> its checks.
function results(out) {
  const found = new Map();
  for (const name of readdirSync(out)) {
    const scenario = /^server-(.+)-\d{4}-\d\d-\d\dT/.exec(name)?.[1];
    if (scenario) found.set(scenario, JSON.parse(readFileSync(join(out, name, 'checks.json'), 'utf8')));
  }
  return found;
}

function fresh(...parts) {
  const out = join(folder, 'results', ...parts);
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  return out;
}

// What is wrong with a scenario, a line each. One that was not run, or that checked nothing, has not passed.
function wrong(scenario, checks, excused = []) {
  if (!checks) return [`${scenario}: was not run`];
  const bad = checks.filter((c) => ['FAILURE', 'WARNING'].includes(c.status) && !excused.includes(c.id));
  if (bad.length === 0 && !checks.some((c) => c.status === 'SUCCESS')) return [`${scenario}: checked nothing`];
  return bad.map((c) => `${scenario}: ${c.id}: ${c.status}: ${c.errorMessage ?? c.description}`);
}

function required(revision, count, url) {
  const listed = run('list', '--server', '--requirements', revision);
  const [, body = ''] = /Server scenarios[^\n]*\n((?: +- [^\n]*\n)*)/.exec(listed) ?? [];
  const names = [...body.matchAll(/- (\S+)/g)].map((m) => m[1]);
  const out = fresh('fixture', revision);
  run('server', '--url', url, '--requirements', revision, '-o', out);
  const found = results(out);
  const complaints = names.map((name) => wrong(name, found.get(name)));
  const passed = complaints.filter((lines) => lines.length === 0).length;
  const lines = complaints.flat();
  if (names.length !== Number(count)) lines.push(`the suite requires ${names.length} scenarios, not ${count}`);
  return [`fixture, ${revision}: ${passed}/${names.length}`, lines];
}

async function capabilities(url) {
  const version = '2026-07-28';
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': version,
    'io.modelcontextprotocol/clientCapabilities': {},
  };
  const answer = await fetch(url, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      Accept: 'application/json, text/event-stream',
      'MCP-Protocol-Version': version,
      'Mcp-Method': 'server/discover',
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'server/discover', params: { _meta } }),
  });
  return (await answer.json()).result.capabilities;
}

async function any(name, url) {
  const declared = await capabilities(url);
  const pages = declared.prompts && declared.resources;
  const lines = [];
  const counts = [];
  for (const [revision, { all, pages: more }] of Object.entries(ANY)) {
    const scenarios = pages ? [...all, ...more] : all;
    let passed = 0;
    for (const scenario of scenarios) {
      const out = fresh(name, revision, scenario);
      run('server', '--url', url, '--scenario', scenario, '--spec-version', revision, '-o', out);
      const excused = scenario === 'server-stateless' ? NEED_THE_FIXTURE : [];
      const complaints = wrong(scenario, results(out).get(scenario), excused);
      if (complaints.length === 0) passed += 1;
      lines.push(...complaints.map((line) => `${revision}: ${line}`));
    }
    counts.push(`${revision}: ${passed}/${scenarios.length}`);
  }
  return [`${name}, what any server can pass${pages ? ', prompts and resources among it' : ''}: ${counts.join(', ')}`, lines];
}

const [words, complaints] = kind === 'required' ? required(...rest) : await any(...rest);
console.log(words);
for (const line of complaints) console.log(`  ${line}`);
process.exit(complaints.length === 0 ? 0 : 1);
