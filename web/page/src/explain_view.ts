// Why a text gets its label, or an entity its type: POST /explain, its progress, and what is there so far. How it looks is in explanation.ts.
import { button, counted, make, nameText } from './dom';
import { EventParser } from './events';
import { explanationNodes, methodNames, type Explanation } from './explanation';
import { Latest } from './latest';
import { reportButton } from './report_button';
import { refusalOf, sleep, Unreachable, type Entity, type Server } from './server';
import { bodyOf, type Sentence } from './sentence';

export interface ExplainQuestion {
  sentence: Sentence;
  entity: Entity | null; // of a model that labels tokens
  label: string | null;
  method: string;
}

const mostBudgetMs = 5000;
const entityMethods = ['occlusion', 'integrated_gradients'];

const partNames: Record<string, string> = {
  counterfactuals: 'Looking what would change the label',
  faithfulness: 'Looking how good the explanation is',
};
export const notOffered =
  'This server does not explain, since others than its own machine can ask it. Whoever runs it can let it: filbert serve --explain.';

// What stands in the request; `format` html asks for the report as a page.
export function explainBody(question: ExplainQuestion, format: 'json' | 'html', timeoutMs: number, withContexts = false): object {
  return {
    ...bodyOf(question.sentence),
    ...(question.entity === null ? {} : { entity: question.entity }),
    method: question.method,
    ...(question.label === null ? {} : { label: question.label }),
    budget_ms: Math.round(Math.min(mostBudgetMs, timeoutMs * 0.8)),
    offset_unit: 'utf16',
    format,
    ...(withContexts ? { with_contexts: true } : {}),
  };
}

export class ExplainView {
  readonly element = make('div', {});
  private readonly body = make('div', {});
  private readonly progress = make('p', { className: 'hint working' });
  private readonly report = make('p', { className: 'buttons' });
  private readonly own = make('p', {
    className: 'hint',
    hidden: true,
    textContent: 'Scores and labels here are the model’s own: its answers above are calibrated, merged or renamed by a decision, which is not applied here.',
  });
  private readonly labels = make('select', {});
  private readonly method = make('select', {});
  private readonly latest: Latest<ExplainQuestion, Explanation>;
  private sentence: Sentence | null = null;
  private entity: Entity | null = null;
  private ofTokens = false;
  private isIndexed = false; // the report then has where else the strongest words stand so
  private answered = '';
  private reportUrl = '';

  constructor(private readonly server: Server) {
    this.progress.setAttribute('role', 'status');
    this.labels.addEventListener('change', () => this.ask(0));
    this.method.addEventListener('change', () => this.ask(0));
    const controls = make('div', { className: 'controls' }, make('label', {}, 'Why ', this.labels), make('label', {}, 'Method ', this.method));
    this.element.append(controls, this.own, this.progress, this.body, this.report);
    this.latest = new Latest<ExplainQuestion, Explanation>({
      ask: (question, signal) => this.fetch(question, signal),
      show: (explanation, question) => this.show(explanation, question),
      refusal: refusalOf,
      fail: (message) => this.failed(message),
      wait: (why) =>
        this.working(why === 'busy' ? 'The server is busy with other explanations: asking again in a moment.' : 'Waiting for the server.'),
      sleep,
      untilReady: (signal) => server.untilReady(signal),
    });
  }

  // The labels of the model that is asked, its own also where answers show others, or the types of its entities.
  setModel(names: string[], ofTokens: boolean, decided: boolean, isIndexed: boolean): void {
    this.ofTokens = ofTokens;
    this.isIndexed = isIndexed;
    this.own.hidden = !decided;
    const own = make('option', { value: '', textContent: ofTokens ? 'the type it has' : 'the label it says' });
    this.labels.replaceChildren(own, ...names.map((name) => make('option', { value: name, textContent: nameText(name) })));
    const chosen = this.method.value;
    const offered = Object.entries(methodNames).filter(([name]) => !ofTokens || entityMethods.includes(name));
    this.method.replaceChildren(...offered.map(([value, textContent]) => make('option', { value, textContent })));
    if (offered.some(([name]) => name === chosen)) this.method.value = chosen;
  }

  // `entity` is one of the sentence, where the model labels tokens and one is chosen.
  set(sentence: Sentence | null, entity: Entity | null, delayMs: number): void {
    this.sentence = sentence;
    this.entity = entity;
    this.ask(delayMs);
  }

  // What is shown is of a text that is another by now.
  stale(): void {
    this.latest.clear();
    this.body.classList.add('stale');
  }

  private question(): ExplainQuestion | null {
    if (!this.sentence || (this.ofTokens && !this.entity)) return null;
    return { sentence: this.sentence, entity: this.entity, label: this.labels.value || null, method: this.method.value };
  }

  private ask(delayMs: number): void {
    const question = this.question();
    const key = JSON.stringify(question);
    if (!this.server.offer.explain) return this.notOffered();
    if (!question) {
      this.answered = '';
      this.latest.clear();
      this.working('');
      this.report.replaceChildren();
      this.body.classList.remove('stale');
      return this.body.replaceChildren(
        make('p', {
          className: 'hint',
          textContent: this.ofTokens
            ? 'Choose an entity that is marked in the text above: what each word adds to its type stands here then.'
            : 'Type a text above: what each word adds to the score stands here then.',
        }),
      );
    }
    if (key === this.answered) {
      this.latest.clear();
      this.body.classList.remove('stale');
      return this.working('');
    }
    this.working('Looking what each word adds …');
    if (this.body.querySelector('.notices')) this.body.replaceChildren(); // what went wrong before says nothing of this text
    this.body.classList.add('stale');
    this.latest.set(question, delayMs);
  }

  private notOffered(): void {
    this.working('');
    this.body.replaceChildren(make('p', { className: 'hint', textContent: notOffered }));
  }

  private working(text: string): void {
    this.progress.textContent = text;
    this.progress.hidden = text === '';
  }

  // By server-sent events where the server sends them: progress, then the result.
  private async fetch(question: ExplainQuestion, signal: AbortSignal): Promise<Explanation> {
    const answer = await this.server.request('explain', explainBody(question, 'json', this.server.offer.explain_timeout_ms), {
      signal,
      accept: 'text/event-stream',
    });
    if (!answer.headers.get('Content-Type')?.startsWith('text/event-stream') || !answer.body) return (await answer.json()) as Explanation;
    const parser = new EventParser();
    const decoder = new TextDecoder();
    const reader = answer.body.getReader();
    for (;;) {
      const { done, value } = await reader.read().catch((error: unknown) => {
        if (signal.aborted) throw error;
        return { done: true, value: undefined };
      });
      for (const { event, data } of parser.push(done ? '\n\n' : decoder.decode(value, { stream: true }))) {
        if (event === 'progress') this.showProgress(data);
        if (event === 'partial') this.paint(JSON.parse(data) as Explanation, question);
        if (event === 'result') return JSON.parse(data) as Explanation;
        if (event === 'error') throw new Error(errorIn(data));
      }
      if (done) {
        await this.server.look();
        throw this.server.state === 'up' ? new Error('The explanation broke off.') : new Unreachable('no answer');
      }
    }
  }

  private showProgress(data: string): void {
    const { part, texts } = JSON.parse(data) as { part: string; texts: number };
    this.working(`${partNames[part] ?? 'Looking what each word adds'} … ${texts ? `${counted(texts, 'masked text')} so far` : ''}`);
  }

  private failed(message: string): void {
    this.answered = '';
    this.working('');
    this.body.classList.remove('stale');
    this.report.replaceChildren();
    this.body.replaceChildren(
      make('ul', { className: 'notices' }, make('li', { textContent: message })),
      button('Try again', () => this.ask(0)),
    );
  }

  private show(explanation: Explanation, question: ExplainQuestion): void {
    this.answered = JSON.stringify(question);
    this.working('');
    this.paint(explanation, question);
    this.offerReport(question);
  }

  // The whole of it, or as much as is there.
  private paint(explanation: Explanation, question: ExplainQuestion): void {
    this.body.classList.remove('stale');
    this.body.replaceChildren(...explanationNodes(explanation, question.method));
  }

  private offerReport(question: ExplainQuestion): void {
    if (this.reportUrl) URL.revokeObjectURL(this.reportUrl);
    this.reportUrl = '';
    this.report.replaceChildren(
      reportButton(
        'Open the full report',
        'explanation.html',
        this.server,
        'explain',
        explainBody(question, 'html', this.server.offer.explain_timeout_ms, this.isIndexed),
        (url) => {
          this.reportUrl = url;
        },
      ),
    );
  }
}

const errorIn = (data: string): string => {
  try {
    const { error } = JSON.parse(data) as { error?: { message?: string } | string };
    return (typeof error === 'string' ? error : error?.message) ?? data;
  } catch {
    return data;
  }
};
