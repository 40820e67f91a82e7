// What is asked about: a text or a pair, and which model.
export interface Sentence {
  model: string;
  text: string;
  pair: string | null;
}

export function bodyOf(sentence: Sentence): { model: string; text: string; text_pair?: string } {
  return { model: sentence.model, text: sentence.text, ...(sentence.pair === null ? {} : { text_pair: sentence.pair }) };
}

export function classifyBody(sentence: Sentence): { model: string; input: (string | [string, string])[] } {
  return { model: sentence.model, input: [sentence.pair === null ? sentence.text : [sentence.text, sentence.pair]] };
}

// The same of a model that labels tokens. Places are asked for as JavaScript counts them.
export function entitiesBody(sentence: Sentence, aggregationStrategy: string): object {
  return { model: sentence.model, input: [sentence.text], aggregation_strategy: aggregationStrategy, offset_unit: 'utf16' };
}
