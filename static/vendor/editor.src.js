// The source of editor.js: CodeMirror 6 for every <textarea data-editor data-file="x.yaml">, kept in step with
// it so that forms and pages without scripts see the same text. Escape, then Tab leaves the editor.
import { EditorView, drawSelection, highlightActiveLine, highlightActiveLineGutter, highlightSpecialChars, keymap, lineNumbers } from "@codemirror/view";
import { Compartment, EditorState } from "@codemirror/state";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { HighlightStyle, StreamLanguage, bracketMatching, foldGutter, foldKeymap, indentOnInput, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { closeBrackets, closeBracketsKeymap } from "@codemirror/autocomplete";
import { json } from "@codemirror/lang-json";
import { yaml } from "@codemirror/lang-yaml";
import { markdownLanguage } from "@codemirror/lang-markdown";
import { LanguageSupport } from "@codemirror/language";
import { dockerFile } from "@codemirror/legacy-modes/mode/dockerfile";
import { nginx } from "@codemirror/legacy-modes/mode/nginx";
import { python } from "@codemirror/legacy-modes/mode/python";
import { shell } from "@codemirror/legacy-modes/mode/shell";
import { toml } from "@codemirror/legacy-modes/mode/toml";
import { properties } from "@codemirror/legacy-modes/mode/properties";
import { tags as t } from "@lezer/highlight";

// No HCL mode exists upstream; colours need no more than words, strings, comments and heredocs.
const hcl = {
  name: "hcl",
  startState: () => ({ comment: false, heredoc: null, string: false, depth: 0 }),
  token(stream, state) {
    if (state.comment) {
      if (stream.skipTo("*/")) { stream.match("*/"); state.comment = false; } else stream.skipToEnd();
      return "comment";
    }
    if (state.heredoc) {
      if (stream.sol() && stream.string.trim() === state.heredoc) state.heredoc = null;
      stream.skipToEnd();
      return "string";
    }
    if (state.string) {
      while (!stream.eol()) {
        const c = stream.next();
        if (c === "\\") stream.next();
        else if (c === '"') { state.string = false; break; }
        else if (c === "$" && stream.match(/^\{[^"}]*\}/)) continue;
      }
      if (stream.eol()) state.string = false;
      return "string";
    }
    if (stream.eatSpace()) return null;
    if (stream.match("/*")) { state.comment = true; return "comment"; }
    if (stream.match("//") || stream.match("#")) { stream.skipToEnd(); return "comment"; }
    const heredoc = stream.match(/^<<-?([A-Za-z_]\w*)/);
    if (heredoc) { state.heredoc = heredoc[1]; return "string"; }
    if (stream.eat('"')) { state.string = true; return "string"; }
    if (stream.match(/^\d+(\.\d+)?([eE][+-]?\d+)?/)) return "number";
    if (stream.match(/^(true|false|null)\b/)) return "bool";
    if (stream.match(/^(for|in|if|else|endif|endfor)\b/)) return "keyword";
    const top = stream.sol() && stream.match(/^(resource|data|variable|output|module|provider|terraform|locals|moved|import|check|removed|run|mock_provider)\b/);
    if (top) return "keyword";
    if (stream.match(/^[A-Za-z_][\w-]*(?=\s*(=[^=]|\{))/)) return "propertyName";
    if (stream.match(/^[A-Za-z_][\w-]*(?=\()/)) return "variableName.function";
    if (stream.match(/^[A-Za-z_][\w-]*/)) return null;
    stream.next();
    return null;
  },
  languageData: { commentTokens: { line: "#", block: { open: "/*", close: "*/" } }, closeBrackets: { brackets: ["(", "[", "{", '"'] } },
};

const byName = [
  [/\.(ya?ml)$/i, yaml],
  [/\.json$/i, json],
  [/\.(tf|hcl|tfvars)$/i, () => StreamLanguage.define(hcl)],
  [/\.(md|markdown)$/i, () => new LanguageSupport(markdownLanguage)],
  [/\.py$/i, () => StreamLanguage.define(python)],
  [/\.(sh|bash)$/i, () => StreamLanguage.define(shell)],
  [/\.toml$/i, () => StreamLanguage.define(toml)],
  [/(^|\/)(Dockerfile|Containerfile)/, () => StreamLanguage.define(dockerFile)],
  [/(nginx.*|\.nginx)\.conf$/i, () => StreamLanguage.define(nginx)],
  [/\.(service|timer|socket|ini|conf|cfg)$/i, () => StreamLanguage.define(properties)],
];
const language = (file) => byName.find(([name]) => name.test(file))?.[1]() ?? [];

// Colours are the style sheet's custom properties, so light and dark need no second theme.
const colours = HighlightStyle.define([
  { tag: [t.keyword, t.modifier, t.definitionKeyword], color: "var(--code-keyword)" },
  { tag: [t.string, t.special(t.string)], color: "var(--code-string)" },
  { tag: [t.number, t.bool, t.null, t.atom], color: "var(--code-number)" },
  { tag: [t.propertyName, t.definition(t.propertyName), t.typeName, t.tagName, t.function(t.variableName)], color: "var(--code-key)" },
  { tag: [t.comment, t.meta], color: "var(--code-comment)" },
  { tag: t.heading, fontWeight: "700" },
  { tag: t.strong, fontWeight: "700" },
  { tag: t.emphasis, fontStyle: "italic" },
  { tag: [t.link, t.url], color: "var(--link)" },
  { tag: t.invalid, color: "var(--stop)" },
]);
const look = EditorView.theme({
  "&": { backgroundColor: "transparent", color: "var(--ink)", fontSize: ".84375rem" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.6", minHeight: "18rem", maxHeight: "70vh" },
  ".cm-content": { caretColor: "var(--ink)", padding: ".6rem 0" },
  ".cm-cursor": { borderLeftColor: "var(--ink)", borderLeftWidth: "2px" },
  ".cm-gutters": { backgroundColor: "transparent", color: "var(--ink-3)", borderRight: "1px solid var(--line)" },
  ".cm-activeLine": { backgroundColor: "color-mix(in srgb, var(--here) 55%, transparent)" },
  ".cm-activeLineGutter": { backgroundColor: "var(--here)", color: "var(--ink)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": { backgroundColor: "color-mix(in srgb, var(--info-fill) 30%, transparent)" },
  ".cm-matchingBracket, &.cm-focused .cm-matchingBracket": { backgroundColor: "transparent", outline: "1px solid var(--edge)" },
  ".cm-selectionMatch": { backgroundColor: "var(--info-soft)" },
  ".cm-foldPlaceholder": { backgroundColor: "var(--sunken)", border: "0", color: "var(--ink-2)" },
  ".cm-panels": { backgroundColor: "var(--sunken)", color: "var(--ink)", borderColor: "var(--line)" },
  ".cm-panel input, .cm-panel button": { width: "auto", minHeight: "0" },
  ".cm-textfield": { backgroundColor: "var(--surface)", color: "var(--ink)", borderColor: "var(--edge)" },
  ".cm-button": { backgroundImage: "none", backgroundColor: "var(--surface)", color: "var(--ink)", borderColor: "var(--line-2)" },
  ".cm-tooltip": { backgroundColor: "var(--raised)", color: "var(--ink)", borderColor: "var(--line)" },
});

const nonce = document.querySelector('meta[name="csp-nonce"]')?.content;

function upgrade(area) {
  if (area.editor) return;
  const tongue = new Compartment();
  const label = area.getAttribute("aria-label") || area.dataset.file || "Editor";
  const view = new EditorView({
    state: EditorState.create({
      doc: area.value,
      extensions: [
        nonce ? EditorView.cspNonce.of(nonce) : [],
        lineNumbers(), foldGutter(), highlightSpecialChars(), history(), drawSelection(), indentOnInput(), indentUnit.of("  "),
        EditorState.tabSize.of(2), bracketMatching(), closeBrackets(), highlightActiveLine(), highlightActiveLineGutter(), highlightSelectionMatches(),
        EditorState.readOnly.of(area.readOnly), EditorView.contentAttributes.of({ "aria-label": label, spellcheck: "false" }),
        tongue.of(language(area.dataset.file ?? "")), syntaxHighlighting(colours), look,
        // CodeMirror's own rule: Escape, then Tab within two seconds moves the focus on instead of indenting.
        keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...searchKeymap, ...historyKeymap, ...foldKeymap, indentWithTab]),
        EditorView.updateListener.of((change) => {
          if (!change.docChanged) return;
          area.value = change.state.doc.toString();
          area.dispatchEvent(new Event("input", { bubbles: true }));
        }),
      ],
    }),
  });
  area.editor = view;
  area.hidden = true;
  area.after(view.dom);
  document.fonts?.ready.then(() => view.requestMeasure()); // the gutter was measured in the fallback font
  area.form?.addEventListener("reset", () => setTimeout(() => view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: area.value } })));
  area.closest(".editor")?.querySelector("[data-filename]")?.addEventListener("change", (event) => {
    view.dispatch({ effects: tongue.reconfigure(language(event.target.value)) });
  });
}

const upgradeAll = (where) => where.querySelectorAll("textarea[data-editor]").forEach(upgrade);
if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", () => upgradeAll(document));
else upgradeAll(document);
document.addEventListener("groundcrew:editors", (event) => upgradeAll(event.detail));
document.addEventListener("htmx:load", (event) => upgradeAll(event.detail.elt));
