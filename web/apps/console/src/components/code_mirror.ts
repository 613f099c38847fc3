// SPDX-License-Identifier: Apache-2.0
import {
  autocompletion,
  completionKeymap,
  type CompletionContext,
  type CompletionResult,
} from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { json } from '@codemirror/lang-json';
import { yaml } from '@codemirror/lang-yaml';
import { bracketMatching, HighlightStyle, StreamLanguage, syntaxHighlighting } from '@codemirror/language';
import { MergeView } from '@codemirror/merge';
import { EditorState, type Extension } from '@codemirror/state';
import { EditorView, keymap, lineNumbers } from '@codemirror/view';
import { tags as tag } from '@lezer/highlight';

export type Language = 'expression' | 'json' | 'yaml' | 'text';

export interface EditorOptions {
  language: Language;
  label: string;
  readonly: boolean;
  minLines: number;
  id?: string | undefined;
  describedby?: string | undefined;
  changed: (text: string) => void;
}

/** What expressions of routes may speak of. */
const FIELDS: [string, string][] = [
  ['http.method', 'GET, POST, ...'],
  ['http.host', 'host name'],
  ['http.path', 'normalised path'],
  ['http.path.segments.0', 'first segment of the path'],
  ['http.path.segments.len', 'number of segments'],
  ['http.headers.', 'a header: http.headers.x_name'],
  ['http.queries.', 'an argument: http.queries.name'],
  ['net.protocol', 'http, https, ...'],
  ['net.src.ip', "client's address"],
  ['net.src.port', "client's port"],
  ['net.dst.ip', 'address that was connected to'],
  ['net.dst.port', 'port that was connected to'],
  ['tls.sni', 'server name of the handshake'],
];
const OPERATORS = ['&&', '||', '==', '!=', '~', '^=', '=^', 'in', 'not in', 'contains', '>', '>=', '<', '<='];

const expression = StreamLanguage.define<null>({
  name: 'expression',
  startState: () => null,
  token(stream) {
    if (stream.eatSpace()) return null;
    if (stream.match(/r#"(?:[^"]|"(?!#))*"#|"(?:[^"\\]|\\.)*"?/)) return 'string';
    if (stream.match(/(?:http|net|tls)\.[\w.]+/)) return 'propertyName';
    if (stream.match(/(?:in|not|contains)\b/)) return 'keyword';
    if (stream.match(/(?:lower|upper|any)\b/)) return 'function';
    if (stream.match(/\d[\d.:/a-f]*/)) return 'number';
    if (stream.match(/&&|\|\||==|!=|\^=|=\^|>=|<=|[~<>!]/)) return 'operator';
    stream.next();
    return null;
  },
  tokenTable: { propertyName: tag.propertyName, function: tag.function(tag.variableName) },
});

function complete(context: CompletionContext): CompletionResult | null {
  const word = context.matchBefore(/[\w.]+/);
  if (!word && !context.explicit) return null;
  return {
    from: word?.from ?? context.pos,
    options: [
      ...FIELDS.map(([label, detail]) => ({ label, detail, type: 'property' })),
      ...OPERATORS.map((label) => ({ label, type: 'keyword' })),
    ],
    validFor: /^[\w.]*$/,
  };
}

const colours = HighlightStyle.define([
  { tag: [tag.propertyName, tag.definition(tag.propertyName)], color: 'var(--link)' },
  { tag: [tag.string, tag.special(tag.string)], color: 'var(--good)' },
  { tag: [tag.number, tag.bool, tag.null], color: 'var(--warn)' },
  { tag: [tag.keyword, tag.operator], color: 'var(--info)', fontWeight: '600' },
  { tag: tag.comment, color: 'var(--text-3)', fontStyle: 'italic' },
]);

const look = EditorView.theme({
  '&': { color: 'var(--text)', backgroundColor: 'transparent', fontSize: '13px' },
  '&.cm-focused': { outline: 'none' },
  '.cm-content': { fontFamily: 'var(--mono)', caretColor: 'var(--text)', padding: '8px 0' },
  '.cm-line': { padding: '0 10px' },
  '.cm-gutters': { backgroundColor: 'var(--surface-2)', color: 'var(--text-2)', border: '0' },
  '.cm-cursor': { borderLeftColor: 'var(--text)' },
  '&.cm-focused .cm-selectionBackground, .cm-selectionBackground': { backgroundColor: 'var(--accent-soft) !important' },
  '.cm-tooltip': {
    backgroundColor: 'var(--surface)',
    border: '1px solid var(--line)',
    borderRadius: '8px',
    boxShadow: 'var(--shadow-l)',
  },
  '.cm-tooltip-autocomplete ul li[aria-selected]': { backgroundColor: 'var(--accent-soft)', color: 'var(--text)' },
  '.cm-completionDetail': { color: 'var(--text-2)', fontStyle: 'normal' },
  '.cm-changedLine, .cm-insertedLine': { backgroundColor: 'var(--good-soft) !important' },
  '.cm-deletedLine, &.cm-merge-a .cm-changedLine': { backgroundColor: 'var(--bad-soft) !important' },
  '.cm-collapsedLines': { background: 'var(--surface-2)', color: 'var(--text-2)' },
  // In place of a sign that few fonts have.
  '.cm-collapsedLines:before, .cm-collapsedLines:after': { content: '"…"' },
});

function languageOf(language: Language): Extension {
  if (language === 'json') return [json(), bracketMatching()];
  if (language === 'yaml') return yaml();
  if (language === 'expression') return [expression, bracketMatching(), autocompletion({ override: [complete] })];
  return [];
}

function basics(language: Language): Extension[] {
  return [languageOf(language), syntaxHighlighting(colours), look, EditorView.lineWrapping];
}

export function makeEditor(parent: HTMLElement, text: string, options: EditorOptions): EditorView {
  const attributes: Record<string, string> = { 'aria-label': options.label };
  if (options.id) attributes['id'] = options.id;
  if (options.describedby) attributes['aria-describedby'] = options.describedby;
  if (options.readonly) attributes['tabindex'] = '0';
  return new EditorView({
    parent,
    state: EditorState.create({
      doc: text,
      extensions: [
        ...basics(options.language),
        history(),
        // Tab leaves the editor: a page must be passable by keyboard.
        keymap.of([...completionKeymap, ...defaultKeymap, ...historyKeymap]),
        options.language === 'expression' ? [] : lineNumbers(),
        EditorView.contentAttributes.of(attributes),
        EditorView.theme({ '.cm-content': { minHeight: `${options.minLines * 1.4 + 1.2}em` } }),
        EditorState.readOnly.of(options.readonly),
        EditorView.editable.of(!options.readonly),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) options.changed(update.state.doc.toString());
        }),
      ],
    }),
  });
}

export function replaceText(view: EditorView, text: string): void {
  const length = view.state.doc.length;
  if (view.state.doc.toString() !== text) view.dispatch({ changes: { from: 0, to: length, insert: text } });
}

export interface Side {
  text: string;
  label: string;
}

/** Two texts side by side, with what is alike folded away. */
export function makeDifference(parent: HTMLElement, before: Side, after: Side, language: Language): MergeView {
  const shown = ({ text, label }: Side): { doc: string; extensions: Extension[] } => ({
    doc: text,
    extensions: [
      ...basics(language),
      EditorState.readOnly.of(true),
      EditorView.editable.of(false),
      EditorView.contentAttributes.of({ 'aria-label': label, 'aria-readonly': 'true', tabindex: '0' }),
    ],
  });
  return new MergeView({
    parent,
    a: shown(before),
    b: shown(after),
    gutter: false,
    collapseUnchanged: { margin: 2, minSize: 4 },
  });
}
