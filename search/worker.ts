/** A worker thread of a search: it does one task after the other. */
import { parentPort, workerData } from 'node:worker_threads';
import { type Answer, type NamedPlan, planOf } from './crew.ts';
import { type CrewTask, doTask } from './tasks.ts';

const plan = planOf(workerData as NamedPlan);

parentPort?.on('message', (task: CrewTask) => parentPort?.postMessage(answerTo(task)));

function answerTo(task: CrewTask): Answer {
  try {
    return { done: doTask(plan, task) };
  } catch (error) {
    return { failed: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}
