/** The top level of a lifted file: imports, exports, constants, functions and types. */
import type {
  Directive,
  ExportNamedDeclaration,
  ImportDeclaration,
  Program,
  Statement,
  StringLiteral,
} from 'oxc-parser';
import { liftFunctionDeclaration } from './functions.ts';
import type { Lifting } from './lifting.ts';
import { liftVariables } from './statements.ts';

/** Marks the lifted twin of a module. */
export const LIFTED = '?lifted';

/** Lifts a whole file. */
export function liftProgram(lifting: Lifting, program: Program): void {
  for (const statement of program.body) declareAhead(lifting, statement);
  for (const statement of program.body) liftTopLevel(lifting, statement);
}

/** Functions and constants may be used in functions above them. */
function declareAhead(lifting: Lifting, node: Directive | Statement): void {
  const declaration = node.type === 'ExportNamedDeclaration' ? node.declaration : node;
  if (declaration?.type === 'FunctionDeclaration' && declaration.id) {
    lifting.declare({ name: declaration.id.name, kind: 'module', start: declaration.id.start });
  }
  if (declaration?.type !== 'VariableDeclaration') return;
  for (const { id } of declaration.declarations) {
    if (id.type === 'Identifier') lifting.declare({ name: id.name, kind: 'module', start: id.start });
  }
}

function liftTopLevel(lifting: Lifting, node: Directive | Statement): void {
  switch (node.type) {
    case 'ImportDeclaration':
      liftImport(lifting, node);
      return;
    case 'ExportNamedDeclaration':
      liftExport(lifting, node);
      return;
    case 'ExportAllDeclaration':
      if (node.exportKind === 'type') {
        lifting.source.remove(node.start, node.end);
        return;
      }
      liftSpecifier(lifting, node.source);
      return;
    case 'ExportDefaultDeclaration':
      lifting.refuse(node, 'default export');
      return;
    case 'VariableDeclaration':
      liftVariables(lifting, node);
      return;
    case 'FunctionDeclaration':
      liftFunctionDeclaration(lifting, node);
      return;
    case 'TSTypeAliasDeclaration':
    case 'TSInterfaceDeclaration':
      lifting.source.remove(node.start, node.end);
      return;
    case 'TSDeclareFunction':
      lifting.refuse(node, 'function without a body');
      return;
    case 'ClassDeclaration':
      lifting.refuse(node, '`class`');
      return;
    case 'TSEnumDeclaration':
      lifting.refuse(node, '`enum`');
      return;
    case 'EmptyStatement':
      return;
    default:
      lifting.refuse(node, `${node.type} at the top level`);
      return;
  }
}

function liftImport(lifting: Lifting, node: ImportDeclaration): void {
  const names: string[] = [];
  const kind = lifting.isNative(node.source.value) ? 'native' : 'import';
  for (const specifier of node.specifiers) {
    if (node.importKind === 'type') continue;
    if (specifier.type === 'ImportDefaultSpecifier') lifting.refuse(specifier, 'default import');
    else if (specifier.type === 'ImportNamespaceSpecifier') names.push(`* as ${specifier.local.name}`);
    else if (specifier.importKind !== 'type') names.push(aliased(specifier.imported, specifier.local));
    else continue;
    lifting.declare({ name: specifier.local.name, kind, start: specifier.start });
  }
  if (names.length === 0) {
    if (node.specifiers.length === 0) lifting.refuse(node, 'import for its effects');
    lifting.source.remove(node.start, node.end);
    return;
  }
  liftSpecifier(lifting, node.source);
  const [first = ''] = names;
  const clause = first.startsWith('*') ? first : `{ ${names.join(', ')} }`;
  lifting.source.replace(node.start, node.source.start, `import ${clause} from `);
}

function liftExport(lifting: Lifting, node: ExportNamedDeclaration): void {
  const { declaration } = node;
  if (node.exportKind === 'type' && !declaration) {
    lifting.source.remove(node.start, node.end);
    return;
  }
  if (declaration) {
    if (declaration.type === 'TSTypeAliasDeclaration' || declaration.type === 'TSInterfaceDeclaration') {
      lifting.source.remove(node.start, node.end);
      return;
    }
    liftTopLevel(lifting, declaration);
    return;
  }
  const names = node.specifiers
    .filter((specifier) => specifier.exportKind !== 'type')
    .map((specifier) => aliased(specifier.local, specifier.exported));
  if (node.specifiers.some((specifier) => nameOf(specifier.exported) === 'default')) {
    lifting.refuse(node, 'default export');
  }
  if (names.length === 0) {
    lifting.source.remove(node.start, node.end);
    return;
  }
  const clause = `export { ${names.join(', ')} }`;
  if (!node.source) {
    lifting.source.replace(node.start, node.end, `${clause};`);
    return;
  }
  liftSpecifier(lifting, node.source);
  lifting.source.replace(node.start, node.source.start, `${clause} from `);
}

/** Sends an import of a model file to its lifted twin. */
function liftSpecifier(lifting: Lifting, source: StringLiteral): void {
  const specifier = source.value;
  if (lifting.isNative(specifier)) return;
  if (!/^\.\.?\//.test(specifier)) {
    lifting.refuse(source, `import of the package ${specifier}`);
    return;
  }
  if (!/\.(?:ts|c)$/.test(specifier)) {
    lifting.refuse(source, `import of ${specifier}, which is no .ts and no .c file`);
    return;
  }
  lifting.source.replace(source.start, source.end, JSON.stringify(specifier + LIFTED));
}

type Named = Pick<StringLiteral, 'type' | 'value'> | { readonly type: 'Identifier'; readonly name: string };

function nameOf(name: Named): string {
  return name.type === 'Literal' ? JSON.stringify(name.value) : name.name;
}

function aliased(from: Named, to: Named): string {
  return nameOf(from) === nameOf(to) ? nameOf(from) : `${nameOf(from)} as ${nameOf(to)}`;
}
