/** Binding and assignment patterns: which names they bind, and the defaults and types inside them. */
import type { AssignmentTarget, BindingPattern, Expression, ParamPattern, PropertyKey } from 'oxc-parser';
import { erasePatternType } from './erase.ts';
import { liftExpression } from './expressions.ts';
import type { Lifting } from './lifting.ts';
import type { BindingKind } from './scopes.ts';

type Pattern =
  | Exclude<BindingPattern | ParamPattern | AssignmentTarget, { type: 'RestElement' | 'AssignmentPattern' }>
  | { type: 'RestElement'; argument: Pattern }
  | { type: 'AssignmentPattern'; left: Pattern; right: Expression };

/** Checks a key that is written out: a name, a string or a number. */
export function checkKey(lifting: Lifting, key: PropertyKey): void {
  if (key.type === 'Literal' && key.value === '__proto__') lifting.refuse(key, 'property __proto__');
  else if (key.type === 'Identifier' && key.name === '__proto__') lifting.refuse(key, 'property __proto__');
  else if (key.type !== 'Identifier' && key.type !== 'Literal') lifting.refuse(key, `property name ${key.type}`);
}

/** Declares every name of a pattern and lifts its defaults. */
export function liftBinding(lifting: Lifting, pattern: BindingPattern | ParamPattern, kind: BindingKind): void {
  if (pattern.type === 'TSParameterProperty') {
    lifting.refuse(pattern, 'parameter property');
    return;
  }
  erasePatternType(lifting.source, pattern);
  eachName(lifting, pattern, (name, start) => {
    if (name === 'this') lifting.refuse({ start }, '`this` parameter');
    lifting.declare({ name, kind, start });
  });
}

/** Records an assignment to every name of a pattern: all of them must be `let` variables or parameters. */
export function liftTarget(lifting: Lifting, target: AssignmentTarget): void {
  eachName(lifting, target, (name, start) => {
    const binding = lifting.scopes.resolve(name);
    if (!binding) lifting.refuse({ start }, `assignment to the global ${name}`);
    else if (binding.kind === 'counter') lifting.refuse({ start }, `assignment to ${name}, which counts a loop`);
    else if (binding.kind !== 'let' && binding.kind !== 'parameter') {
      lifting.refuse({ start }, `assignment to ${name}, which is not a local variable`);
    } else if (binding.depth < lifting.functionDepth) {
      lifting.refuse({ start }, `assignment to ${name}, which belongs to the function outside`);
    } else lifting.scopes.assigned(binding, start);
  });
}

function eachName(lifting: Lifting, pattern: Pattern, visit: (name: string, start: number) => void): void {
  switch (pattern.type) {
    case 'Identifier':
      visit(pattern.name, pattern.start);
      return;
    case 'AssignmentPattern':
      eachName(lifting, pattern.left, visit);
      liftExpression(lifting, pattern.right);
      return;
    case 'RestElement':
      eachName(lifting, pattern.argument, visit);
      return;
    case 'ArrayPattern':
      for (const element of pattern.elements) if (element) eachName(lifting, element, visit);
      return;
    case 'ObjectPattern':
      for (const property of pattern.properties) {
        if (property.type === 'RestElement') eachName(lifting, property, visit);
        else {
          if (property.computed) lifting.refuse(property.key, 'computed property name');
          else checkKey(lifting, property.key);
          eachName(lifting, property.value, visit);
        }
      }
      return;
    case 'MemberExpression':
      lifting.refuse(pattern, 'assignment to a member');
      return;
    default:
      lifting.refuse(pattern, `assignment to ${pattern.type}`);
  }
}
