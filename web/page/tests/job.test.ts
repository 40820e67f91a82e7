import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Job, type JobPort, type Question, type RowResult } from '../src/job';

const pause = (ms = 0): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
const answerTo = (question: Question): RowResult => ({ label: `L${question.length % 3}`, score: 0.5, truncated: question === 'long' });

function portOf(classify: (questions: Question[]) => Promise<RowResult[]>): JobPort & { slept: number[]; waited: number } {
  return {
    slept: [],
    waited: 0,
    classify,
    refusal: (error) => {
      const message = (error as Error).message;
      if (message === 'busy') return { kind: 'later', ms: 100 };
      if (message === 'gone') return { kind: 'absent' };
      return message === 'forbidden' ? { kind: 'never', message } : { kind: 'smaller', message };
    },
    async sleep(ms) {
      this.slept.push(ms);
    },
    async untilReady() {
      ++this.waited;
    },
  };
}
const texts = (count: number): string[] => Array.from({ length: count }, (_, at) => `text ${at}`);

test('every row gets its own answer, in batches of bounded size with as many in flight as allowed', async () => {
  const rows = texts(1000);
  let now = 0;
  let most = 0;
  let largest = 0;
  const job = new Job(
    rows.length,
    (row) => rows[row] ?? '',
    portOf(async (questions) => {
      most = Math.max(most, ++now);
      largest = Math.max(largest, questions.length);
      await pause();
      --now;
      return questions.map((question) => ({ label: String(question), score: 1, truncated: false }));
    }),
    { batchTexts: 16, batchCharacters: 1e6, inFlight: 3 },
  );
  await job.run();
  assert.equal(job.state, 'done');
  assert.equal(job.answered, 1000);
  assert.equal(most, 3);
  assert.equal(largest, 16);
  rows.forEach((text, row) => assert.deepEqual(job.results[row], { label: text, score: 1, truncated: false }));
});

test('a batch is bounded by its characters, too, but has one text at least', async () => {
  const rows = ['a'.repeat(10), 'b'.repeat(300), 'c'.repeat(60), 'd'.repeat(60), 'e'];
  const sizes: number[] = [];
  const job = new Job(
    rows.length,
    (row) => rows[row] ?? '',
    portOf(async (questions) => {
      sizes.push(questions.length);
      return questions.map(answerTo);
    }),
    { batchTexts: 64, batchCharacters: 100, inFlight: 1 },
  );
  await job.run();
  assert.deepEqual(sizes, [1, 1, 1, 2]);
});

test('a busy server is waited for, longer and longer, and nothing is lost', async () => {
  let refusals = 3;
  const port = portOf(async (questions) => {
    if (refusals-- > 0) throw new Error('busy');
    return questions.map(answerTo);
  });
  const job = new Job(10, (row) => `text ${row}`, port, { batchTexts: 10, batchCharacters: 1e6, inFlight: 1 });
  await job.run();
  assert.deepEqual(port.slept, [100, 200, 400]);
  assert.equal(job.answered, 10);
  assert.equal(job.failed, 0);
});

test('a server that went away is waited for', async () => {
  let gone = true;
  const port = portOf(async (questions) => {
    if (gone) {
      gone = false;
      throw new Error('gone');
    }
    return questions.map(answerTo);
  });
  const job = new Job(5, () => 'x', port, { batchTexts: 5, batchCharacters: 100, inFlight: 1 });
  await job.run();
  assert.equal(port.waited, 1);
  assert.equal(job.answered, 5);
});

test('of a batch that is refused only the text that is to blame fails', async () => {
  const rows = texts(40);
  rows[17] = 'bad';
  const job = new Job(
    rows.length,
    (row) => rows[row] ?? '',
    portOf(async (questions) => {
      if (questions.includes('bad')) throw new Error('expected text');
      return questions.map(answerTo);
    }),
  );
  await job.run();
  assert.equal(job.failed, 1);
  assert.equal(job.answered, 40);
  assert.deepEqual(job.results[17], { error: 'expected text' });
  assert.ok(job.results.every((result, row) => row === 17 || (result !== undefined && 'label' in result)));
});

test('where nothing is ever answered the job ends instead of asking for each row', async () => {
  let asked = 0;
  const job = new Job(
    100_000,
    () => 'x',
    portOf(async () => {
      ++asked;
      throw new Error('the server failed');
    }),
  );
  await job.run();
  assert.equal(job.state, 'failed');
  assert.equal(job.failure, 'the server failed');
  assert.ok(asked < 1000, `asked ${asked} times`);
});

test('what will never work ends the job with its reason', async () => {
  const job = new Job(
    500,
    () => 'x',
    portOf(async () => {
      throw new Error('forbidden');
    }),
  );
  await job.run();
  assert.equal(job.state, 'failed');
  assert.equal(job.failure, 'forbidden');
});

test('rows without a text are not asked about', async () => {
  let asked = 0;
  const job = new Job(
    10,
    (row) => (row % 2 ? { error: 'no text' } : 'x'),
    portOf(async (questions) => {
      asked += questions.length;
      return questions.map(answerTo);
    }),
  );
  await job.run();
  assert.equal(asked, 5);
  assert.equal(job.failed, 5);
  assert.deepEqual([...job.labels], [['L1', 5]]);
});

test('paused it asks nothing more, and goes on where it was', async () => {
  let asked = 0;
  const job = new Job(
    100,
    () => 'long',
    portOf(async (questions) => {
      ++asked;
      await pause(1);
      return questions.map(answerTo);
    }),
    { batchTexts: 5, batchCharacters: 1000, inFlight: 2 },
  );
  const ended = job.run();
  await pause(3);
  job.pause();
  await pause(5);
  const before = asked;
  await pause(20);
  assert.equal(asked, before);
  assert.ok(job.answered < 100);
  job.goOn();
  await ended;
  assert.equal(job.answered, 100);
  assert.equal(job.truncated, 100);
  assert.equal(asked, 20);
});

test('cancelled it keeps what it has', async () => {
  const job = new Job(
    1000,
    () => 'x',
    portOf(async (questions) => {
      await pause(1);
      return questions.map(answerTo);
    }),
    { batchTexts: 1, batchCharacters: 10, inFlight: 1 },
  );
  const ended = job.run();
  await pause(10);
  job.cancel();
  await ended;
  assert.equal(job.state, 'cancelled');
  assert.ok(job.answered > 0 && job.answered < 1000);
  assert.equal(job.results.filter((result) => result !== undefined).length, job.answered);
});

test('it can be cancelled while paused', async () => {
  const job = new Job(
    1000,
    () => 'x',
    portOf(async (questions) => {
      await pause(1);
      return questions.map(answerTo);
    }),
  );
  const ended = job.run();
  job.pause();
  await pause(5);
  job.cancel();
  await ended;
  assert.equal(job.state, 'cancelled');
});
