// The server that the page came from: requests, its key, whether it is there. Addresses are relative to the page's own, so that a proxy may
// put it under any path. The key stays in this tab (sessionStorage) and is sent to this server alone; texts are kept nowhere.
import type { Refusal } from './job';

export interface LabelScore {
  label: string;
  score: number;
}
export interface Answer {
  index: number;
  label: string;
  score: number;
  scores: LabelScore[];
  tokens_total: number;
  tokens_used: number;
  truncated: boolean;
  expected?: number; // these two where a decision has them
  rejected?: boolean;
}
export interface FailedAnswer {
  index: number;
  error: { message: string };
}
export type Item = Answer | FailedAnswer;
export interface ClassifyAnswer {
  data: Item[];
}

// POST /v1/entities. With the strategy none an entity is a token, and has `entity`, its label.
export interface Entity {
  entity_group?: string;
  entity?: string;
  score: number;
  word: string;
  start: number;
  end: number;
}
export interface EntitiesFound {
  index: number;
  entities: Entity[];
  tokens_total: number;
  tokens_used: number;
  truncated: boolean;
}
export interface EntitiesAnswer {
  data: (EntitiesFound | FailedAnswer)[];
}

// What is made of the model's own scores and labels; explanations are of those.
export interface Decision {
  model_labels: string[];
  calibrated: boolean;
  has_thresholds: boolean;
  may_reject: boolean;
  has_expected: boolean;
}

// GET /v1/models; docs/serve.md has the fields.
export interface Model {
  id: string;
  model_id: string;
  revision: string;
  model_type: string;
  task: 'text-classification' | 'token-classification';
  entity_groups?: string[];
  id2label: Record<string, string>; // of the answers
  decision?: Decision;
  function_to_apply: string;
  max_length: number;
  num_parameters: number;
  dtype: string;
  kernels: string;
  num_hidden_layers: number;
  has_mask_token: boolean;
  index?: ModelIndex;
}
// Of many texts, that POST /similar searches.
export interface ModelIndex {
  texts: number;
  tokens: number;
  gold: number;
  max_length: number;
  layers: { layer: number; heads: number }[];
}
export interface Offer {
  version: string;
  explain: boolean;
  has_api_key: boolean;
  max_client_batch_size: number;
  explain_timeout_ms: number;
}
interface ModelsAnswer {
  data: (Model & { created?: number })[];
  server: Offer;
}

export const labelsTokens = (model: Model): boolean => model.task === 'token-classification';

export class ServerError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly retryAfterMs: number,
  ) {
    super(message);
  }
}
// No answer at all, or one that says that the server is about to go.
export class Unreachable extends Error {}

export type State = 'starting' | 'up' | 'down' | 'key';
const keyName = 'filbert-api-key';
const retrySeconds = [1, 1, 2, 3, 5];
const goneStatuses = [502, 503, 504];

export interface RequestOptions {
  signal?: AbortSignal;
  accept?: string;
  background?: boolean;
}

export class Server {
  state: State = 'starting';
  models: Model[] = [];
  offer: Offer = { version: '', explain: true, has_api_key: false, max_client_batch_size: 32, explain_timeout_ms: 5000 };
  wrongKey = false;
  onChange: (() => void)[] = []; // the state or the models are others
  onReady: (() => void)[] = []; // it is there again: what waits may be asked
  private attempt = 0;
  private timer: number | undefined;
  private key = '';

  constructor() {
    try {
      this.key = sessionStorage.getItem(keyName) ?? '';
    } catch {
      // No storage: the key lives as long as the page.
    }
  }

  url(path: string): string {
    return new URL(path, document.baseURI).href;
  }

  setKey(key: string): void {
    this.key = key;
    try {
      sessionStorage.setItem(keyName, key);
    } catch {
      // As above.
    }
    void this.look();
  }

  // Asks which models there are, and so whether the server is there.
  async look(): Promise<void> {
    window.clearTimeout(this.timer);
    try {
      const answer = await this.json<ModelsAnswer>('v1/models', undefined, {});
      this.models = answer.data.map(({ created: _created, ...model }) => model); // the time of the answer is no part of the model
      this.offer = answer.server;
      this.become('up');
    } catch (error) {
      if (this.state === 'key') return;
      if (!(error instanceof Unreachable)) this.become('down');
    }
  }

  // A GET without a body, else a POST of JSON. Throws ServerError or Unreachable, or what the signal has.
  async request(path: string, body: unknown, options: RequestOptions): Promise<Response> {
    const headers: Record<string, string> = {};
    if (body !== undefined) headers['Content-Type'] = 'application/json';
    if (options.accept) headers['Accept'] = options.accept;
    if (options.background) headers['Priority'] = 'u=6';
    if (this.key) headers['Authorization'] = `Bearer ${this.key}`;
    let answer: Response;
    try {
      answer = await fetch(this.url(path), {
        method: body === undefined ? 'GET' : 'POST',
        headers,
        cache: 'no-store',
        credentials: 'same-origin',
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        ...(options.signal ? { signal: options.signal } : {}),
      });
    } catch (error) {
      if (options.signal?.aborted) throw error;
      this.become('down');
      throw new Unreachable('no answer');
    }
    if (answer.ok) return answer;
    const problem = new ServerError(answer.status, await messageOf(answer), retryAfter(answer));
    if (answer.status === 401) {
      this.wrongKey = this.key !== '';
      this.become('key');
    }
    if (!goneStatuses.includes(answer.status)) throw problem;
    this.become('down');
    throw new Unreachable(problem.message);
  }

  // The same, read as JSON; an answer that breaks off is none.
  async json<T>(path: string, body: unknown, options: RequestOptions): Promise<T> {
    const answer = await this.request(path, body, options);
    try {
      return (await answer.json()) as T;
    } catch (error) {
      if (options.signal?.aborted) throw error;
      this.become('down');
      throw new Unreachable('the answer broke off');
    }
  }

  // Resolves once requests make sense again.
  untilReady(signal: AbortSignal): Promise<void> {
    if (this.state === 'up') return Promise.resolve();
    return new Promise((resolve, reject) => {
      const ready = () => {
        this.onReady = this.onReady.filter((each) => each !== ready);
        resolve();
      };
      this.onReady.push(ready);
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    });
  }

  private become(state: State): void {
    const before = this.state;
    this.state = state;
    window.clearTimeout(this.timer);
    if (state === 'up') {
      this.attempt = 0;
      this.wrongKey = false;
    }
    if (state === 'down') {
      const seconds = retrySeconds[Math.min(this.attempt++, retrySeconds.length - 1)] ?? 5;
      this.timer = window.setTimeout(() => void this.look(), seconds * 1000);
    }
    for (const each of this.onChange) each();
    if (state === 'up' && before !== 'up') for (const each of [...this.onReady]) each();
  }
}

// A problem as any dialect writes it: {"error": {"message"}} or {"error": "…"}.
async function messageOf(answer: Response): Promise<string> {
  const text = await answer.text().catch(() => '');
  try {
    const { error } = JSON.parse(text) as { error?: { message?: string } | string };
    const message = typeof error === 'string' ? error : error?.message;
    if (message) return message;
  } catch {
    // Not ours: a proxy's page, perhaps.
  }
  return `the server answered ${answer.status}${answer.statusText ? ' ' + answer.statusText : ''}`;
}

// Seconds, or a date; a second where nothing is said.
function retryAfter(answer: Response): number {
  const value = answer.headers.get('Retry-After') ?? '';
  const seconds = Number(value);
  if (value !== '' && Number.isFinite(seconds)) return Math.max(0.2, seconds) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? 1000 : Math.max(200, date - Date.now());
}

export function refusalOf(error: unknown): Refusal {
  if (error instanceof Unreachable) return { kind: 'absent' };
  if (!(error instanceof ServerError)) return { kind: 'never', message: error instanceof Error ? error.message : String(error) };
  if (error.status === 401) return { kind: 'absent' };
  if (error.status === 429) return { kind: 'later', ms: error.retryAfterMs };
  if ([403, 404, 405, 501].includes(error.status)) return { kind: 'never', message: error.message };
  return { kind: 'smaller', message: error.message };
}

export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener(
      'abort',
      () => {
        clearTimeout(timer);
        reject(signal.reason as Error);
      },
      { once: true },
    );
  });
}
