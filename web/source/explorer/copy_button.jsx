// Puts a text on the clipboard, and says whether it is there.
import { useState } from 'preact/hooks';

export function CopyButton({ text }) {
  const [tried, setTried] = useState({});
  const copy = async () => setTried({ text, isDone: await copied(text) });
  const said = tried.isDone ? 'Copied' : 'Not copied: select it and copy it by hand';
  return (
    <>
      <span class="quiet-text" role="status">{tried.text === text && said}</span>
      <button type="button" class="quiet" onClick={copy}>Copy</button>
    </>
  );
}

async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Browsers lend the clipboard to https and to this machine alone. A server in a local network
    // has neither, so there it goes the older way.
    return copiedFromField(text);
  }
}

function copiedFromField(text) {
  const before = document.activeElement;
  const field = document.createElement('textarea');
  field.className = 'unseen';
  field.value = text;
  document.body.append(field);
  field.select();
  const isDone = document.execCommand('copy');
  field.remove();
  before?.focus();
  return isDone;
}
