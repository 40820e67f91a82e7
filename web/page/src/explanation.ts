// An explanation as the reports show it: in short, the coloured words, the way from the masked text to the score, and what changes the label. The
// look is that of web/report.css.
import { counted, decimalsFor, make, nameOf, number, signed, svg, visibly } from './dom';
import type { LabelScore } from './server';

interface Unit {
  text: string;
  sequence_id?: number;
  start: number;
  end: number;
  value: number;
  low?: number;
  high?: number;
}
interface Method {
  units: Unit[];
  base_value?: number;
  exact?: boolean;
  truncated?: boolean; // the budget did not suffice: words of a phrase share its value
  stopped?: boolean;
  evaluations?: number;
}
interface Change {
  units: number[];
  text: string;
  label: string;
  score: number;
  target: number;
}
export interface Explanation {
  entity?: { start: number; end: number }; // that is explained, and which of the units are its own
  entity_units?: number[];
  text: string;
  text_pair?: string;
  label: string;
  score: number;
  predicted: string;
  scores: LabelScore[];
  truncated: boolean;
  not_seen: { start: number; end: number; sequence_id?: number }[];
  methods: Record<string, Method>;
  counterfactuals?: { flips: Change[]; flips_exact: boolean; keeps: Change[]; keeps_exact: boolean };
}

const mostSteps = 8;
export const methodNames: Record<string, string> = {
  shap: 'SHAP',
  occlusion: 'Occlusion',
  lime: 'LIME',
  integrated_gradients: 'Integrated gradients',
};

const sizeOrder = (units: Unit[]): number[] =>
  units.map((_, at) => at).sort((a, b) => Math.abs(units[b]?.value ?? 0) - Math.abs(units[a]?.value ?? 0) || a - b);
const levelClass = (value: number, most: number): string => {
  const level = most > 0 ? Math.round(Math.max(-1, Math.min(1, value / most)) * 10) : 0;
  return level === 0 ? 'z' : (level > 0 ? 'p' : 'n') + Math.abs(level);
};

export function explanationNodes(explanation: Explanation, methodName: string): HTMLElement[] {
  const method = explanation.methods[methodName];
  const units = method?.units ?? [];
  const decimals = decimalsFor(Math.max(Math.abs(explanation.score), ...units.map(({ value }) => Math.abs(value))));
  const nodes = [inShort(explanation, units, decimals), colouredText(explanation, units, methodName, decimals)];
  if (method?.base_value !== undefined) nodes.push(ledger(explanation, method, method.base_value, decimals));
  if (units.length > mostSteps) nodes.push(allWords(units, decimals));
  const changes = changeNodes(explanation, units, decimals);
  if (changes) nodes.push(changes);
  lightTogether(nodes);
  return nodes;
}

const quoted = (unit: Unit | undefined): HTMLElement => make('span', {}, '“', nameOf(unit?.text ?? '?', 32), '”');
function listed(nodes: Node[]): (Node | string)[] {
  return nodes.flatMap((node, at) => (at === 0 ? [node] : [at === nodes.length - 1 ? ' and ' : ', ', node]));
}

function inShort(explanation: Explanation, units: Unit[], decimals: number): HTMLElement {
  const strongest = (sign: number): Node[] =>
    sizeOrder(units)
      .filter((at) => (units[at]?.value ?? 0) * sign > 0.5 * 10 ** -decimals)
      .slice(0, 3)
      .map((at) =>
        make(
          'span',
          {},
          make('span', { className: `word ${sign > 0 ? 'for' : 'against'}` }, quoted(units[at])),
          ' ',
          make('span', { className: 'num', textContent: signed(units[at]?.value, decimals) }),
        ),
      );
  const { entity, text, label } = explanation;
  const question = entity ? ['Why is “', nameOf(text.slice(entity.start, entity.end)), '” ', nameOf(label), '?'] : ['Why ', nameOf(label), '?'];
  const why = make('section', {}, make('h3', {}, ...question));
  const speaksFor = strongest(1);
  const against = strongest(-1);
  why.append(make('p', {}, ...(speaksFor.length ? ['Strongest for it: ', ...listed(speaksFor), '.'] : ['No word speaks for it.'])));
  if (against.length) why.append(make('p', {}, 'Against it: ', ...listed(against), '.'));
  const change = make('section', {}, make('h3', { textContent: 'What would change it?' }));
  const flip = explanation.counterfactuals?.flips[0];
  const count = flip?.units.length ?? 0;
  if (flip && count === units.length) {
    change.append(
      make('p', {}, 'Only without all of its words it would be ', make('strong', {}, nameOf(flip.label)), ` (${number(flip.score, decimals)}).`),
    );
  } else if (flip) {
    change.append(
      make(
        'p',
        {},
        'Without ',
        ...listed(flip.units.slice(0, 5).map((at) => quoted(units[at]))),
        count > 5 ? ` and ${count - 5} more` : '',
        ' it would be ',
        make('strong', {}, nameOf(flip.label)),
        ` (${number(flip.score, decimals)}).`,
      ),
    );
  } else if (explanation.counterfactuals) {
    change.append(make('p', { textContent: 'No words were found whose absence changes the label.' }));
  }
  const box = make('div', { className: 'answers in-short' }, why);
  if (explanation.counterfactuals) box.append(change);
  return box;
}

function colouredText(explanation: Explanation, units: Unit[], methodName: string, decimals: number): HTMLElement {
  const most = Math.max(0, ...units.map(({ value }) => Math.abs(value)));
  const box = make('div', { className: 'words' });
  [explanation.text, explanation.text_pair].forEach((text, sequence) => {
    if (text === undefined || text === null) return;
    const line = make('p', { className: 'text' + (text.length > 600 ? ' long' : ''), dir: 'auto' });
    const own = units
      .map((unit, at) => ({ ...unit, at }))
      .filter((unit) => (unit.sequence_id ?? 0) === sequence)
      .sort((a, b) => a.start - b.start);
    const hidden = explanation.not_seen.filter((each) => (each.sequence_id ?? 0) === sequence);
    const pieces = [
      ...own.map(({ start, end, value, at }) => ({
        start,
        end,
        make: () => {
          const span = unitSpan(text.slice(start, end), at, value, levelClass(value, most), decimals);
          if (explanation.entity_units?.includes(at)) span.dataset['entity'] = '';
          return span;
        },
      })),
      ...hidden.map(({ start, end }) => ({
        start,
        end,
        make: () => make('span', { className: 'unseen', title: 'Too long: the model did not read this' }, ...visibly(text.slice(start, end))),
      })),
    ].sort((a, b) => a.start - b.start);
    let from = 0;
    for (const piece of pieces) {
      if (piece.start < from) continue;
      line.append(...visibly(text.slice(from, piece.start)), piece.make());
      from = piece.end;
    }
    line.append(...visibly(text.slice(from)));
    box.append(line);
  });
  const ramp = make(
    'span',
    { className: 'ramp' },
    ...['n8', 'n6', 'n4', 'n2', 'z', 'p2', 'p4', 'p6', 'p8'].map((className) => make('i', { className })),
  );
  ramp.setAttribute('aria-hidden', 'true');
  const legend = make(
    'p',
    { className: 'legend' },
    make('span', { className: 'unit n10', textContent: signed(-most, decimals) }),
    make('span', { textContent: 'dashed: against' }),
    ramp,
    make('span', {}, 'solid: for ', nameOf(explanation.label)),
    make('span', { className: 'unit p10', textContent: signed(most, decimals) }),
  );
  const title = make('h3', {}, 'What each word adds to the score of ', nameOf(explanation.label), `, by ${methodNames[methodName] ?? methodName}`);
  const own = explanation.entity ? [make('p', { className: 'hint', textContent: 'The entity’s own words are in a frame.' })] : [];
  return make('section', {}, title, ...own, box, legend);
}

function unitSpan(text: string, at: number, value: number, level: string, decimals: number): HTMLElement {
  const span = make('span', { className: `unit ${level}`, title: signed(value, decimals) }, ...visibly(text));
  span.dataset['unit'] = String(at);
  return span;
}

function howExact(method: Method): string {
  if (method.exact) return ' The numbers are exact: nothing was sampled.';
  if (method.truncated) return ` Only ${counted(method.evaluations ?? 0, 'masked text')} could be looked at: neighbouring words share what they add.`;
  return method.exact === undefined ? '' : ' The numbers are sampled: how sure each is stands under “All words”.';
}

function ledger(explanation: Explanation, method: Method, base: number, decimals: number): HTMLElement {
  interface Step {
    name: Node | string;
    from: number;
    to: number;
    total: boolean;
    unit: number;
  }
  const steps: Step[] = [{ name: 'All masked', from: base, to: base, total: true, unit: -1 }];
  const order = sizeOrder(method.units).filter((at) => method.units[at]?.value !== 0);
  let at = base;
  const add = (name: Node | string, change: number, unit: number): void => {
    steps.push({ name, from: at, to: at + change, total: false, unit });
    at += change;
  };
  for (const unit of order.slice(0, mostSteps)) add(quoted(method.units[unit]), method.units[unit]?.value ?? 0, unit);
  const others = order.slice(mostSteps);
  if (others.length)
    add(
      counted(others.length, 'other word'),
      others.reduce((sum, unit) => sum + (method.units[unit]?.value ?? 0), 0),
      -1,
    );
  if (number(explanation.score - at, decimals) !== number(0, decimals)) add('Left over', explanation.score - at, -1);
  steps.push({ name: 'Score', from: explanation.score, to: explanation.score, total: true, unit: -1 });
  const ends = [...steps.flatMap(({ from, to }) => [from, to]), ...(base >= 0 && base <= 1 ? [0] : [])];
  const low = Math.min(...ends);
  const high = Math.max(...ends) > low ? Math.max(...ends) : low + 1;
  const x = (value: number): string => (((value - low) / (high - low)) * 980 + 10).toFixed(1);
  const rows = steps.map((step, place) => {
    const paths: [string, string][] = place < steps.length - 1 ? [['link', `M${x(step.to)} 12V24`]] : [];
    if (step.total) paths.push(['total', `M${x(Math.max(low, 0))} 5H${x(step.to)}v14H${x(Math.max(low, 0))}z`], ['tick', `M${x(step.to)} 2v20`]);
    else paths.push([step.to < step.from ? 'neg' : 'pos', `M${x(step.from)} 4H${x(step.to)}v16H${x(step.from)}z`]);
    const row = make(
      'tr',
      { className: step.total ? 'sum' : '' },
      make('th', { scope: 'row' }, step.name),
      make('td', { className: 'track' }, svg('step', '0 0 1000 24', ...paths)),
      make('td', { className: 'num', textContent: step.total ? number(step.to, decimals) : signed(step.to - step.from, decimals) }),
    );
    if (step.unit >= 0) row.dataset['unit'] = String(step.unit);
    return row;
  });
  const head = make(
    'tr',
    {},
    make('th', { scope: 'col', textContent: 'Step' }),
    make('th', { scope: 'col', textContent: `From ${number(low, decimals)} to ${number(high, decimals)}` }),
    make('th', { scope: 'col', className: 'num', textContent: 'Change' }),
  );
  const exact = howExact(method);
  return make(
    'section',
    {},
    make('h3', { textContent: 'How the score comes about' }),
    make('p', { className: 'hint', textContent: `From the text with every word masked, word by word, to the score.${exact}` }),
    make('table', { className: 'ledger' }, make('thead', {}, head), make('tbody', {}, ...rows)),
  );
}

// Every word with its number, for those who cannot point at one.
function allWords(units: Unit[], decimals: number): HTMLElement {
  const sampled = units.some(({ low }) => low !== undefined);
  const rows = units.map((unit, at) => {
    const row = make(
      'tr',
      {},
      make('th', { scope: 'row' }, quoted(unit)),
      make('td', { className: 'num', textContent: signed(unit.value, decimals) }),
    );
    if (sampled) row.append(make('td', { className: 'num', textContent: `${signed(unit.low, decimals)} to ${signed(unit.high, decimals)}` }));
    row.dataset['unit'] = String(at);
    return row;
  });
  const head = ['Word', 'Adds', ...(sampled ? ['95 % interval'] : [])].map((textContent, at) =>
    make('th', { scope: 'col', textContent, className: at ? 'num' : '' }),
  );
  return make(
    'details',
    {},
    make('summary', { textContent: `All ${units.length} words with their numbers` }),
    make('table', { className: 'all-words' }, make('thead', {}, make('tr', {}, ...head)), make('tbody', {}, ...rows)),
  );
}

function changeNodes(explanation: Explanation, units: Unit[], decimals: number): HTMLElement | null {
  const changes = explanation.counterfactuals;
  if (!changes || (changes.flips.length === 0 && changes.keeps.length === 0)) return null;
  const names = (some: number[]): (Node | string)[] => [
    ...listed(some.slice(0, 4).map((at) => quoted(units[at]))),
    some.length > 4 ? ` and ${some.length - 4} more` : '',
  ];
  const line = (change: Change, ...name: (Node | string)[]): HTMLElement =>
    make(
      'tr',
      {},
      make('th', { scope: 'row' }, ...name),
      make('td', { className: 'read' }, ...visibly(change.text.length > 400 ? change.text.slice(0, 400) + ' …' : change.text)),
      make('td', { className: 'it-said' }, make('strong', {}, nameOf(change.label))),
      make('td', { className: 'num', textContent: number(change.score, decimals) }),
    );
  const rows = [
    ...changes.flips.slice(0, 3).map((change) => line(change, ...(change.units.length === units.length ? ['all words'] : names(change.units)))),
    ...changes.keeps.slice(0, 2).map((change) => line(change, ...(change.units.length ? ['all but ', ...names(change.units)] : ['all words']))),
  ];
  const head = make(
    'tr',
    {},
    ...['Left out', 'What the model read then', 'It said', 'Score'].map((textContent, at) =>
      make('th', { scope: 'col', textContent, className: at === 3 ? 'num' : '' }),
    ),
  );
  const exact = !changes.flips.length
    ? ''
    : changes.flips_exact
      ? ' Leaving out fewer words never changes it.'
      : ' Found by a search that is not exhaustive.';
  return make(
    'section',
    {},
    make('h3', { textContent: 'What changes the label, and what keeps it' }),
    make('p', { className: 'hint', textContent: `The fewest words whose absence changes the label, and the fewest that keep it.${exact}` }),
    make('div', { className: 'scroll' }, make('table', { className: 'sets' }, make('thead', {}, head), make('tbody', {}, ...rows))),
  );
}

// A word lights up with its row, whichever one points at.
function lightTogether(nodes: HTMLElement[]): void {
  const all = nodes.flatMap((node) => [...node.querySelectorAll<HTMLElement>('[data-unit]')]);
  for (const element of all) {
    for (const [type, on] of [
      ['mouseenter', true],
      ['mouseleave', false],
    ] as const) {
      element.addEventListener(type, () => {
        for (const each of all) if (each.dataset['unit'] === element.dataset['unit']) each.classList.toggle('lit', on);
      });
    }
  }
}
