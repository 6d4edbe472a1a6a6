/**
 * Does the tasks of a search on this thread, with a pause after each, and on worker threads beside it. A worker makes
 * properties and kernels from their names; where it cannot, and where none is wanted, this thread does everything itself.
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
  /** Tasks that it takes at once. */
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

/** As many threads as jobs; this one is one of them. */
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

/** Tasks that a worker has at once: it need not wait for this thread to end its own before it is given the next. */
const AT_ONCE = 2;

class Threads implements Crew {
  readonly size: number;
  private readonly here: Alone;
  private isHereFree = true;
  private readonly helpers: readonly Helper[];

  constructor(plan: Plan, jobs: number) {
    const { properties, kernels, ...rest } = plan;
    const workerData: NamedPlan = {
      ...rest,
      properties: properties.map(({ id }) => id),
      kernels: kernels.map(namedKernel),
      scopes: scopesOf(plan).map(({ name }) => name),
    };
    this.here = new Alone(plan);
    this.helpers = Array.from({ length: jobs - 1 }, () => new Helper(workerData));
    this.size = 1 + AT_ONCE * this.helpers.length;
  }

  async do<T extends CrewTask>(task: T): Promise<Done<T>> {
    const [first, ...others] = this.helpers as [Helper, ...Helper[]];
    const idlest = others.reduce((best, one) => (one.tasks < best.tasks ? one : best), first);
    if (!this.isHereFree || idlest.tasks === 0) return await idlest.do(task);
    this.isHereFree = false;
    try {
      return await this.here.do(task);
    } finally {
      this.isHereFree = true;
    }
  }

  async end(): Promise<void> {
    await Promise.all(this.helpers.map((helper) => helper.end()));
  }
}

/** Who waits for the answer to a task. */
interface Waiting {
  resolve(done: Done<CrewTask>): void;
  reject(error: Error): void;
}

/** A worker thread, which does its tasks in the order in which they come. */
class Helper {
  private readonly worker: Worker;
  private readonly waiting: Waiting[] = [];

  constructor(workerData: NamedPlan) {
    this.worker = new Worker(WORKER, { workerData });
    this.worker.on('message', (answer: Answer) => {
      const next = this.waiting.shift();
      if ('done' in answer) next?.resolve(answer.done);
      else next?.reject(new Error(answer.failed));
    });
    this.worker.on('error', (error) => {
      for (const one of this.waiting.splice(0)) one.reject(error);
    });
  }

  /** Tasks that it has not answered yet. */
  get tasks(): number {
    return this.waiting.length;
  }

  do<T extends CrewTask>(task: T): Promise<Done<T>> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ resolve: resolve as Waiting['resolve'], reject });
      this.worker.postMessage(task);
    });
  }

  async end(): Promise<void> {
    await this.worker.terminate();
  }
}
