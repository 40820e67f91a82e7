// The three pictures of attention: lines between tokens, a grid of all heads, and what a head multiplies. Drawn on canvas; what is drawn can be
// reached by keyboard and read as text beside it. attention.js holds the data and what is chosen, and calls draw().
'use strict';
const attentionViews = (() => {
  const rowHeight = 24, strip = 96, mostThumbRows = 24;

  function make(tag, properties = {}, ...children) {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  }
  const named = (element, name) => { element.setAttribute('aria-label', name); return element; };
  const percent = (share) => `${Math.round(share * 100)} %`;
  const decimal = (value, digits) => value.toFixed(digits).replace(/^-(?=.*[1-9])/, '−').replace('-', '');
  const clamp = (value, least, most) => Math.max(least, Math.min(most, value));

  // A canvas of so many CSS pixels, cleared.
  function pen(canvas, width, height) {
    const ratio = window.devicePixelRatio || 1;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    const context = canvas.getContext('2d');
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    return context;
  }
  const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const colourOf = (head) => style(`--h${head % 12}`);

  // One of a list of buttons is in the order of the Tab key; `step` says where a key goes from there.
  function roving(buttons, step) {
    const go = (from, to) => {
      const at = clamp(to, 0, buttons.length - 1);
      for (const button of buttons) button.tabIndex = -1;
      buttons[at].tabIndex = 0;
      buttons[at].focus();
    };
    buttons.forEach((button, at) => {
      button.tabIndex = at === 0 ? 0 : -1;
      button.addEventListener('keydown', (event) => {
        const to = event.ctrlKey || event.metaKey || event.altKey ? undefined : step(event.key, at);
        if (to === undefined) return;
        event.preventDefault();
        go(at, to);
      });
      button.addEventListener('click', () => go(at, at));
    });
  }
  const vertical = (count) => (key, at) => ({ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: count - 1, PageDown: at + 12, PageUp: at - 12})[key];
  const horizontal = (count) => (key, at) => ({ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: count - 1})[key];

  function tokenButtons(data, className) {
    return data.tokens.map((text, at) => {
      const classes = `tok ${className}` + (data.special[at] ? ' special' : '');
      return make('button', {type: 'button', className: classes}, make('bdi', {textContent: text}));
    });
  }

  // Of a list of weights the largest, in words.
  function strongest(data, weights) {
    const order = weights.map((_, at) => at).filter((at) => weights[at] > 0.005).sort((a, b) => weights[b] - weights[a] || a - b).slice(0, 5);
    return order.length ? order.map((at) => `“${data.tokens[at]}” ${percent(weights[at])}`).join(', ') : 'nothing';
  }

  // Two columns of tokens with the weights of heads of a layer between them. `shown()` is {layer, heads, pinned} with places of both;
  // `pin(token)` is told what was clicked.
  function links(data, shown, pin) {
    const canvas = make('canvas', {className: 'lines'});
    const reading = make('p', {className: 'reading'});
    reading.setAttribute('aria-live', 'polite');
    const sides = {q: tokenButtons(data, 'from'), k: tokenButtons(data, 'to')};
    const column = (side, name) => named(make('div', {className: 'column'}, ...sides[side]), name);
    const left = column('q', 'Tokens that look'), right = column('k', 'Tokens that are looked at');
    for (const each of [left, right]) each.setAttribute('role', 'group');
    const box = make('div', {className: 'links'}, left, canvas, right);
    let hovered = null, focused = null;
    canvas.setAttribute('aria-hidden', 'true');

    const current = () => hovered || focused || shown().pinned;
    for (const side of ['q', 'k']) {
      const buttons = sides[side], other = sides[side === 'q' ? 'k' : 'q'];
      roving(buttons, vertical(buttons.length));
      buttons.forEach((button, at) => {
        button.addEventListener('mouseenter', () => { hovered = {side, at}; draw(); });
        button.addEventListener('mouseleave', () => { hovered = null; draw(); });
        button.addEventListener('focus', () => { focused = {side, at}; draw(); });
        button.addEventListener('blur', () => { focused = null; draw(); });
        button.addEventListener('click', () => {
          const {pinned} = shown();
          pin(pinned && pinned.side === side && pinned.at === at ? null : {side, at});
        });
        button.addEventListener('keydown', (event) => {
          if (event.key === 'Escape' && shown().pinned) {
            event.preventDefault();
            pin(null);
          } else if (event.key === (side === 'q' ? 'ArrowRight' : 'ArrowLeft')) {
            event.preventDefault();
            for (const each of other) each.tabIndex = -1;
            other[at].tabIndex = 0;
            other[at].focus();
          }
        });
      });
    }
    box.addEventListener('scroll', () => paint());

    // What a token looks at, or is looked at by, as a mean over the heads that are shown.
    function profile(token) {
      const {layer, heads} = shown(), mean = data.mean(layer, heads), count = data.count;
      return data.tokens.map((_, at) => {
        const [i, j] = token.side === 'q' ? [token.at, at] : [at, token.at];
        return data.allowed(i, j) ? mean[i * count + j] : 0;
      });
    }

    function draw() {
      const token = current(), {pinned, heads} = shown();
      for (const side of ['q', 'k']) {
        sides[side].forEach((button, at) => {
          const lit = token !== null && token.side === side && token.at === at;
          button.classList.toggle('on', lit);
          button.classList.toggle('off', token !== null && token.side === side && !lit);
          button.setAttribute('aria-pressed', String(pinned !== null && pinned.side === side && pinned.at === at));
        });
      }
      if (token) {
        const verb = token.side === 'q' ? 'looks most at' : 'is looked at most by';
        const of = heads.length > 1 ? ` (mean of ${heads.length} heads)` : '';
        reading.textContent = `“${data.tokens[token.at]}” ${verb} ${strongest(data, profile(token))}${of}`;
      } else {
        reading.textContent = 'Point at a token, or go to it by keyboard, for its lines alone. Click or Enter keeps it.';
      }
      paint();
    }

    function paint() {
      const width = canvas.clientWidth, height = Math.min(data.count * rowHeight, box.clientHeight);
      if (width === 0 || height === 0) return;
      canvas.style.height = `${height}px`;
      const context = pen(canvas, width, height), {layer, heads} = shown(), token = current();
      context.translate(0, -box.scrollTop);
      paintLines(context, width, box.scrollTop, height, layer, heads, token);
      paintStrips(context, width, layer, heads, token);
    }

    function paintLines(context, width, top, height, layer, heads, token) {
      const count = data.count, weights = data.weights(layer), kept = data.kept(layer, heads);
      const gain = heads.length === 1 ? 1 : heads.length ** (token ? -0.3 : -0.45);
      const [first, end] = token && token.side === 'q' ? [token.at, token.at + 1] : [0, count];
      const [firstKey, endKey] = token && token.side === 'k' ? [token.at, token.at + 1] : [0, count];
      const x = heads.length * boxWidth(width, heads) + 4, y = (at) => (at + 0.5) * rowHeight;
      context.lineWidth = count > 48 && !token ? 1 : 2;
      for (const head of heads) {
        const base = head * count * count, least = 3.5 / gain;
        context.strokeStyle = colourOf(data.heads[head]);
        for (let i = first; i < end; ++i) {
          for (let j = firstKey; j < endKey; ++j) {
            const weight = weights[base + i * count + j];
            if (weight < least || !kept[i * count + j]) continue;
            const from = y(i), to = y(j);
            if ((from < top && to < top) || (from > top + height && to > top + height)) continue;
            context.globalAlpha = Math.min(1, (weight / 255) * gain);
            context.beginPath();
            context.moveTo(x, from);
            context.lineTo(width - x, to);
            context.stroke();
          }
        }
      }
    }

    const boxWidth = (width, heads) => clamp(Math.min(strip, width / 4) / heads.length, 1, 10);

    // A box a head beside each token: what goes from or to the token in hand, or with none, what a token gets of all beside the one that gets most.
    function paintStrips(context, width, layer, heads, token) {
      const count = data.count, weights = data.weights(layer), size = boxWidth(width, heads), atRight = !token || token.side === 'q';
      const received = token ? null : data.received(layer);
      heads.forEach((head, place) => {
        context.fillStyle = colourOf(data.heads[head]);
        const x = atRight ? width + (place - heads.length) * size : place * size;
        for (let at = 0; at < count; ++at) {
          let share = 0;
          if (token) {
            const [i, j] = token.side === 'q' ? [token.at, at] : [at, token.at];
            share = data.allowed(i, j) ? weights[head * count * count + i * count + j] / 255 : 0;
          } else {
            share = received.shares[head * count + at] / (received.most[head] || 1);
          }
          context.globalAlpha = share;
          context.fillRect(x, at * rowHeight + 4, Math.max(1, size - 1), rowHeight - 8);
        }
      });
    }

    return {element: make('div', {}, reading, box), draw, buttons: sides};
  }

  // Every head as a thumbnail, layers down and heads across; `open(layer, head)` enlarges one.
  function grid(data, open) {
    const table = make('table', {className: 'thumbs'}), cells = [];
    const head = make('tr', {}, make('td', {}));
    for (const number of data.heads) head.append(make('th', {scope: 'col', textContent: String(number)}));
    const body = make('tbody', {});
    data.layers.forEach((layer, layerAt) => {
      const row = make('tr', {}, make('th', {scope: 'row', textContent: String(layer.layer)}));
      data.heads.forEach((number, headAt) => {
        const canvas = make('canvas', {}), button = make('button', {type: 'button', className: 'thumb'}, canvas);
        named(button, `Layer ${layer.layer}, head ${number}`);
        button.addEventListener('click', () => open(layerAt, headAt));
        row.append(make('td', {}, button));
        cells.push({button, canvas, layer: layerAt, head: headAt});
      });
      body.append(row);
    });
    table.style.setProperty('--heads', String(data.heads.length));
    table.append(make('caption', {textContent: 'Layers from top to bottom, heads from left to right; a click or Enter enlarges one'}), make('thead', {}, head), body);
    const across = data.heads.length, buttons = cells.map((cell) => cell.button);
    roving(buttons, (key, at) => ({
      ArrowRight: at + 1, ArrowLeft: at - 1, ArrowDown: at + across < buttons.length ? at + across : at, ArrowUp: at >= across ? at - across : at,
      Home: at - (at % across), End: at - (at % across) + across - 1,
    })[key]);
    let turn = 0;

    // A few milliseconds of thumbnails a frame, so that the page answers while they come.
    function draw() {
      const mine = ++turn;
      let next = 0;
      delete table.dataset.drawn;
      const some = () => {
        if (mine !== turn || cells[0].canvas.clientWidth === 0) return;
        const start = performance.now();
        while (next < cells.length && performance.now() - start < 12) thumbnail(cells[next++]);
        if (next < cells.length) requestAnimationFrame(some);
        else table.dataset.drawn = 'true';
      };
      requestAnimationFrame(some);
    }

    function thumbnail(cell) {
      const size = cell.canvas.clientWidth, context = pen(cell.canvas, size, size);
      const {shares, rows, mostLookedAt} = data.thumbnail(cell.layer, cell.head, mostThumbRows);
      context.strokeStyle = colourOf(data.heads[cell.head]);
      context.lineWidth = Math.max(0.7, size / rows / 3);
      for (let i = 0; i < rows; ++i) {
        for (let j = 0; j < rows; ++j) {
          const share = shares[i * rows + j];
          if (share < 0.04) continue;
          context.globalAlpha = Math.min(1, share);
          context.beginPath();
          context.moveTo(3, ((i + 0.5) * size) / rows);
          context.lineTo(size - 3, ((j + 0.5) * size) / rows);
          context.stroke();
        }
      }
      const name = `Layer ${data.layers[cell.layer].layer}, head ${data.heads[cell.head]}, most on ${mostLookedAt}`;
      named(cell.button, name);
      cell.button.title = name;
    }

    const focus = (layer, head) => { const cell = cells[layer * across + head]; if (cell) cell.button.focus(); };
    return {element: make('div', {className: 'scroll-x'}, table), draw, focus};
  }

  // What a head multiplies for one token: q, each k, their products number by number, their sum, and the weight.
  function neurons(data, shown, choose) {
    const buttons = tokenButtons(data, 'from'), rows = [], size = data.headSize;
    const list = named(make('div', {className: 'column'}, ...buttons), 'Token that looks');
    list.setAttribute('role', 'group');
    const query = make('canvas', {className: 'states'}), title = make('span', {}), note = make('p', {className: 'hint'});
    const reading = make('p', {className: 'reading'}), slider = make('input', {type: 'range', min: '0', max: String(size - 1), value: '0'});
    const table = make('table', {className: 'neurons'}), body = make('tbody', {});
    const columns = ['Token', 'Key k', 'q × k', 'q · k / √d', 'Weight'];
    const heading = columns.map((text, at) => make('th', {scope: 'col', textContent: text, className: at === 3 ? 'num' : ''}));
    table.append(make('caption', {}, title), make('thead', {}, make('tr', {}, ...heading)), body);
    let dimension = 0, row = -1, tones = [], hovered = -1;
    reading.setAttribute('aria-live', 'polite');
    data.tokens.forEach((text, at) => {
      const each = {
        key: make('canvas', {className: 'states'}), product: make('canvas', {className: 'states'}), sum: make('td', {className: 'num'}),
        bar: make('span', {className: 'share'}), share: make('span', {className: 'num'}),
      };
      const name = make('th', {scope: 'row'}, make('bdi', {textContent: text})), weight = make('td', {}, each.bar, each.share);
      const line = make('tr', {}, name, make('td', {}, each.key), make('td', {}, each.product), each.sum, weight);
      for (const canvas of [each.key, each.product]) canvas.addEventListener('mousemove', (event) => point(event, at));
      rows.push(each);
      body.append(line);
    });
    query.addEventListener('mousemove', (event) => point(event, row));
    slider.addEventListener('input', () => { dimension = Number(slider.value); draw(); });
    roving(buttons, vertical(buttons.length));
    buttons.forEach((button, at) => {
      button.addEventListener('focus', () => choose(at));
      button.addEventListener('mouseenter', () => { hovered = at; draw(); });
      button.addEventListener('mouseleave', () => { hovered = -1; draw(); });
    });

    function point(event, at) {
      const place = Math.floor((event.offsetX / event.target.clientWidth) * size);
      dimension = clamp(place, 0, size - 1);
      row = at;
      slider.value = String(dimension);
      draw();
    }

    // Upwards and orange what is above zero, downwards and blue what is below, as tall as it is beside `most`; the number in hand is marked.
    function states(canvas, values, most) {
      const width = canvas.clientWidth, height = canvas.clientHeight || 20;
      if (width === 0) return;
      const context = pen(canvas, width, height), step = width / values.length, middle = height / 2;
      context.fillStyle = style('--line');
      context.fillRect(0, middle - 0.5, width, 1);
      context.fillRect(dimension * step, 0, Math.max(1, step), height);
      for (let at = 0; at < values.length; ++at) {
        const tall = (Math.abs(values[at]) / most) * middle;
        context.fillStyle = tones[values[at] > 0 ? 0 : 1];
        context.fillRect(at * step, values[at] > 0 ? middle - tall : middle, Math.max(0.6, step - 0.4), tall);
      }
    }

    function draw() {
      const {layer, head} = shown(), {q, k, alone, most} = data.states(layer, head), count = data.count;
      const token = hovered >= 0 ? hovered : shown().token;
      const weights = data.weights(layer), vector = q(token);
      tones = [style('--pos'), style('--neg')];
      buttons.forEach((button, at) => {
        button.classList.toggle('on', at === token);
        button.setAttribute('aria-pressed', String(at === token));
      });
      title.textContent = `How “${data.tokens[token]}” looks, in layer ${data.layers[layer].layer}, head ${data.heads[head]}`;
      note.textContent = 'This model does more to the products than to scale them: it adds positions, or leaves tokens out. The weights are not their ' +
        'softmax alone.';
      note.hidden = alone;
      states(query, vector, most.q);
      const products = rows.map((_, at) => k(at).map((value, place) => value * vector[place]));
      const largest = products.reduce((sofar, product) => product.reduce((most, value) => Math.max(most, Math.abs(value)), sofar), 1e-9);
      let strongestRow = 0;
      rows.forEach((each, at) => {
        const product = products[at];
        const weight = weights[head * count * count + token * count + at] / 255;
        if (weight > weights[head * count * count + token * count + strongestRow] / 255) strongestRow = at;
        states(each.key, k(at), most.k);
        states(each.product, product, largest);
        each.sum.textContent = decimal(product.reduce((sum, value) => sum + value, 0) / Math.sqrt(size), 1);
        each.bar.style.width = `${(weight * 60).toFixed(1)}%`;
        each.share.textContent = percent(weight);
      });
      const of = row >= 0 ? row : strongestRow, key = k(of)[dimension], value = vector[dimension];
      reading.textContent = `Number ${dimension} of ${size}: q ${decimal(value, 2)} × k of “${data.tokens[of]}” ${decimal(key, 2)} = ${decimal(value * key, 2)}`;
    }

    const pick = make('label', {className: 'range'}, 'Number of the vector ', slider);
    const asked = make('div', {className: 'query'}, make('span', {textContent: 'Query q'}), query);
    const both = make('div', {className: 'neuron'}, list, make('div', {className: 'scroll-x'}, asked, table));
    return {element: make('div', {}, note, pick, reading, both), draw};
  }

  return {make, named, roving, horizontal, links, grid, neurons};
})();
