// A text, or a pair, and all that can be said of it. The answer comes while one types; what takes longer waits until typing has come to rest.
import { AttentionView } from './attention_view';
import { Bars } from './bars';
import { curlLine } from './curl';
import { button, copyable, counted, make, tabs } from './dom';
import { EntitiesView } from './entities_view';
import { ExplainView } from './explain_view';
import { Latest } from './latest';
import { labelsTokens, refusalOf, sleep, type ClassifyAnswer, type EntitiesAnswer, type EntitiesFound, type Entity, type Model, type Server } from './server';
import { labelsOf } from './model_card';
import { classifyBody, entitiesBody, type Sentence } from './sentence';
import { foundAgain } from './pieces';
import { stateOf } from './similar_state';
import { SimilarView } from './similar_view';
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
  private readonly found = new EntitiesView(
    () => {
      this.answered = null;
      this.changed(0);
    },
    (entity) => this.choose(entity),
  );
  private readonly details;
  private readonly explain: ExplainView;
  private readonly attention: AttentionView;
  private readonly tokens: TokensView;
  private readonly similar: SimilarView;
  private readonly json = copyable('The answer as JSON');
  private readonly curl = copyable('The line for a terminal');
  private readonly latest: Latest<Sentence, ClassifyAnswer | EntitiesAnswer>;
  private model: Model | null = null;
  private answered: Sentence | null = null; // whose entities are marked
  private chosen: { entity: Entity; words: string } | null = null; // of those, and what stands there
  private shown = 'explain';
  private tokensTotal = 0;

  constructor(private readonly server: Server) {
    this.explain = new ExplainView(server);
    this.attention = new AttentionView(server);
    this.tokens = new TokensView(server);
    this.similar = new SimilarView(server, () => this.remember());
    this.latest = new Latest<Sentence, ClassifyAnswer | EntitiesAnswer>({
      ask: (sentence, signal) => server.json<ClassifyAnswer | EntitiesAnswer>(...this.question(sentence), { signal }),
      show: (answer, sentence) => this.show(answer, sentence),
      refusal: refusalOf,
      fail: (message) => this.failed(message),
      wait: (why) => {
        if (why === 'busy') this.notice(['The server is busy: asking again in a moment.']);
      },
      sleep,
      untilReady: (signal) => server.untilReady(signal),
    });
    this.details = this.layout();
    for (const box of [this.text, this.pair]) box.addEventListener('input', () => this.changed(typingMs));
    addEventListener('hashchange', () => this.recall());
    this.changed(0);
  }

  setModel(model: Model): void {
    this.model = model;
    const labels = labelsOf(model);
    this.attention.setLayers(model.num_hidden_layers);
    if (this.text.value === '') this.bars.empty(labels);
    const ofTokens = labelsTokens(model);
    const explainable = ofTokens ? (model.entity_groups ?? []) : (model.decision?.model_labels ?? labels);
    this.explain.setModel(explainable, ofTokens, model.decision !== undefined, model.index !== undefined);
    this.answered = null;
    this.chosen = null;
    this.found.setTypes(model.entity_groups ?? []);
    this.found.element.hidden = !ofTokens;
    this.bars.element.hidden = ofTokens;
    this.pairButton.hidden = ofTokens;
    if (ofTokens) this.pairBox.hidden = true;
    this.similar.setModel(model);
    const ofTexts = ['explain', 'attention', ...(model.index ? ['similar'] : []), 'tokens', 'json', 'curl'];
    this.details.offer(ofTokens ? ['explain', 'tokens', 'json', 'curl'] : ofTexts);
    this.changed(0);
    this.recall();
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

  // What is chosen in the tab of nearest contexts stands in the address, and a link with a text brings it along; there it does not stay.
  private remember(): void {
    if (!this.model) return;
    const address = this.shown === 'similar' ? this.similar.address() : '';
    if (address !== location.hash && (address || stateOf(location.hash))) history.replaceState(null, '', address || location.pathname + location.search);
  }

  private recall(): void {
    const found = stateOf(location.hash);
    if (!found || !this.model?.index) return;
    this.similar.recall(found.state);
    if (found.text !== null) this.open(found.text, found.pair);
    this.details.choose('similar');
    this.remember();
    this.askDetails(0);
  }

  private layout(): ReturnType<typeof tabs> {
    this.pairBox.append(make('label', { htmlFor: 'pair', textContent: 'Second text' }), this.pair);
    const example = button('Show an example', () =>
      this.open(
        this.model && labelsTokens(this.model)
          ? 'Anna Fischer moved from Berlin to New York, where she works for the United Nations.'
          : 'I really love this book, although the end is a little sad.',
        null,
      ),
    );
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
        { id: 'similar', title: 'Similar', panel: panel(this.similar.element) },
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
        this.remember();
        this.askDetails(0);
      },
    );
    this.element.append(
      make('section', { className: 'card one' }, box, this.bars.element, this.found.element),
      this.notices,
      make(
        'section',
        { className: 'card' },
        make('h2', { className: 'spoken', textContent: 'More about this text' }),
        details.element,
        ...details.panels,
      ),
    );
    this.found.element.hidden = true;
    details.choose('explain');
    return details;
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

  // Which route answers it, and with what body.
  private question(sentence: Sentence): [path: string, body: unknown] {
    return this.model && labelsTokens(this.model)
      ? ['v1/entities', entitiesBody(sentence, this.found.aggregation)]
      : ['v1/classify', classifyBody(sentence)];
  }

  private changed(delayMs: number): void {
    const sentence = this.sentence();
    if (!sentence) {
      this.latest.clear();
      this.tokensTotal = 0;
      this.counter.textContent = this.model ? `The model reads up to ${counted(this.model.max_length, 'token')}.` : '';
      this.notice([]);
      this.bars.empty(this.model ? labelsOf(this.model) : []);
      this.found.empty();
      this.chosen = null;
      this.json.set('');
    } else {
      this.bars.stale(true);
      this.found.stale(true);
      this.latest.set(sentence, delayMs);
    }
    this.askDetails(restMs);
  }

  private askDetails(delayMs: number): void {
    const sentence = this.sentence();
    if (this.shown === 'explain') this.askWhy(sentence, delayMs);
    if (this.shown === 'attention') this.attention.set(sentence, delayMs, this.tokensTotal);
    if (this.shown === 'similar') this.similar.set(sentence, delayMs);
    if (this.shown === 'tokens') this.tokens.set(sentence, Math.min(delayMs, typingMs));
    const asked = sentence ?? { model: this.model?.id ?? '', text: 'I really love this book', pair: null };
    const [path, body] = this.question(asked);
    this.curl.set(curlLine(this.server.url(path), body, this.server.offer.has_api_key));
  }

  // An entity of a text that has changed is asked about once it is known whether the new text has it, too.
  private askWhy(sentence: Sentence | null, delayMs: number): void {
    if (sentence && this.chosen && JSON.stringify(sentence) !== JSON.stringify(this.answered)) this.explain.stale();
    else this.explain.set(sentence, this.chosen?.entity ?? null, delayMs);
  }

  private choose(entity: Entity): void {
    this.chosen = { entity, words: (this.answered?.text ?? '').slice(entity.start, entity.end) };
    this.found.choose(entity);
    if (this.shown === 'explain') this.askDetails(0);
    else this.details.choose('explain');
    this.details.element.scrollIntoView({ block: 'nearest' });
  }

  private showEntities(sentence: Sentence, item: EntitiesFound): void {
    this.found.show(sentence.text, item, this.server.offer.explain);
    this.answered = sentence;
    const entity = this.chosen && foundAgain(this.chosen.entity, this.chosen.words, sentence.text, item.entities);
    this.chosen = this.chosen && entity && { entity, words: this.chosen.words };
    this.found.choose(entity);
    if (this.shown === 'explain') this.askDetails(restMs);
  }

  private show(answer: ClassifyAnswer | EntitiesAnswer, sentence: Sentence): void {
    this.json.set(JSON.stringify(answer, null, 2));
    const item = answer.data[0];
    if (!item || 'error' in item) return this.failed(item?.error.message ?? 'expected an answer for the text, found none');
    if ('entities' in item) this.showEntities(sentence, item);
    else this.bars.show(item);
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
    this.found.empty();
    this.chosen = null;
    this.notice([message]);
  }

  private notice(messages: string[]): void {
    this.notices.hidden = messages.length === 0;
    this.notices.replaceChildren(...messages.map((textContent) => make('li', { textContent })));
  }
}

const counter = (answer: { tokens_total: number }, model: Model | null): string =>
  counted(answer.tokens_total, 'token') + (model ? ` of at most ${model.max_length} that the model reads` : '');
