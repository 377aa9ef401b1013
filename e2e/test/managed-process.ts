import { spawn, type ChildProcess } from 'node:child_process';

export interface Command {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/** A process that tests may kill and start again. All that it ever wrote is kept. */
export class ManagedProcess {
  #child: ChildProcess | undefined;
  #output: Buffer[] = [];

  constructor(private readonly command: Command) {
    this.start();
  }

  get name(): string {
    return this.command.name;
  }

  get pid(): number {
    if (!this.#child?.pid) throw new Error(`${this.name} does not run`);
    return this.#child.pid;
  }

  get running(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  get output(): string {
    return Buffer.concat(this.#output).toString('latin1');
  }

  start(): void {
    const { command, args, environment } = this.command;
    this.#child = spawn(command, args, {
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child.stdout?.on('data', (chunk: Buffer) => this.#output.push(chunk));
    this.#child.stderr?.on('data', (chunk: Buffer) => this.#output.push(chunk));
  }

  /** Resolves with the exit code (null after a signal) when it is gone. */
  async kill(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#child;
    if (!child || !this.running) return child?.exitCode ?? null;
    const gone = new Promise<number | null>((done) => child.once('exit', done));
    child.kill(signal);
    const hard = setTimeout(() => child.kill('SIGKILL'), 15_000);
    const code = await gone;
    clearTimeout(hard);
    return code;
  }
}
