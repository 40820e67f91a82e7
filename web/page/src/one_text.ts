// A text, or a pair, and all that can be said of it. The answer comes while one types; what takes longer waits until typing has come to rest.
import { AttentionView } from './attention_view';
import { Bars } from './bars';
import { curlLine } from './curl';
import { button, copyable, counted, make, tabs } from './dom';
import { ExplainView } from './explain_view';
import { Latest } from './latest';
import { refusalOf, sleep, type Answer, type ClassifyAnswer, type Model, type Server } from './server';
import { labelsOf } from './model_card';
import { classifyBody, type Sentence } from './sentence';
import { TokensView } from './tokens_view';

const typingMs = 120;
const restMs = 700;

export class OneText {
  readonly element = make('div', {});
  private readonly text = make('textarea', {
    id: 'text',
    rows: 5,
    spellcheck: false,
    autocomplete: 'off',
    dir: 'auto',
    placeholder: 'Type or paste a text …',
  });
  private readonly pair = make('textarea', {
    id: 'pair',
    rows: 3,
    spellcheck: false,
    autocomplete: 'off',
    dir: 'auto',
    placeholder: 'The second text of the pair …',
  });
  private readonly pairBox = make('div', { hidden: true });
  private readonly pairButton = button('Add a second text', () => this.togglePair());
  private readonly counter = make('p', { className: 'hint counter' });
  private readonly notices = make('ul', { className: 'notices', hidden: true });
  private readonly bars = new Bars();
  private readonly explain: ExplainView;
  private readonly attention: AttentionView;
  private readonly tokens: TokensView;
  private readonly json = copyable('The answer as JSON');
  private readonly curl = copyable('The line for a terminal');
  private readonly latest: Latest<Sentence, ClassifyAnswer>;
  private model: Model | null = null;
  private shown = 'explain';
  private tokensTotal = 0;

  constructor(private readonly server: Server) {
    this.explain = new ExplainView(server);
    this.attention = new AttentionView(server);
    this.tokens = new TokensView(server);
    this.latest = new Latest<Sentence, ClassifyAnswer>({
      ask: (sentence, signal) => server.json<ClassifyAnswer>('v1/classify', classifyBody(sentence), { signal }),
      show: (answer) => this.show(answer),
      refusal: refusalOf,
      fail: (message) => this.failed(message),
      wait: (why) => {
        if (why === 'busy') this.notice(['The server is busy: asking again in a moment.']);
      },
      sleep,
      untilReady: (signal) => server.untilReady(signal),
    });
    this.layout();
    for (const box of [this.text, this.pair]) box.addEventListener('input', () => this.changed(typingMs));
    this.changed(0);
  }

  setModel(model: Model): void {
    this.model = model;
    const labels = labelsOf(model);
    this.explain.setLabels(labels);
    this.attention.setLayers(model.num_hidden_layers);
    if (this.text.value === '') this.bars.empty(labels);
    this.changed(0);
  }

  // Another view hands a text over.
  open(text: string, pair: string | null): void {
    this.text.value = text;
    this.pair.value = pair ?? '';
    this.pairBox.hidden = pair === null;
    this.pairButton.textContent = pair === null ? 'Add a second text' : 'Without the second text';
    this.changed(0);
    this.text.focus();
  }

  focus(): void {
    this.text.focus();
  }

  private layout(): void {
    this.pairBox.append(make('label', { htmlFor: 'pair', textContent: 'Second text' }), this.pair);
    const example = button('Show an example', () => this.open('I really love this book, although the end is a little sad.', null));
    const box = make(
      'div',
      { className: 'asked' },
      make('label', { htmlFor: 'text', textContent: 'Text' }),
      this.text,
      this.pairBox,
      make('p', { className: 'buttons' }, this.pairButton, example),
      this.counter,
    );
    const panel = (...children: Node[]): HTMLElement => make('div', { className: 'panel', tabIndex: -1 }, ...children);
    const details = tabs(
      'More about this text',
      [
        { id: 'explain', title: 'Explain', panel: panel(this.explain.element) },
        { id: 'attention', title: 'Attention', panel: panel(this.attention.element) },
        { id: 'tokens', title: 'Tokens', panel: panel(this.tokens.element) },
        {
          id: 'json',
          title: 'JSON',
          panel: panel(make('p', { className: 'hint', textContent: 'What the server answered, as it came.' }), this.json.element),
        },
        {
          id: 'curl',
          title: 'curl',
          panel: panel(make('p', { className: 'hint', textContent: 'The same question from a terminal.' }), this.curl.element),
        },
      ],
      (id) => {
        this.shown = id;
        this.askDetails(0);
      },
    );
    this.element.append(
      make('section', { className: 'card one' }, box, this.bars.element),
      this.notices,
      make(
        'section',
        { className: 'card' },
        make('h2', { className: 'spoken', textContent: 'More about this text' }),
        details.element,
        ...details.panels,
      ),
    );
    details.choose('explain');
  }

  private togglePair(): void {
    this.pairBox.hidden = !this.pairBox.hidden;
    this.pairButton.textContent = this.pairBox.hidden ? 'Add a second text' : 'Without the second text';
    (this.pairBox.hidden ? this.text : this.pair).focus();
    this.changed(0);
  }

  // Nothing is asked about nothing.
  private sentence(): Sentence | null {
    if (!this.model || this.text.value.trim() === '') return null;
    return { model: this.model.id, text: this.text.value, pair: this.pairBox.hidden ? null : this.pair.value };
  }

  private changed(delayMs: number): void {
    const sentence = this.sentence();
    if (!sentence) {
      this.latest.clear();
      this.tokensTotal = 0;
      this.counter.textContent = this.model ? `The model reads up to ${counted(this.model.max_length, 'token')}.` : '';
      this.notice([]);
      this.bars.empty(this.model ? labelsOf(this.model) : []);
      this.json.set('');
    } else {
      this.bars.stale(true);
      this.latest.set(sentence, delayMs);
    }
    this.askDetails(restMs);
  }

  private askDetails(delayMs: number): void {
    const sentence = this.sentence();
    if (this.shown === 'explain') this.explain.set(sentence, delayMs);
    if (this.shown === 'attention') this.attention.set(sentence, delayMs, this.tokensTotal);
    if (this.shown === 'tokens') this.tokens.set(sentence, Math.min(delayMs, typingMs));
    const asked = sentence ?? { model: this.model?.id ?? '', text: 'I really love this book', pair: null };
    this.curl.set(curlLine(this.server.url('v1/classify'), classifyBody(asked), this.server.offer.has_api_key));
  }

  private show(answer: ClassifyAnswer): void {
    this.json.set(JSON.stringify(answer, null, 2));
    const item = answer.data[0];
    if (!item || 'error' in item) return this.failed(item?.error.message ?? 'expected an answer for the text, found none');
    this.bars.show(item);
    this.tokensTotal = item.tokens_total;
    if (this.shown === 'attention') this.askDetails(restMs); // how long the text is decides what it shows
    this.counter.textContent = counter(item, this.model);
    this.notice(
      item.truncated
        ? [
            `This text is too long for the model: it read the first ${item.tokens_used} of ${item.tokens_total} tokens, and the answer is about those. ` +
              'The tab Tokens shows what it did not read.',
          ]
        : [],
    );
  }

  private failed(message: string): void {
    this.bars.stale(false);
    this.bars.empty(this.model ? labelsOf(this.model) : []);
    this.notice([message]);
  }

  private notice(messages: string[]): void {
    this.notices.hidden = messages.length === 0;
    this.notices.replaceChildren(...messages.map((textContent) => make('li', { textContent })));
  }
}

const counter = (answer: Answer, model: Model | null): string =>
  counted(answer.tokens_total, 'token') + (model ? ` of at most ${model.max_length} that the model reads` : '');
