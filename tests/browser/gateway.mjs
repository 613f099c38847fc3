// SPDX-License-Identifier: Apache-2.0
// A gateway of its own for each file of tests: folder, ports, processes; and the echo upstream behind it.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const START_MS = 60_000;
const STOP_MS = 15_000;
const FIRST_PORT = 12_000;
const LAST_PORT = 31_000;

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

const given = new Set();

/** A port of loopback, below the range that the kernel hands out to outgoing connections. */
export async function freePort() {
  for (;;) {
    const port = FIRST_PORT + Math.floor(Math.random() * (LAST_PORT - FIRST_PORT));
    if (given.has(port)) continue;
    const server = createServer();
    const free = await new Promise((done) => {
      server.on('error', () => done(false));
      server.listen(port, '127.0.0.1', () => done(true));
    });
    if (!free) continue;
    await new Promise((done) => server.close(done));
    given.add(port);
    return port;
  }
}

/** Thrown by a test that cannot be run here; the reason is shown. */
export class Skipped extends Error {}

/** Waits until `probe` gives something true; what it throws meanwhile counts as false. */
export async function until(probe, what, ms = START_MS) {
  const end = Date.now() + ms;
  for (;;) {
    const found = await Promise.resolve().then(probe).catch(() => undefined);
    if (found) return found;
    if (Date.now() > end) throw new Error(`not after ${ms} ms: ${what}`);
    await sleep(50);
  }
}

const answers = (url) => fetch(url).then(() => true);

function environment(more) {
  const own = Object.entries(process.env).filter(([name]) => !/^(SLUICE|KONG)_/.test(name));
  return { ...Object.fromEntries(own), ...more };
}

export class Gateway {
  constructor(binary) {
    this.binary = binary;
    this.folder = mkdtempSync(join(tmpdir(), 'sluice-browser-'));
    this.children = [];
  }

  run(name, command, args, more = {}) {
    const log = openSync(join(this.folder, `${name}.log`), 'a');
    const child = spawn(command, args, { cwd: this.folder, env: environment(more), stdio: ['ignore', log, log], detached: true });
    // What a shell has started ends with it.
    child.kill = (signal) => process.kill(-child.pid, signal);
    this.children.push(child);
    return child;
  }

  settings(lines) {
    return Object.entries(lines)
      .map(([name, value]) => `${name} = ${value}\n`)
      .join('');
  }

  async start(settings = {}) {
    this.ports = { proxy: await freePort(), admin: await freePort(), status: await freePort(), gui: await freePort(), echo: await freePort() };
    const { proxy, admin, status, gui, echo } = this.ports;
    const known = {
      prefix: join(this.folder, 'prefix'),
      nginx_worker_processes: 1,
      proxy_listen: `127.0.0.1:${proxy}`,
      admin_listen: `127.0.0.1:${admin}`,
      status_listen: `127.0.0.1:${status}`,
      admin_gui_listen: `127.0.0.1:${gui}`,
      console_path: join(ROOT, 'build/web/console'),
      ...(typeof settings === 'function' ? await settings(this) : settings),
    };
    writeFileSync(join(this.folder, 'sluice.conf'), this.settings(known));
    this.run('echo', this.binary, ['echo', '--listen', `127.0.0.1:${echo}`]);
    this.run('gateway', this.binary, ['start', '-c', join(this.folder, 'sluice.conf')]);
    await until(() => answers(`${this.admin}/status`), `the Admin API; see ${this.folder}`);
    await until(() => answers(this.console), `the console; see ${this.folder}`);
  }

  get console() {
    return `http://127.0.0.1:${this.ports.gui}`;
  }

  get admin() {
    return `http://127.0.0.1:${this.ports.admin}`;
  }

  get proxy() {
    return `http://127.0.0.1:${this.ports.proxy}`;
  }

  get upstream() {
    return `http://127.0.0.1:${this.ports.echo}`;
  }

  /** The Admin API, for what a test needs and does not test. */
  async api(method, path, body) {
    const reply = await fetch(this.admin + path, {
      method,
      headers: { 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await reply.text();
    const data = text ? JSON.parse(text) : null;
    if (!reply.ok) throw new Error(`${method} ${path}: ${reply.status} ${text}`);
    return data;
  }

  /** Id of the control plane that this node serves. */
  async controlPlane() {
    const { data } = await (await fetch(`${this.console}/v2/control-planes?page%5Bsize%5D=100`)).json();
    return (data.find(({ name }) => name === 'default') ?? data[0]).id;
  }

  log(name = 'gateway') {
    return readFileSync(join(this.folder, `${name}.log`), 'utf8');
  }

  folderFor(name) {
    const path = join(this.folder, name);
    mkdirSync(path, { recursive: true });
    return path;
  }

  async stop({ keep = false } = {}) {
    await Promise.all(
      this.children.map(async (child) => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        const gone = new Promise((done) => child.on('exit', done));
        child.kill('SIGTERM');
        await Promise.race([gone, sleep(STOP_MS).then(() => child.kill('SIGKILL'))]);
      }),
    );
    if (!keep) rmSync(this.folder, { recursive: true, force: true });
  }
}
