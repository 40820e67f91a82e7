// What the model says of a text: the label, and a bar for each.
import { button, counted, decimalsFor, make, nameOf, nameText, number, svg } from './dom';
import type { Answer, LabelScore } from './server';

const mostBars = 12;
export const isProbability = (scores: LabelScore[]): boolean => scores.every(({ score }) => score >= 0 && score <= 1);
export const decimalsOf = (scores: LabelScore[]): number =>
  isProbability(scores) ? 3 : decimalsFor(Math.max(...scores.map(({ score }) => Math.abs(score))));

// A bar as the reports draw it, up to 1.
export function scoreBar(score: number): SVGSVGElement {
  return svg('score', '0 0 1000 10', ['', `M0 0h${Math.round(Math.max(0, Math.min(1, score)) * 1000)}v10H0z`]);
}

export class Bars {
  readonly element = make('div', { className: 'said' });
  private readonly table = make('table', { className: 'scores' });
  private readonly title = make('p', { className: 'label' });
  private readonly more = button(
    '',
    () => {
      this.all = !this.all;
      this.paint();
    },
    { hidden: true },
  );
  private readonly spoken = make('p', { className: 'spoken' });
  private all = false;
  private answer: Answer | null = null;
  private timer: number | undefined;

  constructor() {
    this.spoken.setAttribute('role', 'status');
    this.element.append(make('h2', { textContent: 'The model says' }), this.title, this.table, this.more, this.spoken);
    this.empty([]);
  }

  // Nothing was asked: the labels without a bar, so that nothing jumps when the first answer comes.
  empty(labels: string[]): void {
    this.answer = null;
    this.more.hidden = true;
    this.title.replaceChildren(make('span', { className: 'hint', textContent: 'Its answer comes while you type.' }));
    this.rows(
      labels.slice(0, mostBars).map((label) => ({ label, score: NaN })),
      -1,
      3,
    );
    this.stale(false);
    this.say('');
  }

  show(answer: Answer): void {
    this.answer = answer;
    this.paint();
    this.stale(false);
    this.say(`${nameText(answer.label)}, ${number(answer.score, decimalsOf(answer.scores))}${answer.rejected ? ', rejected' : ''}`);
  }

  // While another answer is on its way.
  stale(on: boolean): void {
    this.element.classList.toggle('stale', on);
  }

  private paint(): void {
    const { answer } = this;
    if (!answer) return;
    const { scores } = answer;
    const decimals = decimalsOf(scores);
    const many = scores.length > mostBars;
    const best = scores.reduce((most, each, at) => (each.score > (scores[most]?.score ?? 0) ? at : most), 0);
    this.title.replaceChildren(
      make('span', { className: 'chip' }, nameOf(answer.label)),
      ' ',
      make('span', { className: 'num', textContent: number(answer.score, decimals) }),
      ...(answer.expected === undefined ? [] : [' ', make('span', { className: 'hint', textContent: `expected ${number(answer.expected, 2)}` })]),
      ...(answer.rejected ? [' ', make('span', { className: 'hint', textContent: 'rejected: its score does not suffice for an answer' })] : []),
    );
    // Few labels keep their places while one types; of many the first ones are what counts.
    const order = scores.map((_, at) => at);
    if (many) order.sort((a, b) => (scores[b]?.score ?? 0) - (scores[a]?.score ?? 0) || a - b);
    const shown = many && !this.all ? order.slice(0, mostBars) : order;
    this.rows(
      shown.map((at) => scores[at] as LabelScore),
      shown.indexOf(best),
      decimals,
    );
    this.more.hidden = !many;
    this.more.textContent = this.all ? `Only the first ${mostBars}` : `All ${counted(scores.length, 'label')}`;
  }

  private rows(scores: LabelScore[], best: number, decimals: number): void {
    const withBars = isProbability(scores) || Number.isNaN(scores[0]?.score);
    const body = make(
      'tbody',
      {},
      ...scores.map(({ label, score }, at) => {
        const bar = make('td', { className: 'track' });
        if (withBars) bar.append(scoreBar(Number.isNaN(score) ? 0 : score));
        return make(
          'tr',
          { className: at === best ? 'explained' : '' },
          make('th', { scope: 'row' }, nameOf(label)),
          bar,
          make('td', { className: 'num', textContent: Number.isNaN(score) ? '' : number(score, decimals) }),
        );
      }),
    );
    const head = ['Label', 'Bar', 'Score'].map((textContent) => make('th', { scope: 'col', textContent }));
    this.table.replaceChildren(
      make('caption', { className: 'spoken', textContent: 'Score of each label' }),
      make('thead', { className: 'quiet' }, make('tr', {}, ...head)),
      body,
    );
  }

  // Read aloud once typing has come to rest, not at every letter.
  private say(text: string): void {
    window.clearTimeout(this.timer);
    if (text === '') this.spoken.textContent = '';
    else
      this.timer = window.setTimeout(() => {
        this.spoken.textContent = text;
      }, 900);
  }
}
