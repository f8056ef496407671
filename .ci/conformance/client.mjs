// Runs the official conformance suite against our client and judges it more strictly than its exit code: a warning fails too,
// and so does a client that ended with an error, or without one where it had to refuse.
//
//   client.mjs FOLDER COMMAND required REVISION COUNT   all that the revision requires of a client, as many as COUNT says, and
//                                                       what is run along with it that we claim
//   client.mjs FOLDER COMMAND suite NAME COUNT          a suite that no revision requires
//
// FOLDER has the suite in node_modules and gets the results. Called by .ci/suites/conformance-client.sh.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { judge, results, suiteIn, wrong } from './suite.mjs';

const [folder, command, kind, name, count] = process.argv.slice(2);
const suite = suiteIn(folder);

// Not required, run along with a revision's requirements, and claimed by us.
const CLAIMED = [
  'json-schema-2020-12-preservation',
  'auth/client-credentials-jwt',
  'auth/client-credentials-basic',
  'auth/enterprise-managed-authorization',
];

// Here a good client refuses to go on, and says so.
const REFUSES = [
  'auth/resource-mismatch',
  'auth/scope-retry-limit',
  'auth/iss-supported-missing',
  'auth/iss-wrong-issuer',
  'auth/iss-unexpected',
  'auth/iss-normalized',
  'auth/metadata-issuer-mismatch',
];

function complaints(scenario, path) {
  const lines = wrong(scenario, path);
  if (!path) return lines;
  const said = readFileSync(join(path, 'stderr.txt'), 'utf8');
  const error = /^error: .*/m.exec(said)?.[0];
  const refuses = REFUSES.includes(scenario);
  if (error && !refuses) lines.push(`${scenario}: the client ended with ${error}`);
  if (!error && refuses) lines.push(`${scenario}: the client refused nothing`);
  return lines;
}

function verdict(scenarios, found) {
  const all = scenarios.map((scenario) => complaints(scenario, found.get(scenario)));
  return { passed: all.filter((lines) => lines.length === 0).length, lines: all.flat() };
}

function timeouts(output) {
  return [...output.matchAll(/Client timed out after \d+ms/g)].map((m) => m[0]);
}

const out = suite.fresh('client', name);
if (kind === 'required') {
  const required = suite.required('Client', name);
  const output = suite.run('client', '--command', command, '--requirements', name, '-o', out);
  const found = results(out);
  const must = verdict(required, found);
  const more = verdict(CLAIMED, found);
  const lines = [...must.lines, ...more.lines, ...timeouts(output)];
  if (required.length !== Number(count)) lines.push(`the suite requires ${required.length} scenarios, not ${count}`);
  judge(`client, ${name}: ${must.passed}/${required.length}, and ${more.passed}/${CLAIMED.length} not required`, lines);
} else {
  const output = suite.run('client', '--command', command, '--suite', name, '-o', out);
  const found = results(out);
  const { passed, lines } = verdict([...found.keys()], found);
  lines.push(...timeouts(output));
  if (found.size !== Number(count)) lines.push(`the suite ran ${found.size} scenarios, not ${count}`);
  judge(`client, ${name}: ${passed}/${found.size}`, lines);
}
