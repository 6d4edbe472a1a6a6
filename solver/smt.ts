/**
 * The SMT solver z3, through its low-level synchronous interface.
 *
 * The high-level interface is never used: it frees terms from a finalizer, which corrupts z3's heap while a check runs.
 * z3 is loaded on first use, so that nothing which does not solve pays for it.
 */
import type { Z3_ast, Z3_context, Z3_model, Z3_solver, Z3_symbol, Z3LowLevel } from 'z3-solver';
import { InternalError } from './terms/term.ts';

/** The loaded solver; one for the process. */
export interface Z3 {
  readonly api: Z3LowLevel['Z3'];
  /** What z3 calls itself, which is not the version of its package. */
  readonly version: string;
  readonly checkNow: (context: Z3_context, solver: Z3_solver) => number;
  readonly simplifyNow: (context: Z3_context, ast: Z3_ast) => Z3_ast;
}

let loading: Promise<Z3> | undefined;

export function loadZ3(): Promise<Z3> {
  loading ??= load();
  return loading;
}

async function load(): Promise<Z3> {
  const { init } = await import('z3-solver');
  const { Z3: api, em } = await init();
  const checkNow = em._Z3_solver_check as Z3['checkNow'];
  const simplifyNow = em._Z3_simplify as Z3['simplifyNow'];
  return { api, version: api.get_full_version(), checkNow, simplifyNow };
}

export type SmtAnswer = 'sat' | 'unsat' | 'unknown';

/**
 * `many`: one solver for many small checks with push and pop. `one`: the strategy for bit-vectors, for one formula.
 * `integers`: the strategy for linear formulas over integers.
 */
export type SolverKind = 'many' | 'one' | 'integers';

export interface Effort {
  /** z3's own count of its steps: the same formula takes the same number of them everywhere. 0 is no limit. */
  readonly rlimit: number;
  /** Milliseconds, 0 is no limit. */
  readonly timeout: number;
}

/** Terms and solvers of one property. Everything is given back by dispose(). */
export class SmtContext {
  readonly z3: Z3;
  readonly context: Z3_context;

  constructor(z3: Z3) {
    const config = z3.api.mk_config();
    this.z3 = z3;
    this.context = z3.api.mk_context(config);
    z3.api.del_config(config);
  }

  symbol(name: string): Z3_symbol {
    return this.z3.api.mk_string_symbol(this.context, name);
  }

  solver(kind: SolverKind): SmtSolver {
    return new SmtSolver(this, kind);
  }

  /** Throws when z3 has noted an error, such as terms of two widths joined. */
  verify(): void {
    const { api } = this.z3;
    const code = api.get_error_code(this.context);
    if (code !== 0) throw new InternalError(`z3: ${api.get_error_msg(this.context, code)}`);
  }

  /** The value of a numeral: of a bit-vector unsigned, of an integer as it is. */
  numeral(ast: Z3_ast): bigint {
    const { api } = this.z3;
    const value = api.get_numeral_uint64(this.context, ast) ?? api.get_numeral_int64(this.context, ast);
    if (value === null) throw new InternalError('z3: not a numeral');
    return value;
  }

  /** A constant formula or number, computed by z3 without a solver. */
  simplify(ast: Z3_ast): Z3_ast {
    const result = this.z3.simplifyNow(this.context, ast);
    this.verify();
    return result;
  }

  dispose(): void {
    this.z3.api.del_context(this.context);
  }
}

export class SmtSolver {
  private readonly smt: SmtContext;
  private readonly logic: string;
  private readonly solver: Z3_solver;

  constructor(smt: SmtContext, kind: SolverKind) {
    const { api } = smt.z3;
    this.smt = smt;
    this.logic = kind === 'integers' ? 'QF_LIA' : 'QF_BV';
    this.solver =
      kind === 'many'
        ? api.mk_simple_solver(smt.context)
        : api.mk_solver_for_logic(smt.context, smt.symbol(this.logic));
    api.solver_inc_ref(smt.context, this.solver);
  }

  assert(formula: Z3_ast): void {
    this.smt.z3.api.solver_assert(this.smt.context, this.solver, formula);
    this.smt.verify();
  }

  push(): void {
    this.smt.z3.api.solver_push(this.smt.context, this.solver);
  }

  pop(levels: number): void {
    if (levels > 0) this.smt.z3.api.solver_pop(this.smt.context, this.solver, levels);
  }

  /** Whether everything asserted can hold together. */
  check(effort: Effort): SmtAnswer {
    this.limit(effort);
    const answer = this.smt.z3.checkNow(this.smt.context, this.solver);
    this.smt.verify();
    return answer === 1 ? 'sat' : answer === -1 ? 'unsat' : 'unknown';
  }

  /** Why the last check was undecided, in z3's words. */
  reasonUnknown(): string {
    return this.smt.z3.api.solver_get_reason_unknown(this.smt.context, this.solver);
  }

  /** Values of bit-vectors after a check that found the formula satisfiable. */
  values(asts: readonly Z3_ast[]): bigint[] {
    const { api } = this.smt.z3;
    const { context } = this.smt;
    const model = api.solver_get_model(context, this.solver);
    this.smt.verify();
    api.model_inc_ref(context, model);
    const values = asts.map((ast) => this.valueIn(model, ast));
    api.model_dec_ref(context, model);
    return values;
  }

  private valueIn(model: Z3_model, ast: Z3_ast): bigint {
    const value = this.smt.z3.api.model_eval(this.smt.context, model, ast, true);
    if (value === null) throw new InternalError('z3: the model has no value');
    return this.smt.numeral(value);
  }

  /** What is asserted, as SMT-LIB that any solver can check. */
  smtlib(): string {
    const body = this.smt.z3.api.solver_to_string(this.smt.context, this.solver);
    this.smt.verify();
    return `(set-logic ${this.logic})\n${body}(check-sat)\n`;
  }

  dispose(): void {
    this.smt.z3.api.solver_dec_ref(this.smt.context, this.solver);
  }

  private limit({ rlimit, timeout }: Effort): void {
    const { api } = this.smt.z3;
    const { context } = this.smt;
    const params = api.mk_params(context);
    api.params_inc_ref(context, params);
    api.params_set_uint(context, params, this.smt.symbol('rlimit'), Math.min(rlimit, 2 ** 32 - 1));
    api.params_set_uint(context, params, this.smt.symbol('timeout'), timeout > 0 ? Math.ceil(timeout) : 2 ** 32 - 1);
    api.solver_set_params(context, this.solver, params);
    api.params_dec_ref(context, params);
  }
}
