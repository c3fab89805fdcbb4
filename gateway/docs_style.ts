/**
 * How `/docs` looks: one style sheet, served beside the page, so that no inline style has to be allowed.
 *
 * @module
 */

/** The page's style sheet: light or dark as the reader's system is. */
export const STYLE = `:root {
  color-scheme: light dark;
  --ink: light-dark(#1b2330, #e4e8ef);
  --soft: light-dark(#5c6778, #98a3b5);
  --paper: light-dark(#ffffff, #12161d);
  --panel: light-dark(#f5f7fa, #1a2029);
  --line: light-dark(#dfe4eb, #2b3441);
  --get: light-dark(#0b6bcb, #6cb2f7);
  --post: light-dark(#16794a, #5fd39a);
  --delete: light-dark(#b3261e, #f28b82);
  --warn: light-dark(#8a5a00, #e3b341);
}
* { box-sizing: border-box; }
html { scroll-behavior: smooth; scroll-padding-top: 1rem; }
body {
  margin: 0; display: grid; grid-template-columns: 19rem minmax(0, 1fr);
  font: 16px/1.55 system-ui, sans-serif; color: var(--ink); background: var(--paper);
}
nav {
  position: sticky; top: 0; height: 100vh; overflow-y: auto; padding: 1.5rem 1rem;
  background: var(--panel); border-right: 1px solid var(--line); font-size: .85rem;
}
nav h2 { margin: 1.25rem 0 .25rem; font-size: .75rem; text-transform: uppercase; letter-spacing: .06em; color: var(--soft); }
nav ul { list-style: none; margin: 0; padding: 0; }
nav a { display: flex; align-items: baseline; gap: .25rem; padding: .15rem .25rem; border-radius: 4px; color: inherit; text-decoration: none; overflow-wrap: anywhere; }
nav a:hover, nav a:focus-visible { background: var(--line); }
.brand { margin: 0; font-size: 1.25rem; font-weight: 700; }
.brand small { font-size: .75rem; font-weight: 400; color: var(--soft); }
main { max-width: 60rem; padding: 2rem 2.5rem 6rem; }
h1 { margin: 0 0 .5rem; font-size: 1.9rem; line-height: 1.2; }
main h2 { margin: 3rem 0 .25rem; font-size: 1.4rem; }
h4 { margin: 1rem 0 .25rem; font-size: .8rem; text-transform: uppercase; letter-spacing: .05em; color: var(--soft); }
.lead { color: var(--soft); }
article { margin: 1.25rem 0; padding: 1rem 1.25rem; border: 1px solid var(--line); border-radius: 8px; }
article:target, tr:target { outline: 2px solid var(--get); }
article h3 { margin: 0; font-size: 1rem; overflow-wrap: anywhere; }
b.get, b.post, b.delete {
  display: inline-block; flex: none; width: 3.4rem; font: 700 .7rem/1 ui-monospace, monospace; text-transform: uppercase;
}
b.get { color: var(--get); } b.post { color: var(--post); } b.delete { color: var(--delete); }
code { font: .875em ui-monospace, "DejaVu Sans Mono", monospace; }
table { width: 100%; border-collapse: collapse; font-size: .875rem; }
th, td { padding: .35rem .5rem; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); }
article > table td:last-child { width: 45%; }
th { color: var(--soft); font-weight: 600; }
.s2, .s4, .s5 { font: 600 .8rem ui-monospace, monospace; }
.s2 { color: var(--post); } .s4 { color: var(--warn); } .s5 { color: var(--delete); }
details { margin-top: .75rem; }
summary { cursor: pointer; color: var(--soft); font-size: .875rem; }
.type { margin: .5rem 0 0; color: var(--soft); }
dl { margin: .25rem 0 .5rem; padding-left: .75rem; border-left: 2px solid var(--line); font-size: .875rem; }
dt span, dt i { color: var(--soft); }
dd { margin: 0 0 .25rem 1rem; color: var(--soft); }
dd:empty { margin: 0; }
@media (max-width: 50rem) {
  body { display: block; }
  nav { position: static; height: auto; border-right: 0; border-bottom: 1px solid var(--line); }
  main { padding: 1.5rem 1rem 4rem; }
}
`;
