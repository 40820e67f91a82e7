// A question that changes while it is being asked: only the latest is answered. An older request is given up, and should its answer come all the
// same, it is dropped. A busy server is asked again when it says; an absent one, once it is there.
import type { Refusal } from './job';

export interface LatestPort<Q, A> {
  ask(question: Q, signal: AbortSignal): Promise<A>;
  show(answer: A, question: Q): void;
  refusal(error: unknown): Refusal;
  fail(message: string, question: Q): void;
  wait(why: 'busy' | 'absent', question: Q): void;
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  untilReady(signal: AbortSignal): Promise<void>;
}

export class Latest<Q, A> {
  private controller: AbortController | null = null;

  constructor(private readonly port: LatestPort<Q, A>) {}

  // Asks after `delayMs`, unless another question comes meanwhile.
  set(question: Q, delayMs: number): void {
    this.clear();
    const controller = new AbortController();
    this.controller = controller;
    void this.run(question, delayMs, controller.signal);
  }

  // Nothing is asked any more.
  clear(): void {
    this.controller?.abort();
    this.controller = null;
  }

  private async run(question: Q, delayMs: number, signal: AbortSignal): Promise<void> {
    const { port } = this;
    try {
      await port.sleep(delayMs, signal);
      for (let attempt = 0; ; ++attempt) {
        try {
          const answer = await port.ask(question, signal);
          if (signal.aborted) return;
          this.controller = null;
          return port.show(answer, question);
        } catch (error) {
          if (signal.aborted) return;
          const refusal = port.refusal(error);
          if (refusal.kind === 'smaller' || refusal.kind === 'never') {
            this.controller = null;
            return port.fail(refusal.message, question);
          }
          port.wait(refusal.kind === 'later' ? 'busy' : 'absent', question);
          if (refusal.kind === 'later') await port.sleep(Math.min(30_000, refusal.ms * 2 ** Math.min(attempt, 4)), signal);
          else await port.untilReady(signal);
        }
      }
    } catch (error) {
      if (!signal.aborted) throw error; // a question that was given up ends here
    }
  }
}
