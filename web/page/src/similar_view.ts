// Where else a word stands as it stands here: POST /similar, of a model that is served with an index. A token of the text is chosen, and the list of
// those that are like it, what they have in common, what the token looks at, and what a masked word changes stand below.
import { changes, copyableIn, horizontal, make, named, nameOf, nameText, directions, number, orders, roving, shade, strongest, visibly } from './dom';
import { notOffered } from './explain_view';
import { histogram, hitsTable, sortedHits, type Hit, type NameCount, type SimilarToken } from './kwic';
import { Latest } from './latest';
import { reportButton } from './report_button';
import { bodyOf, classifyBody, type Sentence } from './sentence';
import { refusalOf, sleep, type Model, type ModelIndex, type Server } from './server';
import { addressOf, usualState, type Order, type SimilarState, type Way } from './similar_state';

interface Said {
  label: string;
  score: number;
  scores: Record<string, number>;
  attention: number[]; // what the token looks at, the mean over the heads
}
interface Similar extends Said {
  token: SimilarToken;
  tokens: SimilarToken[];
  masked: (Said & { index: number })[];
  hits: Hit[];
  counts: Record<'labels' | 'gold' | 'token_classes' | 'words' | 'previous' | 'next' | 'most' | 'offset_to_most', NameCount[]>;
  warnings: string[];
}
interface Token {
  token: string;
  start: number; // UTF-16
  end: number;
  special: boolean;
  sequence_id: number | null;
}
interface Question {
  sentence: Sentence;
  token: number;
  layer: number;
  by: string;
  heads: number[] | null;
  mask: number | null;
}

const mostNamed = 6;
const kinds = { embedding: 'what the layer takes of it', context: 'what its heads make of what stands around it' };

export class SimilarView {
  readonly element = make('div', {});
  private readonly said = make('p', { className: 'hint working' });
  private readonly controls = make('div', { className: 'controls' });
  private readonly text = make('div', {});
  private readonly body = make('div', {});
  private readonly told = make('p', { className: 'told' });
  private readonly link = copyableIn('A link to this, with the text');
  private readonly report = make('p', { className: 'buttons' });
  private readonly latest: Latest<Question, Similar>;
  private readonly latestTokens: Latest<Sentence, Token[]>;
  private state: SimilarState = usualState();
  private index: ModelIndex | null = null;
  private canMask = false;
  private sentence: Sentence | null = null;
  private tokens: Token[] = [];
  private words: string[] = []; // of the tokens, as they stand in the text
  private buttons: HTMLButtonElement[] = [];
  private answer: Similar | null = null;
  private answered = ''; // the question
  private tokenized = ''; // the sentence
  private url = '';

  // `changed` is told when something else is chosen, which stands in the address.
  constructor(
    private readonly server: Server,
    private readonly changed: () => void,
  ) {
    this.said.setAttribute('role', 'status');
    this.told.setAttribute('role', 'status');
    this.link.element.hidden = true;
    this.element.append(this.said, this.controls, this.text, this.told, this.body, this.link.element, this.report);
    const common = { refusal: refusalOf, sleep, untilReady: (signal: AbortSignal) => server.untilReady(signal) };
    const fail = (message: string): void => this.failed(message);
    const wait = (why: 'busy' | 'absent'): void =>
      this.say(why === 'busy' ? 'The server is busy: asking again in a moment.' : 'Waiting for the server.');
    this.latestTokens = new Latest<Sentence, Token[]>({
      ask: async (sentence, signal) => {
        const body = { ...classifyBody(sentence), offset_unit: 'utf16', max_length: this.index?.max_length };
        const [first] = (await server.json<{ data: { tokens: Token[] }[] }>('v1/tokenize', body, { signal })).data;
        if (!first) throw new Error('expected the tokens of a text, found none');
        return first.tokens;
      },
      show: (tokens, sentence) => this.showTokens(tokens, sentence),
      fail,
      wait,
      ...common,
    });
    this.latest = new Latest<Question, Similar>({
      ask: (question, signal) => server.json<Similar>('similar', similarBody(question), { signal }),
      show: (answer, question) => this.show(answer, question),
      fail,
      wait,
      ...common,
    });
  }

  // Of the model that is asked; what was chosen of another one's layers and heads is chosen no more.
  setModel(model: Model): void {
    this.index = model.index ?? null;
    this.canMask = model.has_mask_token;
    this.tokenized = '';
    this.drop();
    if (this.index) this.showControls();
  }

  // What an address has. It is asked for with the next sentence.
  recall(state: SimilarState): void {
    this.state = state;
    if (this.index) this.showControls();
  }

  address(): string {
    return addressOf(this.state);
  }

  set(sentence: Sentence | null, delayMs: number): void {
    if (!this.index) return;
    this.sentence = sentence;
    if (!this.server.offer.explain) return this.hint(notOffered);
    if (!sentence) {
      this.tokenized = '';
      this.drop();
      return this.hint('Type a text above and choose one of its words: where else it stands so stands here then.');
    }
    if (JSON.stringify(sentence) === this.tokenized) {
      this.latestTokens.clear();
      return this.ask(delayMs);
    }
    this.latest.clear();
    this.body.classList.add('stale');
    this.latestTokens.set(sentence, delayMs);
  }

  private drop(): void {
    this.latest.clear();
    this.latestTokens.clear();
    this.tokens = [];
    this.buttons = [];
    this.text.replaceChildren();
    this.forgetAnswer();
  }

  private forgetAnswer(): void {
    this.answer = null;
    this.answered = '';
    this.say('');
    this.told.textContent = '';
    this.link.element.hidden = true;
    this.report.replaceChildren();
    this.body.classList.remove('stale');
  }

  private hint(textContent: string): void {
    this.body.replaceChildren(make('p', { className: 'hint', textContent }));
  }

  private say(text: string): void {
    this.said.textContent = text;
    this.said.hidden = text === '';
  }

  private failed(message: string): void {
    this.forgetAnswer();
    this.body.replaceChildren(make('ul', { className: 'notices' }, make('li', { textContent: message })));
  }

  private layer(): ModelIndex['layers'][number] {
    const layers = this.index?.layers ?? [];
    return layers.find(({ layer }) => layer === this.state.layer) ?? layers.at(-1) ?? { layer: 0, heads: 1 };
  }

  // The chosen heads that there are; null is all of them.
  private heads(): number[] | null {
    const heads = (this.state.heads ?? []).filter((head) => head < this.layer().heads);
    return heads.length === 0 || heads.length === this.layer().heads ? null : heads;
  }

  private isOfText(at: number | null): at is number {
    const token = at === null ? undefined : this.tokens[at];
    return token !== undefined && !token.special;
  }

  private choose(chosen: Partial<SimilarState>): void {
    Object.assign(this.state, chosen);
    this.changed();
    this.ask(0);
  }

  // What the search does not need is shown at once.
  private look(chosen: Partial<SimilarState>): void {
    Object.assign(this.state, chosen);
    this.changed();
    if (this.answer) this.paint(this.answer);
  }

  private ask(delayMs: number): void {
    const { state } = this;
    this.paintTokens();
    if (!this.sentence || this.tokens.length === 0) return;
    if (!this.isOfText(state.token)) {
      this.latest.clear();
      this.forgetAnswer();
      return this.hint('Choose a word: where else it stands so stands here then.');
    }
    const question: Question = {
      sentence: this.sentence,
      token: state.token,
      layer: this.layer().layer,
      by: state.by,
      heads: this.heads(),
      mask: this.canMask && this.isOfText(state.mask) ? state.mask : null,
    };
    if (JSON.stringify(question) === this.answered) {
      this.latest.clear();
      this.body.classList.remove('stale');
      this.say('');
      return;
    }
    this.say('Looking where else it stands so …');
    this.body.classList.add('stale');
    this.latest.set(question, delayMs);
  }

  // ---- the text ----

  private showTokens(tokens: Token[], sentence: Sentence): void {
    this.tokenized = JSON.stringify(sentence);
    this.tokens = tokens;
    this.answer = null;
    this.answered = '';
    this.told.textContent = '';
    this.words = tokens.map((token) => {
      const words = (token.sequence_id === 1 ? (sentence.pair ?? '') : sentence.text).slice(token.start, token.end).trim();
      return token.special || words === '' ? token.token : words;
    });
    this.buttons = tokens.map((token, at) => {
      const button = make('button', { type: 'button', className: 'pick' }, make('bdi', {}, ...visibly(nameText(this.words[at] ?? '', 32))));
      button.disabled = token.special;
      button.addEventListener('click', () => this.choose({ token: at }));
      button.addEventListener('keydown', (event) => {
        if (event.key !== 'm' || event.ctrlKey || event.metaKey || event.altKey || !this.canMask) return;
        this.mask(this.state.mask === at ? null : at);
      });
      return button;
    });
    const ofText = this.buttons.filter((button) => !button.disabled);
    roving(ofText, horizontal(ofText.length));
    const hint = `Choose a word with a click, or with arrow keys and Enter${this.canMask ? '; m masks the one that has the focus' : ''}.`;
    const box = named(make('div', { className: 'picks' }, ...this.buttons), 'The tokens of the text');
    box.setAttribute('role', 'group');
    this.text.replaceChildren(make('p', { className: 'hint', textContent: hint }), box);
    this.showControls();
    this.ask(0);
  }

  private mask(at: number | null): void {
    this.choose({ mask: at });
    this.showControls();
  }

  // The weights that are shown: of the text as it is, or as it is with the masked word.
  private weights(): number[] | null {
    const { answer } = this;
    if (!answer) return null;
    return (answer.masked[0] ?? answer).attention.map((weight, at) => (this.state.special || !this.tokens[at]?.special ? weight : 0));
  }

  private paintTokens(): void {
    const { state, tokens } = this;
    const weights = this.weights();
    const shown = new Set(weights ? strongest(weights, state.top) : []);
    const most = Math.max(0, ...(weights ?? []).filter((_, at) => !tokens[at]?.special));
    this.buttons.forEach((button, at) => {
      const chosen = at === state.token && !tokens[at]?.special;
      const ground = shown.has(at) ? shade(weights?.[at] ?? 0, most) : 'z';
      const masked = at === state.mask && this.canMask;
      button.className = `pick ${ground}${masked ? ' out' : ''}`;
      if (!tokens[at]?.special) button.setAttribute('aria-pressed', String(chosen));
      if (chosen) for (const each of this.buttons) each.tabIndex = each === button ? 0 : -1;
    });
  }

  // ---- the controls ----

  private showControls(): void {
    const { state, index } = this;
    if (!index) return;
    const { layer, heads } = this.layer();
    const options = index.layers.map((each) => make('option', { value: String(each.layer), textContent: String(each.layer) }));
    const layers = make('select', { id: 'similar-layer' }, ...options);
    layers.value = String(layer);
    layers.addEventListener('change', () => {
      this.choose({ layer: Number(layers.value) === index.layers.at(-1)?.layer ? null : Number(layers.value) });
      this.showControls();
    });
    const top = make('input', { type: 'range', min: '0', max: '100', step: '5', id: 'similar-top', value: String(state.top) });
    const topShown = make('output', { className: 'num', textContent: `${state.top} %` });
    top.addEventListener('input', () => {
      topShown.textContent = `${top.value} %`;
      this.look({ top: Number(top.value) });
    });
    const special = make('input', { type: 'checkbox', id: 'similar-special', checked: state.special });
    special.addEventListener('change', () => this.look({ special: special.checked }));
    const nodes = [
      make('label', {}, 'Layer ', layers),
      pills('Like in', 'similar-by', kinds, state.by, (by) => this.choose({ by })),
      this.squares(heads),
      ...(this.canMask && this.tokens.length ? [this.maskChoice()] : []),
      make('label', {}, 'Top % of attention ', top, topShown),
      make('label', {}, special, ' Special tokens'),
    ];
    keepingFocus(this.controls, () => this.controls.replaceChildren(...nodes));
  }

  private squares(count: number): HTMLElement {
    const chosen = new Set(this.heads() ?? Array.from({ length: count }, (_, head) => head));
    const squares = Array.from({ length: count }, (_, head) => {
      const id = `similar-head-${head}`;
      const square = named(make('button', { type: 'button', className: `square c${head % 12}`, id, textContent: String(head) }), `Head ${head}`);
      square.setAttribute('aria-pressed', String(chosen.has(head)));
      square.addEventListener('click', () => {
        const heads = chosen.has(head) ? [...chosen].filter((each) => each !== head) : [...chosen, head].sort((a, b) => a - b);
        if (heads.length === 0) return; // the last stays
        this.choose({ heads: heads.length === count ? null : heads });
        this.showControls();
      });
      return square;
    });
    const every = make('button', { type: 'button', id: 'similar-heads', textContent: 'All' });
    every.addEventListener('click', () => {
      this.choose({ heads: null });
      this.showControls();
    });
    const row = make('div', { className: 'squares' }, ...squares, every);
    return make('fieldset', { className: 'heads' }, make('legend', { textContent: 'Heads' }), row);
  }

  private maskChoice(): HTMLElement {
    const box = make('select', { id: 'similar-mask' }, make('option', { value: '', textContent: 'nothing' }));
    this.tokens.forEach((token, at) => {
      if (!token.special) box.append(make('option', { value: String(at), textContent: `${nameText(this.words[at] ?? '', 32)} (${at})` }));
    });
    box.value = this.isOfText(this.state.mask) ? String(this.state.mask) : '';
    box.addEventListener('change', () => this.mask(box.value === '' ? null : Number(box.value)));
    return make('label', {}, 'Mask ', box);
  }

  // ---- the answer ----

  private show(answer: Similar, question: Question): void {
    this.answered = JSON.stringify(question);
    this.answer = answer;
    this.say('');
    this.body.classList.remove('stale');
    this.paint(answer);
    this.offerReport(question);
  }

  private paint(answer: Similar): void {
    this.paintTokens();
    this.tell(answer);
    const nodes: HTMLElement[] = [];
    const warnings = answer.warnings.map((warning) => make('li', { textContent: warning + '.' }));
    if (warnings.length) nodes.push(make('ul', { className: 'notices' }, ...warnings));
    nodes.push(...this.changesOf(answer));
    if (answer.hits.length === 0) nodes.push(make('p', { textContent: 'There is nothing like it in the index.' }));
    else nodes.push(this.list(answer), this.common(answer));
    keepingFocus(this.body, () => this.body.replaceChildren(...nodes));
    if (this.sentence) {
      const address = addressOf(this.state, this.sentence.text, this.sentence.pair);
      this.link.set(new URL(address, document.baseURI).href);
      this.link.element.hidden = false;
    }
  }

  // What the token looks at, in words.
  private tell(answer: Similar): void {
    const weights = this.weights() ?? [];
    const shown = strongest(weights, this.state.top);
    const first = shown.slice(0, mostNamed).map((at) => `“${nameText(this.words[at] ?? '', 32)}” ${number(weights[at], 2)}`);
    const masked = answer.masked[0];
    const without = masked ? nameText(this.words[masked.index] ?? '', 32) : '';
    this.told.textContent =
      `The model says ${nameText(answer.label)} ${number(answer.score)}. “${nameText(this.words[answer.token.index] ?? '', 32)}” looks at ` +
      `${first.join(', ') || 'nothing that is shown'}${shown.length > mostNamed ? ` and ${shown.length - mostNamed} more` : ''}.` +
      (masked ? ` That is with “${without}” masked: then it says ${nameText(masked.label)} ${number(masked.score)}.` : '');
  }

  // Scores and attention, with a word masked and without.
  private changesOf(answer: Similar): HTMLElement[] {
    const masked = answer.masked[0];
    if (!masked) return [];
    const word = nameText(this.words[masked.index] ?? '', 32);
    const names = Object.keys(answer.scores);
    const counts = (at: number): boolean => this.state.special || !this.tokens[at]?.special;
    const size = (at: number): number => Math.max(answer.attention[at] ?? 0, masked.attention[at] ?? 0);
    const looked = answer.attention
      .map((_, at) => at)
      .filter(counts)
      .sort((a, b) => size(b) - size(a) || a - b)
      .slice(0, 10)
      .sort((a, b) => a - b);
    return [
      make(
        'section',
        {},
        make('h3', { textContent: 'What the masked word changes' }),
        make(
          'div',
          { className: 'changes' },
          changes(
            'Label',
            names.map((name) => nameText(name)),
            names.map((name) => answer.scores[name] ?? 0),
            names.map((name) => masked.scores[name] ?? 0),
            word,
          ),
          changes(
            'Looks at',
            looked.map((at) => nameText(this.words[at] ?? '', 32)),
            looked.map((at) => answer.attention[at] ?? 0),
            looked.map((at) => masked.attention[at] ?? 0),
            word,
          ),
        ),
      ),
    ];
  }

  private list(answer: Similar): HTMLElement {
    const { state } = this;
    const { way, special, order } = state;
    return make(
      'section',
      {},
      make('h3', {}, 'Where else ', nameOf(this.words[answer.token.index] ?? '', 32), ' stands so'),
      make(
        'p',
        {
          className: 'hint',
          textContent:
            `The deeper the ground, the more the found word ${directions[way]} a token; the strip is the label that the model gives the text. ` +
            'A click on a found word shows all that stands around it.',
        },
      ),
      make(
        'div',
        { className: 'controls' },
        pills('Sorted by', 'similar-order', orders, order, (chosen: Order) => this.look({ order: chosen })),
        pills('The found word', 'similar-way', directions, way, (chosen: Way) => this.look({ way: chosen })),
      ),
      hitsTable(sortedHits(answer.hits, order), answer.counts.labels, answer.counts.gold.length > 0, { way, special }),
    );
  }

  private common({ counts, hits }: Similar): HTMLElement {
    return make(
      'section',
      {},
      make('h3', { textContent: 'What they have in common' }),
      make(
        'div',
        { className: 'histograms' },
        ...histogram('What the model calls their texts', counts.labels, hits.length),
        ...histogram('What their texts should be called', counts.gold, hits.length),
        ...histogram('The words themselves', counts.words, hits.length),
        ...histogram('Of what kind they are', counts.token_classes, hits.length),
        ...histogram('What stands before them', counts.previous, hits.length),
        ...histogram('What follows', counts.next, hits.length),
        ...histogram('What they look at most', counts.most, hits.length),
        ...histogram('How far away that is, in tokens', counts.offset_to_most, hits.length),
      ),
    );
  }

  private offerReport(question: Question): void {
    if (this.url) URL.revokeObjectURL(this.url);
    this.url = '';
    this.report.replaceChildren(
      reportButton('Open the full page', 'similar.html', this.server, 'similar', { ...similarBody(question), format: 'html' }, (url) => {
        this.url = url;
      }),
    );
  }
}

function similarBody({ sentence, token, layer, by, heads, mask }: Question): object {
  return { ...bodyOf(sentence), token, layer, by, ...(heads === null ? {} : { heads }), ...(mask === null ? {} : { mask }) };
}

// A choice of few, all of which are seen.
function pills<K extends string>(legend: string, name: string, options: Record<K, string>, chosen: K, choose: (value: K) => void): HTMLElement {
  const labels = (Object.entries(options) as [K, string][]).map(([value, text]) => {
    const input = make('input', { type: 'radio', name, value, id: `${name}-${value}`, checked: value === chosen });
    input.addEventListener('change', () => choose(value));
    return make('label', {}, input, text);
  });
  return make('fieldset', {}, make('legend', { textContent: legend }), make('div', { className: 'pills' }, ...labels));
}

// What has the focus there has it still when `change` has put another in its place.
function keepingFocus(within: HTMLElement, change: () => void): void {
  const { activeElement } = document;
  const id = activeElement && within.contains(activeElement) ? activeElement.id : '';
  change();
  if (id) document.getElementById(id)?.focus();
}
