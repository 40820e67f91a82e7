// What a model that labels tokens finds in a text: the text with its entities marked, each of which can be chosen to be explained, and a table of them.
import { scoreBar } from './bars';
import { counted, horizontal, make, nameOf, nameText, number, roving, visibly } from './dom';
import { piecesOf, typeOf } from './pieces';
import type { EntitiesFound, Entity } from './server';

const kinds = 8; // colours of page.css; the type stands in the mark, so that nothing hangs on them
const strategies: [name: string, what: string][] = [
  ['simple', 'simple: tokens that belong together'],
  ['first', 'first: words, by their first token'],
  ['average', 'average: words, by the mean of their tokens'],
  ['max', 'max: words, by their surest token'],
  ['none', 'none: every token by itself'],
];

export class EntitiesView {
  readonly element = make('div', { className: 'said found' });
  private readonly marked = make('p', { className: 'marked', dir: 'auto' });
  private readonly table = make('table', { className: 'scores' });
  private readonly spoken = make('p', { className: 'spoken' });
  private readonly strategy = make('select', { id: 'strategy' }, ...strategies.map(([value, textContent]) => make('option', { value, textContent })));
  private readonly hint = make('p', { className: 'hint', textContent: 'Choose an entity to see why it has its type.', hidden: true });
  private types: string[] = [];
  private marks: { entity: Entity; mark: HTMLElement }[] = [];
  private timer: number | undefined;

  // `changed` is called when another strategy is chosen, `explain` when an entity is.
  constructor(
    changed: () => void,
    private readonly explain: (entity: Entity) => void,
  ) {
    this.spoken.setAttribute('role', 'status');
    this.strategy.addEventListener('change', changed);
    this.element.append(
      make('h2', { textContent: 'The model finds' }),
      this.marked,
      this.hint,
      this.table,
      make('p', { className: 'controls' }, make('label', { htmlFor: 'strategy', textContent: 'Put together ' }), this.strategy),
      this.spoken,
    );
    this.empty();
  }

  get aggregation(): string {
    return this.strategy.value;
  }

  // A type keeps its colour whatever is found.
  setTypes(types: string[]): void {
    this.types = types.filter((type) => type !== 'O');
  }

  empty(): void {
    this.marked.replaceChildren(make('span', { className: 'hint', textContent: 'Its answer comes while you type.' }));
    this.table.hidden = true;
    this.hint.hidden = true;
    this.marks = [];
    this.stale(false);
    this.say('');
  }

  stale(on: boolean): void {
    this.element.classList.toggle('stale', on);
  }

  // Where the server explains, marks are buttons.
  show(text: string, found: EntitiesFound, explains: boolean): void {
    const { entities } = found;
    this.marks = [];
    this.marked.replaceChildren(...piecesOf(text, entities).flatMap(({ text: piece, entity }) => (entity ? [this.mark(piece, entity)] : visibly(piece))));
    if (explains) this.offerExplanations();
    this.hint.hidden = !explains || this.marks.length === 0;
    const head = ['Type', 'In the text', 'Bar', 'Score'].map((textContent) => make('th', { scope: 'col', textContent }));
    this.table.replaceChildren(
      make('caption', { textContent: entities.length ? counted(entities.length, 'entity', 'entities') : 'No entities' }),
      make('thead', { className: entities.length ? '' : 'quiet' }, make('tr', {}, ...head)),
      make('tbody', {}, ...entities.map((entity) => this.row(text, entity))),
    );
    this.table.hidden = false;
    this.stale(false);
    const names = entities.slice(0, 5).map((entity) => `${nameText(text.slice(entity.start, entity.end))}, ${nameText(typeOf(entity))}`);
    this.say(names.length ? names.join('; ') : 'No entities');
  }

  // The one that is explained; none is where it is null.
  choose(chosen: Entity | null): void {
    for (const { entity, mark } of this.marks) if (mark.hasAttribute('role')) mark.setAttribute('aria-pressed', String(entity === chosen));
  }

  private offerExplanations(): void {
    for (const { entity, mark } of this.marks) {
      mark.setAttribute('role', 'button');
      mark.addEventListener('click', () => this.explain(entity));
      mark.addEventListener('keydown', (event) => {
        if (event.key !== 'Enter' && event.key !== ' ') return;
        event.preventDefault();
        this.explain(entity);
      });
    }
    roving(
      this.marks.map(({ mark }) => mark),
      horizontal(this.marks.length),
    );
    this.choose(null);
  }

  // Of labels of tokens "B-PER" has the colour of PER.
  private kind(entity: Entity): string {
    const type = typeOf(entity);
    const own = this.types.indexOf(type);
    const at = own >= 0 ? own : this.types.indexOf(type.slice(type.indexOf('-') + 1));
    return `kind-${(at < 0 ? 0 : at) % kinds}`;
  }

  private mark(piece: string, entity: Entity): HTMLElement {
    const type = nameText(typeOf(entity));
    const mark = make(
      'mark',
      { className: `entity ${this.kind(entity)}`, title: `${type}, ${number(entity.score)}` },
      make('bdi', {}, ...visibly(piece)),
      make('small', { textContent: type }),
    );
    this.marks.push({ entity, mark });
    return mark;
  }

  private row(text: string, entity: Entity): HTMLElement {
    return make(
      'tr',
      {},
      make('th', { scope: 'row' }, make('span', { className: `type ${this.kind(entity)}` }, nameOf(typeOf(entity)))),
      make('td', { className: 'it-said' }, make('bdi', {}, ...visibly(text.slice(entity.start, entity.end)))),
      make('td', { className: 'track' }, scoreBar(entity.score)),
      make('td', { className: 'num', textContent: number(entity.score) }),
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
