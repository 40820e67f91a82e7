import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Latest, type LatestPort } from '../src/latest';

const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
const sleep = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener(
      'abort',
      () => {
        clearTimeout(timer);
        reject(new Error('aborted'));
      },
      { once: true },
    );
  });

function recorder(ask: (question: string, signal: AbortSignal) => Promise<string>): { port: LatestPort<string, string>; log: string[] } {
  const log: string[] = [];
  return {
    log,
    port: {
      ask,
      sleep,
      show: (answer) => {
        log.push(`show ${answer}`);
      },
      fail: (message) => {
        log.push(`fail ${message}`);
      },
      wait: (why) => {
        log.push(`wait ${why}`);
      },
      refusal: (error) => {
        const message = (error as Error).message;
        return message === 'busy' ? { kind: 'later', ms: 1 } : message === 'absent' ? { kind: 'absent' } : { kind: 'smaller', message };
      },
      untilReady: async () => {
        log.push('ready');
      },
    },
  };
}

test('an older answer never overwrites a newer one, even if its request cannot be ended', async () => {
  const { port, log } = recorder(async (question) => {
    // deaf to the signal
    await pause(question === 'a' ? 30 : 1);
    return question;
  });
  const latest = new Latest(port);
  latest.set('a', 0);
  await pause(5);
  latest.set('b', 0);
  await pause(60);
  assert.deepEqual(log, ['show b']);
});

test('while one types only the last question is asked', async () => {
  const asked: string[] = [],
    { port, log } = recorder(async (question) => {
      asked.push(question);
      return question;
    });
  const latest = new Latest(port);
  for (const question of ['a', 'ab', 'abc']) latest.set(question, 10);
  await pause(40);
  assert.deepEqual(asked, ['abc']);
  assert.deepEqual(log, ['show abc']);
});

test('the request that is given up is told so', async () => {
  let aborted = false;
  const { port, log } = recorder(
    (_question, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          aborted = true;
          reject(new Error('aborted'));
        });
      }),
  );
  const latest = new Latest(port);
  latest.set('a', 0);
  await pause(5);
  latest.clear();
  await pause(5);
  assert.ok(aborted);
  assert.deepEqual(log, []);
});

test('a busy server is asked again, an absent one once it is there', async () => {
  const problems = ['busy', 'busy', 'absent'],
    { port, log } = recorder(async (question) => {
      const problem = problems.shift();
      if (problem) throw new Error(problem);
      return question;
    });
  new Latest(port).set('a', 0);
  await pause(60);
  assert.deepEqual(log, ['wait busy', 'wait busy', 'wait absent', 'ready', 'show a']);
});

test('what is refused is said, and not asked again', async () => {
  const { port, log } = recorder(async () => {
    throw new Error('too long');
  });
  new Latest(port).set('a', 0);
  await pause(20);
  assert.deepEqual(log, ['fail too long']);
});
