// A CodeMirror editor as a component.
//
// It lives in a shadow root: there CodeMirror hands its rules over as constructed style sheets,
// which a strict Content-Security-Policy allows. In the document itself it would add a <style>
// element, which needs 'unsafe-inline'.
import { EditorState } from '@codemirror/state';
import { EditorView } from '@codemirror/view';
import { useLayoutEffect, useRef } from 'preact/hooks';

/**
 * `text` and `extensions` are what it begins with; `onText` hears each change, `onView` gets the
 * view once it is there. The view alone has the text from then on: it is changed by `replaceText`.
 * A text that came back from a render, late, would fight with what is being typed.
 */
export function CodeEditor({ label, text, onText, extensions, onView, name }) {
  const host = useRef(null);
  const heard = useRef(onText);
  heard.current = onText;

  // Made with the page and not after it was painted: the effects of those who use the view may run
  // as soon as that.
  useLayoutEffect(() => {
    const root = host.current.shadowRoot ?? host.current.attachShadow({ mode: 'open' });
    const listen = EditorView.updateListener.of((update) => {
      if (update.docChanged) {
        heard.current?.(update.state.doc.toString());
      }
    });
    // It takes the focus as it is; that it does must be said for tools that look for it.
    const named = EditorView.contentAttributes.of({ 'aria-label': label, tabindex: '0' });
    const state = EditorState.create({ doc: text, extensions: [named, listen, extensions] });
    const view = new EditorView({ state, root, parent: root });
    onView?.(view);
    return () => view.destroy();
  }, []);

  return <div ref={host} class="code-editor" data-editor={name} />;
}

/** Puts another text into an editor, as one step that can be undone. */
export function replaceText(view, text) {
  const present = view.state.doc.toString();
  if (present !== text) {
    view.dispatch({ changes: { from: 0, to: present.length, insert: text } });
  }
}

/** Puts the cursor at a place, in sight, and the focus into the editor. */
export function goTo(view, place) {
  const anchor = Math.min(Math.max(place, 0), view.state.doc.length);
  const effects = EditorView.scrollIntoView(anchor, { y: 'center' });
  view.dispatch({ selection: { anchor }, effects });
  view.focus();
}

/** The place of a line and a column, both from 1 as GraphQL counts them. */
export function placeOf(view, { line, column }) {
  const { doc } = view.state;
  const found = doc.line(Math.min(Math.max(line, 1), doc.lines));
  return Math.min(found.from + Math.max(column - 1, 0), found.to);
}
