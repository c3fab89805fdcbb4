/**
 * `/docs`: the API document as a page for people. It is made once, holds no script and loads nothing from elsewhere.
 *
 * @module
 */
import { errorName, ERRORS, statusOf } from "./errors.ts";
import type { Json } from "./openapi.ts";

type JsonObject = { readonly [name: string]: Json };

/** The page that shows an OpenAPI document. */
export function docsPage(document: JsonObject): string {
  const info = document["info"] as Record<string, string>;
  const tags = document["tags"] as readonly Record<string, string>[];
  const operations = operationsOf(document);
  const inTag = (name: string) =>
    operations.filter(({ tags }) => tags.includes(name));
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${text(info["title"])} API</title>
<link rel="stylesheet" href="/docs/style.css">
</head>
<body>
<nav aria-label="Contents">
<p class="brand">${text(info["title"])} <small>${
    text(info["version"])
  }</small></p>
${
    tags.map(({ name }) =>
      `<h2>${text(name)}</h2>\n<ul>${
        inTag(name!).map(({ id, method, path }) =>
          `<li><a href="#${text(id)}"><b class="${method}">${method}</b> ${
            text(path.replace("/api/v1", ""))
          }</a></li>`
        ).join("\n")
      }</ul>`
    ).join("\n")
  }
<h2>Reference</h2>
<ul><li><a href="#errors">Errors</a></li><li><a href="/openapi.json">openapi.json</a></li></ul>
</nav>
<main>
<h1>${text(info["summary"])}</h1>
<p class="lead">${text(info["description"])}</p>
${
    tags.map(({ name, description }) =>
      `<section><h2>${text(name)}</h2><p>${text(description)}</p>\n${
        inTag(name!).map(article).join("\n")
      }</section>`
    ).join("\n")
  }
${errorTable()}
</main>
</body>
</html>
`;
}

interface Shown {
  readonly method: string;
  readonly path: string;
  readonly id: string;
  readonly tags: readonly string[];
  readonly spec: JsonObject;
}

function operationsOf(document: JsonObject): Shown[] {
  return Object.entries(document["paths"] as JsonObject).flatMap((
    [path, methods],
  ) =>
    Object.entries(methods as JsonObject).map(([method, spec]) => ({
      method,
      path,
      id: String((spec as JsonObject)["operationId"]),
      tags: (spec as JsonObject)["tags"] as readonly string[],
      spec: spec as JsonObject,
    }))
  );
}

function article({ method, path, id, spec }: Shown): string {
  const body = spec["requestBody"] as JsonObject | undefined;
  const isPublic = (spec["security"] as readonly Json[]).length === 0;
  return `<article id="${text(id)}">
<h3><b class="${method}">${method}</b> <code>${text(path)}</code></h3>
<p><strong>${text(spec["summary"])}.</strong> ${text(spec["description"])}${
    isPublic ? " <em>No token needed.</em>" : ""
  }</p>
${parameters((spec["parameters"] ?? []) as readonly JsonObject[])}
${body === undefined ? "" : `<h4>Body</h4>${contents(body)}`}
${responses(spec["responses"] as JsonObject)}
</article>`;
}

function parameters(list: readonly JsonObject[]): string {
  if (list.length === 0) return "";
  const rows = list.map((one) =>
    `<tr><td><code>${text(one["name"])}</code></td><td>${
      text(one["in"])
    }</td><td>${typeWords(one["schema"] as JsonObject)}</td><td>${
      one["required"] === true ? "Required. " : ""
    }${text(one["description"])}</td></tr>`
  );
  return `<h4>Parameters</h4><table><thead><tr><th>Name</th><th>In</th><th>Type</th><th></th></tr></thead><tbody>${
    rows.join("")
  }</tbody></table>`;
}

function responses(all: JsonObject): string {
  const rows = Object.entries(all).map(([status, one]) => {
    const response = one as JsonObject;
    const schema = Number(status) < 400 ? contents(response) : "";
    const headers = Object.entries((response["headers"] ?? {}) as JsonObject)
      .map(([name, header]) =>
        `<br><code>${name}</code> ${
          text((header as JsonObject)["description"])
        }`
      ).join("");
    return `<tr><td><span class="s${status[0]}">${status}</span></td><td>${
      text(response["description"])
    }${headers}${schema}</td></tr>`;
  });
  return `<details><summary>Answers</summary><table><tbody>${
    rows.join("")
  }</tbody></table></details>`;
}

function contents(holder: JsonObject): string {
  return Object.entries((holder["content"] ?? {}) as JsonObject).map((
    [mediaType, content],
  ) => {
    const schema = (content as JsonObject)["schema"] as JsonObject | undefined;
    return `<p class="type"><code>${text(mediaType)}</code></p>${
      schema === undefined ? "" : fields(schema)
    }`;
  }).join("");
}

/** The fields of an object, those of inner objects beneath them. */
function fields(schema: JsonObject): string {
  const choices = (schema["oneOf"] ?? schema["anyOf"]) as
    | readonly JsonObject[]
    | undefined;
  if (choices !== undefined) return choices.map(fields).join("");
  if (schema["type"] === "array") return fields(schema["items"] as JsonObject);
  const properties = schema["properties"] as JsonObject | undefined;
  if (properties === undefined) return "";
  const required = (schema["required"] ?? []) as readonly string[];
  return `<dl>${
    Object.entries(properties).map(([name, value]) => {
      const field = value as JsonObject;
      return `<dt><code>${text(name)}</code>${
        required.includes(name) ? "" : " <i>optional</i>"
      } <span>${typeWords(field)}</span></dt><dd>${text(field["description"])}${
        fields(field)
      }</dd>`;
    }).join("")
  }</dl>`;
}

/** `integer 1…100, default 20` */
function typeWords(schema: JsonObject): string {
  const standard = schema["default"] === undefined
    ? ""
    : `, default ${JSON.stringify(schema["default"])}`;
  return text(`${kindWords(schema)}${standard}`);
}

function kindWords(schema: JsonObject): string {
  const choices = (schema["oneOf"] ?? schema["anyOf"]) as
    | readonly JsonObject[]
    | undefined;
  if (choices !== undefined) {
    return [...new Set(choices.map(kindWords))].join(" or ");
  }
  if (schema["const"] !== undefined) return JSON.stringify(schema["const"]);
  if (schema["enum"] !== undefined) {
    return (schema["enum"] as readonly Json[]).join(" | ");
  }
  const range = bounds(schema["minimum"], schema["maximum"]) ||
    bounds(schema["minLength"], schema["maxLength"]);
  return `${schema["type"] ?? "any"}${range}`;
}

function bounds(least: Json | undefined, most: Json | undefined): string {
  const isWide = (value: Json | undefined) =>
    value === undefined || Math.abs(Number(value)) >= Number.MAX_SAFE_INTEGER;
  if (isWide(most)) return "";
  return isWide(least) ? ` up to ${most}` : ` ${least}…${most}`;
}

function errorTable(): string {
  const rows = Object.entries(ERRORS)
    .sort(([, one], [, other]) => one.number - other.number)
    .map(([code, row]) =>
      `<tr id="${errorName(row)}"><td><code>${
        errorName(row)
      }</code></td><td><span class="s${String(statusOf(row))[0]}">${
        statusOf(row)
      }</span></td><td>${text(row.title)}</td><td><code>${
        text(code)
      }</code></td></tr>`
    );
  return `<section id="errors"><h2>Errors</h2>
<p>Every answer from 400 up is a problem document (RFC 9457). Its code never changes its meaning.</p>
<table><thead><tr><th>Code</th><th>Status</th><th>Meaning</th><th>Inside</th></tr></thead><tbody>
${rows.join("\n")}
</tbody></table></section>`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
};

/** Text as HTML; words between backticks as code. */
function text(value: Json | undefined): string {
  return String(value ?? "")
    .replaceAll(/[&<>"]/g, (character) => ENTITIES[character]!)
    .replaceAll(/`([^`]+)`/g, "<code>$1</code>");
}
