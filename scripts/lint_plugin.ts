/**
 * House rules that a machine can check at one file: `layers` (imports and doors), `ambient` (pure
 * folders meet no clock, chance or world) and `money` (the chain does not name payments).
 *
 * @module
 */
import {
  AMBIENT,
  complaints,
  layerOf,
  LAYERS,
  MONEY,
  MONEYLESS,
  OUTSIDE,
  PURE,
  PURE_CRYPTO,
} from "./layers.ts";

const ROOT = new URL("..", import.meta.url).pathname;

export default {
  name: "lucid",
  rules: {
    layers: { create: layers },
    ambient: { create: ambient },
    money: { create: money },
  },
} satisfies Deno.lint.Plugin;

function layers(context: Deno.lint.RuleContext): Deno.lint.LintVisitor {
  const from = relative(context.filename);
  const judge = (node: Deno.lint.Node, specifier: unknown): void => {
    if (typeof specifier === "string") {
      for (const message of complaints(from, specifier)) {
        context.report({ node, message });
      }
    } else if (!OUTSIDE.includes(layerOf(from))) {
      const message = "Cannot import a computed name: layers are not seen";
      context.report({ node, message });
    }
  };
  return {
    Program(node) {
      const layer = layerOf(from);
      if (layer in LAYERS || OUTSIDE.includes(layer)) return;
      const message =
        `Cannot place ${layer}: scripts/layers.ts has no such layer`;
      context.report({ node, message });
    },
    ImportDeclaration: (node) => judge(node, node.source.value),
    ExportAllDeclaration: (node) => judge(node, node.source.value),
    ExportNamedDeclaration(node) {
      if (node.source) judge(node, node.source.value);
    },
    ImportExpression: (node) => judge(node, literal(node.source)),
    TSImportType: (node) => judge(node, literal(node.argument)),
    TSExternalModuleReference: (node) => judge(node, literal(node.expression)),
    // A worker's module, or any other file of ours named by URL.
    NewExpression(node) {
      const [path, base] = node.arguments;
      if (!isNamed(node.callee, "URL") || path === undefined) return;
      if (base === undefined || !isImportMeta(base)) return;
      const name = literal(path);
      if (name === undefined || /\.[jt]s$/.test(name)) judge(node, name);
    },
  };
}

function ambient(context: Deno.lint.RuleContext): Deno.lint.LintVisitor {
  const layer = layerOf(relative(context.filename));
  if (!(layer in PURE)) return {};
  const bound = new Map<string, Set<Deno.lint.Node>>();
  const references: { node: Deno.lint.Identifier; instead: string }[] = [];

  const bind = (pattern: Pattern, from: Deno.lint.Node): void => {
    for (const name of boundBy(pattern)) {
      bound.getOrInsertComputed(name, () => new Set()).add(scopeOf(from));
    }
  };
  const callable = (
    node:
      | Deno.lint.FunctionDeclaration
      | Deno.lint.FunctionExpression
      | Deno.lint.ArrowFunctionExpression,
  ): void => {
    for (const parameter of node.params) bind(parameter, node);
  };
  const chance = (node: Deno.lint.Node, what: string): void =>
    context.report({
      node,
      message: `Cannot use ${what} in ${layer}: it lets chance in`,
      hint: "Use a value passed in (`context.newId()`)",
    });
  const named = (node: Deno.lint.Node, name: string): void => {
    if (!PURE_CRYPTO.includes(name)) chance(node, `node:crypto's ${name}`);
  };

  return {
    ImportDeclaration(node) {
      for (const one of node.specifiers) {
        bind(one.local, node);
        if (node.importKind === "type") continue;
        if (one.type !== "ImportSpecifier") {
          if (node.source.value === "node:crypto") named(one, "whole module");
          continue;
        }
        const name = nameOf(one.imported);
        if (one.importKind === "type") continue;
        if (node.source.value === "node:crypto") named(one, name);
        else if (name.startsWith("random")) chance(one, name);
      }
    },
    ExportAllDeclaration(node) {
      if (node.source.value === "node:crypto") named(node, "whole module");
    },
    ExportNamedDeclaration(node) {
      if (node.source?.value !== "node:crypto") return;
      for (const one of node.specifiers) named(one, nameOf(one.local));
    },
    VariableDeclaration(node) {
      if (node.declare) return;
      for (const { id } of node.declarations) bind(id, node);
    },
    FunctionDeclaration(node) {
      bind(node.id, node.parent);
      callable(node);
    },
    FunctionExpression(node) {
      bind(node.id, node);
      callable(node);
    },
    ArrowFunctionExpression: callable,
    ClassDeclaration(node) {
      if (!node.declare) bind(node.id, node.parent);
    },
    TSEnumDeclaration: (node) => bind(node.id, node.parent),
    CatchClause: (node) => bind(node.param, node),
    MetaProperty(node) {
      if (!isImportMeta(node)) return;
      context.report({
        node,
        message: `Cannot use import.meta in ${layer}: it lets the world in`,
        hint: "Use an argument",
      });
    },
    MemberExpression(node) {
      const name = node.computed
        ? literal(node.property)
        : nameOf(node.property);
      if (name?.startsWith("random")) chance(node, name);
      else if (
        node.computed && name === undefined && isNamed(node.object, "Math")
      ) {
        chance(node, "a computed name of Math");
      }
    },
    Identifier(node) {
      if (isLabelOrType(node)) return;
      const instead = Object.hasOwn(AMBIENT, node.name)
        ? AMBIENT[node.name]
        : undefined;
      if (instead !== undefined) references.push({ node, instead });
      // Math handed on or taken apart carries its random along.
      if (node.name === "Math" && node.parent.type !== "MemberExpression") {
        chance(node, "Math as a value");
      }
    },
    "Program:exit"() {
      for (const { node, instead } of references) {
        const scopes = bound.get(node.name);
        if (scopes && lineage(node).some((one) => scopes.has(one))) continue;
        context.report({
          node,
          message: `Cannot use ${node.name} in ${layer}: it lets the world in`,
          hint: `Use ${instead}`,
        });
      }
    },
  };
}

function money(context: Deno.lint.RuleContext): Deno.lint.LintVisitor {
  const from = relative(context.filename);
  if (!MONEYLESS.some((folder) => from.startsWith(folder))) return {};
  return {
    Program() {
      for (
        const { 0: word, index } of context.sourceCode.text.matchAll(MONEY)
      ) {
        context.report({
          range: [index, index + word.length],
          message: `Cannot name "${word}" here: the chain knows no payments`,
        });
      }
    },
  };
}

/** `actors/session/session.ts`, whether Deno handed us an absolute or a relative name. */
function relative(path: string): string {
  return path.startsWith(ROOT) ? path.slice(ROOT.length) : path;
}

/** The text of a string literal, also as a type or a template without holes; else undefined. */
function literal(node: Deno.lint.Node): string | undefined {
  if (node.type === "TSLiteralType") return literal(node.literal);
  if (node.type === "TemplateLiteral" && node.expressions.length === 0) {
    return node.quasis[0]?.cooked;
  }
  return node.type === "Literal" && typeof node.value === "string"
    ? node.value
    : undefined;
}

function nameOf(node: Deno.lint.Node): string {
  return node.type === "Identifier" ? node.name : literal(node) ?? "";
}

function isNamed(node: Deno.lint.Node, name: string): boolean {
  return node.type === "Identifier" && node.name === name;
}

function isImportMeta(node: Deno.lint.Node): boolean {
  if (node.type === "MemberExpression") return isImportMeta(node.object);
  return node.type === "MetaProperty" && node.meta.name === "import";
}

type Pattern = Deno.lint.Node | Deno.lint.Parameter | null;

/** Every name that a declaration's pattern brings to life. */
function boundBy(pattern: Pattern): string[] {
  switch (pattern?.type) {
    case "Identifier":
      return [pattern.name];
    case "AssignmentPattern":
      return boundBy(pattern.left);
    case "RestElement":
      return boundBy(pattern.argument);
    case "Property":
      return boundBy(pattern.value);
    case "TSParameterProperty":
      return boundBy(pattern.parameter);
    case "ArrayPattern":
      return pattern.elements.flatMap(boundBy);
    case "ObjectPattern":
      return pattern.properties.flatMap(boundBy);
    default:
      return [];
  }
}

const SCOPES =
  /^(Program|BlockStatement|StaticBlock|TSModuleBlock|CatchClause|SwitchStatement|For(In|Of)?Statement|Function(Declaration|Expression)|ArrowFunctionExpression)$/;

/** The innermost scope that `node` is or lies in. */
function scopeOf(node: Deno.lint.Node): Deno.lint.Node {
  return lineage(node).find((one) => SCOPES.test(one.type))!;
}

/** `node`, its parent, and so on up to the program. */
function lineage(node: Deno.lint.Node): Deno.lint.Node[] {
  const line = [node];
  for (let one = node; "parent" in one && one.parent; one = line.at(-1)!) {
    line.push(one.parent as Deno.lint.Node);
  }
  return line;
}

/** Nodes of TypeScript that hold a value; an identifier in any other is a type, gone at run time. */
const TYPED_VALUES =
  /^TS(AsExpression|SatisfiesExpression|NonNullExpression|TypeAssertion|InstantiationExpression|ExportAssignment)$/;

/** Whether an identifier only names a member, a key, a label or a type, and reads no variable. */
function isLabelOrType(node: Deno.lint.Identifier): boolean {
  const { parent } = node;
  switch (parent.type) {
    case "MemberExpression":
      return parent.property === node && !parent.computed;
    case "Property":
    case "MethodDefinition":
    case "PropertyDefinition":
      return parent.key === node && !parent.computed;
    case "ExportSpecifier":
      return parent.exported === node ||
        (parent.parent as Deno.lint.ExportNamedDeclaration).source !== null;
    case "ImportSpecifier":
    case "LabeledStatement":
    case "BreakStatement":
    case "ContinueStatement":
    case "MetaProperty":
      return true;
    default:
      return parent.type.startsWith("TS") && !TYPED_VALUES.test(parent.type);
  }
}
