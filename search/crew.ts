/**
 * Does the tasks of a search on worker threads. A thread makes properties and kernels from their names; where it cannot,
 * and where no thread is wanted, this thread does everything itself, with a pause after each task.
 */
import { existsSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { kernelNamed } from '../model/patch/index.ts';
import type { Kernel } from '../model/types/world.ts';
import { kernelMeant, type NamedKernel, namedKernel, ownPatchOf } from '../own/patch.ts';
import { properties as known } from '../properties/index.ts';
import { runScopes } from '../properties/scopes/runs.ts';
import { type Plan, scopesOf } from './bulk.ts';
import { type CrewTask, type Done, doTask } from './tasks.ts';

/** Those who do the tasks of a search. */
export interface Crew {
  /** Tasks that it does at once. */
  readonly size: number;
  do<T extends CrewTask>(task: T): Promise<Done<T>>;
  end(): Promise<void>;
}

/** A plan as it is told to a thread. */
export interface NamedPlan extends Omit<Plan, 'properties' | 'kernels' | 'scopes'> {
  readonly properties: readonly string[];
  readonly scopes: readonly string[];
  readonly kernels: readonly NamedKernel[];
}

export type Answer = { readonly done: Done<CrewTask> } | { readonly failed: string };

/** The built program of a thread; there is none beside the sources. */
const WORKER = new URL('./search-worker.js', import.meta.url);

/** As many threads as jobs, none for a single one. */
export function hire(plan: Plan, jobs: number): Crew {
  return jobs > 1 && isNamed(plan) && existsSync(fileURLToPath(WORKER)) ? new Threads(plan, jobs) : new Alone(plan);
}

/** Whether a thread that knows the names has the same properties, kernels and scopes. */
function isNamed(plan: Plan): boolean {
  const { properties, kernels } = plan;
  const areScopes = scopesOf(plan).every((scope) => runScopes.includes(scope));
  return areScopes && properties.every((property) => known.includes(property)) && kernels.every(isKnown);
}

function isKnown(kernel: Kernel): boolean {
  const named = kernelNamed(kernel.name, kernel.release);
  return (
    ownPatchOf(kernel) !== undefined ||
    (named !== undefined &&
      (Object.keys(kernel) as (keyof Kernel)[]).every((member) => kernel[member] === named[member]))
  );
}

/** The plan that those names stand for. */
export function planOf({ properties, kernels, scopes, ...rest }: NamedPlan): Plan {
  return {
    ...rest,
    scopes: runScopes.filter(({ name }) => scopes.includes(name)),
    properties: properties.flatMap((id) => known.find((property) => property.id === id) ?? []),
    kernels: kernels.flatMap((one) => kernelMeant(one) ?? []),
  };
}

class Alone implements Crew {
  readonly size = 1;
  private readonly plan: Plan;

  constructor(plan: Plan) {
    this.plan = plan;
  }

  async do<T extends CrewTask>(task: T): Promise<Done<T>> {
    await setImmediate();
    return doTask(this.plan, task);
  }

  async end(): Promise<void> {}
}

class Threads implements Crew {
  readonly size: number;
  private readonly free: Worker[];
  private readonly all: readonly Worker[];

  constructor(plan: Plan, jobs: number) {
    const { properties, kernels, ...rest } = plan;
    const workerData: NamedPlan = {
      ...rest,
      properties: properties.map(({ id }) => id),
      kernels: kernels.map(namedKernel),
      scopes: scopesOf(plan).map(({ name }) => name),
    };
    this.size = jobs;
    this.all = Array.from({ length: jobs }, () => new Worker(WORKER, { workerData }));
    this.free = [...this.all];
  }

  do<T extends CrewTask>(task: T): Promise<Done<T>> {
    const worker = this.free.pop() as Worker;
    return new Promise((resolve, reject) => {
      const finish = () => {
        worker.off('message', hear);
        worker.off('error', reject);
        this.free.push(worker);
      };
      const hear = (answer: Answer) => {
        finish();
        if ('done' in answer) resolve(answer.done as Done<T>);
        else reject(new Error(answer.failed));
      };
      worker.on('message', hear);
      worker.on('error', reject);
      worker.postMessage(task);
    });
  }

  async end(): Promise<void> {
    await Promise.all(this.all.map((worker) => worker.terminate()));
  }
}
