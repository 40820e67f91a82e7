// What the page of similar tokens does beyond being read: chooses heads, shows what a token looks at or is looked at by, takes words out and
// says what the model then answered, sorts the list. What is chosen stands in the address, so that a link opens the same picture. All text goes
// in by textContent; nothing is loaded and nothing is computed that the model was not asked.
'use strict';
(() => {
  const page = JSON.parse(document.getElementById('filbert-contexts').textContent);
  const byId = (id) => document.getElementById(id);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const count = page.tokens.length, heads = page.heads, kRow = 24;
  const views = contextsViews, {make, number, directions, orders, shade} = views;
  const state = {heads: new Set(page.chosen), token: page.token, mask: -1, top: 70, special: true, way: 'out', order: 'like'};

  const bytes = (base64) => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  const kept = new Map();
  const decoded = (owner, key) => {
    const name = owner === page ? 'page' : owner;
    if (!kept.has(name)) kept.set(name, {});
    const of = kept.get(name);
    return (of[key] = of[key] || bytes(owner[key]));
  };
  const maskedBy = (token) => page.masked.find((each) => each.token === token);
  const attention = () => {
    const masked = state.mask < 0 ? null : maskedBy(state.mask);
    return masked && masked.attention ? decoded(masked, 'attention') : decoded(page, 'attention');
  };

  // The mean over the chosen heads of a row, or a column, of the attention in the text: [tokens] from 0 to 1.
  function weightsOf(token, way = state.way) {
    const from = attention(), mean = new Array(count).fill(0);
    for (const head of state.heads) {
      for (let other = 0; other < count; ++other) {
        mean[other] += from[head * count * count + (way === 'out' ? token * count + other : other * count + token)] / 255 / state.heads.size;
      }
    }
    return mean.map((weight, other) => (!state.special && (page.special[other] || page.special[token]) ? 0 : weight));
  }
  const strongest = (weights) => views.strongest(weights, state.top);

  // ---- the address ----
  function remember() {
    const parts = [];
    const usual = page.chosen.length === state.heads.size && page.chosen.every((head) => state.heads.has(head));
    if (!usual) parts.push('heads=' + [...state.heads].sort((a, b) => a - b).join(','));
    if (state.token !== page.token) parts.push('token=' + state.token);
    if (state.mask >= 0) parts.push('mask=' + state.mask);
    if (state.top !== 70) parts.push('top=' + state.top);
    if (!state.special) parts.push('special=0');
    if (state.way !== 'out') parts.push('way=' + state.way);
    if (state.order !== 'like') parts.push('order=' + state.order);
    history.replaceState(null, '', parts.length || location.hash ? '#' + parts.join('&') : location.pathname);
  }
  function recall() {
    Object.assign(state, {heads: new Set(page.chosen), token: page.token, mask: -1, top: 70, special: true, way: 'out', order: 'like'});
    const whole = (text, below) => (/^\d+$/.test(text) && Number(text) < below ? Number(text) : -1);
    for (const part of location.hash.slice(1).split('&')) {
      const [key, value = ''] = part.split('=');
      if (key === 'heads') {
        const named = value.split(',').map((each) => whole(each, heads)).filter((head) => head >= 0);
        if (named.length) state.heads = new Set(named);
      }
      if (key === 'token' && whole(value, count) >= 0) state.token = whole(value, count);
      if (key === 'mask' && maskedBy(whole(value, count))) state.mask = whole(value, count);
      if (key === 'top' && whole(value, 101) >= 0) state.top = whole(value, 101);
      if (key === 'special') state.special = value !== '0';
      if (key === 'way' && Object.hasOwn(directions, value)) state.way = value;
      if (key === 'order' && Object.hasOwn(orders, value)) state.order = value;
    }
  }

  // ---- controls ----
  const squares = [], left = [], right = [];
  const canvas = make('canvas'), told = make('p', {className: 'told'}), scores = make('div');
  canvas.setAttribute('role', 'img');
  told.setAttribute('role', 'status');
  const topInput = make('input', {type: 'range', min: '0', max: '100', step: '5', id: 'top'}), topShown = make('output', {className: 'num'});
  const specialInput = make('input', {type: 'checkbox'});
  const maskButton = make('button', {type: 'button'});
  const pills = {};

  function choice(legend, name, options, key) {
    const row = make('div', {className: 'pills'});
    pills[key] = Object.entries(options).map(([value, text]) => {
      const input = make('input', {type: 'radio', name, value});
      input.addEventListener('change', () => { state[key] = value; paint(); });
      row.append(make('label', {}, input, text));
      return input;
    });
    return make('fieldset', {}, make('legend', {textContent: legend}), row);
  }

  function headControls() {
    const row = make('div', {className: 'squares'});
    for (let head = 0; head < heads; ++head) {
      const button = make('button', {type: 'button', className: 'square', textContent: String(head)});
      button.setAttribute('aria-label', 'Head ' + head);
      button.addEventListener('click', () => {
        if (!state.heads.delete(head)) state.heads.add(head);
        if (!state.heads.size) state.heads.add(head);  // never none
        paint();
      });
      squares.push(button);
      row.append(button);
    }
    const every = make('button', {type: 'button', textContent: 'All'});
    every.addEventListener('click', () => { for (let head = 0; head < heads; ++head) state.heads.add(head); paint(); });
    row.append(every);
    return make('fieldset', {}, make('legend', {textContent: 'Heads: whose attention is shown'}), row);
  }

  // Tokens as buttons: arrows move, Enter chooses, m masks.
  function column(side, buttons) {
    const box = make('div', {className: 'column ' + side});
    box.setAttribute('role', 'group');
    box.setAttribute('aria-label', side === 'from' ? 'The token that looks' : 'The tokens that it looks at');
    page.tokens.forEach((text, token) => {
      const button = make('button', {type: 'button', className: 'tok' + (page.special[token] ? ' special' : ''), textContent: text});
      button.addEventListener('click', () => { state.token = token; paint(); });
      button.addEventListener('dblclick', () => mask(token));
      button.addEventListener('keydown', (event) => {
        const step = {ArrowDown: 1, ArrowUp: -1, End: count, Home: -count}[event.key];
        if (event.key === 'm') mask(token);
        if (!step) return;
        event.preventDefault();
        buttons[Math.max(0, Math.min(count - 1, token + step))].focus();
      });
      buttons.push(button);
      box.append(button);
    });
    return box;
  }
  function mask(token) {
    if (maskedBy(token)) state.mask = state.mask === token ? -1 : token;
    paint();
  }

  function build() {
    const bar = make('div', {className: 'controls'}, headControls(), choice('The token', 'way', directions, 'way'));
    topInput.addEventListener('input', () => { state.top = Number(topInput.value); paint(); });
    specialInput.addEventListener('change', () => { state.special = specialInput.checked; paint(); });
    maskButton.addEventListener('click', () => mask(state.token));
    bar.append(make('label', {className: 'check', htmlFor: 'top'}, 'Top % of attention', topInput, topShown), make('label', {className: 'check'}, specialInput, 'Special tokens'),
               maskButton);
    const box = make('div', {className: 'links'}, column('from', left), make('div', {}, canvas), column('to', right));
    byId('query-views').append(bar, told, box, scores);
    byId('query').hidden = true;
    if (page.hits.length) byId('list-controls').append(make('div', {className: 'controls'}, choice('Sorted by', 'order', orders, 'order')));
    for (const row of all('.kwic tbody tr')) {
      row.querySelector('.match').addEventListener('click', () => row.classList.toggle('open'));
    }
  }

  // ---- pictures ----
  function draw() {
    const width = canvas.parentElement.clientWidth, ratio = window.devicePixelRatio || 1, height = count * kRow;
    canvas.width = width * ratio;
    canvas.height = height * ratio;
    canvas.style.height = height + 'px';
    const context = canvas.getContext('2d');
    context.scale(ratio, ratio);
    context.strokeStyle = getComputedStyle(document.documentElement).getPropertyValue('--neg');
    context.lineWidth = 2;
    for (let from = 0; from < count; ++from) {
      if (state.way === 'out' && from !== state.token) continue;
      const weights = weightsOf(from, 'out');
      const shown = state.way === 'out' ? strongest(weights) : [state.token];
      for (const to of shown) {
        context.globalAlpha = Math.min(1, weights[to] * 1.5);
        context.beginPath();
        context.moveTo(0, (from + 0.5) * kRow);
        context.bezierCurveTo(width / 2, (from + 0.5) * kRow, width / 2, (to + 0.5) * kRow, width, (to + 0.5) * kRow);
        context.stroke();
      }
    }
  }
  function tell(weights) {
    const first = strongest(weights).slice(0, 6).map((at) => `${page.tokens[at]} ${number(weights[at], 2)}`);
    told.textContent = `${page.tokens[state.token]} ${directions[state.way]}: ${first.join(', ') || 'nothing that is shown'}.` +
      (state.mask < 0 ? '' : maskedBy(state.mask).attention ? ` With ${page.tokens[state.mask]} masked.` : ' The attention is that of the whole text.');
    canvas.setAttribute('aria-label', told.textContent);
    const most = Math.max(...weights.filter((_, at) => !page.special[at]), 0);
    [left, right].forEach((buttons, side) => buttons.forEach((button, token) => {
      const isOther = (state.way === 'out') === (side === 1);
      button.className = 'tok' + (page.special[token] ? ' special' : '') + (token === state.mask ? ' out' : '') +
        (isOther ? ' ' + shade(weights[token], most) : '');
      button.setAttribute('aria-pressed', String(token === state.token && !isOther));
      button.tabIndex = token === state.token ? 0 : -1;
    }));
  }

  function tellScores() {
    scores.replaceChildren();
    if (state.mask < 0) return;
    const masked = maskedBy(state.mask);
    scores.append(views.changes('Label', page.names, page.scores, masked.scores, page.tokens[state.mask]));
  }

  function paintHits() {
    page.hits.forEach((hit, at) => {
      if (!hit.out) return;
      const from = decoded(hit, state.way), mean = new Array(hit.count).fill(0);
      for (const head of state.heads) for (let token = 0; token < hit.count; ++token) mean[token] += from[head * hit.count + token] / 255 / state.heads.size;
      const spans = all(`tr[data-hit="${at}"] .t`);
      const isSpecial = new Set(spans.filter((span) => span.classList.contains('s')).map((span) => Number(span.dataset.t) - hit.first));
      const most = Math.max(...mean.filter((_, token) => !isSpecial.has(token)), 0);
      for (const span of spans) {
        const token = Number(span.dataset.t) - hit.first, weight = !state.special && isSpecial.has(token) ? 0 : mean[token];
        span.className = 't ' + shade(weight, most) + (isSpecial.has(token) ? ' s' : '') + (span.classList.contains('m') ? ' m' : '');
      }
    });
    byId('list-hint').textContent = `The deeper the ground, the more the found word ${directions[state.way]} a token, over the chosen heads; the strip is the label that ` +
      'the model gives the text. A click on a found word shows all that there is around it.';
  }
  function sort() {
    const body = document.querySelector('.kwic tbody');
    if (!body) return;
    const key = (row) => page.hits[Number(row.dataset.hit)][state.order];
    body.append(...all('tr', body).sort((a, b) => {
      const by = state.order === 'like' ? 0 : key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0;
      return by || Number(a.dataset.hit) - Number(b.dataset.hit);
    }));
  }

  function paint() {
    squares.forEach((button, head) => button.setAttribute('aria-pressed', String(state.heads.has(head))));
    for (const key of Object.keys(pills)) for (const input of pills[key]) input.checked = input.value === state[key];
    topInput.value = String(state.top);
    topShown.textContent = state.top + ' %';
    specialInput.checked = state.special;
    maskButton.hidden = !maskedBy(state.token) && state.mask < 0;
    maskButton.textContent = state.mask === state.token ? `Unmask ${page.tokens[state.token]}` : `Mask ${page.tokens[state.token]}`;
    maskButton.disabled = !maskedBy(state.token);
    tell(weightsOf(state.token));
    tellScores();
    draw();
    if (page.hits.length) paintHits();
    sort();
    remember();
  }

  document.documentElement.classList.add('js');
  recall();
  build();
  paint();
  window.addEventListener('resize', draw);
  window.addEventListener('hashchange', () => { recall(); paint(); });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);
})();
