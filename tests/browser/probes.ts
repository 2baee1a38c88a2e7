import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A script that exists for the tests of runs alone. */
interface Probe {
  /** Further keys of its section. */
  keys?: Record<string, unknown>;
  /** Arguments by name, with their keys. */
  arguments?: Record<string, Record<string, unknown>>;
  /** What bash executes. */
  body: string;
}

/** All names of probes begin with this. */
export const PROBE = 'probe_';

const PROBES: Record<string, Probe> = {
  talk: {
    keys: { interactive: true },
    body: `printf 'Your name? '
read -r name
printf 'Hello %s\\n' "$name"
if read -r rest; then echo "More: $rest"; else echo 'No more input'; fi`,
  },
  terminal: {
    keys: { terminal: true },
    body: `[ -t 0 ] && [ -t 1 ] && echo 'This is a terminal'
printf '\\033[1;31mred\\033[0m \\033[42mgreen ground\\033[0m\\n'
for percent in 10 50 100; do printf '\\rDone: %s %%' "$percent"; sleep 0.2; done
echo
printf 'Press Enter '
read -r line
echo "Read <$line>"`,
  },
  colours: {
    body: `printf 'plain \\033[1;32mbold green\\033[0m \\033[38;2;255;255;0myellow\\033[0m\\n'
for percent in 10 50 100; do printf '\\rDone: %s %%' "$percent"; done
echo`,
  },
  stubborn: {
    body: `trap '' TERM
echo 'I stay'
while :; do sleep 0.2; done`,
  },
  obedient: {
    body: `echo 'Waiting'
exec sleep 60`,
  },
  turns: {
    keys: { max_concurrent: 1 },
    body: `echo 'My turn'
sleep 3`,
  },
  secret: {
    arguments: { '--token': { html_type: 'password', label: 'Token' }, '--note': { label: 'Note' } },
    body: `echo "Got $*"`,
  },
  files: {
    body: `cd "$WEBSCRIPTS_RUN_DIR" || exit 1
echo 'one line' > report.txt
echo '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40"><circle cx="20" cy="20" r="15"/></svg>' > dot.svg
echo 'Two files'`,
  },
  steady: {
    body: `for line in $(seq 1 24); do echo "line $line of 24"; sleep 0.25; done`,
  },
  mixed: {
    body: `echo 'Alpha one'
sleep 0.1
echo 'Warning: alpha two' >&2
sleep 0.1
printf 'See https://example.org/help?topic=alpha. \\033]8;;https://example.org/report\\033\\\\Report\\033]8;;\\033\\\\\\n'
sleep 0.1
printf 'beta %s\\n' "$(printf 'x%.0s' $(seq 400))"
sleep 0.1
echo 'Last warning' >&2`,
  },
  table: {
    keys: { content_type: 'text/csv' },
    body: `printf 'host,role\\nsrv-1,db\\nsrv-2,web\\n'
echo 'One host was skipped' >&2`,
  },
  flood: {
    body: `seq -f 'line %.0f of 200000' 200000`,
  },
};

/** The name of a probe in addresses. */
export function probe(name: string): string {
  if (!(name in PROBES)) throw new Error(`there is no probe ${name}`);
  return `${PROBE}${name}.sh`;
}

/** Adds the probes to the scripts of an instance. */
export async function addProbes(directory: string): Promise<void> {
  const sections: Record<string, unknown> = {};
  const scripts: Record<string, string> = {};
  await mkdir(join(directory, 'scripts'), { recursive: true });
  for (const [name, { keys, body, arguments: declared = {} }] of Object.entries(PROBES)) {
    const file = probe(name);
    const section = `script_${PROBE}${name}`;
    const args: Record<string, string> = {};
    for (const [argument, its] of Object.entries(declared)) {
      args[argument] = `${section}_${argument}`;
      sections[`${section}_${argument}`] = its;
    }
    scripts[file] = section;
    sections[`${section}_args`] = args;
    sections[section] = {
      label: `Probe ${name}`,
      launcher: '/bin/bash',
      path: `./scripts/${file}`,
      timeout: 120,
      args: `${section}_args`,
      ...keys,
    };
    await writeFile(join(directory, 'scripts', file), `#!/bin/bash\n${body}\n`, { mode: 0o500 });
  }
  const file = join(directory, 'config', 'scripts', 'probes.json');
  await writeFile(file, JSON.stringify({ scripts, ...sections }), { mode: 0o400 });
}
