// The pieces that the model reads in the place of the text, with their ids: what it does not know, and where it stops reading.
import { counted, make, visibly } from './dom';
import { Latest } from './latest';
import { refusalOf, sleep, type Server } from './server';
import { classifyBody, type Sentence } from './sentence';

interface Token {
  id: number;
  token: string;
  start: number;
  end: number;
  special: boolean;
  unknown: boolean;
  sequence_id: number | null;
}
interface Tokens {
  tokens: Token[];
  tokens_total: number;
  truncated: boolean;
}

export class TokensView {
  readonly element = make('div', {});
  private readonly body = make('div', {});
  private readonly latest: Latest<Sentence, Tokens>;
  private answered = '';

  constructor(server: Server) {
    this.element.append(
      make('p', { className: 'hint', textContent: 'The model reads no words but pieces of its vocabulary, by their numbers.' }),
      this.body,
    );
    this.latest = new Latest<Sentence, Tokens>({
      ask: async (sentence, signal) => {
        const [first] = (await server.json<{ data: Tokens[] }>('v1/tokenize', { ...classifyBody(sentence), offset_unit: 'utf16' }, { signal })).data;
        if (!first) throw new Error('expected the tokens of a text, found none');
        return first;
      },
      show: (tokens, sentence) => this.show(tokens, sentence),
      refusal: refusalOf,
      fail: (message) => {
        this.answered = '';
        this.body.replaceChildren(make('ul', { className: 'notices' }, make('li', { textContent: message })));
      },
      wait: () => undefined,
      sleep,
      untilReady: (signal) => server.untilReady(signal),
    });
  }

  set(sentence: Sentence | null, delayMs: number): void {
    if (sentence && JSON.stringify(sentence) === this.answered) return this.latest.clear();
    if (sentence) return this.latest.set(sentence, delayMs);
    this.latest.clear();
    this.answered = '';
    this.body.replaceChildren(make('p', { className: 'hint', textContent: 'Type a text above: its pieces stand here then.' }));
  }

  private show(answer: Tokens, sentence: Sentence): void {
    this.answered = JSON.stringify(sentence);
    const unknown = answer.tokens.filter((token) => token.unknown).length;
    const list = make('ol', { className: 'pieces' }, ...answer.tokens.map((token) => pieceOf(token, sentence)));
    const sum = [`${counted(answer.tokens_total, 'token')}, special ones included`];
    if (unknown) sum.push(`${unknown} that the model does not know`);
    const nodes: HTMLElement[] = [make('p', { textContent: sum.join('; ') + '.' }), list];
    const rest = restOf(answer, sentence);
    if (answer.truncated) {
      nodes.unshift(
        make(
          'ul',
          { className: 'notices' },
          make('li', {
            textContent: `Too long: the model reads the first ${counted(answer.tokens.length, 'token')} of ${counted(answer.tokens_total, 'token')}.`,
          }),
        ),
      );
      if (rest)
        nodes.push(
          make('p', { className: 'hint', textContent: 'Not read:' }),
          make('p', { className: 'rest unseen', dir: 'auto' }, ...visibly(rest)),
        );
    }
    this.body.replaceChildren(...nodes);
  }
}

function pieceOf(token: Token, sentence: Sentence): HTMLElement {
  const from = token.sequence_id === 1 ? (sentence.pair ?? '') : sentence.text;
  const read = from.slice(token.start, token.end);
  const item = make(
    'li',
    { className: token.unknown ? 'piece unknown' : token.special ? 'piece special' : 'piece' },
    make('bdi', {}, ...visibly(token.token)),
    make('span', { className: 'id num', textContent: String(token.id) }),
  );
  if (token.unknown) item.append(make('span', { className: 'why', textContent: 'not known: ' }, ...visibly(read)));
  return item;
}

// The end of the text that no token covers.
function restOf(answer: Tokens, sentence: Sentence): string {
  if (!answer.truncated || sentence.pair !== null) return '';
  const end = Math.max(0, ...answer.tokens.map((token) => token.end));
  return sentence.text.slice(end).trim();
}
