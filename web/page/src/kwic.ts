// Found tokens in their sentences, and what they have in common: what the reports print (contexts_parts.cpp), of the answer of POST /similar.
import { button, make, nameOf, named, number, shade, svg, visibly, type Child } from './dom';
import type { Order, Way } from './similar_state';

export interface SimilarToken {
  index: number;
  token: string;
  start: number; // code points
  end: number;
  special: boolean;
  attention_out?: number;
  attention_in?: number;
}
export interface Hit {
  similarity: number;
  row: number;
  text: string;
  label: string;
  score: number;
  gold: string | null;
  match: number; // in tokens
  word: string;
  previous: string;
  next: string;
  tokens: SimilarToken[];
}
export interface NameCount {
  name: string;
  count: number;
}

const mostAround = 40; // tokens on either side
const mostBars = 10;
const mostColours = 8;

// Whether special tokens count, and which way attention goes.
export interface Look {
  special: boolean;
  way: Way;
}

// The tokens from `first` on with what stands between them; the deeper a token's ground, the more attention it has.
function sentence(hit: Hit, characters: string[], first: number, last: number, look: Look): Child[] {
  const weightOf = (token: SimilarToken): number =>
    token.special && !look.special ? 0 : ((look.way === 'out' ? token.attention_out : token.attention_in) ?? 0);
  const most = Math.max(0, ...hit.tokens.filter((token) => !token.special).map(weightOf));
  const nodes: Child[] = [];
  let end: number | null = null;
  hit.tokens.slice(first, last).forEach((token, place) => {
    const at = first + place;
    const between = token.special || end === null ? '' : characters.slice(end, token.start).join('');
    if (between.trim()) nodes.push(...visibly(between));
    else if (place > 0 && (between || token.special || hit.tokens[at - 1]?.special)) nodes.push(' ');
    const words = token.special ? [nameOf(token.token)] : visibly(characters.slice(token.start, token.end).join(''));
    nodes.push(make('span', { className: `t ${shade(weightOf(token), most)}${token.special ? ' s' : ''}${at === hit.match ? ' m' : ''}` }, ...words));
    if (!token.special) end = token.end;
  });
  return nodes;
}

export function sortedHits(hits: Hit[], order: Order): Hit[] {
  if (order === 'like') return hits;
  return [...hits].sort((a, b) => (a[order] < b[order] ? -1 : a[order] > b[order] ? 1 : 0)); // a stable sort: the likest first
}

// `labels` are those of the hits, the most frequent first: each has a colour.
export function hitsTable(hits: Hit[], labels: NameCount[], hasGold: boolean, look: Look): HTMLElement {
  const strip = (label: string): HTMLElement => {
    const at = labels.findIndex(({ name }) => name === label);
    return make('td', { className: `strip c${Math.min(at < 0 ? mostColours : at, mostColours - 1)}` });
  };
  const column = (className: string): HTMLElement => make('col', { className });
  const rows = hits.map((hit) => {
    const characters = [...hit.text];
    const first = Math.max(0, hit.match - mostAround);
    const last = Math.min(hit.tokens.length, hit.match + 1 + mostAround);
    const open = button('', () => {
      const is = row.classList.toggle('open');
      open.setAttribute('aria-expanded', String(is));
    });
    open.className = 'as-text';
    open.title = 'Shows all that stands around it';
    open.setAttribute('aria-expanded', 'false');
    open.append(...sentence(hit, characters, hit.match, hit.match + 1, look));
    const row = make(
      'tr',
      {},
      make('td', { className: 'num', textContent: number(hit.similarity) }),
      strip(hit.label),
      make('td', { className: 'label' }, nameOf(hit.label, 20), ' ', make('span', { className: 'num', textContent: number(hit.score, 2) })),
    );
    if (hasGold && hit.gold === null) row.append(make('td', {}), make('td', {}));
    else if (hasGold) row.append(strip(hit.gold ?? ''), make('td', { className: 'label' }, nameOf(hit.gold ?? '', 20)));
    const before = make('span', {}, first > 0 ? '… ' : '', ...sentence(hit, characters, first, hit.match, look));
    const after = [...sentence(hit, characters, hit.match + 1, last, look), last < hit.tokens.length ? ' …' : ''];
    row.append(
      make('td', { className: 'before' }, make('div', {}, before)),
      make('td', { className: 'match' }, open),
      make('td', { className: 'after' }, make('div', {}, ...after)),
      make('td', { className: 'num row', textContent: String(hit.row) }),
    );
    return row;
  });
  const columns = ['like', 'mark', 'called', ...(hasGold ? ['mark', 'called'] : []), '', 'found', '', 'row'];
  const titles: [string, string, number][] = [
    ['Like', 'num', 1],
    ['Label', '', 2],
    ...(hasGold ? [['Should be', '', 2] as [string, string, number]] : []),
    ['Before', 'num', 1],
    ['Found', '', 1],
    ['After', '', 1],
    ['Row', 'num', 1],
  ];
  const head = titles.map(([textContent, className, colSpan]) => make('th', { scope: 'col', textContent, className, colSpan }));
  const table = make(
    'table',
    { className: 'kwic' },
    make('colgroup', {}, ...columns.map(column)),
    make('thead', {}, make('tr', {}, ...head)),
    make('tbody', {}, ...rows),
  );
  const box = named(make('div', { className: 'scroll', tabIndex: 0 }, table), 'The found tokens in their sentences');
  box.setAttribute('role', 'region');
  return box;
}

// Counts with bars, of so many hits; nothing where there are none.
export function histogram(title: string, counts: NameCount[], hits: number): HTMLElement[] {
  if (counts.length === 0) return [];
  const most = Math.max(...counts.map(({ count }) => count));
  const bars = counts.slice(0, mostBars).map(({ name, count }) =>
    make(
      'tr',
      {},
      make('th', { scope: 'row' }, nameOf(name, 24)),
      make('td', { className: 'track' }, svg('bar', '0 0 100 10', ['total', `M0 0H${((100 * count) / most).toFixed(1)}V10H0Z`])),
      make('td', { className: 'num', textContent: String(count) }),
      make('td', { className: 'num portion', textContent: `${Math.round((100 * count) / hits)} %` }),
    ),
  );
  const rest = counts.slice(mostBars).reduce((sum, { count }) => sum + count, 0);
  if (rest)
    bars.push(
      make(
        'tr',
        {},
        make('th', { scope: 'row', textContent: 'others' }),
        make('td', {}),
        make('td', { className: 'num', textContent: String(rest) }),
        make('td', { className: 'num portion' }),
      ),
    );
  return [make('table', { className: 'histogram' }, make('caption', { textContent: title }), make('tbody', {}, ...bars))];
}
