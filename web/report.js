// What the page of an explanation does beyond being read: switches method and label, says what is known of a word, links the word with its
// rows, takes words out and looks up what the model said then. All text goes in by textContent. Nothing is computed here that the model
// was not asked: a combination that was not measured is said to be unknown.
'use strict';
(() => {
  const page = JSON.parse(document.getElementById('filbert-page').textContent);
  const explained = page.labels[0];
  const methods = Object.keys(explained.methods);
  const names = {shap: 'SHAP', lime: 'LIME', occlusion: 'Occlusion', saliency: 'Saliency', input_x_gradient: 'Input × gradient',
    integrated_gradients: 'Integrated gradients', smoothgrad: 'SmoothGrad', attention_rollout: 'Attention rollout', attention_gradient: 'Attention × gradient'};
  const state = {method: methods[0], label: 0, out: new Set(), word: -1};
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const byId = (id) => document.getElementById(id);
  const words = all('#words .unit');
  const explainedNodes = byId('table-label') ? [...byId('table-label').childNodes] : [];
  const count = methods.length ? explained.methods[methods[0]].length : 0;
  const nameOf = (method) => names[method] || method;

  function make(tag, properties = {}, ...children) {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  }

  // A label as text: what is invisible, or turns what stands around it, by its number.
  const invisible = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;
  function labelName(at) {
    const characters = [...page.labels[at].label];
    const text = characters.length > 64 ? characters.slice(0, 48).join('') + '…' + characters.slice(-16).join('') : characters.join('');
    return text.replace(invisible, (c) => `[U+${c.codePointAt(0).toString(16).toUpperCase().padStart(4, '0')}]`);
  }

  // Numbers as the page prints them.
  function number(value) {
    if (value === null || value === undefined) return '–';
    const digits = Math.abs(value).toFixed(page.decimals);
    return value < 0 && /[1-9]/.test(digits) ? '−' + digits : digits;
  }
  function signed(value) {
    const digits = number(value);
    return value > 0 && /[1-9]/.test(digits) ? '+' + digits : digits;
  }
  const spoken = (value) => signed(value).replace('+', 'plus ').replace('−', 'minus ');

  const valuesOf = (method, label = state.label) => page.labels[label].methods[method];
  const largest = (values) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const level = (value, most) => (value === null || !most ? 0 : Math.round(Math.max(-1, Math.min(1, value / most)) * 10));
  const levelClass = (step) => (step === 0 ? 'z' : (step > 0 ? 'p' : 'n') + Math.abs(step));
  const size = (value) => (value === null ? -1 : Math.abs(value));
  const order = (values) => values.map((_, unit) => unit).sort((a, b) => size(values[b]) - size(values[a]) || a - b);
  const isMain = () => state.label === 0;

  // A text for a name: what is invisible stands in the page as a mark already.
  function wordName(unit) {
    const word = words.find((each) => Number(each.dataset.unit) === unit);
    const text = [...(word ? word.textContent : '?')];
    return text.length > 32 ? text.slice(0, 24).join('') + '…' + text.slice(-8).join('') : text.join('');
  }

  // Methods and labels to choose from.
  function choice(legend, name, options, chosen, choose) {
    const pills = make('div', {className: 'pills'});
    options.forEach((text, at) => {
      const input = make('input', {type: 'radio', name, value: String(at), checked: at === chosen});
      input.addEventListener('change', () => choose(at));
      pills.append(make('label', {}, input, make('bdi', {textContent: text})));
    });
    return make('fieldset', {}, make('legend', {textContent: legend}), pills);
  }

  function controls() {
    const usable = page.labels.map((label, at) => at).filter((at) => methods.some((method) => valuesOf(method, at)));
    if (methods.length > 1) {
      byId('controls').append(choice('Method', 'method', methods.map(nameOf), 0, (at) => {
        state.method = methods[at];
        paint();
      }));
    }
    if (usable.length > 1) {
      const texts = usable.map((at) => labelName(at) + ' ' + number(page.labels[at].score));
      byId('controls').append(choice('Why', 'label', texts, 0, (at) => {
        state.label = usable[at];
        if (!valuesOf(state.method)) {
          const first = methods.findIndex((method) => valuesOf(method));
          state.method = methods[first];
          all('input[name=method]')[first].checked = true;
        }
        paint();
      }));
      for (const input of all('input[name=method]')) input.dataset.method = methods[Number(input.value)];
    }
  }

  // Colours, numbers and ledgers of what is chosen.
  function paint() {
    const values = valuesOf(state.method), most = largest(values), ranks = [];
    order(values).forEach((unit, place) => { ranks[unit] = place + 1; });
    for (const word of words) {
      const unit = Number(word.dataset.unit), out = state.out.has(unit);
      word.className = 'unit ' + levelClass(level(values[unit], most)) + (out ? ' out' : '');
      word.setAttribute('aria-pressed', String(out));
      word.setAttribute('aria-label', wordName(unit) + ('entity' in word.dataset ? ', of the entity' : '') +
        `: ${spoken(values[unit])}, number ${ranks[unit]} of ${count} by ${nameOf(state.method)}` + (out ? ', taken out' : ''));
    }
    byId('shown-method').textContent = nameOf(state.method) + (isMain() ? '' : ', for ' + labelName(state.label));
    byId('legend-low').textContent = signed(-most);
    byId('legend-high').textContent = signed(most);
    for (const input of all('input[name=method]')) input.disabled = !valuesOf(methods[Number(input.value)]);
    paintTable();
    paintAgreement();
    let shown = 0;
    for (const ledger of all('.ledger')) {
      ledger.hidden = ledger.dataset.method !== state.method || Number(ledger.dataset.label) !== state.label;
      shown += !ledger.hidden;
    }
    for (const none of all('.ledger-none')) none.hidden = shown > 0;
    detail();
  }

  function paintTable() {
    const shares = methods.map((method) => {
      const values = valuesOf(method) || [], sum = values.reduce((total, value) => total + Math.abs(value), 0);
      return sum > 0 ? values.map((value) => (value === null ? null : value / sum)) : values;
    });
    const longest = Math.max(...shares.map(largest)) || 1;
    for (const row of all('.methods tbody tr')) {
      const unit = Number(row.dataset.unit);
      methods.forEach((method, at) => {
        const values = valuesOf(method), cell = row.cells[at + 1], value = values ? values[unit] : null;
        cell.querySelector('.v').textContent = number(value) === '–' ? '–' : signed(value);
        const bar = cell.querySelector('.bar path'), width = values && value !== null ? (shares[at][unit] / longest) * 50 : 0;
        if (bar) {
          bar.setAttribute('d', `M0 0h${width.toFixed(1)}v8H0z`);
          bar.setAttribute('class', width < 0 ? 'neg' : 'pos');
        }
        const interval = cell.querySelector('.pm');
        if (interval) interval.hidden = !isMain();
      });
    }
    const label = byId('table-label');
    if (label) label.replaceChildren(...(isMain() ? explainedNodes : [make('bdi', {textContent: labelName(state.label)})]));
  }

  function paintAgreement() {
    const row = byId('agreement');
    if (!row) return;
    row.hidden = !isMain();
    const measured = page.measured, chosen = measured.indexOf(state.method);
    row.cells[0].textContent = `Agreement with ${nameOf(state.method)} (Kendall’s τ)`;
    methods.forEach((method, at) => {
      const other = measured.indexOf(method);
      const tau = chosen < 0 || other < 0 ? null : page.agreement[chosen * measured.length + other];
      row.cells[at + 1].textContent = tau === null ? '–' : tau.toFixed(2).replace('-', '−');
    });
  }

  // What the model said with these words taken out; undefined where it was not asked.
  function known() {
    const out = [...state.out].sort((a, b) => a - b), score = page.labels[state.label].score;
    if (out.length === 0) return {target: score};
    if (isMain()) {
      const found = page.known.find((set) => set.removed.length === out.length && set.removed.every((unit, at) => unit === out[at]));
      if (found) return found;
      if (out.length === count && page.base !== undefined) return {target: page.base};
    }
    const single = valuesOf('occlusion');
    if (!single || out.some((unit) => single[unit] === null)) return undefined;
    if (out.length === 1) return {target: score - single[out[0]]};
    if (out.length !== 2 || !isMain() || !page.interactions) return undefined;
    const together = page.interactions[out[0] * count + out[1]];
    return together === null ? undefined : {target: score - single[out[0]] - single[out[1]] + together};
  }

  function wordDetail() {
    const box = make('div', {}), unit = state.word;
    if (unit < 0) {
      box.append(make('p', {className: 'hint', textContent: `Point at a ${page.unit} for its numbers. Click it to take it out.`}));
      return box;
    }
    const numbers = make('div', {className: 'numbers'});
    for (const method of methods) {
      const values = valuesOf(method);
      if (!values) continue;
      let text = signed(values[unit]);
      if (method === 'shap' && isMain() && page.low && page.low.length === count) text += ' ±' + number((page.high[unit] - page.low[unit]) / 2);
      numbers.append(make('span', {textContent: nameOf(method)}), make('span', {className: 'num', textContent: text}),
        make('span', {className: 'place', textContent: `number ${order(values).indexOf(unit) + 1} of ${count}`}));
    }
    box.append(make('h3', {}, '“', make('bdi', {textContent: wordName(unit)}), '”'), numbers);
    return box;
  }

  function maskDetail() {
    const box = make('div', {}), out = [...state.out].sort((a, b) => a - b);
    box.setAttribute('aria-live', 'polite');
    if (out.length === 0) return box;
    const title = make('h3', {}, 'Without ');
    out.slice(0, 5).forEach((unit, at) => title.append(at ? ', “' : '“', make('bdi', {textContent: wordName(unit)}), '”'));
    if (out.length > 5) title.append(` and ${out.length - 5} more`);
    const answer = known(), score = page.labels[state.label].score;
    const line = make('p', {});
    if (answer) {
      line.append(make('bdi', {textContent: labelName(state.label)}), ` goes from ${number(score)} to `,
        make('strong', {textContent: number(answer.target)}), ` (${signed(answer.target - score)})`);
      if (answer.label) line.append('; the model says ', make('strong', {}, make('bdi', {textContent: answer.label.replace(invisible, '�')})));
      line.append('.');
    } else {
      const parts = [valuesOf('occlusion') && `each ${page.unit} alone`, page.interactions && isMain() && 'each pair',
        page.base !== undefined && 'everything taken out', page.known.length && 'the sets under “What would change it”'].filter(Boolean);
      const last = parts.length > 1 ? ' and ' + parts.pop() : '';
      line.textContent = 'This combination was not computed.' + (parts.length ? ` Known: ${parts.join(', ')}${last}.` : '');
    }
    const back = make('button', {type: 'button', textContent: 'Put all back'});
    back.addEventListener('click', () => {
      state.out.clear();
      paint();
      const focus = words.find((word) => word.tabIndex === 0);
      if (focus) focus.focus();
    });
    box.append(title, line, back);
    return box;
  }

  function detail() {
    byId('detail').replaceChildren(wordDetail(), maskDetail());
  }

  // A word and its rows light up together.
  function light(unit) {
    for (const element of all('.lit')) element.classList.remove('lit');
    if (unit >= 0) for (const element of all(`[data-unit="${unit}"]`)) element.classList.add('lit');
  }
  function show(unit) {
    if (unit === state.word) return;
    state.word = unit;
    detail();
    light(unit);
  }

  function toggle(unit) {
    if (!state.out.delete(unit)) state.out.add(unit);
    state.word = unit;
    paint();
    light(unit);
  }

  // One word is in the order of the Tab key; the arrows go on from there.
  function focusWord(at) {
    const next = Math.max(0, Math.min(words.length - 1, at));
    for (const word of words) word.tabIndex = -1;
    words[next].tabIndex = 0;
    words[next].focus();
  }

  function wordKeys(event, at) {
    const right = getComputedStyle(words[at].parentElement).direction === 'rtl' ? -1 : 1;
    const steps = {ArrowRight: right, ArrowLeft: -right, ArrowDown: 1, ArrowUp: -1, Home: -words.length, End: words.length};
    if (event.key in steps) {
      focusWord(at + steps[event.key]);
    } else if (event.key === 'Enter' || event.key === ' ') {
      toggle(Number(words[at].dataset.unit));
    } else {
      return;
    }
    event.preventDefault();
  }

  function wireWords() {
    words.forEach((word, at) => {
      const unit = Number(word.dataset.unit);
      word.setAttribute('role', 'button');
      word.tabIndex = at === 0 ? 0 : -1;
      word.addEventListener('mouseenter', () => show(unit));
      word.addEventListener('focus', () => show(unit));
      word.addEventListener('click', () => { focusWord(at); toggle(unit); });
      word.addEventListener('keydown', (event) => wordKeys(event, at));
    });
    for (const element of all('tr[data-unit], .word[data-unit], .leaf[data-unit]')) {
      element.addEventListener('mouseenter', () => show(Number(element.dataset.unit)));
    }
    for (const row of all('tr[data-first]')) {
      row.addEventListener('mouseenter', () => {
        light(-1);
        for (let unit = Number(row.dataset.first); unit < Number(row.dataset.end); ++unit) {
          for (const element of all(`.unit[data-unit="${unit}"], .leaf[data-unit="${unit}"]`)) element.classList.add('lit');
        }
      });
      row.addEventListener('mouseleave', () => light(state.word));
    }
  }

  // Rows by the text or by size.
  function sorting() {
    const table = document.querySelector('.methods');
    if (!table || count < 2) return;
    const body = table.tBodies[0], button = make('button', {type: 'button', textContent: 'Strongest first'});
    let bySize = false;
    button.addEventListener('click', () => {
      bySize = !bySize;
      button.textContent = bySize ? 'In the order of the text' : 'Strongest first';
      const rows = [...body.rows].sort((a, b) => a.dataset.unit - b.dataset.unit);
      body.append(...(bySize ? order(valuesOf(state.method)).map((unit) => rows[unit]) : rows));
    });
    table.closest('.scroll').before(make('div', {className: 'sort'}, button));
  }

  function download() {
    const data = byId('filbert-explanation') || byId('filbert-page');
    const button = make('button', {type: 'button', textContent: 'Download the numbers as JSON'});
    button.addEventListener('click', () => {
      const url = URL.createObjectURL(new Blob([data.textContent], {type: 'application/json'}));
      make('a', {href: url, download: 'explanation.json'}).click();
      URL.revokeObjectURL(url);
    });
    byId('download').append(button);
  }

  document.documentElement.classList.add('js');
  download();
  if (!methods.length || !count) return;
  controls();
  wireWords();
  sorting();
  paint();
})();
