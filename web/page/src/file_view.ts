// A whole file: dropped or chosen, its column of texts picked, classified batch by batch, and kept as CSV with what was answered.
import { button, counted, grouped, make, named, nameOf, number, visibly } from './dom';
import { Job, jobLimits, type Question } from './job';
import { resultsOf } from './many_texts';
import { readTable } from './read_table';
import { save } from './save';
import { refusalOf, sleep, type ClassifyAnswer, type Model, type Server } from './server';
import { addedNames, columnNames, dataRows, guessTextColumn, resultPieces, rowOf, type Table } from './table';

const previewRows = 5;

export class FileView {
  readonly element = make('div', {});
  private readonly input = make('input', { type: 'file', id: 'file', accept: '.csv,.tsv,.tab,.jsonl,.ndjson,.txt,.text' });
  private readonly drop = make('section', { className: 'card drop' });
  private readonly notices = make('ul', { className: 'notices', hidden: true });
  private readonly chosen = make('section', { className: 'card', hidden: true });
  private readonly running = make('section', { className: 'card', hidden: true });
  private name = '';
  private job: Job | null = null;
  private model: Model | null = null;
  private reading: AbortController | null = null;

  constructor(private readonly server: Server) {
    this.notices.setAttribute('role', 'alert');
    this.drop.append(
      make('h2', { textContent: 'A file of texts' }),
      make('p', {
        textContent: 'Drop it anywhere on this page, or choose it: a table (.csv, .tsv), an object of JSON a line (.jsonl), or a text a line (.txt).',
      }),
      make('p', { className: 'buttons' }, make('label', { htmlFor: 'file', className: 'spoken', textContent: 'File' }), this.input),
      make('p', {
        className: 'hint',
        textContent:
          'It is read here, and only its texts are sent, to this server, a few at a time. What comes out is the same table with a label and a score for each row.',
      }),
    );
    this.input.addEventListener('change', () => {
      if (this.input.files?.[0]) void this.take(this.input.files[0]);
    });
    this.element.append(this.drop, this.notices, this.chosen, this.running);
    window.addEventListener('beforeunload', (event) => {
      if (this.busy) event.preventDefault();
    });
  }

  get busy(): boolean {
    return this.job !== null && (this.job.state === 'running' || this.job.state === 'paused');
  }
  setModel(model: Model): void {
    this.model = model;
  }
  // A file, from whichever way; the one at work is finished first.
  async take(file: File): Promise<void> {
    if (this.busy) return this.notice('Another file is being classified: cancel that first.');
    this.reading?.abort();
    const reading = new AbortController();
    this.reading = reading;
    this.notice('');
    this.chosen.hidden = true;
    this.running.hidden = true;
    const bar = named(make('progress', { max: 1, value: 0 }), 'Reading the file');
    this.chosen.replaceChildren(make('h2', {}, 'Reading ', nameOf(file.name)), bar);
    this.chosen.hidden = false;
    try {
      const table = await readTable(
        file,
        (share) => {
          bar.value = share;
        },
        reading.signal,
      );
      if (reading.signal.aborted) return;
      this.name = file.name;
      this.choose(table);
    } catch (error) {
      if (reading.signal.aborted) return;
      this.chosen.hidden = true;
      this.notice(`${file.name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  private notice(message: string): void {
    this.notices.hidden = message === '';
    this.notices.replaceChildren(make('li', { textContent: message }));
  }

  // What is there, and which column is meant.
  private choose(table: Table): void {
    const names = columnNames(table);
    const options = (): HTMLOptionElement[] => columnNames(table).map((name, at) => make('option', { value: String(at), textContent: name }));
    const text = make('select', {}, ...options());
    const pair = make('select', {}, make('option', { value: '-1', textContent: 'none' }), ...options());
    const header = make('input', { type: 'checkbox', checked: table.header });
    const preview = make('div', { className: 'scroll' });
    const summary = make('p', {});
    const start = button('', () => this.start(table, Number(text.value), Number(pair.value)), { className: 'main' });
    text.value = String(guessTextColumn(table));
    const paint = (): void => {
      start.textContent = `Classify ${counted(dataRows(table), 'text')}`;
      summary.textContent =
        `${counted(dataRows(table), 'row')}, ${counted(columnNames(table).length, 'column')}` +
        (table.encoding === 'utf-8' ? '' : `; read as ${table.encoding}`) +
        (table.problems.size ? `; ${counted(table.problems.size, 'line')} with an error, which get no label` : '') +
        '.';
      preview.replaceChildren(previewOf(table, Number(text.value), Number(pair.value)));
    };
    for (const each of [text, pair]) each.addEventListener('change', paint);
    header.addEventListener('change', () => {
      table.header = header.checked;
      this.choose(table);
    });
    const controls = make('div', { className: 'controls' });
    if (names.length > 1) controls.append(make('label', {}, 'Column of texts ', text), make('label', {}, 'Second text of a pair ', pair));
    if (table.kind === 'csv' || table.kind === 'tsv') controls.append(make('label', {}, header, ' The first row holds names'));
    this.chosen.replaceChildren(make('h2', {}, nameOf(this.name)), summary, controls, preview, make('p', { className: 'buttons' }, start));
    paint();
    this.chosen.hidden = false;
  }

  private start(table: Table, text: number, pair: number): void {
    if (!this.model || this.busy) return;
    const model = this.model.id;
    const question = (row: number): Question | { error: string } => {
      const problem = table.problems.get(row);
      if (problem !== undefined) return { error: problem };
      const fields = rowOf(table, row);
      const own = fields[text] ?? '';
      if (own.trim() === '') return { error: 'no text' };
      return pair < 0 ? own : [own, fields[pair] ?? ''];
    };
    const job = new Job(
      dataRows(table),
      question,
      {
        classify: async (input, signal) =>
          resultsOf(await this.server.json<ClassifyAnswer>('v1/classify', { model, input }, { signal, background: true })),
        refusal: refusalOf,
        sleep,
        untilReady: (signal) => this.server.untilReady(signal),
      },
      { ...jobLimits, batchTexts: Math.min(jobLimits.batchTexts, this.server.offer.max_client_batch_size) },
    );
    this.job = job;
    this.chosen.hidden = true;
    this.follow(job, table);
  }

  // The progress of a job, until it ends.
  private follow(job: Job, table: Table): void {
    const count = dataRows(table);
    const bar = named(make('progress', { max: count, value: 0 }), 'Progress');
    const said = make('p', { className: 'num' });
    const spoken = make('p', { className: 'spoken' });
    const shares = make('div', {});
    const buttons = make('p', { className: 'buttons' });
    const pause = button('Pause', () => {
      if (job.state === 'paused') job.goOn();
      else job.pause();
      pause.textContent = job.state === 'paused' ? 'Go on' : 'Pause';
      paint();
    });
    const cancel = button('Cancel', () => job.cancel());
    const clock = new Clock();
    spoken.setAttribute('role', 'status');
    const paint = (): void => {
      bar.value = job.answered;
      said.textContent = progressText(job, count, clock);
      shares.replaceChildren(sharesOf(job));
    };
    buttons.append(pause, cancel);
    this.running.replaceChildren(make('h2', {}, nameOf(this.name)), bar, said, spoken, buttons, shares);
    this.running.hidden = false;
    pause.focus();
    const timer = window.setInterval(() => {
      clock.tick(job.state === 'running' && job.waiting === '');
      paint();
    }, 200);
    paint();
    void job.run().then(() => {
      window.clearInterval(timer);
      paint();
      spoken.textContent = said.textContent;
      shares.append(make('div', { className: 'scroll' }, resultsOfFirst(table, job)));
      const keep = button('Download the result as CSV', () => void this.download(table, job), { className: 'main' });
      buttons.replaceChildren(
        keep,
        button('Another column, or again', () => {
          this.running.hidden = true;
          this.choose(table);
        }),
      );
      if (!document.activeElement || document.activeElement === document.body) keep.focus();
    });
  }

  // In pieces with pauses, so that a large table does not hold the page up.
  private async download(table: Table, job: Job): Promise<void> {
    const pieces: string[] = [];
    for (const piece of resultPieces(table, job.results)) {
      pieces.push(piece);
      await new Promise((resolve) => {
        setTimeout(resolve, 0);
      });
    }
    save(this.name.replace(/\.[^.]*$/, '') + '.labels.csv', 'text/csv;charset=utf-8', pieces);
  }
}

// Seconds that the job was at work, without those that it stood still.
class Clock {
  seconds = 0;
  private last = performance.now();
  tick(working: boolean): void {
    const now = performance.now();
    if (working) this.seconds += (now - this.last) / 1000;
    this.last = now;
  }
}

function lasting(seconds: number): string {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

function progressText(job: Job, count: number, clock: Clock): string {
  const parts = [`${grouped(job.answered)} of ${counted(count, 'text')}`];
  if (job.state === 'done') parts[0] = `Done: ${counted(count, 'text')}`;
  if (job.state === 'cancelled') parts.push('cancelled; the result has what was answered');
  if (job.state === 'failed') parts.push(`ended: ${job.failure}`);
  if (job.state === 'paused') parts.push('paused');
  if (job.state === 'running' && job.waiting) parts.push(job.waiting);
  if (clock.seconds > 1 && job.answered > 0) {
    const rate = job.answered / clock.seconds;
    parts.push(`${grouped(Math.round(rate))} a second`);
    if (job.state === 'running' && !job.waiting) parts.push(`about ${lasting((count - job.answered) / rate)} to go`);
  }
  if (job.truncated) parts.push(`${grouped(job.truncated)} too long and cut`);
  if (job.failed) parts.push(`${grouped(job.failed)} without an answer (the column “error” says why)`);
  return parts.join(' · ');
}

function sharesOf(job: Job): HTMLElement {
  const total = job.answered - job.failed;
  const most = 12;
  const labels = [...job.labels].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  const rows = labels.slice(0, most).map(([label, count]) => {
    const bar = named(make('meter', { max: total, value: count }), 'Share');
    return make(
      'tr',
      {},
      make('th', { scope: 'row' }, nameOf(label)),
      make('td', { className: 'track' }, bar),
      make('td', { className: 'num', textContent: grouped(count) }),
      make('td', { className: 'num', textContent: `${((count / Math.max(1, total)) * 100).toFixed(1)} %` }),
    );
  });
  const head = ['Label', 'Bar', 'Texts', 'Share'].map((textContent) => make('th', { scope: 'col', textContent }));
  const table = make(
    'table',
    { className: 'scores' },
    make('caption', { textContent: job.state === 'done' ? 'Labels' : 'Labels so far' }),
    make('thead', { className: 'quiet' }, make('tr', {}, ...head)),
    make('tbody', {}, ...rows),
  );
  table.hidden = total === 0;
  if (labels.length > most) table.createCaption().textContent = `The ${most} most frequent of ${labels.length} labels`;
  return table;
}

function previewOf(table: Table, text: number, pair: number): HTMLElement {
  const names = columnNames(table);
  const rows = Math.min(previewRows, dataRows(table));
  const marked = (at: number): string => (at === text || at === pair ? 'picked' : '');
  const head = names.map((name, at) => make('th', { scope: 'col', className: marked(at) }, nameOf(name)));
  const body = Array.from({ length: rows }, (_, row) =>
    make('tr', {}, ...names.map((_name, at) => make('td', { className: marked(at) }, ...visibly(short(rowOf(table, row)[at] ?? ''))))),
  );
  return make(
    'table',
    { className: 'preview' },
    make('caption', { textContent: `The first ${counted(rows, 'row')}` }),
    make('thead', {}, make('tr', {}, ...head)),
    make('tbody', {}, ...body),
  );
}

// What the file will hold, at a glance.
function resultsOfFirst(table: Table, job: Job): HTMLElement {
  const names = columnNames(table);
  const rows = Math.min(previewRows, dataRows(table));
  const head = [...names, ...addedNames(names, []).slice(0, 2)].map((name, at) =>
    make('th', { scope: 'col', className: at >= names.length ? 'picked' : '' }, nameOf(name)),
  );
  const body = Array.from({ length: rows }, (_, row) => {
    const result = job.results[row];
    const cells = names.map((_name, at) => make('td', {}, ...visibly(short(rowOf(table, row)[at] ?? ''))));
    const said = !result ? ['', ''] : 'error' in result ? [result.error, ''] : [result.label, number(result.score)];
    return make('tr', {}, ...cells, ...said.map((text) => make('td', { className: 'picked' }, nameOf(text, 200))));
  });
  return make(
    'table',
    { className: 'preview' },
    make('caption', { textContent: `The first ${counted(rows, 'row')} of the result` }),
    make('thead', {}, make('tr', {}, ...head)),
    make('tbody', {}, ...body),
  );
}

const short = (text: string): string => (text.length > 160 ? text.slice(0, 160) + '…' : text);
