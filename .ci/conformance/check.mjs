// Runs the official conformance suite against one server and judges it more strictly than its exit code: a warning fails too.
//
//   check.mjs FOLDER required REVISION COUNT URL   all that the revision requires of a server; as many as COUNT says
//   check.mjs FOLDER any NAME URL                  what every server can pass, by the capabilities that it declares
//
// FOLDER has the suite in node_modules and gets the results. Called by .ci/suites/conformance.sh.
import { judge, results, suiteIn, wrong } from './suite.mjs';

const [folder, kind, ...rest] = process.argv.slice(2);
const suite = suiteIn(folder);

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

function required(revision, count, url) {
  const names = suite.required('Server', revision);
  const out = suite.fresh('fixture', revision);
  suite.run('server', '--url', url, '--requirements', revision, '-o', out);
  const found = results(out, 'server-');
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
      const out = suite.fresh(name, revision, scenario);
      suite.run('server', '--url', url, '--scenario', scenario, '--spec-version', revision, '-o', out);
      const excused = scenario === 'server-stateless' ? NEED_THE_FIXTURE : [];
      const complaints = wrong(scenario, results(out, 'server-').get(scenario), excused);
      if (complaints.length === 0) passed += 1;
      lines.push(...complaints.map((line) => `${revision}: ${line}`));
    }
    counts.push(`${revision}: ${passed}/${scenarios.length}`);
  }
  return [`${name}, what any server can pass${pages ? ', prompts and resources among it' : ''}: ${counts.join(', ')}`, lines];
}

const [words, complaints] = kind === 'required' ? required(...rest) : await any(...rest);
judge(words, complaints);
