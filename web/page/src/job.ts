// A long list of texts, classified in batches of bounded size with some requests in flight. It waits when the server is busy or gone and goes
// on; a batch that is refused is halved until the text that is to blame stands alone. It knows neither page nor network.

export type Question = string | [string, string];
export interface RowAnswer {
  label: string;
  score: number;
  truncated: boolean;
  expected?: number;
  rejected?: boolean;
}
export type RowResult = RowAnswer | { error: string };

// What a refusal means for the batch: later again, when the server is there or has its key again, smaller, or never.
export type Refusal = { kind: 'later'; ms: number } | { kind: 'absent' } | { kind: 'smaller'; message: string } | { kind: 'never'; message: string };

export interface JobPort {
  classify(questions: Question[], signal: AbortSignal): Promise<RowResult[]>;
  refusal(error: unknown): Refusal;
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  untilReady(signal: AbortSignal): Promise<void>;
}

export interface JobLimits {
  batchTexts: number;
  batchCharacters: number;
  inFlight: number;
}
export const jobLimits: JobLimits = { batchTexts: 64, batchCharacters: 64 * 1024, inFlight: 4 };
const mostRefused = 20;
export type JobState = 'running' | 'paused' | 'done' | 'cancelled' | 'failed';

export class Job {
  state: JobState = 'running';
  failure = '';
  waiting = ''; // why nothing goes on just now, or empty
  readonly results: (RowResult | undefined)[];
  answered = 0;
  failed = 0;
  truncated = 0;
  readonly labels = new Map<string, number>();
  private next = 0;
  private refused = 0;
  private readonly controller = new AbortController();
  private resume: (() => void) | null = null;
  private resumed: Promise<void> = Promise.resolve();

  // `question(row)` is undefined where there is nothing to ask; `known` has the results of those.
  constructor(
    private readonly count: number,
    private readonly question: (row: number) => Question | { error: string },
    private readonly port: JobPort,
    private readonly limits: JobLimits = jobLimits,
  ) {
    this.results = new Array<RowResult | undefined>(count);
  }

  // Ends when everything is answered, or the job was cancelled.
  async run(): Promise<void> {
    try {
      await Promise.all(Array.from({ length: this.limits.inFlight }, () => this.worker()));
      if (this.state !== 'cancelled') this.state = 'done';
    } catch (error) {
      if (this.state === 'cancelled') return;
      this.state = 'failed';
      this.failure = error instanceof Error ? error.message : String(error);
      this.controller.abort();
    } finally {
      this.waiting = '';
    }
  }

  pause(): void {
    if (this.state !== 'running') return;
    this.state = 'paused';
    this.resumed = new Promise((resolve) => {
      this.resume = resolve;
    });
  }
  goOn(): void {
    if (this.state !== 'paused') return;
    this.state = 'running';
    this.resume?.();
  }
  cancel(): void {
    if (this.state !== 'running' && this.state !== 'paused') return;
    this.state = 'cancelled';
    this.controller.abort();
    this.resume?.();
  }

  private async worker(): Promise<void> {
    for (;;) {
      await this.resumed;
      if (this.controller.signal.aborted) return;
      const rows = this.take();
      if (rows.length === 0) return;
      await this.send(rows);
    }
  }

  // The rows of the next batch: as many as the limits allow, at least one.
  private take(): number[] {
    const rows: number[] = [];
    let characters = 0;
    while (this.next < this.count && rows.length < this.limits.batchTexts) {
      const question = this.question(this.next);
      if (typeof question === 'object' && !Array.isArray(question)) {
        this.keep(this.next++, question);
        continue;
      }
      const length = typeof question === 'string' ? question.length : question[0].length + question[1].length;
      if (rows.length > 0 && characters + length > this.limits.batchCharacters) break;
      characters += length;
      rows.push(this.next++);
    }
    return rows;
  }

  private async send(rows: number[]): Promise<void> {
    const { signal } = this.controller;
    for (let attempt = 0; ; ++attempt) {
      await this.resumed;
      if (signal.aborted) return;
      try {
        const results = await this.port.classify(
          rows.map((row) => this.question(row) as Question),
          signal,
        );
        if (results.length !== rows.length) throw new Error(`expected ${rows.length} answers, found ${results.length}`);
        rows.forEach((row, at) => this.keep(row, results[at] as RowResult));
        this.waiting = '';
        return;
      } catch (error) {
        if (signal.aborted) return;
        const refusal = this.port.refusal(error);
        if (refusal.kind === 'never') throw new Error(refusal.message);
        if (refusal.kind === 'smaller') return this.halve(rows, refusal.message);
        await this.wait(refusal, attempt);
      }
    }
  }

  private async halve(rows: number[], message: string): Promise<void> {
    if (rows.length === 1) {
      // One text may be to blame, and some; where nothing at all was ever answered it is not the texts.
      if (++this.refused >= mostRefused && this.labels.size === 0) throw new Error(message);
      return this.keep(rows[0] as number, { error: message });
    }
    const middle = rows.length >> 1;
    await this.send(rows.slice(0, middle));
    await this.send(rows.slice(middle));
  }

  private async wait(refusal: Refusal, attempt: number): Promise<void> {
    const { signal } = this.controller;
    if (refusal.kind === 'later') {
      this.waiting = 'The server is busy: going on in a moment.';
      await this.port.sleep(Math.min(30_000, refusal.ms * 2 ** Math.min(attempt, 4)), signal).catch(() => undefined);
    } else {
      this.waiting = 'Waiting for the server.';
      await this.port.untilReady(signal).catch(() => undefined);
    }
  }

  private keep(row: number, result: RowResult): void {
    this.results[row] = result;
    ++this.answered;
    if ('error' in result) {
      ++this.failed;
      return;
    }
    if (result.truncated) ++this.truncated;
    this.labels.set(result.label, (this.labels.get(result.label) ?? 0) + 1);
  }
}
