/**
 * A grid of real processes: `fallow-server` and `fallow-node` from `../target/debug` on a free port, in a folder of its
 * own. They are stopped by their handles; `FALLOW_TESTS_KEEP=1` keeps the folder with its logs.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";

const REPOSITORY = resolve(import.meta.dirname, "../..");
const TARGET = process.env.CARGO_TARGET_DIR ?? join(REPOSITORY, "target");
/** How long a process may take to say that it is ready, and to end when it is asked to, milliseconds. */
const START_MS = 120_000;
const END_MS = 20_000;

export const program = (name: string): string => join(TARGET, "debug", name);
export const guest = (name: string): string => join(TARGET, "guests", `${name}.wasm`);
export const example = (path: string): string => join(REPOSITORY, "examples", path);

/** What a process says in lines of JSON, each with an `event`. */
type Line = Record<string, unknown> & { event?: string };

/** A running program; its lines are read, and its errors go to a file. */
export class Running {
  private readonly lines: Line[] = [];
  private readonly waiters = new Set<() => void>();
  private readonly ended: Promise<void>;

  private constructor(
    readonly name: string,
    private readonly child: ChildProcess,
    private readonly log: string,
  ) {
    this.ended = new Promise((done) => child.once("exit", () => done()));
    if (child.stdout) createInterface({ input: child.stdout }).on("line", (line) => this.hear(line));
  }

  static start(
    name: string,
    path: string,
    args: string[],
    folder: string,
    env: Record<string, string> = {},
  ): Running {
    const log = join(folder, `${name}.log`);
    const child = spawn(path, args, { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
    child.stderr?.pipe(createWriteStream(log));
    return new Running(name, child, log);
  }

  private hear(line: string): void {
    try {
      this.lines.push(JSON.parse(line) as Line);
    } catch {
      return; // for people
    }
    for (const waiter of this.waiters) waiter();
  }

  /** The first line with this `event`, now or once it comes. */
  async wait(event: string): Promise<Line> {
    const found = () => this.lines.find((line) => line.event === event);
    const end = Date.now() + START_MS;
    for (;;) {
      const line = found();
      if (line) return line;
      if (Date.now() > end || this.child.exitCode !== null) {
        const words = await readFile(this.log, "utf8").catch(() => "");
        throw new Error(`${this.name} did not come to ${event}; its last words:\n${words.slice(-2000)}`);
      }
      await new Promise<void>((again) => {
        const timer = setTimeout(next, 500);
        const waiters = this.waiters;
        function next() {
          clearTimeout(timer);
          waiters.delete(next);
          again();
        }
        waiters.add(next);
      });
    }
  }

  /** Ask it to end, and see that it has. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.child.kill(signal);
    const timer = setTimeout(() => this.child.kill("SIGKILL"), END_MS);
    await this.ended;
    clearTimeout(timer);
  }
}

export type Account = { id: string; name: string; token: string };

export class Grid {
  private readonly nodes: Running[] = [];

  private constructor(
    readonly folder: string,
    readonly url: string,
    readonly operatorToken: string,
    private readonly server: Running,
    /** What the server said of itself: `operator_link` and the like. */
    readonly said: (event: string) => Promise<Line>,
  ) {}

  /** A server of its own; `config` is its `server.toml`. */
  static async start(config = ""): Promise<Grid> {
    const folder = await mkdtemp(join(tmpdir(), "fallow-portal-"));
    await writeFile(join(folder, "server.toml"), config);
    const args = ["serve", "--listen", "127.0.0.1:0", "--json", "--data", join(folder, "server")];
    if (config) args.push("--config", join(folder, "server.toml"));
    const server = Running.start("server", program("fallow-server"), args, folder);
    const token = String((await server.wait("operator_token")).token);
    const url = String((await server.wait("listening")).url);
    return new Grid(folder, url, token, server, (event) => server.wait(event));
  }

  /** A call of the API outside of the browser. */
  async call<T>(token: string, method: string, path: string, body?: unknown): Promise<T> {
    const response = await fetch(`${this.url}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text}`);
    return (text === "" ? undefined : JSON.parse(text)) as T;
  }

  /** An account with an API token, made by the operator. */
  async account(name: string): Promise<Account> {
    const made = await this.call<{ id: string; token: string }>(this.operatorToken, "POST", "/accounts", {
      name,
    });
    return { id: made.id, name, token: made.token };
  }

  /** A node of an account, online. */
  async node(account: Account, name: string, ...more: string[]): Promise<Running> {
    const { token } = await this.call<{ token: string }>(account.token, "POST", "/nodes/join-tokens", {});
    const data = join(this.folder, name);
    await mkdir(data, { recursive: true });
    const args = [
      "join",
      this.url,
      "--token",
      token,
      "--name",
      name,
      "--slots",
      "1",
      "--json",
      "--data",
      data,
      ...more,
    ];
    const node = Running.start(name, program("fallow-node"), args, this.folder);
    this.nodes.push(node);
    await node.wait("online");
    return node;
  }

  /** Nodes first, then the server, then the folder. */
  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop()));
    await this.server.stop();
    if (process.env.FALLOW_TESTS_KEEP !== "1") await rm(this.folder, { recursive: true, force: true });
  }
}
