// What is served here: the model's labels and limits, and what becomes of a text that is too long.
import { counted, grouped, make, nameOf } from './dom';
import { labelsTokens, type Decision, type Model, type Offer } from './server';

const dtypes: Record<string, string> = { f32: 'f32: exact, as the model was trained', bf16: 'bf16: 16 bits a weight', int8: 'int8: 8 bits a weight' };
const kernels: Record<string, string> = {
  scalar: 'plain loops (scalar)',
  sse2: 'SSE2',
  avx2: 'AVX2',
  avxvnni: 'AVX2 and VNNI',
  neon: 'NEON',
  avx512: 'AVX-512',
  avx512vnni: 'AVX-512 and VNNI',
  avx512bf16: 'AVX-512, VNNI and bf16',
};
const functions: Record<string, string> = {
  softmax: 'softmax: one label is meant, the scores add up to 1',
  sigmoid: 'sigmoid: each label for itself, several may be meant',
  none: 'none: the numbers as the model gives them',
};

const parametersOf = (count: number): string =>
  count < 1e6 ? `${grouped(count)} parameters` : `${grouped(Math.round(count / 1e5) / 10)} million parameters`;
export const labelsOf = (model: Model): string[] => Object.values(model.id2label);

export function modelCard(model: Model, offer: Offer): HTMLElement {
  const labels = labelsOf(model);
  const facts = make('dl', { className: 'facts' });
  const fact = (term: string, ...children: (Node | string)[]): void => {
    if (children.some((child) => child !== '')) facts.append(make('div', {}, make('dt', { textContent: term }), make('dd', {}, ...children)));
  };
  fact('Name', nameOf(model.id));
  fact('Checkpoint', model.model_id === model.id ? '' : nameOf(model.model_id, 200));
  fact('Revision', model.revision);
  fact('Family', `${model.model_type}, ${parametersOf(model.num_parameters)}`);
  fact(
    counted(labels.length, 'label'),
    ...labels.slice(0, 50).flatMap((label, at) => (at ? [', ', nameOf(label)] : [nameOf(label)])),
    labels.length > 50 ? ', …' : '',
  );
  fact('Labels', labelsTokens(model) ? 'tokens, which make up entities' : '');
  fact('Scores by', functions[model.function_to_apply] ?? model.function_to_apply);
  fact('Decision', model.decision ? decisionText(model.decision) : '');
  fact('Reads up to', `${counted(model.max_length, 'token')}, special ones included: a word is one or some of them`);
  fact('A longer text', 'is cut at its end: the answer is about what was read, and the page says so');
  fact('Computes in', dtypes[model.dtype] ?? model.dtype);
  fact('Runs on', `${kernels[model.kernels] ?? model.kernels}, Filbert ${offer.version}`);
  fact('This page', 'keeps no text: not in its address, not in this browser. Every question goes to this server and to nobody else.');
  return make('section', { className: 'card' }, make('h2', { textContent: 'The model' }), facts);
}

// What filbert_decision.json makes of the model's scores.
function decisionText(decision: Decision): string {
  const parts = [
    ...(decision.calibrated ? ['calibrated scores'] : []),
    'labels of its own',
    ...(decision.has_thresholds ? ['thresholds'] : []),
    ...(decision.may_reject ? ['an answer may be rejected'] : []),
    ...(decision.has_expected ? ['an expected value'] : []),
  ];
  return parts.join(', ') + '; explanations are of the model’s own scores and labels';
}

// What it does, for somebody who comes for the first time.
export function leadOf(model: Model): string {
  const labels = labelsOf(model);
  if (labelsTokens(model)) {
    const types = (model.entity_groups ?? []).filter((type) => type !== 'O').length;
    return `Type a text, and the model finds what in it is one of ${counted(types, 'type')}.`;
  }
  if (labels.length === 0) return 'Type a text, and the model says which label it has.';
  if (labels.length === 1) return 'Type a text, and the model gives it a score.';
  return `Type a text, and the model says which of its ${labels.length} labels it has.`;
}
