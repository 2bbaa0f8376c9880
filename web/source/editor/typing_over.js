// Typing over a selection, done by the editor and not by the browser.
//
// Where a selection spans lines, Chromium joins what is left of them and writes the looks of the
// joined text into a `style` attribute. The page's policy refuses that, rightly, and says so in the
// console. An editor that replaces the selection itself leaves the browser nothing to join.
import { EditorView } from '@codemirror/view';

export const typingOver = EditorView.domEventHandlers({
  beforeinput(event, view) {
    const { main } = view.state.selection;
    const isTyped = event.inputType === 'insertText' && event.data !== null && event.cancelable;
    if (!isTyped || main.empty || view.composing || view.state.readOnly) {
      return false;
    }
    type(view, main, event.data);
    event.preventDefault();
    return true;
  },
});

function type(view, { from, to }, text) {
  const insert = () => view.state.update(view.state.replaceSelection(text), {
    userEvent: 'input.type',
    scrollIntoView: true,
  });
  // Brackets, for one, are put around a selection by such a handler.
  const handlers = view.state.facet(EditorView.inputHandler);
  if (!handlers.some((handle) => handle(view, from, to, text, insert))) {
    view.dispatch(insert());
  }
}
