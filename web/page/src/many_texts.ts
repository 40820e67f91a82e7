// Several texts, a line each, and a table of what the model says of them, while one types. A line that stays the same is not asked again.
import { scoreBar } from './bars';
import { csvRow } from './csv';
import { button, counted, make, nameOf, nameText, number, visibly } from './dom';
import type { RowResult } from './job';
import { Latest } from './latest';
import { save } from './save';
import { refusalOf, sleep, type Answer, type ClassifyAnswer, type Model, type Server } from './server';
import { addedFields, addedNames } from './table';

const mostLines = 1000;
const mostInBatch = 64;

export function linesOf(text: string): string[] {
  return text.split(/\r\n|\n/).filter((line) => line.trim() !== '');
}

// What the answers to a request say of its texts, in their order.
export function resultsOf(answer: ClassifyAnswer): RowResult[] {
  return answer.data.map((item) =>
    'error' in item ? { error: item.error.message } : rowAnswer(item),
  );
}

const rowAnswer = ({ label, score, truncated, expected, rejected }: Answer): RowResult => ({
  label,
  score,
  truncated,
  ...(expected === undefined ? {} : { expected }),
  ...(rejected === undefined ? {} : { rejected }),
});

export class ManyTexts {
  readonly element = make('div', {});
  private readonly text = make('textarea', {
    id: 'lines',
    rows: 8,
    spellcheck: false,
    autocomplete: 'off',
    dir: 'auto',
    placeholder: 'A text a line …',
  });
  private readonly said = make('p', { className: 'hint counter' });
  private readonly notices = make('ul', { className: 'notices', hidden: true });
  private readonly table = make('table', { className: 'lines-said' });
  private readonly keep = button('Download the table as CSV', () => this.download(), { hidden: true });
  private readonly latest: Latest<string[], null>;
  private known = new Map<string, RowResult>();
  private model: Model | null = null;

  // `open` shows one of them by itself.
  constructor(
    private readonly server: Server,
    private readonly open: (text: string) => void,
  ) {
    this.said.setAttribute('role', 'status');
    this.latest = new Latest<string[], null>({
      ask: (lines, signal) => this.ask(lines, signal),
      show: () => this.paint(),
      refusal: refusalOf,
      fail: (message) => this.notice(message),
      wait: (why) => this.notice(why === 'busy' ? 'The server is busy: going on in a moment.' : ''),
      sleep,
      untilReady: (signal) => server.untilReady(signal),
    });
    this.text.addEventListener('input', () => this.changed(250));
    this.element.append(
      make('section', { className: 'card' }, make('label', { htmlFor: 'lines', textContent: 'Texts, a line each' }), this.text, this.said),
      this.notices,
      make(
        'section',
        { className: 'card' },
        make('h2', { textContent: 'What the model says of each' }),
        make('div', { className: 'scroll' }, this.table),
        make('p', { className: 'buttons' }, this.keep),
      ),
    );
    this.changed(0);
  }

  setModel(model: Model): void {
    if (model.id !== this.model?.id) this.known.clear();
    this.model = model;
    this.changed(0);
  }

  private changed(delayMs: number): void {
    const lines = linesOf(this.text.value).slice(0, mostLines);
    const wanted = new Set(lines);
    for (const line of this.known.keys()) if (!wanted.has(line)) this.known.delete(line);
    this.notice(linesOf(this.text.value).length > mostLines ? `Shown are the first ${mostLines} lines. For more, put them into a file.` : '');
    const missing = [...wanted].filter((line) => !this.known.has(line));
    this.paint();
    if (this.model && missing.length) this.latest.set(missing, delayMs);
    else this.latest.clear();
  }

  private async ask(lines: string[], signal: AbortSignal): Promise<null> {
    const missing = lines.filter((line) => !this.known.has(line));
    const batchLines = Math.min(mostInBatch, this.server.offer.max_client_batch_size);
    for (let from = 0; from < missing.length; from += batchLines) {
      const some = missing.slice(from, from + batchLines);
      const answer = await this.server.json<ClassifyAnswer>('v1/classify', { model: this.model?.id ?? '', input: some }, { signal });
      resultsOf(answer).forEach((result, at) => this.known.set(some[at] ?? '', result));
      this.paint();
    }
    return null;
  }

  private paint(): void {
    const lines = linesOf(this.text.value).slice(0, mostLines);
    const counts = new Map<string, number>();
    const rows = lines.map((line, at) => {
      const result = this.known.get(line);
      if (result && !('error' in result)) counts.set(result.label, (counts.get(result.label) ?? 0) + 1);
      return this.row(line, at, result);
    });
    const head = ['', 'Text', 'Label', 'Score', ''].map((textContent, at) =>
      make(textContent ? 'th' : 'td', textContent ? { scope: 'col', textContent, className: at === 3 ? 'num' : '' } : {}),
    );
    this.table.replaceChildren(make('thead', {}, make('tr', {}, ...head)), make('tbody', {}, ...rows));
    this.table.hidden = lines.length === 0;
    this.keep.hidden = lines.length === 0;
    const sums = [...counts]
      .sort((a, b) => b[1] - a[1])
      .slice(0, 6)
      .map(([label, count]) => `${nameText(label)}: ${count}`)
      .join(', ');
    this.said.textContent = lines.length === 0 ? 'The answers come while you type.' : `${counted(lines.length, 'text')}${sums ? '. ' + sums : ''}`;
  }

  private row(line: string, at: number, result: RowResult | undefined): HTMLElement {
    const text = button('', () => this.open(line), { className: 'as-text', title: 'Show this text by itself, with what explains it', dir: 'auto' });
    text.append(...visibly(line));
    const cells = !result
      ? [make('td', { className: 'hint', textContent: '…' }), make('td', {}), make('td', {})]
      : 'error' in result
        ? [make('td', { className: 'wrong', colSpan: 3, textContent: result.error })]
        : [
            make('td', { className: 'it-said' }, nameOf(result.label)),
            make('td', { className: 'num', textContent: number(result.score) }),
            make(
              'td',
              { className: 'track' },
              ...(result.score >= 0 && result.score <= 1 ? [scoreBar(result.score)] : []),
              ...(result.rejected ? [make('small', { textContent: 'rejected' })] : []),
              ...(result.truncated ? [make('small', { textContent: 'too long: cut' })] : []),
            ),
          ];
    return make('tr', {}, make('td', { className: 'num hint', textContent: String(at + 1) }), make('td', {}, text), ...cells);
  }

  private notice(message: string): void {
    this.notices.hidden = message === '';
    this.notices.replaceChildren(make('li', { textContent: message }));
  }

  private download(): void {
    const lines = linesOf(this.text.value).slice(0, mostLines);
    const results = lines.map((line) => this.known.get(line));
    const names = addedNames(['text'], results);
    const pieces = [csvRow(['text', ...names], ',')];
    lines.forEach((line, at) => pieces.push(csvRow([line, ...addedFields(results[at], names)], ',')));
    save('texts.labels.csv', 'text/csv;charset=utf-8', pieces);
  }
}
