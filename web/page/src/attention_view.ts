// Where the model looked: the head view of the reports (web/attention_views.js) over the weights of POST /attention.
import { links, make, named, roving, horizontal, type AttentionData, type PinnedToken, type Views } from './dom';
import { Latest } from './latest';
import { refusalOf, sleep, type Server } from './server';
import { bodyOf, type Sentence } from './sentence';
import { notOffered } from './explain_view';
import { reportButton } from './report_button';

interface Attention {
  tokens: string[];
  special_tokens_mask: number[];
  sequence_ids: (number | null)[];
  layers: number[];
  heads: number[];
  attentions: number[][][][]; // [layers][heads][tokens][tokens]
}

interface Question {
  sentence: Sentence;
  layer: number;
}

const mostTokens = 200; // shown here: of more, the lines say nothing, and the answer is large

// What the views draw from: weights as bytes, means, and what each token gets.
export function attentionData(attention: Attention, showSpecial: () => boolean): AttentionData {
  const { tokens, heads } = attention;
  const count = tokens.length;
  const bytes: (Uint8Array | undefined)[] = [];
  const special = attention.special_tokens_mask.map((mask) => mask === 1);
  const allowed = (i: number, j: number): boolean => showSpecial() || !(special[i] || special[j]);
  const weights = (layer: number): Uint8Array => {
    const known = bytes[layer];
    if (known) return known;
    const made = Uint8Array.from((attention.attentions[layer] ?? []).flat(2), (weight) => Math.round(weight * 255));
    bytes[layer] = made;
    return made;
  };
  return {
    tokens,
    special,
    heads,
    count,
    weights,
    allowed,
    layers: attention.layers.map((layer) => ({ layer })),
    mean(layer, shown) {
      const mean = new Float32Array(count * count);
      const of = weights(layer);
      for (const head of shown)
        for (let at = 0, from = head * count * count; at < mean.length; ++at) mean[at] = (mean[at] ?? 0) + (of[from + at] ?? 0) / shown.length / 255;
      return mean;
    },
    kept() {
      const kept = new Uint8Array(count * count);
      for (let i = 0; i < count; ++i) for (let j = 0; j < count; ++j) kept[i * count + j] = allowed(i, j) ? 1 : 0;
      return kept;
    },
    received(layer) {
      const of = weights(layer);
      const shares = new Float32Array(heads.length * count);
      const most = heads.map((_, head) => {
        for (let i = 0; i < count; ++i) {
          for (let j = 0; j < count; ++j) {
            if (allowed(i, j)) shares[head * count + j] = (shares[head * count + j] ?? 0) + (of[(head * count + i) * count + j] ?? 0) / 255 / count;
          }
        }
        return Math.max(...shares.subarray(head * count, (head + 1) * count));
      });
      return { shares, most };
    },
  };
}

export class AttentionView {
  readonly element = make('div', {});
  private readonly body = make('div', {});
  private readonly said = make('p', { className: 'hint working' });
  private readonly report = make('p', { className: 'buttons' });
  private readonly latest: Latest<Question, Attention>;
  private view: Views | null = null;
  private shown = { heads: [] as number[], pinned: null as PinnedToken | null, special: true };
  private layer = 0;
  private layers = 1;
  private sentence: Sentence | null = null;
  private answered = '';
  private url = '';

  constructor(private readonly server: Server) {
    this.said.setAttribute('role', 'status');
    this.element.append(
      make('p', {
        className: 'hint',
        textContent:
          'Which tokens each token looked at, layer by layer. That is where the model looked, not why it answered so: for that there is Explain.',
      }),
      this.said,
      this.body,
      this.report,
    );
    this.latest = new Latest<Question, Attention>({
      ask: ({ sentence, layer }, signal) => this.server.json<Attention>('attention', { ...bodyOf(sentence), layers: [layer] }, { signal }),
      show: (attention, question) => this.show(attention, question),
      refusal: refusalOf,
      fail: (message) => {
        this.answered = '';
        this.say('');
        this.body.classList.remove('stale');
        this.body.replaceChildren(make('ul', { className: 'notices' }, make('li', { textContent: message })));
      },
      wait: (why) => this.say(why === 'busy' ? 'The server is busy: asking again in a moment.' : 'Waiting for the server.'),
      sleep,
      untilReady: (signal) => server.untilReady(signal),
    });
    new ResizeObserver(() => requestAnimationFrame(() => this.view?.draw())).observe(this.body);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => requestAnimationFrame(() => this.view?.draw()));
  }

  // `tokens` is how many the text has, as far as is known.
  set(sentence: Sentence | null, delayMs: number, tokens: number): void {
    this.sentence = sentence;
    if (!this.server.offer.explain) return this.body.replaceChildren(make('p', { className: 'hint', textContent: notOffered }));
    if (sentence && JSON.stringify({ sentence, layer: this.layer }) === this.answered) {
      this.body.classList.remove('stale');
      this.say('');
      return this.latest.clear();
    }
    this.report.replaceChildren();
    if (!sentence || tokens > mostTokens) {
      this.latest.clear();
      this.answered = '';
      this.view = null;
      this.say('');
      this.body.replaceChildren(
        make('p', {
          className: 'hint',
          textContent: sentence
            ? `This text has ${tokens} tokens, of which each looks at each: too many lines to be seen here. The full page has them, layer by layer.`
            : 'Type a text above: where the model looked stands here then.',
        }),
      );
      if (sentence) this.offerReport(sentence);
      return;
    }
    this.say('Looking …');
    this.body.classList.add('stale');
    this.latest.set({ sentence, layer: this.layer }, delayMs);
  }

  // Of the model that is asked.
  setLayers(count: number): void {
    this.layers = count;
    this.layer = Math.min(this.layer, count - 1);
  }

  private say(text: string): void {
    this.said.textContent = text;
    this.said.hidden = text === '';
  }

  private show(attention: Attention, question: Question): void {
    this.answered = JSON.stringify(question);
    this.say('');
    this.body.classList.remove('stale');
    const { shown } = this;
    if (shown.pinned && shown.pinned.at >= attention.tokens.length) shown.pinned = null;
    if (shown.heads.length === 0 || shown.heads.some((head) => head >= attention.heads.length)) shown.heads = attention.heads.map((_, at) => at);
    const draw = (): void => this.view?.draw();
    this.view = links(
      attentionData(attention, () => shown.special),
      () => ({ ...shown, layer: 0 }),
      (token) => {
        shown.pinned = token;
        draw();
      },
    );
    const hadFocus = document.activeElement?.id === 'layer'; // who chooses one layer after another goes on doing so
    this.body.replaceChildren(this.controls(attention, draw), this.view.element);
    if (hadFocus) document.getElementById('layer')?.focus();
    requestAnimationFrame(draw);
    this.offerReport(question.sentence);
  }

  private controls(attention: Attention, draw: () => void): HTMLElement {
    const { shown } = this;
    const layer = make(
      'select',
      { id: 'layer' },
      ...Array.from({ length: this.layers }, (_, at) => make('option', { value: String(at), textContent: String(at) })),
    );
    layer.value = String(this.layer);
    layer.addEventListener('change', () => {
      this.layer = Number(layer.value);
      this.set(this.sentence, 0, attention.tokens.length);
    });
    const special = make('input', { type: 'checkbox', checked: shown.special });
    special.addEventListener('change', () => {
      shown.special = special.checked;
      draw();
    });
    const squares = attention.heads.map((number, at) => {
      const square = named(make('button', { type: 'button', className: `square c${number % 12}`, textContent: String(number) }), `Head ${number}`);
      square.title = 'Click: on or off. Double click or i: alone, or all';
      square.setAttribute('aria-keyshortcuts', 'i');
      square.addEventListener('click', () => choose(shown.heads.includes(at) ? shown.heads.filter((head) => head !== at) : [...shown.heads, at]));
      square.addEventListener('dblclick', () => isolate(at));
      square.addEventListener('keydown', (event) => {
        if (event.key === 'i' && !event.ctrlKey && !event.metaKey && !event.altKey) isolate(at);
      });
      return square;
    });
    const paint = (): void => squares.forEach((square, at) => square.setAttribute('aria-pressed', String(shown.heads.includes(at))));
    const choose = (heads: number[]): void => {
      if (heads.length === 0) return; // the last stays
      shown.heads = heads.sort((a, b) => a - b);
      paint();
      draw();
    };
    const isolate = (at: number): void => choose(shown.heads.length === 1 && shown.heads[0] === at ? attention.heads.map((_, head) => head) : [at]);
    roving(squares, horizontal(squares.length));
    paint();
    return make(
      'div',
      { className: 'controls' },
      make('label', {}, 'Layer ', layer),
      make('label', {}, special, ' Special tokens'),
      make(
        'fieldset',
        { className: 'heads' },
        make('legend', { textContent: 'Heads: a click shows or hides one, a double click or the key i shows it alone' }),
        make('div', { className: 'squares' }, ...squares),
      ),
    );
  }

  private offerReport(sentence: Sentence): void {
    if (this.url) URL.revokeObjectURL(this.url);
    this.url = '';
    this.report.replaceChildren(
      reportButton('Open the full page', 'attention.html', this.server, 'attention', { ...bodyOf(sentence), format: 'html' }, (url) => {
        this.url = url;
      }),
    );
  }
}
