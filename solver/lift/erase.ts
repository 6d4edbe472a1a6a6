/** Removes TypeScript's types from the text, everything else stays where it is. */
import type { BindingIdentifier, BindingPattern, ParamPattern } from 'oxc-parser';
import type { Range } from './scopes.ts';
import type { SourceFile } from './source.ts';

/** Removes an annotation, type parameters or type arguments, where there are any. */
export function eraseNode(source: SourceFile, node: Range | null | undefined): void {
  if (node) source.remove(node.start, node.end);
}

/** Leaves the name alone: `name?: T` becomes `name`. */
export function eraseIdentifierType(source: SourceFile, identifier: BindingIdentifier): void {
  source.remove(identifier.start + identifier.name.length, identifier.end);
}

/** Leaves the expression alone: `x as T`, `x satisfies T` and `x!` become `x`. */
export function eraseAfter(source: SourceFile, expression: Range, whole: Range): void {
  source.remove(expression.end, whole.end);
}

/** Erases the annotation of a pattern, not of its parts. */
export function erasePatternType(source: SourceFile, pattern: BindingPattern | ParamPattern): void {
  if (pattern.type === 'Identifier') eraseIdentifierType(source, pattern);
  else if (pattern.type === 'AssignmentPattern') erasePatternType(source, pattern.left);
  else if (pattern.type !== 'TSParameterProperty') eraseNode(source, pattern.typeAnnotation);
}
