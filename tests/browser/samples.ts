import type { Value } from './actions';

/** A sample script, what a person enters and what the page must then show. */
export interface Sample {
  /** Its name in addresses. */
  script: string;
  /** Its heading and its name in the list. */
  label: string;
  /** Fields by label; others keep their default. */
  values: Record<string, Value>;
  /** The word on the page when the run has ended. */
  status: 'Succeeded' | 'Failed' | 'Timed out';
  /** Texts in the standard output. */
  stdout: (string | RegExp)[];
  /** Texts in the standard error output. */
  stderr?: (string | RegExp)[];
  /** Asks before it starts. */
  confirms?: boolean;
}

const ACCESS_LOG = [
  '192.0.2.10 - - [24/Nov/2026:09:15:02 +0000] "GET /a HTTP/1.1" 200 100 "-" "curl/8.5"',
  '192.0.2.10 - - [24/Nov/2026:09:16:02 +0000] "GET /b HTTP/1.1" 404 50 "-" "curl/8.5"',
  'not a line of a log',
].join('\n');

export const SAMPLES: Sample[] = [
  {
    script: 'subnet.py',
    label: 'Subnet calculator',
    values: { Network: '192.168.10.77/24', 'Split into': '26' },
    status: 'Succeeded',
    stdout: ['192.168.10.0/24', '255.255.255.0', /Usable hosts\s+254/, 'Subnets of length /26: 4'],
  },
  {
    script: 'log_summary.pl',
    label: 'Summarise an access log',
    values: { Log: ACCESS_LOG, 'Group by': 'address' },
    status: 'Succeeded',
    stdout: ['192.0.2.10', '150', '100.0'],
    stderr: ['1 of 3 lines skipped'],
  },
  {
    script: 'system_report.sh',
    label: 'System report',
    values: { Sections: ['system', 'memory'] },
    status: 'Succeeded',
    stdout: ['Report of', 'Processors', 'MemTotal'],
  },
  {
    script: 'system_facts.py',
    label: 'System facts',
    values: { Sections: ['memory', 'run'] },
    status: 'Succeeded',
    stdout: ['memory', 'Admin'],
  },
  {
    script: 'disk_usage.sh',
    label: 'Disk usage',
    values: { 'With file systems in memory': true },
    status: 'Succeeded',
    stdout: ['mount', 'used_percent'],
  },
  {
    script: 'backup_check.sh',
    label: 'Check a backup',
    values: { Job: 'mail', 'Maximum age': '48' },
    status: 'Failed',
    stdout: ['backups/mail', /Maximum age\s+48 h/],
    stderr: ['there is no backup of mail'],
  },
  {
    script: 'wait_for_service.sh',
    label: 'Wait for a service',
    values: { Port: '9' },
    status: 'Timed out',
    stdout: ['Waiting for port 9, attempt 1'],
  },
  {
    script: 'hash_file.py',
    label: 'Hash a file',
    values: { File: { name: 'hello.txt', content: 'hello\n' } },
    status: 'Succeeded',
    stdout: ['6 bytes', '5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03'],
  },
  {
    script: 'extract_indicators.py',
    label: 'Extract indicators',
    values: {
      Text: 'Mail from billing@example[.]org, server 192.0.2.45, see CVE-2021-44228.',
      'Defang the result': true,
    },
    status: 'Succeeded',
    stdout: ['192[.]0[.]2[.]45', 'CVE-2021-44228', 'example[.]org'],
  },
  {
    script: 'rotate_keys.pl',
    label: 'Rotate keys',
    values: { Environment: 'production', Reason: 'Quarterly rotation', Keys: ['tls'] },
    status: 'Succeeded',
    stdout: [/production\/tls\s+make a new key/, 'no key was changed'],
    confirms: true,
  },
  {
    script: 'new_password.pl',
    label: 'Password generator',
    values: { 'How many': '3', Characters: 'hexadecimal' },
    status: 'Succeeded',
    stdout: [/^[0-9a-f]{20}$/m, 'Each password holds 80 bits'],
  },
  {
    script: 'notify.py',
    label: 'Message to colleagues',
    values: {
      Subject: 'Maintenance on Friday',
      Recipients: ['ada@example.org', 'grace@example.org'],
      Message: 'The mail server stops.\nUntil noon.',
      Priority: 'urgent',
    },
    status: 'Succeeded',
    stdout: ['ada@example.org, grace@example.org', 'Priority  urgent', 'Length    6 words'],
  },
  {
    script: 'slow_job.py',
    label: 'Slow job',
    values: { Steps: '3' },
    status: 'Succeeded',
    stdout: ['Step 1 of 3', 'Step 3 of 3', 'Finished 3 steps'],
  },
  {
    script: 'all_controls.py',
    label: 'All controls',
    values: {
      Name: 'Ada',
      Ticket: 'OPS-42',
      Quantity: '-3',
      Percent: '55',
      Subscribe: true,
      Date: '2026-11-24',
      Time: '09:30',
      'Date and time': '2026-11-24T09:30',
      Month: '2026-11',
      Week: '2026-W48',
      Colour: '#123456',
      'E-mail': 'ada@example.org',
      Website: 'https://example.org/',
      Telephone: '+44 20 7946 0000',
      Search: 'engine',
      Size: 'large',
      Priority: 'high',
      Weekday: 'Sunday',
      Toppings: ['cheese', 'olives'],
      Tags: ['quick', 'two words'],
      Notes: 'First line\nSecond line',
      Secret: 'any word',
      File: { name: 'hello.txt', content: 'hello\n' },
      'Trace identifier': 'a1b2c3',
    },
    status: 'Succeeded',
    stdout: [
      'OPS-42',
      '2026-11-24T09:30',
      '2026-W48',
      '#123456',
      '+44 20 7946 0000',
      'cheese + olives',
      'quick + two words',
      'Second line',
      '8 characters',
      '6 bytes with SHA-256 5891b5b5',
      'a1b2c3',
    ],
  },
];

/** The sample of a name. */
export function sample(script: string): Sample {
  const found = SAMPLES.find((each) => each.script === script);
  if (!found) throw new Error(`there is no sample ${script}`);
  return found;
}
