// The official conformance suite as the two judges beside this file use it.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

// The suite that FOLDER has in node_modules, its results beside it.
export function suiteIn(folder) {
  const suite = join(folder, 'node_modules/@modelcontextprotocol/conformance/dist/index.js');
  return {
    run(...words) {
      const done = spawnSync(process.execPath, [suite, ...words], { encoding: 'utf8', timeout: 300_000 });
      if (done.error) throw done.error;
      return done.stdout + done.stderr;
    },
    fresh(...parts) {
      const out = join(folder, 'results', ...parts);
      rmSync(out, { recursive: true, force: true });
      mkdirSync(out, { recursive: true });
      return out;
    },
    // The scenarios that a revision requires of one side (`Server`, `Client`), in the suite's own words.
    required(side, revision) {
      const listed = this.run('list', `--${side.toLowerCase()}`, '--requirements', revision);
      const [, body = ''] = new RegExp(`${side} scenarios[^\\n]*\\n((?: +- [^\\n]*\\n)*)`).exec(listed) ?? [];
      return [...body.matchAll(/- (\S+)/g)].map((m) => m[1]);
    },
  };
}

// What a run left in `out`: scenario -> its folder. A scenario's name may itself have folders in it.
export function results(out, prefix = '') {
  const found = new Map();
  const look = (folder, before) => {
    for (const name of readdirSync(folder)) {
      const scenario = /^(.+)-\d{4}-\d\d-\d\dT/.exec(name)?.[1];
      const path = join(folder, name);
      if (!scenario) look(path, `${before}${name}/`);
      else if (existsSync(join(path, 'checks.json'))) {
        found.set(`${before}${scenario}`.slice(prefix.length), path);
      }
    }
  };
  look(out, '');
  return found;
}

// What is wrong with a scenario, a line each. One that was not run, or that checked nothing, has not passed.
export function wrong(scenario, folder, excused = []) {
  if (!folder) return [`${scenario}: was not run`];
  const checks = JSON.parse(readFileSync(join(folder, 'checks.json'), 'utf8'));
  const bad = checks.filter((c) => ['FAILURE', 'WARNING'].includes(c.status) && !excused.includes(c.id));
  if (bad.length === 0 && !checks.some((c) => c.status === 'SUCCESS')) return [`${scenario}: checked nothing`];
  return bad.map((c) => `${scenario}: ${c.id}: ${c.status}: ${c.errorMessage ?? c.description}`);
}

// Prints a verdict and ends.
export function judge(words, complaints) {
  console.log(words);
  for (const line of complaints) console.log(`  ${line}`);
  process.exit(complaints.length === 0 ? 0 : 1);
}
